# SPDX-License-Identifier: GPL-3.0-or-later
"""Prompts -> separate objects."""

from __future__ import annotations

import bpy

from ...errors import PromptError, SceneError
from ...scene_folder import Scene
from ...scene_history import stored as stored_objects
from ...worker.protocol import Segment, Segmented
from .. import choosing, in_step
from ..object_properties import WHO_GETS_SHARED
from ..scene import following, groups, lookup, reading, splitting, viewing
from ..scene.steps import object_named
from .base import Call, Work, WorkerOperator, has_root, idle, object_mode


class WILDSEG3D_OT_segment(WorkerOperator, bpy.types.Operator):
    """Cut every object whose prompts have changed out of the points"""

    bl_idname = "wildseg3d.segment"
    bl_label = "Segment"
    bl_options = {"REGISTER", "UNDO"}

    object: bpy.props.StringProperty(
        name="Object",
        description="Only this object of the list; when empty, all whose prompts have changed",
        options={"SKIP_SAVE"},
    )
    shared: bpy.props.EnumProperty(
        name="Shared Points",
        description="Who gets points that other objects want too",
        items=(("OBJECT", "As Set", "As each object is set"), *WHO_GETS_SHARED),
        default="OBJECT",
        options={"SKIP_SAVE"},
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if not (has_root(cls, context) and idle(cls) and object_mode(cls, context)):
            return False
        if not lookup.prompts(lookup.require_root(context.scene)):
            cls.poll_message_set("No prompts yet: press Add Prompt and click on an object in a photo")
            return False
        return True

    def draw(self, context: bpy.types.Context) -> None:
        """Shows nothing to edit after the fact: "Adjust Last Operation" would block."""
        self.layout.label(text="Change prompts and press Segment to refine.")

    def work(self, context: bpy.types.Context) -> Work:
        root = lookup.require_root(context.scene)
        in_step.bring(root)
        scene = lookup.open_scene(root)
        root_name, digests, answers = root.name, {}, {}
        requests = self._requests(scene, root, choosing.segmenter(context.scene))
        for name, request in requests.items():
            digests[name] = reading.digest(request.groups)
            answer = yield Call(f"Segment {name}", "segment", request.to_json())
            answers[name] = Segmented.from_json(answer)

        # Only now is the file touched: when one object fails, none is half done.
        root = bpy.context.scene.objects.get(root_name)
        if root is None or root.wildseg3d.role != "ROOT":
            raise SceneError(
                "The reconstruction was deleted while Segment ran: undo that and press it again."
            )
        # Those that were removed or renamed in the meantime are left out.
        names = [name for name in answers if groups.find(root, name) is not None]
        made = yield from splitting.settling(scene, root_name, names)
        root = object_named(root_name)
        for name in names:
            if (group := groups.find(root, name)) is None:
                continue
            group.shared = requests[name].shared.upper()
            group.applied, group.put_back = digests[name], ""
            for warning in answers[name].warnings:
                self.report({"WARNING"}, warning)
        following.follow(root)
        _select(bpy.context, made)
        viewing.redraw()
        counts = (f"{name} ({len(bpy.data.objects[name].data.vertices):,} points)" for name in made)
        return f"Separated {', '.join(counts)}."

    def _requests(self, scene: Scene, root: bpy.types.Object, segmenter: str) -> dict[str, Segment]:
        """What to ask, by object; all with prompts when nothing has changed."""
        stored = {item.name for item in stored_objects(scene)}
        found, changed = {}, {}
        for group in root.wildseg3d.groups:
            if self.object and group.name != self.object:
                continue
            if not self.object and not lookup.prompts(root, group.name):
                continue
            prompt_groups = reading.read_groups(scene, root, group.name)
            # What was merged back stays so, unless it is what the artist looks at.
            merged_back = group.put_back == reading.digest(prompt_groups)
            if merged_back and not self.object and group != groups.active(root):
                continue
            shared = group.shared if self.shared == "OBJECT" else self.shared
            found[group.name] = Segment(
                scene=str(scene.folder),
                object=group.name,
                groups=prompt_groups,
                shared=shared.lower(),
                segmenter=segmenter,
            )
            as_it_is = group.applied == reading.digest(prompt_groups) and shared == group.shared
            if groups.mesh_object(group) is None or group.name not in stored or not as_it_is:
                changed[group.name] = found[group.name]
        if self.object and not found:
            raise SceneError(f"There is no object named {self.object!r} in the list.")
        if not found:
            raise PromptError(
                "Every object with prompts was merged back: choose one in the list and press Segment again."
            )
        return changed or found


def _select(context: bpy.types.Context, names: list[str]) -> None:
    if context.mode != "OBJECT":  # the artist went on to edit something else meanwhile
        return
    for item in context.selected_objects:
        item.select_set(False)
    for name in names:
        item = bpy.data.objects[name]
        if item.name in context.view_layer.objects:
            item.select_set(True)
            context.view_layer.objects.active = item


CLASSES = (WILDSEG3D_OT_segment,)
