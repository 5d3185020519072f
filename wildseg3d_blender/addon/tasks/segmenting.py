# SPDX-License-Identifier: GPL-3.0-or-later
"""Prompts -> separate objects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import bpy

from ...errors import PromptError, SceneError
from ...scene.folder import Scene
from ...scene.history import stored as stored_objects
from ...wording import counted
from ...worker.messages import Segment, Segmented
from .. import conditions, in_step
from ..scene import following, groups, lookup, reading, selecting, splitting, viewing
from ..scene.steps import object_named
from ..session import choosing, warned
from .driving import Call, Warn, Work

AS_SET = "OBJECT"
"""Shared points go where each object is set to have them go."""

ANSWERED = 0.8
"""How full the bar is when the worker has answered; then Blender moves the points."""


def check(root: bpy.types.Object) -> None:
    """WildSegError where ``segmenting`` cannot begin."""
    conditions.own(root)
    conditions.idle()
    conditions.object_mode()
    conditions.has_prompts(root)


def segmenting(root: bpy.types.Object, name: str = "", shared: str = AS_SET) -> Work:
    """Cut objects out of the points: the one of that name, or all whose prompts have changed.

    Args:
        shared: who gets points that other objects want too: "TAKE", "LEAVE", or as each object is set.

    Raises:
        WildSegError: of the kind that says what is wrong with prompts, scene folder or worker. Nothing is
            changed then.
    """
    check(root)
    in_step.bring(root)
    scene = lookup.open_scene(root)
    requests = _requests(scene, root, name, shared)
    with in_step.or_as_before(root.name):
        return (yield from _segmenting(scene, root.name, requests))


def _segmenting(scene: Scene, root_name: str, requests: Mapping[str, Segment]) -> Work:
    digests, answers = {}, {}
    for number, (asked, request) in enumerate(requests.items(), start=1):
        digests[asked] = reading.digest(request.groups)
        until = ANSWERED * number / len(requests)
        answer = yield Call(f"Segment {asked}", "segment", request.to_json(), until)
        answers[asked] = Segmented.from_json(answer)

    # Only now is the file touched: when one object fails, none is half done.
    root = bpy.context.scene.objects.get(root_name)
    if root is None or root.wildseg3d.role != "ROOT":
        raise SceneError("The reconstruction was deleted while Segment ran: undo that and press it again.")
    # Those that were removed or renamed in the meantime are left out.
    names = [asked for asked in answers if groups.find(root, asked) is not None]
    made = yield from splitting.settling(scene, root_name, names)
    root = object_named(root_name)
    for asked in names:
        if (group := groups.find(root, asked)) is not None:
            group.shared = requests[asked].shared.upper()
            group.applied, group.put_back = digests[asked], ""
        warned.remember((scene.folder, asked), digests[asked], answers[asked].warnings)
    following.follow(root)
    _select(bpy.context, made)
    viewing.redraw()
    for warning in (text for asked in names for text in answers[asked].warnings):
        yield Warn(warning)
    counts = (f"{item} ({counted(len(bpy.data.objects[item].data.vertices), 'point')})" for item in made)
    return f"Separated {', '.join(counts)}."


def _requests(scene: Scene, root: bpy.types.Object, name: str, shared: str) -> dict[str, Segment]:
    """What to ask, by object; all with prompts when nothing has changed."""
    segmenter = choosing.segmenter(bpy.context.scene)
    stored = {item.name for item in stored_objects(scene)}
    found, changed = {}, {}
    for group in root.wildseg3d.groups:
        if name and group.name != name:
            continue
        if not name and not lookup.prompts(root, group.name):
            continue
        prompt_groups = reading.read_groups(scene, root, group.name)
        # What was merged back stays so, unless it is what the artist looks at.
        merged_back = group.put_back == reading.digest(prompt_groups)
        if merged_back and not name and group != groups.active(root):
            continue
        wanted = group.shared if shared == AS_SET else shared
        found[group.name] = Segment(
            scene=str(scene.folder),
            object=group.name,
            groups=prompt_groups,
            shared="leave" if wanted == "LEAVE" else "take",
            segmenter=segmenter,
        )
        as_it_is = group.applied == reading.digest(prompt_groups) and wanted == group.shared
        if groups.mesh_object(group) is None or group.name not in stored or not as_it_is:
            changed[group.name] = found[group.name]
    if name and not found:
        raise SceneError(f"There is no object named {name!r} in the list.")
    if not found:
        raise PromptError(
            "Every object with prompts was merged back: choose one in the list and press Segment again."
        )
    return changed or found


def _select(context: bpy.types.Context, names: Sequence[str]) -> None:
    if context.mode != "OBJECT":  # the artist went on to edit something else meanwhile
        return
    selecting.clear(context.view_layer)
    for name in names:
        item = bpy.data.objects[name]
        if item.name in context.view_layer.objects:
            item.select_set(True)
            context.view_layer.objects.active = item
