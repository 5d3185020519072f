# SPDX-License-Identifier: GPL-3.0-or-later
"""Where in which photo the mouse points: in the photo looked through, or at the surface under it."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass

import bpy
import numpy as np
from numpy.typing import NDArray

from ...conventions import project, transform
from ...errors import PromptError
from ...scene.folder import Scene, View
from . import best_view, lookup, picking, viewing
from .picking import Picked

PICK_RADIUS = 6.0
"""Pixels: so far from the mouse, in points of the interface, a surface may be that is meant."""

PROBES = ((0.5, 0.5), (0.35, 0.5), (0.65, 0.5), (0.5, 0.35), (0.5, 0.65))
"""Where in a box, in shares of its sides, it is looked for what it surrounds."""

Mouse = tuple[float, float]


@dataclass(frozen=True)
class Aim:
    """A pixel (x, y) of a view."""

    view: View
    pixel: tuple[float, float]

    @property
    def photo_pixel(self) -> tuple[float, float]:
        """The same place in the photo as it was taken; at its edge, where lens correction shows beyond it."""
        x, y = np.clip(self.view.warp.to_photo(np.array(self.pixel)), 0.0, self.view.photo_size)
        return float(x), float(y)


def at(context: bpy.types.Context, scene: Scene, root: bpy.types.Object, mouse: Mouse) -> Aim:
    """What the mouse, in pixels of the 3D view at hand, points at.

    Raises:
        PromptError: it points beside the photo, at no surface, or at one that no photo shows.
    """
    camera = _camera(context, root)
    if camera is not None:
        view = scene.view(camera.wildseg3d.view)
        pixel = viewing.pixel_under_mouse(context.region, context.region_data, camera, view, mouse)
        if pixel is None:
            raise PromptError("That is beside the photo: click inside it, or leave the camera.")
        return Aim(view, pixel)
    return Aim(*best_view.best_view(scene, _pick(context, root, mouse)))


def in_view(
    context: bpy.types.Context, scene: Scene, root: bpy.types.Object, view: View, mouse: Mouse
) -> Aim:
    """As ``at``, but in that view where it shows the place under the mouse."""
    if _camera(context, root) is not None:
        return at(context, scene, root, mouse)
    picked = _pick(context, root, mouse)
    pixel = best_view.seen_at(scene, view, picked.point_world)
    return Aim(view, pixel) if pixel is not None else Aim(*best_view.best_view(scene, picked))


def box(
    context: bpy.types.Context, scene: Scene, root: bpy.types.Object, first: Mouse, second: Mouse
) -> tuple[Aim, Aim]:
    """The corners, in one view, of a rectangle drawn with the mouse.

    Drawn in a photo, it ends where that does. Drawn in none, it stands upright in the artist's view, at the
    distance of what is about its middle.

    Raises:
        PromptError: all of it lies beside the photo, or there is nothing in its middle.
    """
    camera = _camera(context, root)
    if camera is not None:
        return _box_in_photo(context, scene.view(camera.wildseg3d.view), camera, (first, second))
    picked = _pick_in(context, root, first, second)
    view, _ = best_view.best_view(scene, picked)
    corners_world = np.array(
        [_beside(context, picked, (x, y)) for x in (first[0], second[0]) for y in (first[1], second[1])]
    )
    pixels, _ = project(corners_world, view.K, view.cam_to_world)
    if not np.isfinite(pixels).all():
        raise PromptError("The box is wider than any photo: draw a smaller one, or go into a photo's camera.")
    return _within(view, pixels)


def photo(context: bpy.types.Context, root: bpy.types.Object) -> str:
    """Name of the photo that the 3D view at hand looks through; empty when it looks freely."""
    camera = _camera(context, root)
    return "" if camera is None else str(camera.wildseg3d.view)


def _camera(context: bpy.types.Context, root: bpy.types.Object) -> bpy.types.Object | None:
    camera = viewing.photo_camera(context.space_data, context.region_data, context.scene)
    return camera if camera is not None and lookup.root_of(camera) == root else None


def _box_in_photo(
    context: bpy.types.Context, view: View, camera: bpy.types.Object, corners: tuple[Mouse, Mouse]
) -> tuple[Aim, Aim]:
    """Its corners where it is drawn in a photo looked through; what reaches beyond that is left out."""
    found = [
        viewing.pixel_towards_mouse(context.region, context.region_data, camera, view, corner)
        for corner in corners
    ]
    pixels = np.array([pixel for pixel in found if pixel is not None])
    if len(pixels) < len(corners) or (pixels.max(0) <= 0).any() or (pixels.min(0) >= view.size).any():
        raise PromptError("The box is beside the photo: draw it inside, or leave the camera.")
    return _within(view, pixels)


def _within(view: View, pixels: NDArray[np.float64]) -> tuple[Aim, Aim]:
    """Low and high corner, inside the photo, of the box around pixels (N, 2)."""
    low, high = np.clip(pixels.min(axis=0), 0, view.size), np.clip(pixels.max(axis=0), 0, view.size)
    return Aim(view, (float(low[0]), float(low[1]))), Aim(view, (float(high[0]), float(high[1])))


def _pick_in(context: bpy.types.Context, root: bpy.types.Object, first: Mouse, second: Mouse) -> Picked:
    """What is about the middle of a rectangle; not what is seen through a hole there."""
    found = []
    for across, up in PROBES:
        with contextlib.suppress(PromptError):
            mouse = (first[0] + across * (second[0] - first[0]), first[1] + up * (second[1] - first[1]))
            found.append(_pick(context, root, mouse))
    if not found:
        raise PromptError("There is nothing in the middle of the box: draw it around something.")
    return sorted(found, key=lambda picked: picked.distance)[len(found) // 2]


def _pick(context: bpy.types.Context, root: bpy.types.Object, mouse: Mouse) -> Picked:
    radius = PICK_RADIUS * context.preferences.system.ui_scale
    picked = picking.pick(root, viewing.sight_under_mouse(context.region, context.region_data, mouse, radius))
    if picked is None:
        raise PromptError("There is nothing under the mouse: click on a point of the scene.")
    return picked


def _beside(context: bpy.types.Context, picked: Picked, mouse: Mouse) -> NDArray[np.float64]:
    """Where the mouse points on the plane through a picked place that faces the artist."""
    sight = viewing.sight_under_mouse(context.region, context.region_data, mouse, 1.0)
    origin = transform(picked.from_blender, sight.origin)
    direction = picked.from_blender[:3, :3] @ sight.direction
    forward = np.array(context.region_data.view_matrix.inverted().to_3x3()) @ [0.0, 0.0, -1.0]
    # A plane's normal turns by the inverse transpose.
    facing = np.linalg.inv(picked.from_blender[:3, :3]).T @ forward
    along = ((picked.point_world - origin) @ facing) / (direction @ facing)
    return origin + along * direction
