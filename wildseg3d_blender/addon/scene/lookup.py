# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is who among Blender's objects: a reconstruction's root, cameras, points and prompts.

Always asked anew, by role and by name: undo, renaming and reloading replace Blender's data under a script.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import bpy

from ...errors import SceneError
from ...files.atomic_folder import finish_interrupted_swap
from ...scene.folder import Scene, read_scene


def active_root(scene: bpy.types.Scene) -> bpy.types.Object | None:
    """The root of the reconstruction that the panel works on, or None."""
    root = scene.wildseg3d.root
    # A pointer outlives "delete": the object is then still in the file but in no scene.
    if root is None or root.wildseg3d.role != "ROOT" or root.name not in scene.objects:
        return next((item for item in scene.objects if item.wildseg3d.role == "ROOT"), None)
    return root


def require_root(scene: bpy.types.Scene) -> bpy.types.Object:
    """As ``active_root``, but SceneError when there is none."""
    root = active_root(scene)
    if root is None:
        raise SceneError(
            "There is no reconstruction in this scene yet: choose a photos folder and press Reconstruct.",
            fix="wildseg3d.reconstruct",
        )
    return root


def scene_folder(root: bpy.types.Object) -> Path:
    """Absolute path of a reconstruction's scene folder; it need not exist."""
    settings = root.wildseg3d
    # Appended from another .blend, the path is still relative to that one.
    start = str(Path(settings.anchor).parent) if settings.anchor and root.library is None else None
    return Path(bpy.path.abspath(settings.folder, start=start, library=root.library)).absolute()


def is_in_use(folder: Path) -> bool:
    """Whether a reconstruction in one of this file's Blender scenes is kept in that scene folder."""
    roots = {item for scene in bpy.data.scenes for item in scene.objects if item.wildseg3d.role == "ROOT"}
    return any(scene_folder(root) == folder for root in roots)


def open_scene(root: bpy.types.Object) -> Scene:
    """The scene folder of a reconstruction, opened.

    Raises:
        SceneError: it is gone, another reconstruction's, or from a newer version.
    """
    folder = scene_folder(root)
    finish_interrupted_swap(folder)
    if not folder.exists():
        raise SceneError(
            f"The scene folder {folder} is gone: put it back, set its new place under Scene Folder, or press "
            "Reconstruct to make it anew.",
            fix="wildseg3d.reconstruct",
        )
    try:
        written = (folder / "scene.json").stat().st_mtime_ns
    except OSError:
        written = 0  # reading says what is wrong
    scene = _read(folder, written)
    placed = {photo.name for photo in root.wildseg3d.photos if photo.placed}
    if placed and placed != {view.name for view in scene.views}:
        raise SceneError(
            f"The scene folder {folder} is of other photos than {root.name}: set the right one under Scene "
            "Folder, or open this one as a reconstruction of its own.",
            fix="wildseg3d.open_scene",
        )
    return scene


@lru_cache(maxsize=8)
def _read(folder: Path, written: int) -> Scene:
    """``read_scene``, once for each time it was written: drawing asks for it many times a second."""
    return read_scene(folder)


def cameras(root: bpy.types.Object) -> list[bpy.types.Object]:
    """The photos' cameras, in the order of their names."""
    found = _with_role(root, "CAMERA")
    return sorted(found, key=lambda item: item.wildseg3d.view)


def camera(root: bpy.types.Object, view: str) -> bpy.types.Object:
    """The camera of the view of that name. SceneError when it was deleted."""
    for item in cameras(root):
        if item.wildseg3d.view == view:
            return item
    raise SceneError(
        f"The camera of {view} was deleted: undo that, or open the scene folder again.",
        fix="wildseg3d.open_scene",
    )


def points(root: bpy.types.Object) -> bpy.types.Object:
    """The points that belong to no object yet. SceneError when they were deleted."""
    found = _with_role(root, "POINTS")
    if not found:
        raise SceneError(
            f"The points of {root.name} were deleted: undo that, or open the scene folder again.",
            fix="wildseg3d.open_scene",
        )
    return found[0]


def point_objects(root: bpy.types.Object) -> list[bpy.types.Object]:
    """Every mesh of points: the rest first, then the objects cut out."""
    return _with_role(root, "POINTS") + _with_role(root, "OBJECT")


def surfaces(root: bpy.types.Object, source: bpy.types.Object | None = None) -> list[bpy.types.Object]:
    """The surfaces made of the points of ``source``, or of any."""
    found = _with_role(root, "SURFACE")
    return [item for item in found if source is None or item.wildseg3d.source == source]


def prompts(
    root: bpy.types.Object, group: str | None = None, part: int | None = None
) -> list[bpy.types.Object]:
    """The prompts, of one object of the list (or one part of it) or of all, in the order of their placing."""
    chosen = [
        item
        for item in _with_role(root, "PROMPT")
        if (group is None or item.wildseg3d.group == group) and (part is None or item.wildseg3d.part == part)
    ]
    return sorted(chosen, key=lambda item: item.wildseg3d.number)


def root_of(item: bpy.types.Object | None) -> bpy.types.Object | None:
    """The root that ``item`` hangs under (or is), or None."""
    while item is not None and item.wildseg3d.role != "ROOT":
        item = item.parent
    return item


def collection(root: bpy.types.Object) -> bpy.types.Collection:
    """The collection that new objects of this reconstruction go into."""
    return root.users_collection[0]


@contextlib.contextmanager
def remembering() -> Iterator[None]:
    """Look through Blender's objects once for all questions in the block, which changes none of them.

    For drawing and reading: with thousands of objects in the file, each look takes milliseconds.
    """
    global _seen
    outer, _seen = _seen, _seen or _Seen()
    try:
        yield
    finally:
        _seen = outer


def is_linked(item: bpy.types.Object) -> bool:
    """Whether an object is in a collection: one that was deleted in the viewport can linger in the file."""
    return item in _linked()


@dataclass
class _Seen:
    """What was seen inside ``remembering``; nothing of Blender's is kept any longer.

    Attributes:
        linked: the objects in any collection, once they were looked for.
        by_role: root's full name -> role -> objects.
    """

    linked: set[bpy.types.Object] | None = None
    by_role: dict[str, dict[str, list[bpy.types.Object]]] = field(default_factory=dict)


_seen: _Seen | None = None


def _with_role(root: bpy.types.Object, role: str) -> list[bpy.types.Object]:
    if _seen is None:
        return _by_role(root).get(role, [])
    if root.name_full not in _seen.by_role:
        _seen.by_role[root.name_full] = _by_role(root)
    return _seen.by_role[root.name_full].get(role, [])


def _by_role(root: bpy.types.Object) -> dict[str, list[bpy.types.Object]]:
    found: dict[str, list[bpy.types.Object]] = {}
    linked = _linked()
    for item in root.children_recursive:
        if item in linked:
            found.setdefault(item.wildseg3d.role, []).append(item)
    return found


def _linked() -> set[bpy.types.Object]:
    if _seen is not None and _seen.linked is not None:
        return _seen.linked
    # Once for all: an object's own ``users_collection`` looks through the whole file for each object.
    collections = (*bpy.data.collections, *(scene.collection for scene in bpy.data.scenes))
    linked = {item for collection in collections for item in collection.objects}
    if _seen is not None:
        _seen.linked = linked
    return linked
