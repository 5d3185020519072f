# SPDX-License-Identifier: GPL-3.0-or-later
"""The rectangle that follows the mouse while a box is dragged."""

from __future__ import annotations

from typing import Any

import bpy
import gpu
from gpu_extras.batch import batch_for_shader

from ..scene.prompting import POSITIVE_COLOUR


class RubberBand:
    """Draws nothing until ``show``; ``hide`` takes its handler out of Blender again."""

    def __init__(self) -> None:
        self._handler: Any = None
        self._corners: tuple[int, int, int, int] | None = None
        self._region = 0

    def show(self, region: bpy.types.Region, first: tuple[int, int], second: tuple[int, int]) -> None:
        """Span it between two places of a region, in its pixels."""
        self._corners = (*first, *second)
        self._region = region.as_pointer()
        if self._handler is None:
            add = bpy.types.SpaceView3D.draw_handler_add
            self._handler = add(self._draw, (), "WINDOW", "POST_PIXEL")

    def hide(self) -> None:
        """Take it away."""
        if self._handler is not None:
            bpy.types.SpaceView3D.draw_handler_remove(self._handler, "WINDOW")
            self._handler = None

    def _draw(self) -> None:
        if self._corners is None or bpy.context.region.as_pointer() != self._region:
            return
        left, low, right, high = self._corners
        outline = [(left, low), (right, low), (right, high), (left, high), (left, low)]
        shader = gpu.shader.from_builtin("UNIFORM_COLOR")
        shader.uniform_float("color", POSITIVE_COLOUR)
        gpu.state.line_width_set(2.0)
        batch_for_shader(shader, "LINE_STRIP", {"pos": outline}).draw(shader)
        gpu.state.line_width_set(1.0)
