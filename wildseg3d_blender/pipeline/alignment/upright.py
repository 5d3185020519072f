# SPDX-License-Identifier: GPL-3.0-or-later
"""Turn an alignment into a world an artist expects: Z up, floor level and at zero, centred, human size."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .result import Alignment, pointmap
from .robust import weighted_median
from .sim3 import Array, Sim3, dot, lengths

# The median distance from a camera to its points becomes this many units (metres to Blender): a step back
# from the subject, so a table fills the default viewport and a room can be walked through.
VIEWING_DISTANCE = 3.0
# How far the floor may lean away from the cameras' common up direction.
MAX_LEAN = np.deg2rad(25.0)
# A plane is clear if this share of the points that have a normal lies on it with matching normals.
MIN_PLANE_SHARE = 0.1
# Thickness of a plane, as a share of the viewing distance.
PLANE_THICKNESS = 0.01
NORMAL_TOLERANCE = np.deg2rad(25.0)
PLANE_TRIALS = 400
POINTS = 20_000
# Pull of the mean camera up against level camera x axes; see ``_camera_up``.
UP_PULL = 0.02
# Where no plane is clear, this percentile of the points' heights is the ground: a few stray points lie below.
GROUND_PERCENTILE = 2.0


def upright(alignment: Alignment) -> Alignment:
    """The same scene with Z up, its supporting plane level and at z = 0, centred, at human size.

    Up is the direction in which cameras held level agree, then the normal of the dominant supporting plane
    (floor, table, ground) where a clear one lies within 25 degrees of it. The origin lies on that plane, or
    at the lowest points, below what the cameras look at. The cameras look along +y on average, so Blender's
    front view shows the scene from the front. The median distance of points from their camera becomes
    ``VIEWING_DISTANCE`` units. A scene without confident points is turned by its cameras alone.
    """
    points, normals, looked_at, distance = _surface(alignment)
    up = _camera_up(alignment.cam_to_world)
    scale = VIEWING_DISTANCE / distance
    plane = _supporting_plane(points, normals, up, PLANE_THICKNESS * distance)
    if plane is not None:
        up, ground = plane
    else:
        ground = float(np.percentile(points @ up, GROUND_PERCENTILE))
    rotation = _axes(up, alignment.cam_to_world)
    origin = looked_at + (ground - looked_at @ up) * up
    return alignment.in_world(Sim3(scale, rotation, -scale * rotation @ origin))


def _camera_up(cam_to_world: NDArray[np.float64]) -> Array:
    """Up, (3,) of unit length, from cameras that people hold level.

    A camera tilted down has a -y axis that leans back, but its x axis stays horizontal. So up is the u with
    least mean_v <x_v, u>^2 + pull * |u - mean(-y)|^2: where the cameras look from several sides their x axes
    decide; where they all look the same way these leave a direction open and the mean -y fills it.
    """
    x_axes, mean_up = cam_to_world[:, :3, 0], -cam_to_world[:, :3, 1].mean(axis=0)
    level = x_axes.T @ x_axes / len(x_axes)
    up = np.linalg.solve(level + UP_PULL * np.eye(3), UP_PULL * mean_up)
    length = float(np.linalg.norm(up))
    return up / length if length > 0 else -cam_to_world[0, :3, 1]


def _axes(up: Array, cam_to_world: NDArray[np.float64]) -> Array:
    """Rotation (3, 3) from the old world that turns ``up`` to z and the mean viewing direction to y."""
    forwards = cam_to_world[:, :3, 2]
    for forward in (forwards.mean(axis=0), *forwards, *np.eye(3)):
        level = forward - (forward @ up) * up
        if np.linalg.norm(level) > 0.1:
            break
    y = level / np.linalg.norm(level)
    return np.stack([np.cross(y, up), y, up])


def _surface(alignment: Alignment) -> tuple[Array, Array, Array, float]:
    """Confident points (n, 3) with unit normals (n, 3) towards their camera, what the cameras look at (3,),
    and the median distance of points from their camera. All in the alignment's world."""
    all_points, all_normals, centres, distances = [], [], [], []
    for v, confidence in enumerate(alignment.confidence):
        eye = alignment.cam_to_world[v, :3, 3]
        points = pointmap(alignment, v).astype(np.float64)
        known = confidence > 0
        if known.any():
            known &= confidence >= np.median(confidence[known])
        if not known.any():
            continue
        height, width = known.shape
        middle = np.zeros_like(known)
        middle[height // 3 : -(height // 3) or None, width // 3 : -(width // 3) or None] = True
        centre = points[known & middle] if (known & middle).any() else points[known]
        centres.append(np.median(centre, axis=0))
        distances.append(np.linalg.norm(points[known] - eye, axis=-1))
        normals = _normals(points, alignment.confidence[v] > 0, eye)
        chosen = np.flatnonzero(known.ravel())
        chosen = chosen[:: max(1, len(chosen) * len(alignment.confidence) // POINTS)]
        all_points.append(points.reshape(-1, 3)[chosen])
        all_normals.append(normals.reshape(-1, 3)[chosen])
    if not centres:
        eyes = alignment.cam_to_world[:, :3, 3]
        return eyes, np.zeros_like(eyes), eyes.mean(axis=0), VIEWING_DISTANCE
    distance = float(np.median(np.concatenate(distances)))
    return np.concatenate(all_points), np.concatenate(all_normals), np.median(centres, axis=0), distance


def _normals(points: Array, known: NDArray[np.bool_], eye: Array) -> Array:
    """Unit normals (H, W, 3) towards the camera; 0 where one of the four neighbours used is unknown.

    The neighbours are 1 % of the image away, at least two pixels: closer, noise in depth outweighs slope.
    """
    normals = np.zeros_like(points)
    step = max(2, round(0.01 * max(known.shape)))
    if min(known.shape) <= 2 * step:
        return normals
    inner, before, after = slice(step, -step), slice(None, -2 * step), slice(2 * step, None)
    across = points[inner, after] - points[inner, before]
    down = points[after, inner] - points[before, inner]
    all_known = known[inner, after] & known[inner, before] & known[after, inner] & known[before, inner]
    normal = np.cross(down, across)
    length = lengths(normal)
    all_known &= length > 0
    towards = np.sign(dot(eye - points[inner, inner], normal))
    normals[inner, inner] = normal * (towards * all_known / np.where(all_known, length, 1.0))[..., None]
    return normals


def _supporting_plane(
    points: Array, normals: Array, up: Array, thickness: float
) -> tuple[Array, float] | None:
    """The plane facing up that carries most points: its normal and <normal, point>, or None if none is clear.

    Candidates pass through a point along its own normal; the best is refitted to its points. Deterministic.
    """
    facing = np.flatnonzero(normals @ up > np.cos(MAX_LEAN + NORMAL_TOLERANCE))
    enough = max(3.0, MIN_PLANE_SHARE * np.count_nonzero(normals.any(axis=-1)))
    if len(facing) < enough:
        return None
    rng = np.random.default_rng(0)
    best: NDArray[np.bool_] | None = None
    near, towards = points[facing], normals[facing]
    for candidate in rng.choice(len(facing), size=min(PLANE_TRIALS, len(facing)), replace=False):
        normal = towards[candidate]
        if normal @ up < np.cos(MAX_LEAN):
            continue
        on_plane = np.abs((near - near[candidate]) @ normal) < thickness
        on_plane &= towards @ normal > np.cos(NORMAL_TOLERANCE)
        if best is None or np.count_nonzero(on_plane) > np.count_nonzero(best):
            best = on_plane
    if best is None or np.count_nonzero(best) < enough:
        return None
    normal = up
    for _ in range(5):
        centre = near[best].mean(axis=0)
        normal = np.linalg.svd(near[best] - centre, full_matrices=False)[2][2]
        normal = normal * np.sign(normal @ up)
        best = (np.abs((near - centre) @ normal) < thickness) & (towards @ normal > np.cos(NORMAL_TOLERANCE))
        if np.count_nonzero(best) < enough:
            return None
    if normal @ up < np.cos(MAX_LEAN):
        return None
    heights = near[best] @ normal
    return normal, float(weighted_median(heights, np.ones_like(heights)))
