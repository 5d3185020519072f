# SPDX-License-Identifier: GPL-3.0-or-later
"""Prompts drawn over the photo that is looked through.

Blender draws a camera's foreground image after everything else, so the Empties themselves shine through it
but faintly. Here they get a mark of constant size on top: green plus, red minus, green frame.
"""

from __future__ import annotations

import math
from typing import Any

import bpy
import gpu
from bpy_extras.view3d_utils import location_3d_to_region_2d
from gpu_extras.batch import batch_for_shader
from mathutils import Vector

from .scene import lookup

RADIUS = 9.0
"""Of a mark, in points of the interface."""

_handler: Any = None


def draw() -> None:
    """Called by Blender for every 3D view, after everything else in it."""
    context = bpy.context
    space, region_3d = context.space_data, context.region_data
    if region_3d is None or region_3d.view_perspective != "CAMERA" or not space.overlay.show_overlays:
        return
    camera = space.camera if space.use_local_camera else context.scene.camera
    root = lookup.root_of(camera)
    if root is None or camera.wildseg3d.role != "CAMERA":
        return
    view = camera.wildseg3d.view
    for prompt in lookup.prompts(root):
        if prompt.wildseg3d.view == view and prompt.visible_get():
            _draw_prompt(context, prompt)


def _draw_prompt(context: bpy.types.Context, prompt: bpy.types.Object) -> None:
    colour = tuple(prompt.color)
    if prompt.wildseg3d.is_box:
        corners = [_in_region(context, prompt, x, y) for x, y in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
        if None not in corners:
            _draw("LINE_STRIP", [*corners, corners[0]], colour)
        return
    centre = _in_region(context, prompt, 0.0, 0.0)
    if centre is None:
        return
    radius = RADIUS * context.preferences.system.ui_scale
    _draw("TRI_FAN", _circle(centre, radius * 1.15), (0.0, 0.0, 0.0, 1.0))
    _draw("TRI_FAN", _circle(centre, radius), colour)
    reach, half = radius * 0.6, radius * 0.14
    _draw("TRI_FAN", _bar(centre, reach, half), (0.0, 0.0, 0.0, 1.0))
    if prompt.wildseg3d.positive:
        _draw("TRI_FAN", _bar(centre, half, reach), (0.0, 0.0, 0.0, 1.0))


def _in_region(context: bpy.types.Context, prompt: bpy.types.Object, x: float, y: float) -> Vector | None:
    position = prompt.matrix_world @ Vector((x, y, 0.0))
    return location_3d_to_region_2d(context.region, context.region_data, position)


def _circle(centre: Vector, radius: float) -> list[tuple[float, float]]:
    turns = (2.0 * math.pi * step / 24 for step in range(24))
    return [(centre.x + radius * math.cos(turn), centre.y + radius * math.sin(turn)) for turn in turns]


def _bar(centre: Vector, across: float, up: float) -> list[tuple[float, float]]:
    signs = ((-1, -1), (1, -1), (1, 1), (-1, 1))
    return [(centre.x + x * across, centre.y + y * up) for x, y in signs]


def _draw(kind: str, places: list[Any], colour: tuple[float, ...]) -> None:
    shader = gpu.shader.from_builtin("UNIFORM_COLOR")
    shader.uniform_float("color", colour)
    gpu.state.line_width_set(2.0)
    batch_for_shader(shader, kind, {"pos": [tuple(place)[:2] for place in places]}).draw(shader)
    gpu.state.line_width_set(1.0)


def register() -> None:
    """Called by the add-on."""
    global _handler
    # Without a window there is nothing to draw, and no drawing context to ask for.
    if not bpy.app.background:
        _handler = bpy.types.SpaceView3D.draw_handler_add(draw, (), "WINDOW", "POST_PIXEL")


def unregister() -> None:
    """Called by the add-on."""
    global _handler
    if _handler is not None:
        bpy.types.SpaceView3D.draw_handler_remove(_handler, "WINDOW")
        _handler = None
