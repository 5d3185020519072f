# SPDX-License-Identifier: GPL-3.0-or-later
"""A scene folder with three like boxes side by side on a table, before a wall: one print, thin gaps.

Five cameras as in ``ball_and_box``. The print's edges are stronger than anything between the boxes, and the
depth is noisy, so that a gap hardly shows in a single view.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from tests.scenes.ball_and_box import SIZE, arc_views, rays_world
from tests.scenes.writing import as_jpeg, write_views
from wildseg3d_blender.conventions import pixel_centres
from wildseg3d_blender.scene.folder import Scene, View

WIDTH, GAP, DEEP, HIGH = 0.36, 0.03, 0.3, 0.55
FIRST = -1.5 * WIDTH - GAP
WALL = 0.6
TABLE, BACK, BOXES = 0, 1, (2, 3, 4)
NOISE = 0.006
"""Share of the depth by which it is wrong, over a few pixels alike."""


def write_look_alikes(folder: Path) -> tuple[Scene, dict[str, NDArray[np.int64]]]:
    """Write the scene, views v0 .. v4; what every pixel shows, (H, W) per view."""
    rng = np.random.default_rng(5)
    views = arc_views(folder, radial=0.0)
    pointmaps, confidence, images, shown = {}, {}, {}, {}
    for view in views:
        name = view.name
        shows, depth, _ = cast(view, pixel_centres(*SIZE))
        measured = cv2.GaussianBlur(depth, (0, 0), 1.0) * (1 + NOISE * _patchy(rng, depth.shape))
        rays = rays_world(view, pixel_centres(*SIZE))
        pointmaps[name] = (view.cam_to_world[:3, 3] + rays * measured[..., None]).astype(np.float32)
        confidence[name] = np.full(depth.shape, 3.0, dtype=np.float32)
        images[name] = _jpeg(view, rng)
        shown[name] = shows
    return write_views(folder, views, pointmaps, confidence, images), shown


def cast(
    view: View, pixels: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """What view pixels (H, W, 2) show, its depth along z, and its colour (H, W, 3) in [0, 1]."""
    origin, rays = view.cam_to_world[:3, 3], rays_world(view, pixels)
    with np.errstate(divide="ignore", invalid="ignore"):
        distances = [
            np.where(rays[..., 2] < 0, -origin[2] / rays[..., 2], np.inf),
            np.where(rays[..., 1] > 0, (WALL - origin[1]) / rays[..., 1], np.inf),
        ]
        for number in range(len(BOXES)):
            low = np.array([FIRST + number * (WIDTH + GAP), -DEEP, 0.0])
            high = low + np.array([WIDTH, 2 * DEEP, HIGH])
            one, other = (low - origin) / rays, (high - origin) / rays
            enter, leave = np.minimum(one, other).max(-1), np.maximum(one, other).min(-1)
            distances.append(np.where(enter < leave, enter, np.inf))
    shows, depth = np.argmin(distances, axis=0), np.minimum(np.min(distances, axis=0), 30.0)
    return shows, depth, _colour(shows, origin + rays * depth[..., None])


def _colour(shows: NDArray[np.int64], points_world: NDArray[np.float64]) -> NDArray[np.float64]:
    """Grained table, plain wall, and the same print on each box, a little darker in the gaps."""
    x, y, z = np.moveaxis(points_world, -1, 0)
    grain = 0.5 + 0.5 * np.sin(9 * x + 3 * np.sin(4 * y))
    table = np.stack([0.50 + 0.16 * grain, 0.36 + 0.12 * grain, 0.22 + 0.08 * grain], -1)
    across = np.mod(x - FIRST, WIDTH + GAP) / WIDTH
    printed = (abs(across - 0.5) < 0.28) & (np.mod(z, 0.18) < 0.09)
    box = np.where(printed[..., None], [0.85, 0.78, 0.55], [0.25, 0.32, 0.55])
    box *= np.where(y > -DEEP + 0.01, 0.75, 1.0)[..., None]
    wall = np.broadcast_to([0.62, 0.60, 0.56], table.shape)
    return np.choose(np.minimum(shows, 2)[..., None], [table, wall, box])


def _patchy(rng: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.float64]:
    noise = cv2.GaussianBlur(rng.normal(size=shape), (0, 0), 1.5)
    return np.asarray(noise / noise.std())


def _jpeg(view: View, rng: np.random.Generator) -> bytes:
    picture = cast(view, pixel_centres(SIZE[0] * 2, SIZE[1] * 2) / 2)[2]
    return as_jpeg(picture + rng.normal(scale=0.02, size=picture.shape))
