# SPDX-License-Identifier: GPL-3.0-or-later
"""Photos -> a reconstruction in the Blender scene."""

from __future__ import annotations

from pathlib import Path

import bpy

from ...scene import never_saved
from ...scene.folder import check_writable, read_scene
from ...scene.states import keep_from_now_on
from ...scene.tips import tips
from ...worker.messages import Reconstruct, Reconstructed
from .. import conditions, photo_list, preferences, problems
from ..scene import importing, location, lookup, replacing
from ..scene.steps import Aside, object_named
from ..session import choosing, finding
from .driving import Call, Warn, Work
from .opening import show_imported


def reconstructing(
    source: photo_list.Source, folder: Path | None = None, *, engine: str = "", image_size: int = 0
) -> Work:
    """Reconstruct photos; what there is of them in Blender makes way where ``folder`` is written anew.

    Args:
        folder: the scene folder to write; a free one beside the .blend when there is none.
        engine: "stereo" or "dust3r"; what the panel says when empty.
        image_size: longer side of the depth maps, pixels; what the panel says when 0.

    Raises:
        WildSegError: of the kind that says what is wrong with the photos, the folder or the worker.
    """
    conditions.idle()
    conditions.object_mode()
    problems.dismiss()
    settings = bpy.context.scene.wildseg3d
    place = folder or location.default_folder(bpy.context, Path(source.name))
    unsaved = folder is None and not bpy.data.filepath
    check_writable(place)
    keep_from_now_on(place)
    request = Reconstruct(
        photos=tuple(str(path) for path in source.paths),
        folder=str(place),
        engine=engine or choosing.engine(bpy.context.scene),
        image_size=image_size or settings.image_size,
        quality=settings.quality.lower(),
        alpha_p=settings.alpha_p,
        alpha_n=settings.alpha_n,
        iterations=settings.iterations,
        min_confidence=settings.min_confidence,
    )
    made = Reconstructed.from_json((yield Call("Reconstruct", "reconstruct", request.to_json(), until=0.97)))
    if unsaved:
        never_saved.mark(place)
    scene_tips = yield Aside(lambda: tips(read_scene(made.scene)), "Looking at the result")
    context = bpy.context
    before = {item.name for item in context.scene.objects}
    root_name = yield from importing.importing(context.scene.name, made.scene, source.name)
    context, root = bpy.context, object_named(root_name)
    hidden = replacing.retire_earlier(context.scene, root)
    _settle(context, root, source, scene_tips)
    replacing.hide_startup_cube(context.view_layer, before)
    show_imported(context, root)
    if preferences.finds_objects(context) and not bpy.app.background:
        finding.want(lookup.scene_folder(root))
    if made.skipped:
        names = ", ".join(Path(item.photo).name for item in made.skipped)
        yield Warn(f"Not placed: {names}. The panel's list of photos says why.")
    return _summary(made, place, hidden, chosen=folder is not None)


def _settle(
    context: bpy.types.Context, root: bpy.types.Object, source: photo_list.Source, found: list[str]
) -> None:
    """The photos wait no longer: they are the reconstruction's."""
    settings = context.scene.wildseg3d
    # What photos from several folders have in common need not hold any itself.
    settings.photos = str(source.folder) if source.whole else ""
    photo_list.clear(context.scene)
    root.wildseg3d.tips = "\n".join(found)
    root.wildseg3d.photos_folder = str(source.folder) if source.whole else ""


def _summary(made: Reconstructed, place: Path, hidden: list[str], *, chosen: bool) -> str:
    given = len(made.views) + len(made.skipped)
    text = f"Placed {len(made.views)} of {given} photos, {made.points:,} points."
    if not bpy.data.filepath and not chosen:
        text += f" Kept in {place}: save the .blend first to have scenes beside it."
    if hidden:
        are, them = ("is", "it") if len(hidden) == 1 else ("are", "them")
        text += f" The earlier {', '.join(hidden)} {are} hidden, with the objects cut out of {them}."
    return text
