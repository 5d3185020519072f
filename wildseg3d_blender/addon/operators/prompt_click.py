# SPDX-License-Identifier: GPL-3.0-or-later
"""What the mouse button does while Object Prompt is the tool: click, box, grab, or go to a photo.

From press to release it is one operator, so that Blender's own click does not select behind it.
"""

from __future__ import annotations

import bpy

from ...errors import PromptError, WildSegError
from .. import background
from ..scene import aiming, gripping, groups, lookup, prompting, selecting, viewing
from ..viewport import overlay, thumbnails
from .base import has_root, object_mode, report_error
from .look import look_through_view
from .rubber_band import RubberBand

DRAG_FROM = 8
"""Points of the interface that the mouse moves before a click is a drag, or more where the preferences ask
for more: a box of a few pixels is never meant."""


class WILDSEG3D_OT_prompt_click(bpy.types.Operator):
    """Click: prompt, or select one. Drag: box, or move a prompt. On a thumbnail: look through that photo"""

    bl_idname = "wildseg3d.prompt_click"
    bl_label = "Place Prompt"
    bl_options = {"INTERNAL"}

    meaning: bpy.props.EnumProperty(
        name="Meaning",
        description="What a click says",
        items=(
            ("PART", "Part of It", "Clicks show what belongs to the object", "ADD", 0),
            ("NOT_PART", "Not Part of It", "Clicks show what must stay out", "REMOVE", 1),
        ),
        default="PART",
        options={"SKIP_SAVE"},
    )
    invert: bpy.props.BoolProperty(
        name="Other Way Round", description="Say the opposite of Meaning", options={"SKIP_SAVE"}
    )
    another: bpy.props.BoolProperty(
        name="Another Object",
        description="Start another object with it, unless the list's active one has no prompts yet",
        options={"SKIP_SAVE"},
    )

    _pressed = (0, 0)
    _button = "LEFTMOUSE"
    _threshold = DRAG_FROM
    _dragged = False
    _grip: gripping.Grip | None = None
    _band: RubberBand

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return has_root(cls, context) and object_mode(cls, context)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """The button was pressed."""
        if context.region_data is None:
            return {"PASS_THROUGH"}
        self._pressed = (event.mouse_region_x, event.mouse_region_y)
        self._button = event.type
        inputs = context.preferences.inputs
        asked = inputs.drag_threshold_tablet if event.is_tablet else inputs.drag_threshold_mouse
        self._threshold = max(DRAG_FROM, asked)
        try:
            if (view := thumbnails.view_at(context, self._pressed)) is not None:
                look_through_view(context, view)
                return {"FINISHED"}
            self._take_hold(context)
        except WildSegError as error:
            report_error(self, error)
            return {"CANCELLED"}
        self._band = RubberBand()
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Until the button is released."""
        mouse = (event.mouse_region_x, event.mouse_region_y)
        if event.type in {"ESC", "RIGHTMOUSE"} and event.value == "PRESS":
            self.cancel(context)
            return {"CANCELLED"}
        try:
            if event.type == "MOUSEMOVE":
                self._move(context, mouse)
            elif event.type == self._button and event.value == "RELEASE":
                self._move(context, mouse)  # a busy Blender drops the events in between
                return self._release(context, mouse)
        except WildSegError as error:
            self.cancel(context)
            report_error(self, error)
            return {"CANCELLED"}
        return {"RUNNING_MODAL"}

    def cancel(self, context: bpy.types.Context) -> None:
        """Leave everything as it was before the button was pressed."""
        self._band.hide()
        if self._grip is not None and self._dragged:
            self._grip.put_back()
        viewing.redraw()

    def _take_hold(self, context: bpy.types.Context) -> None:
        """Grip the prompt under the mouse, if there is one.

        The frame of a box runs through what is clicked on: only a drag moves it, and not with the key that
        says what must stay out.
        """
        held = None if self.another else overlay.prompt_at(context, self._pressed)
        if held is None or (held.wildseg3d.is_box and self.invert):
            return
        self._grip = gripping.grip(context, held, self._pressed)
        if not self._grip.is_box:
            self._grip.select(context)

    def _move(self, context: bpy.types.Context, mouse: tuple[int, int]) -> None:
        threshold = self._threshold * context.preferences.system.ui_scale
        far = max(abs(a - b) for a, b in zip(self._pressed, mouse, strict=True)) >= threshold
        if not (far or self._dragged):
            return
        if self._grip is not None and not self._dragged:
            self._grip.select(context)
        self._dragged = True
        if self._grip is None:
            self._band.show(context.region, self._pressed, mouse)
        else:
            self._grip.move(context, mouse)
            background.wake()
        context.area.tag_redraw()

    def _release(self, context: bpy.types.Context, mouse: tuple[int, int]) -> set[str]:
        self._band.hide()
        if self._grip is not None and (self._dragged or not self._grip.is_box):
            background.hurry(context.scene)
            what = "Move" if self._dragged else "Select"
            bpy.ops.ed.undo_push(message=f"{what} Prompt {self._grip.name}")
            return {"FINISHED"}
        item = self._add(context, mouse)
        # The worker is asked before Blender takes its time for the undo step; one a click.
        background.hurry(context.scene)
        bpy.ops.ed.undo_push(message=f"Add Prompt {item.name}")
        viewing.redraw()
        return {"FINISHED"}

    def _add(self, context: bpy.types.Context, mouse: tuple[int, int]) -> bpy.types.Object:
        root = lookup.require_root(context.scene)
        scene = lookup.open_scene(root)
        positive = self.another or (self.meaning == "PART") != self.invert
        group = self._another_name(root)
        if self._dragged:
            if not positive:
                raise PromptError("A box shows what belongs to the object: click on what must stay out.")
            first, second = aiming.box(context, scene, root, self._pressed, mouse)
            corners = first.photo_pixel, second.photo_pixel
            item = prompting.add_box(root, first.view.name, *corners, group=group)
        else:
            aim = aiming.at(context, scene, root, mouse)
            item = prompting.add_click(root, aim.view.name, aim.photo_pixel, positive=positive, group=group)
            if not item.wildseg3d.on_surface:
                self.report({"INFO"}, "Nothing was measured there, so the prompt floats at a typical depth.")
        if group:
            # The outline of the object before, which shines through photos, is not what is worked on now.
            selecting.clear(context.view_layer)
        return item

    def _another_name(self, root: bpy.types.Object) -> str:
        """Name of the object that begins with this prompt, and not before: the prompt may fail. "" for the
        list's active one."""
        active = groups.active(root)
        begins = self.another and active is not None and bool(lookup.prompts(root, active.name))
        return groups.free_name(root) if begins else ""


CLASSES = (WILDSEG3D_OT_prompt_click,)
