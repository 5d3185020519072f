# SPDX-License-Identifier: GPL-3.0-or-later
"""Picking places on the scene's surfaces, one click after another."""

from __future__ import annotations

from typing import Any

import bpy
import gpu
import mathutils
import numpy as np
from bpy_extras.view3d_utils import location_3d_to_region_2d
from gpu_extras.batch import batch_for_shader
from numpy.typing import NDArray

from ...conventions import transform
from ...errors import SceneError, WildSegError
from ..scene import aiming, lookup, picking, viewing
from .base import report_error

Place = tuple[NDArray[np.float64], str]
"""(3,) in Blender's world, and the name of the mesh that was hit."""

MARK = 7.0
"""Half the size of a mark, in points of the interface."""


class SurfaceClicks:
    """Mix-in for operators that wait for ``wanted`` clicks; each is marked, Backspace takes one back."""

    wanted = 1
    asks = "Click on the scene"

    _picked: list[Place]
    _handler: Any = None

    def picked(self, context: bpy.types.Context, places: list[Place]) -> set[str]:
        """All were clicked."""
        raise NotImplementedError

    def begin_clicks(self, context: bpy.types.Context) -> set[str]:
        """For ``invoke``: wait for the clicks."""
        if context.area is None or context.area.type != "VIEW_3D":
            self.report({"ERROR"}, "Do this in a 3D view.")  # type: ignore[attr-defined]
            return {"CANCELLED"}
        self._picked = []
        self._handler = bpy.types.SpaceView3D.draw_handler_add(self._draw, (), "WINDOW", "POST_PIXEL")
        context.window.cursor_modal_set("EYEDROPPER")
        self._show_status(context)
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Clicks on the scene are ours, everything else is Blender's."""
        if event.type in {"ESC", "RIGHTMOUSE"} and event.value == "PRESS":
            self.cancel(context)
            return {"CANCELLED"}
        if event.type == "BACK_SPACE" and event.value == "PRESS":
            self._picked = self._picked[:-1]
            self._show_status(context)
            return {"RUNNING_MODAL"}
        if event.type != "LEFTMOUSE" or event.value != "PRESS":
            return {"PASS_THROUGH"}
        area = _view_at(context.window, event.mouse_x, event.mouse_y)
        if area is None:
            return {"PASS_THROUGH"}
        try:
            self._picked.append(place_under(context, area, event.mouse_x, event.mouse_y))
        except WildSegError as error:
            report_error(self, error)
            return {"RUNNING_MODAL"}
        if len(self._picked) < self.wanted:
            self._show_status(context)
            return {"RUNNING_MODAL"}
        self.cancel(context)
        return self.picked(context, self._picked)

    def cancel(self, context: bpy.types.Context) -> None:
        """Take cursor, marks and status away; Blender calls this too when it ends the operator itself."""
        if self._handler is not None:
            bpy.types.SpaceView3D.draw_handler_remove(self._handler, "WINDOW")
            self._handler = None
        context.window.cursor_modal_restore()
        context.workspace.status_text_set(None)
        viewing.redraw()

    def _show_status(self, context: bpy.types.Context) -> None:
        count = f" ({len(self._picked) + 1} of {self.wanted})" if self.wanted > 1 else ""
        back = "   Backspace: one back" if self._picked else ""
        context.workspace.status_text_set(f"{self.asks}{count}{back}   Esc: cancel")
        viewing.redraw()

    def _draw(self) -> None:
        context = bpy.context
        half = MARK * context.preferences.system.ui_scale
        lines: list[tuple[float, float]] = []
        for place, _ in self._picked:
            at = location_3d_to_region_2d(context.region, context.region_data, mathutils.Vector(place))
            if at is not None:
                for x, y in ((half, 0.0), (0.0, half)):
                    lines += [(at.x - x, at.y - y), (at.x + x, at.y + y)]
        if lines:
            shader = gpu.shader.from_builtin("UNIFORM_COLOR")
            shader.uniform_float("color", (1.0, 0.6, 0.0, 1.0))
            gpu.state.line_width_set(2.0)
            batch_for_shader(shader, "LINES", {"pos": lines}).draw(shader)
            gpu.state.line_width_set(1.0)


def _view_at(window: bpy.types.Window, x: int, y: int) -> bpy.types.Area | None:
    """The 3D view under the mouse (window coordinates); None over its sidebar, toolbar and header."""
    for area in window.screen.areas:
        if area.type == "VIEW_3D" and _holds(area, x, y):
            below = [region for region in area.regions if _holds(region, x, y)]
            covered = any(region.type != "WINDOW" and region.alignment != "NONE" for region in below)
            return None if covered else area
    return None


def _holds(box: bpy.types.Area | bpy.types.Region, x: int, y: int) -> bool:
    return bool(box.x <= x < box.x + box.width and box.y <= y < box.y + box.height)


def place_under(context: bpy.types.Context, area: bpy.types.Area, x: int, y: int) -> Place:
    """What is nearest under the mouse (window coordinates) in a 3D view. SceneError when nothing is there."""
    root = lookup.require_root(context.scene)
    region = next(region for region in area.regions if region.type == "WINDOW" and _holds(region, x, y))
    mouse = (x - region.x, y - region.y)
    radius = aiming.PICK_RADIUS * context.preferences.system.ui_scale
    sight = viewing.sight_under_mouse(region, area.spaces.active.region_3d, mouse, radius)
    found = picking.pick(root, sight)
    if found is None:
        raise SceneError("There is nothing under the mouse: click on a point of the scene.")
    return transform(np.linalg.inv(found.from_blender), found.point_world), found.name
