# SPDX-License-Identifier: GPL-3.0-or-later
"""A scene folder with several textured objects, ray-cast exactly: a ball against a box, on a table.

Five cameras on an arc, view grid 240x180, photos of 480x360 with a little lens distortion. Depth is exact
but for two flaws that real depth has: holes, and pixels at outlines whose depth is a mixture.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tests.scenes.writing import as_jpeg, write_views
from wildseg3d_blender.conventions import camera_rays, pixel_centres
from wildseg3d_blender.photo_warp import PhotoWarp
from wildseg3d_blender.pipeline.segmentation.graphcut.graph import SceneGraph, Selection
from wildseg3d_blender.scene.folder import Scene, View

SIZE = (240, 180)
PHOTO_SIZE = (480, 360)
K = np.array([[260.0, 0.0, 120.0], [0.0, 260.0, 90.0], [0.0, 0.0, 1.0]])
PHOTO_K = np.array([[520.0, 0.0, 240.0], [0.0, 520.0, 180.0], [0.0, 0.0, 1.0]])
ANGLES = (-24.0, -12.0, 0.0, 12.0, 24.0)
TABLE, BALL, BOX = 0, 1, 2
BALL_CENTRE, BALL_RADIUS = np.array([-0.42, 0.0, 0.4]), 0.4
BOX_LOW, BOX_HIGH = np.array([0.0, -0.3, 0.0]), np.array([0.6, 0.3, 0.7])


@dataclass(frozen=True)
class Truth:
    """Exact answers for one view: what each pixel shows, its depth, and where that depth was falsified."""

    shows: NDArray[np.int64]
    depth: NDArray[np.float64]
    smeared: NDArray[np.bool_]


def write_object_scene(folder: Path, *, holes: bool = True) -> tuple[Scene, dict[str, Truth]]:
    """Write the scene; views are called v0 .. v4, v2 looks straight at it."""
    rng = np.random.default_rng(3)
    views = arc_views(folder, radial=-0.02)
    pointmaps, confidence, images, truths = {}, {}, {}, {}
    for view in views:
        name = view.name
        shows, distance, _ = cast(view, pixel_centres(*SIZE))
        depth, smeared = _smear(distance, shows)
        rays = rays_world(view, pixel_centres(*SIZE))
        pointmaps[name] = (view.cam_to_world[:3, 3] + rays * depth[..., None]).astype(np.float32)
        known = rng.random(SIZE[::-1]) > 0.15 if holes else np.ones(SIZE[::-1], dtype=bool)
        if holes:
            known[60:80, 100:120] = False
        confidence[name] = np.where(known, 3.0, 0.0).astype(np.float32)
        images[name] = _jpeg(view, rng)
        truths[name] = Truth(shows, distance, smeared)
    return write_views(folder, views, pointmaps, confidence, images), truths


def arc_views(folder: Path, radial: float) -> list[View]:
    """The cameras v0 .. v4 of a scene at ``folder``; ``radial`` is their lens distortion."""
    return [
        View(
            name=f"v{number}",
            photo=folder.parent / f"v{number}.jpg",
            photo_size=PHOTO_SIZE,
            size=SIZE,
            K=K,
            cam_to_world=pose_on_arc(np.radians(angle)),
            warp=PhotoWarp(PHOTO_K, K, radial=radial),
        )
        for number, angle in enumerate(ANGLES)
    ]


def write_photo_masks(scene: Scene, folder: Path, thing: int) -> None:
    """True masks of one object at photo size, named after the photos."""
    folder.mkdir(parents=True, exist_ok=True)
    for view in scene.views:
        shows = cast(view, view.warp.to_view(pixel_centres(*PHOTO_SIZE)))[0]
        Image.fromarray(np.where(shows == thing, 255, 0).astype(np.uint8)).save(
            folder / f"{view.photo.stem}.png"
        )


def nodes_of(graph: SceneGraph, truths: dict[str, Truth], thing: int, *, share: float = 0.5) -> Selection:
    """The nodes (n,) of the scene's graph of which more than ``share`` shows a thing."""
    covered = np.zeros(len(graph.nodes))
    for data in graph.views:
        covered += np.bincount(data.labels[truths[data.view.name].shows == thing], minlength=len(covered))
    return covered > share * graph.nodes.area


def cast(
    view: View, pixels: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """What view pixels (H, W, 2) show, its depth along z, and its colour (H, W, 3) in [0, 1]."""
    origin, rays = view.cam_to_world[:3, 3], rays_world(view, pixels)
    with np.errstate(divide="ignore", invalid="ignore"):
        table = np.where(rays[..., 2] < 0, -origin[2] / rays[..., 2], np.inf)
        to_ball = origin - BALL_CENTRE
        a, b = (rays**2).sum(-1), rays @ to_ball
        inside = b**2 - a * (to_ball @ to_ball - BALL_RADIUS**2)
        ball = np.where(inside > 0, (-b - np.sqrt(np.maximum(inside, 0))) / a, np.inf)
        one, other = (BOX_LOW - origin) / rays, (BOX_HIGH - origin) / rays
        enter, leave = np.minimum(one, other).max(-1), np.maximum(one, other).min(-1)
        box = np.where(enter < leave, enter, np.inf)
    distances = np.stack([np.minimum(table, 30.0), ball, box])
    shows, depth = distances.argmin(0), distances.min(0)
    return shows, depth, _colour(shows, origin + rays * depth[..., None])


def _colour(shows: NDArray[np.int64], points_world: NDArray[np.float64]) -> NDArray[np.float64]:
    """Wood-like table, striped red ball, box with a blue and white print."""
    x, y, z = np.moveaxis(points_world, -1, 0)
    grain = 0.5 + 0.5 * np.sin(9 * x + 3 * np.sin(4 * y))
    table = np.stack([0.50 + 0.16 * grain, 0.36 + 0.12 * grain, 0.22 + 0.08 * grain], -1)
    stripe = (np.sin(14 * z + 4 * x) > 0.2)[..., None]
    ball = np.where(stripe, [0.80, 0.16, 0.12], [0.62, 0.10, 0.10])
    printed = ((np.floor(6 * x) + np.floor(6 * y) + np.floor(6 * z)) % 2 > 0)[..., None]
    box = np.where(printed, [0.16, 0.28, 0.66], [0.80, 0.82, 0.86])
    return np.choose(shows[..., None], [table, ball, box])


def _jpeg(view: View, rng: np.random.Generator) -> bytes:
    """The picture at twice the grid, a little noisy, as cameras make them."""
    picture = cast(view, pixel_centres(SIZE[0] * 2, SIZE[1] * 2) / 2)[2]
    return as_jpeg(picture + rng.normal(scale=0.02, size=picture.shape))


def _smear(
    depth: NDArray[np.float64], shows: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Mix front and back over three pixels along a row wherever a row crosses an outline with a jump."""
    mixed, smeared = depth.copy(), np.zeros(depth.shape, dtype=bool)
    rows, columns = np.nonzero(
        (shows[:, 1:] != shows[:, :-1]) & (np.abs(np.diff(depth, axis=1)) > 0.08 * depth[:, 1:])
    )
    for row, column in zip(rows, columns, strict=True):
        if 3 <= column < depth.shape[1] - 4:
            before, after = 1 / depth[row, column - 2], 1 / depth[row, column + 2]
            for step, share in ((-1, 0.25), (0, 0.5), (1, 0.75)):
                mixed[row, column + step] = 1 / (before + share * (after - before))
                smeared[row, column + step] = True
    return mixed, smeared


def rays_world(view: View, pixels: NDArray[np.float64]) -> NDArray[np.float64]:
    """Rays of depth one through view pixels (..., 2), world frame, (..., 3)."""
    return camera_rays(view.K, pixels) @ view.cam_to_world[:3, :3].T


def pose_on_arc(angle: float) -> NDArray[np.float64]:
    """Camera to world, (4, 4), from an angle in radians around the scene's middle."""
    target = np.array([0.05, 0.0, 0.3])
    position = target + 2.6 * np.array([np.sin(angle), -np.cos(angle), 0.45])
    forward = (target - position) / np.linalg.norm(target - position)
    right = np.cross(forward, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    pose = np.eye(4)
    pose[:3, :3] = np.stack([right, np.cross(forward, right), forward], axis=1)
    pose[:3, 3] = position
    return pose
