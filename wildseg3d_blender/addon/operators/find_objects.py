# SPDX-License-Identifier: GPL-3.0-or-later
"""Finding a scene's objects before anybody clicks on them, and looking at what Segment would cut out."""

from __future__ import annotations

import bpy

from ...wording import counted
from .. import conditions
from ..scene import groups, lookup, viewing
from ..session import finding, previewing
from ..tasks.driving import Call, Warn
from ..tasks.finding_objects import finding_objects
from .base import Work, WorkerOperator, has_root, idle


class WILDSEG3D_OT_find_objects(WorkerOperator, bpy.types.Operator):
    """Find the objects of the scene in advance, so that clicks on them are answered at once. Runs in the \
background; everything else goes first"""

    bl_idname = "wildseg3d.find_objects"
    bl_label = "Find Objects"
    bl_options = {"REGISTER"}

    stop: bpy.props.BoolProperty(
        name="Stop", description="Stop looking for them instead", options={"SKIP_SAVE", "HIDDEN"}
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return has_root(cls, context)

    @classmethod
    def description(cls, context: bpy.types.Context, properties: bpy.types.OperatorProperties) -> str:
        """A tooltip for the button that starts it and for the one that stops it."""
        return "Stop looking for objects" if properties.stop else str(cls.__doc__)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Leave it to the background, which shows how far it is in the panel."""
        if bpy.app.background:
            return self.execute(context)
        folder = lookup.scene_folder(lookup.require_root(context.scene))
        if self.stop:
            finding.call_off(folder)
        else:
            finding.want(folder)
        viewing.redraw_sidebars()
        return {"FINISHED"}

    def work(self, context: bpy.types.Context) -> Work:
        return finding_objects(conditions.root_at_work())


class WILDSEG3D_OT_preview(WorkerOperator, bpy.types.Operator):
    """Find what Segment would cut out for the active object, and tint it. Nothing is split"""

    bl_idname = "wildseg3d.preview"
    bl_label = "Preview"
    bl_options = {"REGISTER"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if not (has_root(cls, context) and idle(cls)):
            return False
        root = lookup.require_root(context.scene)
        item = groups.active(root)
        if item is None or not lookup.prompts(root, item.name):
            cls.poll_message_set("No prompts yet: press Add Prompt and click on an object in a photo")
            return False
        return True

    def work(self, context: bpy.types.Context) -> Work:
        asked = previewing.question(context.scene)
        if asked is None:
            return ""
        answer = yield Call(previewing.TITLE, previewing.METHOD, asked.request().to_json())
        preview = previewing.take(asked, answer)
        previewing.touch()
        pixels = sum(int(mask.sum()) for mask in preview.masks.values())
        for warning in preview.warnings:
            yield Warn(warning)
        return (
            f"{counted(pixels, 'pixel')} in {counted(len(preview.masks), 'photo')}"
            f"{', found before' if preview.cached else ''}."
        )


CLASSES = (WILDSEG3D_OT_find_objects, WILDSEG3D_OT_preview)
