# SPDX-License-Identifier: GPL-3.0-or-later
"""Adding and removing prompts."""

from __future__ import annotations

import bpy

from ...errors import PromptError
from .. import background
from ..scene import lookup, prompting
from .base import has_root, object_mode, reporting
from .look import look_through_view


class WILDSEG3D_OT_prompt_add(bpy.types.Operator):
    """Click on an object in a photo to say what belongs to it; Ctrl-click to say what does not"""

    bl_idname = "wildseg3d.prompt_add"
    bl_label = "Add Prompt"
    bl_options = {"REGISTER", "UNDO"}

    view: bpy.props.StringProperty(
        name="Photo", description="Name of the photo, with or without its ending", options={"SKIP_SAVE"}
    )
    x: bpy.props.FloatProperty(
        name="X", description="Pixels of the upright photo from its left edge", options={"SKIP_SAVE"}
    )
    y: bpy.props.FloatProperty(
        name="Y", description="Pixels of the upright photo from its top edge", options={"SKIP_SAVE"}
    )
    x2: bpy.props.FloatProperty(
        name="X of the Other Corner",
        description="Makes the prompt a box",
        default=-1.0,
        options={"SKIP_SAVE"},
    )
    y2: bpy.props.FloatProperty(
        name="Y of the Other Corner",
        description="Makes the prompt a box",
        default=-1.0,
        options={"SKIP_SAVE"},
    )
    positive: bpy.props.BoolProperty(
        name="Part of the Object",
        description="On: this is part of the object. Off: it must stay out",
        default=True,
        options={"SKIP_SAVE"},
    )
    object: bpy.props.StringProperty(
        name="Object",
        description="The object it speaks about; the list's active one when empty",
        options={"SKIP_SAVE"},
    )
    part: bpy.props.IntProperty(
        name="Part",
        description="Number of the object's part it speaks about; the active one when negative",
        default=-1,
        options={"SKIP_SAVE"},
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return has_root(cls, context) and object_mode(cls, context)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Place by the mouse, unless a script said where."""
        if self.properties.is_property_set("view"):
            return self.execute(context)
        bpy.ops.wildseg3d.prompt_place("INVOKE_DEFAULT", positive=self.positive, object=self.object)
        return {"CANCELLED"}  # that operator runs on by itself; this one is over

    @reporting
    def execute(self, context: bpy.types.Context) -> set[str]:
        """Place at the pixel given."""
        root = lookup.require_root(context.scene)
        view = self.view
        if not view and context.scene.camera is not None:
            view = context.scene.camera.wildseg3d.view
        if not view:
            raise PromptError("Name the photo that the pixel is in, or look through it first.")
        place, part = (self.x, self.y), None if self.part < 0 else self.part
        if self.x2 >= 0 or self.y2 >= 0:
            corner = (self.x2, self.y2)
            item = prompting.add_box(root, view, place, corner, group=self.object, part=part)
        else:
            item = prompting.add_click(
                root, view, place, positive=self.positive, group=self.object, part=part
            )
        background.hurry(context.scene)
        if not item.wildseg3d.on_surface:
            self.report(
                {"WARNING"}, f"{item.name}: nothing was measured there, so it floats at a typical depth."
            )
        return {"FINISHED"}


class WILDSEG3D_OT_prompt_remove(bpy.types.Operator):
    """Remove a prompt: the last one of the active object, or the one named"""

    bl_idname = "wildseg3d.prompt_remove"
    bl_label = "Remove Last Prompt"
    bl_options = {"REGISTER", "UNDO"}

    name: bpy.props.StringProperty(
        name="Prompt", description="Name of its Empty; the last one when empty", options={"SKIP_SAVE"}
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if not (has_root(cls, context) and object_mode(cls, context)):
            return False
        if not lookup.prompts(lookup.require_root(context.scene)):
            cls.poll_message_set("There are no prompts")
            return False
        return True

    @reporting
    def execute(self, context: bpy.types.Context) -> set[str]:
        """Remove it."""
        prompting.remove(lookup.require_root(context.scene), self.name)
        background.hurry(context.scene)
        return {"FINISHED"}


class WILDSEG3D_OT_prompt_show(bpy.types.Operator):
    """Select this prompt and look through its photo"""

    bl_idname = "wildseg3d.prompt_show"
    bl_label = "Show Prompt"
    bl_options = {"INTERNAL"}

    name: bpy.props.StringProperty(name="Prompt", description="Name of its Empty", options={"SKIP_SAVE"})

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return has_root(cls, context) and object_mode(cls, context)

    @reporting
    def execute(self, context: bpy.types.Context) -> set[str]:
        """Go there."""
        root = lookup.require_root(context.scene)
        found = next((item for item in lookup.prompts(root) if item.name == self.name), None)
        if found is None:
            raise PromptError(f"There is no prompt named {self.name}.")
        look_through_view(context, found.wildseg3d.view)
        prompting.select(context.view_layer, found)
        return {"FINISHED"}


CLASSES = (WILDSEG3D_OT_prompt_add, WILDSEG3D_OT_prompt_remove, WILDSEG3D_OT_prompt_show)
