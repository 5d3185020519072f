# SPDX-License-Identifier: GPL-3.0-or-later
"""The preview and the prompts drawn over the photo that is looked through, or the preview over the points.

Blender draws a camera's foreground image after everything else, so the Empties themselves shine through it
but faintly. Here they get a mark of constant size on top: green plus, red minus, green frame; where selected,
with a white rim.
"""

from __future__ import annotations

import contextlib
import math
from typing import Any

import bpy
from bpy_extras.view3d_utils import location_3d_to_region_2d
from mathutils import Vector

from ...errors import WildSegError
from ..scene import groups, lookup, viewing
from ..session import previewing
from . import shapes, thumbnails, tint, tools

RADIUS = 9.0
"""Of a mark, in points of the interface."""

INACTIVE = 0.35
"""Strength of the prompts of other objects than the active one."""

_handlers: list[Any] = []


def draw_pixels() -> None:
    """Called by Blender for every 3D view, after everything else in it."""
    context = bpy.context
    if not context.space_data.overlay.show_overlays:
        return
    camera = viewing.photo_camera(context.space_data, context.region_data, context.scene)
    if camera is not None:
        # The panel says what is wrong with a scene folder that cannot be opened.
        with contextlib.suppress(WildSegError):
            _draw_preview(context, camera)
    for prompt, strength in _marked(context):
        _draw_prompt(context, prompt, strength)
    thumbnails.draw(context)


def _draw_preview(context: bpy.types.Context, camera: bpy.types.Object) -> None:
    """The preview over the photo of a camera, if it is of the active scene."""
    root = lookup.root_of(camera)
    shown = previewing.shown() is not None and root == lookup.active_root(context.scene)
    if not (shown or tools.is_active(context)):
        return
    view = lookup.open_scene(root).view(camera.wildseg3d.view)
    if shown:
        tint.draw_on_photo(context, camera, view)
    elif thumbnails.compiled() or not context.scene.wildseg3d.thumbnails:
        # One program a drawing: where the processor draws, each takes up to a tenth of a second.
        tint.compile_for_photo(context, camera, view)


def prompt_at(context: bpy.types.Context, mouse: tuple[float, float]) -> bpy.types.Object | None:
    """The prompt whose mark is under the mouse in the view at hand, or None.

    Marks of clicks come before frames of boxes, and the active object's before others. Frames of other
    objects' boxes reach far into what is clicked on: they are not in the way.
    """
    found: tuple[tuple[bool, float, float], bpy.types.Object] | None = None
    reach = (RADIUS + 2.0) * context.preferences.system.ui_scale
    for prompt, strength in _marked(context):
        if prompt.wildseg3d.is_box and strength == INACTIVE:
            continue
        distance = _distance(context, prompt, mouse)
        rank = (prompt.wildseg3d.is_box, -strength, distance)
        if distance <= reach and (found is None or rank < found[0]):
            found = (rank, prompt)
    return None if found is None else found[1]


def _marked(context: bpy.types.Context) -> list[tuple[bpy.types.Object, float]]:
    """The prompts that get a mark in the view at hand, and how strong.

    In a photo those are its own. Elsewhere the clicks of all photos, while prompts are being placed: their
    Empties face their cameras, so that from aside they are but lines.
    """
    camera = viewing.photo_camera(context.space_data, context.region_data, context.scene)
    if camera is not None:
        root = lookup.root_of(camera)
    elif context.region_data is not None and tools.is_active(context):
        root = lookup.active_root(context.scene)
    else:
        return []
    if root is None:
        return []
    item = groups.active(root)
    active = None if item is None else item.name
    view = None if camera is None else camera.wildseg3d.view
    return [
        (prompt, 1.0 if prompt.wildseg3d.group == active else INACTIVE)
        for prompt in lookup.prompts(root)
        if (not prompt.wildseg3d.is_box if view is None else prompt.wildseg3d.view == view)
        and prompt.visible_get()
    ]


def _distance(context: bpy.types.Context, prompt: bpy.types.Object, mouse: tuple[float, float]) -> float:
    """Pixels from the mouse to a click's middle, or to a box's frame."""
    if not prompt.wildseg3d.is_box:
        centre = _in_region(context, prompt, 0.0, 0.0)
        return math.inf if centre is None else math.hypot(centre.x - mouse[0], centre.y - mouse[1])
    low, high = _in_region(context, prompt, -1.0, -1.0), _in_region(context, prompt, 1.0, 1.0)
    if low is None or high is None:
        return math.inf
    beyond_x, beyond_y = (
        max(min(a, b) - at, at - max(a, b)) for a, b, at in zip(low, high, mouse, strict=True)
    )
    if beyond_x <= 0 and beyond_y <= 0:
        return -max(beyond_x, beyond_y)
    return math.hypot(max(beyond_x, 0.0), max(beyond_y, 0.0))


def draw_space() -> None:
    """Called by Blender for every 3D view, with its content."""
    context = bpy.context
    if not context.space_data.overlay.show_overlays:
        return
    if viewing.photo_camera(context.space_data, context.region_data, context.scene) is not None:
        return
    root = lookup.active_root(context.scene)
    if root is not None and context.region_data is not None:
        tint.draw_on_points(context, root)


def _draw_prompt(context: bpy.types.Context, prompt: bpy.types.Object, strength: float) -> None:
    colour, black = (*prompt.color[:3], strength), (0.0, 0.0, 0.0, strength)
    if prompt.wildseg3d.is_box:
        corners = [_in_region(context, prompt, x, y) for x, y in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
        places = [(corner.x, corner.y) for corner in corners if corner is not None]
        if len(places) == len(corners):
            shapes.draw("LINE_STRIP", [*places, places[0]], colour)
        return
    found = _in_region(context, prompt, 0.0, 0.0)
    if found is None:
        return
    centre, radius = (found.x, found.y), RADIUS * context.preferences.system.ui_scale
    rim, rim_colour = (1.3, (1.0, 1.0, 1.0, strength)) if prompt.select_get() else (1.15, black)
    shapes.draw("TRI_FAN", shapes.disc(centre, radius * rim), rim_colour)
    shapes.draw("TRI_FAN", shapes.disc(centre, radius), colour)
    reach, half = radius * 0.6, radius * 0.14
    shapes.draw("TRI_FAN", shapes.bar(centre, reach, half), black)
    if prompt.wildseg3d.positive != prompt.wildseg3d.subtract:
        shapes.draw("TRI_FAN", shapes.bar(centre, half, reach), black)


def _in_region(context: bpy.types.Context, prompt: bpy.types.Object, x: float, y: float) -> Vector | None:
    position = prompt.matrix_world @ Vector((x, y, 0.0))
    return location_3d_to_region_2d(context.region, context.region_data, position)


def register() -> None:
    """Called by the add-on."""
    # Without a window there is nothing to draw, and no drawing context to ask for.
    if not bpy.app.background:
        add = bpy.types.SpaceView3D.draw_handler_add
        _handlers.append(add(draw_space, (), "WINDOW", "POST_VIEW"))
        _handlers.append(add(draw_pixels, (), "WINDOW", "POST_PIXEL"))


def unregister() -> None:
    """Called by the add-on."""
    while _handlers:
        bpy.types.SpaceView3D.draw_handler_remove(_handlers.pop(), "WINDOW")
    tint.forget()
    thumbnails.forget()
    previewing.forget()
