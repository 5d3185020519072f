# SPDX-License-Identifier: GPL-3.0-or-later
"""Placing prompts by the mouse while looking through a photo's camera."""

from __future__ import annotations

import bpy
import numpy as np

from ...errors import PromptError, SceneError, WildSegError
from .. import background
from ..scene import groups, lookup, parts, prompting, viewing
from .base import has_root, object_mode, report_error
from .look import fit_camera
from .rubber_band import RubberBand

PART, NOT_PART = "part of the object", "not part of it"
TAKEN_AWAY, STAYS = "taken away from the object", "stays"
DRAG_FROM = 8
"""Pixels the mouse moves before a click is a box."""


class WILDSEG3D_OT_prompt_place(bpy.types.Operator):
    """Click on the object in the photo; Ctrl-click on what must stay out; drag a box around it; Esc ends"""

    bl_idname = "wildseg3d.prompt_place"
    bl_label = "Place Prompts"
    bl_options = {"INTERNAL"}

    positive: bpy.props.BoolProperty(default=True, options={"SKIP_SAVE"})
    object: bpy.props.StringProperty(options={"SKIP_SAVE"})

    _pressed: tuple[int, int] | None = None
    _exclude = False
    _band: RubberBand

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return has_root(cls, context) and object_mode(cls, context)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Go into a photo's camera if need be, and wait for clicks."""
        if context.area is None or context.area.type != "VIEW_3D":
            self.report({"ERROR"}, "Do this in a 3D view.")
            return {"CANCELLED"}
        try:
            self._enter_camera(context)
        except WildSegError as error:
            report_error(self, error)
            return {"CANCELLED"}
        self._band = RubberBand()
        context.window.cursor_modal_set("CROSSHAIR")
        positive, negative = (TAKEN_AWAY, STAYS) if self._takes_away(context) else (PART, NOT_PART)
        click, with_ctrl = (positive, negative) if self.positive else (negative, positive)
        context.workspace.status_text_set(
            f"Click: {click}   Ctrl-click: {with_ctrl}   Drag: box around it   Ctrl Z: undo   Esc: done"
        )
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Clicks inside the photo are ours, everything else is Blender's."""
        if event.type in {"ESC", "RET", "NUMPAD_ENTER"} and event.value == "PRESS":
            return self._end(context)
        if event.type == "MOUSEMOVE" and self._pressed is not None:
            mouse = (event.mouse_x, event.mouse_y)
            if _is_drag(self._pressed, mouse):
                self._band.show(self._pressed, mouse)
                viewing.redraw()
            return {"RUNNING_MODAL"}
        if event.type != "LEFTMOUSE":
            return {"PASS_THROUGH"}
        try:
            return self._left_button(context, event)
        except WildSegError as error:
            report_error(self, error)
            return {"RUNNING_MODAL"}

    def _left_button(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        if event.value == "PRESS" and self._photo_pixel(context, event.mouse_x, event.mouse_y) is not None:
            self._pressed = (event.mouse_x, event.mouse_y)
            self._exclude = event.ctrl
            return {"RUNNING_MODAL"}
        if event.value == "RELEASE" and self._pressed is not None:
            pressed, self._pressed = self._pressed, None
            self._band.hide()
            self._place(context, pressed, (event.mouse_x, event.mouse_y))
            return {"RUNNING_MODAL"}
        return {"PASS_THROUGH"}

    def cancel(self, context: bpy.types.Context) -> None:
        """Blender ends the operator itself."""
        self._end(context)

    def _takes_away(self, context: bpy.types.Context) -> bool:
        """Whether prompts go to a part that the object loses."""
        root = lookup.require_root(context.scene)
        item = groups.find(root, self.object) if self.object else groups.active(root)
        return item is not None and bool(parts.active(item).subtract)

    def _enter_camera(self, context: bpy.types.Context) -> None:
        root = lookup.require_root(context.scene)
        lookup.open_scene(root)
        camera = context.scene.camera
        ours = [item.name for item in lookup.cameras(root)]
        if not ours:
            raise SceneError("The cameras were deleted: undo that, or open the scene folder again.")
        if camera is None or camera.name not in ours:
            camera = context.scene.objects[ours[0]]
        if context.scene.camera != camera or not viewing.looks_through(context):
            fit_camera(context.scene, root, camera)
            viewing.look_through(context, camera)

    def _photo_pixel(
        self, context: bpy.types.Context, mouse_x: int, mouse_y: int
    ) -> tuple[str, tuple[float, float]] | None:
        """View and photo pixel under the mouse (window coordinates), or None when that is no photo."""
        camera = context.scene.camera
        root = lookup.root_of(camera)
        found = viewing.region_at(context.window, mouse_x, mouse_y)
        if found is None or root is None or camera.wildseg3d.role != "CAMERA":
            return None
        region, region_3d = found
        view = lookup.open_scene(root).view(camera.wildseg3d.view)
        mouse = (mouse_x - region.x, mouse_y - region.y)
        pixel = viewing.pixel_under_mouse(region, region_3d, camera, view, mouse)
        if pixel is None:
            return None
        x, y = view.warp.to_photo(np.array(pixel))
        return view.name, (float(x), float(y))

    def _place(self, context: bpy.types.Context, pressed: tuple[int, int], released: tuple[int, int]) -> None:
        first = self._photo_pixel(context, *pressed)
        second = self._photo_pixel(context, *released)
        if first is None:
            return
        root = lookup.require_root(context.scene)
        if not _is_drag(pressed, released):
            positive = self.positive != self._exclude
            item = prompting.add_click(root, *first, positive=positive, group=self.object)
        elif second is None:
            raise PromptError("The box ends outside the photo: keep both corners inside.")
        else:
            item = prompting.add_box(root, first[0], first[1], second[1], group=self.object)
        # One undo step a click, as if each were an operator of its own.
        bpy.ops.ed.undo_push(message=f"Add Prompt {item.name}")
        background.hurry(context.scene)
        viewing.redraw()

    def _end(self, context: bpy.types.Context) -> set[str]:
        self._band.hide()
        context.window.cursor_modal_restore()
        context.workspace.status_text_set(None)
        viewing.redraw()
        return {"FINISHED"}


def _is_drag(pressed: tuple[int, int], now: tuple[int, int]) -> bool:
    return max(abs(a - b) for a, b in zip(pressed, now, strict=True)) >= DRAG_FROM


CLASSES = (WILDSEG3D_OT_prompt_place,)
