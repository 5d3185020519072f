# SPDX-License-Identifier: GPL-3.0-or-later
"""Prompts as Empties: placed on the surface they hit; ``reading`` takes them back as pixels.

A prompt hangs under its camera. Its pixel is where that camera sees it, so one that was moved by hand
counts where it is now; along the ray it may lie anywhere. A click faces the camera and shows as a green "+"
where it brings something to the object, as a red "-" where it keeps or takes something away. A box is a
frame, and moving or scaling it in its camera's plane moves its corners.
"""

from __future__ import annotations

import bpy
import mathutils
import numpy as np
from numpy.typing import NDArray

from ...conventions import camera_rays
from ...errors import PromptError
from ...prompts import Box, Click, Prompt
from ...scene.folder import Scene, View
from . import cameras, groups, lookup, parts, selecting, symbols

POSITIVE_COLOUR = (0.1, 0.9, 0.2, 1.0)
NEGATIVE_COLOUR = (1.0, 0.1, 0.1, 1.0)
SYMBOL_SIZE = 0.03
"""Side of a click's symbol as a share of the image's longer side."""

AT_THE_EDGE = 0.5
"""View pixels beyond the edge that are taken for it: going to the photo and back loses a little."""

REACH = 0.02
"""How far from a click, as a share of the image's longer side, a measured pixel may lend its depth."""


def add_click(
    root: bpy.types.Object,
    view_name: str,
    photo_pixel: tuple[float, float],
    *,
    positive: bool = True,
    group: str = "",
    part: int | None = None,
) -> bpy.types.Object:
    """Add a click at a pixel of a photo (upright, from its top-left corner, y down); returns its Empty.

    Args:
        view_name: the view, or the photo's file name.
        positive: it shows what the part is; otherwise, what it is not.
        group: the object it speaks about; the list's active one when empty, made when missing.
        part: number of the object's part; the active one when None.

    Raises:
        SceneError: no such view, or the scene folder is gone.
        PromptError: the pixel lies outside the photo, or there is no such part.
    """
    scene = lookup.open_scene(root)
    view = scene.view(view_name)
    x, y = _to_view(view, photo_pixel)
    return _place_in(scene, root, Click(view.name, x, y, positive), group, part)


def add_box(
    root: bpy.types.Object,
    view_name: str,
    first: tuple[float, float],
    second: tuple[float, float],
    *,
    group: str = "",
    part: int | None = None,
) -> bpy.types.Object:
    """Add a box from two opposite corners in photo pixels; otherwise as ``add_click``."""
    scene = lookup.open_scene(root)
    view = scene.view(view_name)
    (x0, x1), (y0, y1) = (sorted(pair) for pair in zip(first, second, strict=True))
    if x1 - x0 < 1 or y1 - y0 < 1:
        raise PromptError(f"A box of {x1 - x0:g} × {y1 - y0:g} pixels holds nothing: drag it larger.")
    x0, y0 = _to_view(view, (x0, y0))
    x1, y1 = _to_view(view, (x1, y1))
    return _place_in(scene, root, Box(view.name, x0, y0, x1, y1), group, part)


def place(
    scene: Scene, root: bpy.types.Object, prompt: Prompt, group: str, part: int = parts.WHOLE
) -> bpy.types.Object:
    """Make the Empty of a prompt in view pixels, for a part of an object that is in the list.

    Raises:
        SceneError: its camera or the scene folder is gone.
        PromptError: there is no such part.
    """
    is_box = isinstance(prompt, Box)
    positive = isinstance(prompt, Box) or prompt.positive
    subtract = bool(parts.find(groups.find(root, group), part).subtract)
    brings = positive != subtract

    item = bpy.data.objects.new(f"{group} {symbols.NAMES[(is_box, brings)]}", None)
    item.empty_display_type = "IMAGE"
    item.data = symbols.image(is_box, brings)
    item.use_empty_image_alpha = True
    item.empty_image_depth = "FRONT"
    show_in_its_photo(item)
    item.color = POSITIVE_COLOUR if brings else NEGATIVE_COLOUR
    item.empty_display_size = 2.0  # the symbol spans -1..1, so that scale is its half size
    settings = item.wildseg3d
    settings.role = "PROMPT"
    settings.group, settings.part, settings.subtract = group, part, subtract
    settings.positive, settings.is_box = positive, is_box
    settings.number = 1 + max((other.wildseg3d.number for other in lookup.prompts(root)), default=0)
    put(scene, root, item, prompt)
    lookup.collection(root).objects.link(item)
    return item


def put(scene: Scene, root: bpy.types.Object, item: bpy.types.Object, prompt: Prompt) -> None:
    """Put the Empty of a prompt where ``prompt`` is, on the surface there, in another photo if need be.

    Raises:
        SceneError: that photo's camera or the scene folder is gone.
    """
    view = scene.view(prompt.view)
    camera = lookup.camera(root, view.name)
    if isinstance(prompt, Box):
        centre = ((prompt.x0 + prompt.x1) / 2, (prompt.y0 + prompt.y1) / 2)
        half = np.array([prompt.x1 - prompt.x0, prompt.y1 - prompt.y0]) / 2
    else:
        centre = (prompt.x, prompt.y)
        half = np.full(2, 0.5 * SYMBOL_SIZE * max(view.size))
    depth, on_surface = _depth_at(scene, view, centre)
    item.wildseg3d.view, item.wildseg3d.on_surface = view.name, on_surface
    item.parent = camera
    item.matrix_parent_inverse.identity()
    width, height = half * depth / view.K[[0, 1], [0, 1]]
    item.matrix_basis = mathutils.Matrix.LocRotScale(
        _to_camera(view, centre, depth), None, (width, height, min(width, height))
    )


def show_in_its_photo(item: bpy.types.Object) -> None:
    """Have a prompt seen from its photo's camera only: elsewhere it is a sign before what it speaks about."""
    item.show_empty_image_only_axis_aligned = True


def remove(root: bpy.types.Object, name: str = "") -> None:
    """Remove the prompt whose Empty has that name; without one, the active object's last prompt.

    Raises:
        PromptError: there is no such prompt.
    """
    if name:
        found = [item for item in lookup.prompts(root) if item.name == name]
    else:
        settings = root.wildseg3d
        active = settings.groups[settings.active_group].name if settings.groups else None
        found = lookup.prompts(root, active)[-1:]
    if not found:
        raise PromptError(
            f"There is no prompt named {name}." if name else "The active object has no prompts."
        )
    bpy.data.objects.remove(found[0])


def select(view_layer: bpy.types.ViewLayer, prompt: bpy.types.Object) -> None:
    """Select a prompt's Empty and nothing else, where it is not hidden."""
    if prompt.visible_get(view_layer=view_layer):
        selecting.only(view_layer, prompt)
    else:
        selecting.clear(view_layer)


def follow(camera: bpy.types.Object, before: cameras.Lens) -> None:
    """Let the prompts under ``camera``, whose lens was ``before`` until now, stay on their pixels."""
    after = cameras.lens_of(camera)
    for item in camera.children:
        if item.wildseg3d.role != "PROMPT" or item.constraints or after == before:
            continue
        x, y, z = item.location
        # In frame widths from the frame's middle; the camera looks along -z.
        across = x / -z * before.scale - before.shift_x
        up = y / -z * before.scale - before.shift_y
        item.location.x = (across + after.shift_x) / after.scale * -z
        item.location.y = (up + after.shift_y) / after.scale * -z
        item.scale *= before.scale / after.scale


def _place_in(
    scene: Scene, root: bpy.types.Object, prompt: Prompt, group: str, part: int | None
) -> bpy.types.Object:
    lookup.camera(root, prompt.view)  # raises before anything is made
    item = groups.ensure(root, group)
    number = parts.active(item).number if part is None else part
    return place(scene, root, prompt, item.name, number)


def _to_view(view: View, photo_pixel: tuple[float, float]) -> tuple[float, float]:
    x, y = photo_pixel
    width, height = view.photo_size
    if not (0 <= x <= width and 0 <= y <= height):
        raise PromptError(
            f"({x:g}, {y:g}) lies outside the photo {view.photo.name}, which is {width} × {height} pixels: "
            "click inside it."
        )
    there = view.warp.to_view(np.array([x, y], dtype=np.float64))
    inside = np.clip(there, 0.0, view.size)
    if np.abs(there - inside).max() > AT_THE_EDGE:
        raise PromptError(
            f"({x:g}, {y:g}) lies on the border of {view.photo.name} that the lens correction cuts off: "
            "click further inside."
        )
    return float(inside[0]), float(inside[1])


def _depth_at(scene: Scene, view: View, pixel: tuple[float, float]) -> tuple[float, bool]:
    """Depth of the surface at a view pixel, or a typical depth of the view and False."""
    width, height = view.size
    confidence = scene.confidence(view)
    column = min(max(int(pixel[0]), 0), width - 1)
    row = min(max(int(pixel[1]), 0), height - 1)
    reach = max(1, round(REACH * max(width, height)))
    rows = slice(max(0, row - reach), row + reach + 1)
    columns = slice(max(0, column - reach), column + reach + 1)
    near_rows, near_columns = np.nonzero(np.asarray(confidence[rows, columns]) > 0)
    if len(near_rows):
        distance = (near_rows + rows.start - row) ** 2 + (near_columns + columns.start - column) ** 2
        nearest = int(distance.argmin())
        position = scene.pointmap(view)[rows, columns][near_rows[nearest], near_columns[nearest]]
        return float(_depth(view, position)), True
    valid = np.asarray(confidence) > 0
    if not valid.any():
        return 1.0, False
    return float(np.median(_depth(view, np.asarray(scene.pointmap(view))[valid]))), False


def _depth(view: View, points_world: NDArray[np.floating]) -> NDArray[np.floating]:
    return (points_world - view.cam_to_world[:3, 3]) @ view.cam_to_world[:3, 2]


def _to_camera(view: View, pixel: tuple[float, float], depth: float) -> mathutils.Vector:
    """The point at ``depth`` on a view pixel's ray, in Blender's camera axes."""
    x, y, z = camera_rays(view.K, np.array(pixel, dtype=np.float64)) * depth
    return mathutils.Vector((x, -y, -z))
