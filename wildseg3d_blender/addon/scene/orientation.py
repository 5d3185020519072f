# SPDX-License-Identifier: GPL-3.0-or-later
"""Ground and scale: the root Empty turns, moves and grows, and everything under it follows.

Photos' cameras hang under the root like the points, so that each still sees every point on its pixel.
"""

from __future__ import annotations

import bpy
import mathutils
import numpy as np
from numpy.typing import NDArray

from ...conventions import transform
from ...errors import SceneError
from . import lookup

Points = NDArray[np.float64]
"""(N, 3), Blender's world."""

SHARE_OF_EXTENT = 0.01
"""Points this close to a plane, as a share of their extent, count as lying on it: noise of good depth."""
TRIES = 300
"""Planes through three random points; where a quarter of all lie on the ground, one in 64 tries finds it."""
REFITS = 6
MOST_POINTS = 20_000
STEEPEST_GROUND = 60.0
"""Degrees. What leans more than this against the ground known so far is taken for a wall."""


def set_ground(root: bpy.types.Object, points: Points, *, any_way_up: bool = True) -> None:
    """Turn and lift a reconstruction so that a plane through ``points`` becomes z = 0, cameras above it.

    Args:
        points: three, or many: the plane is the one that most of them lie on.
        any_way_up: False: the plane must not be steep as the scene lies now.

    Raises:
        SceneError: the points lie in no plane but in a line or in one place.
    """
    centre, normal = fit_plane(points, None if any_way_up else np.array([0.0, 0.0, 1.0]))
    if _share_above(root, centre, normal) < 0.5:
        normal = -normal
    pivot, up = mathutils.Vector(centre), mathutils.Vector((0.0, 0.0, 1.0))
    turn = mathutils.Vector(normal).rotation_difference(up).to_matrix().to_4x4()
    lift = mathutils.Matrix.Translation((0.0, 0.0, -centre[2]))
    about_pivot = mathutils.Matrix.Translation(pivot) @ turn @ mathutils.Matrix.Translation(-pivot)
    _apply(root, lift @ about_pivot)


def set_distance(root: bpy.types.Object, first: Points, second: Points, length: float) -> None:
    """Scale a reconstruction so that two places of it, (3,) in Blender's world, come to lie ``length`` apart.

    What lies on z = 0 stays there.

    Raises:
        SceneError: the places are the same, or ``length`` is not positive.
    """
    now = float(np.linalg.norm(np.subtract(first, second)))
    if not now > 0.0:
        raise SceneError("Both places are the same: choose two that lie apart.")
    if not (length > 0.0 and np.isfinite(length)):
        raise SceneError("The distance must be more than zero.")
    bpy.context.view_layer.update()
    x, y, _ = root.matrix_world.translation
    there = mathutils.Matrix.Translation((x, y, 0.0))
    _apply(root, there @ mathutils.Matrix.Scale(length / now, 4) @ there.inverted())


def points_of(item: bpy.types.Object, only_selected: bool = False) -> Points:
    """The vertices of a mesh in Blender's world, or those that are selected in its Edit Mode."""
    bpy.context.view_layer.update()
    if item.mode == "EDIT":
        item.update_from_editmode()
    count = len(item.data.vertices)
    position = np.empty(count * 3, np.float32)
    item.data.vertices.foreach_get("co", position)  # Edit Mode hides attributes
    position = position.reshape(-1, 3)
    if only_selected:
        selected = np.zeros(count, np.bool_)
        item.data.vertices.foreach_get("select", selected)
        position = position[selected]
    return transform(np.array(item.matrix_world), position.astype(np.float64))


def fit_plane(points: Points, upwards: NDArray[np.float64] | None = None) -> tuple[Points, Points]:
    """The plane that most ``points`` lie on: a point of it (3,) and its unit normal (3,).

    Found among planes through three random points each, then fitted to the points near it (least squares).

    Args:
        upwards: (3,), unit: planes that lean more than ``STEEPEST_GROUND`` against it are left out.

    Raises:
        SceneError: there is no such plane.
    """
    if len(points) < 3:
        raise SceneError("A plane needs three places that lie apart: choose more points.")
    rng = np.random.default_rng(0)
    if len(points) > MOST_POINTS:
        points = points[rng.choice(len(points), MOST_POINTS, replace=False)]
    # Nine tenths in each direction: strays must not count as the scene's size.
    extent = float(np.linalg.norm(np.subtract(*np.quantile(points, [0.95, 0.05], axis=0))))
    near = np.arange(len(points))
    if len(points) > 3:
        near = _largest(points, extent * SHARE_OF_EXTENT, rng, upwards)
    for _ in range(REFITS):
        centre, normal, flat = _least_squares(points[near])
        away = np.abs((points - centre) @ normal)
        # Three standard deviations of those at hand (1.5 medians make one): where noise is less than allowed,
        # what else lies near the plane must not tilt it.
        noise = 4.5 * np.median(away[near]) + 1e-6 * extent
        near = np.flatnonzero(away <= min(extent * SHARE_OF_EXTENT, noise))
    if not flat:
        raise SceneError("The points lie in a line: choose some beside it, so that they span a plane.")
    return centre, normal


def _largest(
    points: Points, tolerance: float, rng: np.random.Generator, upwards: NDArray[np.float64] | None
) -> NDArray[np.int64]:
    """Numbers of the points near the plane, of those tried, that has most points near it."""
    three = points[rng.integers(0, len(points), (TRIES, 3))]
    normals = np.cross(three[:, 1] - three[:, 0], three[:, 2] - three[:, 0])
    length = np.linalg.norm(normals, axis=1)
    usable = length > 0
    if upwards is not None:
        usable &= np.abs(normals @ upwards) >= np.cos(np.deg2rad(STEEPEST_GROUND)) * length
    best = np.zeros(0, np.int64)
    for origin, normal in zip(three[usable, 0], normals[usable] / length[usable, None], strict=True):
        near = np.flatnonzero(np.abs((points - origin) @ normal) < tolerance)
        best = near if len(near) > len(best) else best
    if len(best) < 3:
        raise SceneError("The points lie in no plane: choose others, or click on three places of the ground.")
    return best


def _least_squares(points: Points) -> tuple[Points, Points, bool]:
    """Centre, normal, and whether the points span a plane at all."""
    centre = points.mean(axis=0)
    _, sizes, axes = np.linalg.svd(points - centre, full_matrices=False)
    return centre, axes[2], bool(sizes[1] > 1e-6 * sizes[0] > 0)


def _share_above(root: bpy.types.Object, centre: Points, normal: Points) -> float:
    """Share of the photos taken from the side that ``normal`` points to; without cameras, 1 if that is up."""
    bpy.context.view_layer.update()
    found = [np.array(item.matrix_world.translation) for item in lookup.cameras(root)]
    if not found:
        return float(normal[2] >= 0)
    return float(np.mean((np.array(found) - centre) @ normal > 0))


def _apply(root: bpy.types.Object, change: mathutils.Matrix) -> None:
    root.matrix_world = change @ root.matrix_world
    bpy.context.view_layer.update()
