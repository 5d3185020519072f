# SPDX-License-Identifier: GPL-3.0-or-later
"""Aligning the reconstruction again so that objects cut out of it fit best."""

from __future__ import annotations

from collections.abc import Sequence

import bpy

from ...errors import SceneError
from ...scene.folder import PAIRS_FOLDER, Scene
from ...scene.history import stored as stored_objects
from ...scene.states import keep_from_now_on
from ...worker.messages import Realign, Realigned, Segment, Segmented
from .. import conditions, in_step
from ..scene import following, groups, lookup, reading, realigning, viewing
from ..scene.steps import Aside, object_named
from ..session import choosing
from .driving import Call, Work

STANDS_STILL = 1e-5
"""Points that moved by less than this share of their depth are where they were."""

SEGMENTED, ALIGNED = 0.2, 0.6
"""How full the bar is when the worker has made missing objects, and when it has aligned the scene."""


def check(root: bpy.types.Object) -> None:
    """WildSegError where ``refining`` cannot begin."""
    conditions.own(root)
    conditions.idle()
    conditions.object_mode()
    folder = lookup.scene_folder(root)
    if not folder.is_dir():
        raise SceneError("The scene folder is gone: put it back, or set its new place under Scene Folder.")
    if not (folder / PAIRS_FOLDER).is_dir():
        raise SceneError(
            "This reconstruction was made by an older version: press Reconstruct to make it anew first."
        )
    if not any(groups.mesh_object(group) for group in root.wildseg3d.groups):
        raise SceneError("No object to fit yet: click on one in a photo and press Segment.")


def cut_out(root: bpy.types.Object) -> list[str]:
    """The names of all objects that are cut out."""
    return [group.name for group in root.wildseg3d.groups if groups.mesh_object(group)]


def refining(root: bpy.types.Object, names: Sequence[str]) -> Work:
    """Align the scene again so that the objects of these names fit best; without any, as it was first.

    Raises:
        WildSegError: of the kind that says what is wrong with the objects, scene folder or worker.
    """
    check(root)
    for name in names:
        if groups.mesh_object(groups.require(root, name)) is None:
            raise SceneError(f"{name} is not an object yet: press Segment first.")
    in_step.bring(root)
    scene = lookup.open_scene(root)
    realigning.check(root)  # what only Blender knows, before the worker takes its time
    with in_step.or_as_before(root.name):
        return (yield from _refining(scene, root, names))


def _refining(scene: Scene, root: bpy.types.Object, names: Sequence[str]) -> Work:
    root_name, digests = root.name, {}
    requests = _to_segment(scene, root, names)
    for number, (name, missing) in enumerate(requests.items(), start=1):
        until = SEGMENTED * number / len(requests)
        Segmented.from_json((yield Call(f"Segment {name}", "segment", missing.to_json(), until)))
        digests[name] = reading.digest(missing.groups)
    keep_from_now_on(scene.folder)
    before = yield Aside(lambda: realigning.measured(scene), "Reading the points")
    request = Realign(scene=str(scene.folder), objects=tuple(names))
    asked = Call("Refine Alignment", "realign", request.to_json(), until=ALIGNED)
    answer = Realigned.from_json((yield asked))

    root = bpy.context.scene.objects.get(root_name)
    if root is None or root.wildseg3d.role != "ROOT":
        raise SceneError("The reconstruction was deleted while it was aligned: undo that and press it again.")
    for name, digest in digests.items():
        if (group := groups.find(root, name)) is not None:
            group.applied = digest
    yield from realigning.refreshing(root_name, before)
    following.follow(object_named(root_name))
    viewing.redraw()
    whom = " and ".join(names) or "the whole scene alike"
    if answer.moved < STANDS_STILL:
        return f"Aligned for {whom}: nothing moved, the photos agree there already."
    return f"Aligned for {whom}: the points moved by {answer.moved:.2%} of their distance."


def _to_segment(scene: Scene, root: bpy.types.Object, names: Sequence[str]) -> dict[str, Segment]:
    """Requests for those objects that the scene folder does not have: their removal was undone."""
    stored = {item.name for item in stored_objects(scene)}
    requests = {}
    for name in names:
        if name not in stored:
            segmenter = choosing.segmenter(bpy.context.scene)
            prompt_groups = reading.read_groups(scene, root, name)
            requests[name] = Segment(
                scene=str(scene.folder), object=name, groups=prompt_groups, segmenter=segmenter
            )
    return requests
