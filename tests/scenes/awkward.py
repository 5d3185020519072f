# SPDX-License-Identifier: GPL-3.0-or-later
"""A scene folder that is hard on cameras: off-centre principal points, unlike focal lengths, both formats.

Two tilted planes, exact; the left fifth of each view has no measurement; confidence grows downwards.
"""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tests.scenes.writing import grid_colours
from wildseg3d_blender.conventions import camera_rays, pixel_centres, transform
from wildseg3d_blender.photo_warp import PhotoWarp
from wildseg3d_blender.scene.folder import Scene, SkippedPhoto, View, write_scene

MULTIPLE = 3
"""The stored photo is this many times the view's grid."""

WALL, FLOOR = 0, 1


def write_awkward_scene(folder: Path) -> Scene:
    """Write the scene; views are called wide, tall and plain."""
    views = (
        _view(folder, "wide", (96, 64), [[90.0, 0, 40.0], [0, 90.0, 37.0], [0, 0, 1]], -0.3),
        _view(folder, "tall", (60, 100), [[85.0, 0, 33.5], [0, 85.0, 46.0], [0, 0, 1]], 0.0),
        _view(folder, "plain", (80, 60), [[80.0, 0, 38.0], [0, 84.0, 31.0], [0, 0, 1]], 0.4),
    )
    scene = Scene(
        folder,
        views,
        "stereo",
        {"image_size": 96},
        {"sfm": 1.0},
        (SkippedPhoto(folder.parent / "blurred.jpg", "No overlap with the others.", "Take one between."),),
    )
    confidence, images = {}, {view.name: _jpeg(view) for view in views}
    for view in views:
        width, height = view.size
        grid = np.repeat(np.linspace(0.1, 4.0, height, dtype=np.float32)[:, None], width, axis=1)
        grid[:, : width // 5] = 0.0
        confidence[view.name] = grid
    write_scene(
        scene,
        pointmaps={view.name: hit(view, pixel_centres(*view.size))[0].astype(np.float32) for view in views},
        confidence=confidence,
        colours={view.name: grid_colours(view, images[view.name]) for view in views},
        images=images,
    )
    return scene


def hit(view: View, pixels: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Where view pixels (..., 2) end: ``points_world`` (..., 3), and whether on WALL or FLOOR."""
    rays = transform(_rotation(view), camera_rays(view.K, pixels))
    centre = view.cam_to_world[:3, 3]
    with np.errstate(divide="ignore"):
        to_wall = (3.0 + 0.1 * centre[0] - centre[1]) / (rays[..., 1] - 0.1 * rays[..., 0])
        to_floor = np.where(rays[..., 2] < 0, -centre[2] / rays[..., 2], np.inf)
    which = np.where(to_wall < to_floor, WALL, FLOOR)
    return centre + rays * np.minimum(to_wall, to_floor)[..., None], which


def surface(view: View, what: int) -> NDArray[np.bool_]:
    """(H, W) bool: the pixels that show WALL or FLOOR."""
    return hit(view, pixel_centres(*view.size))[1] == what


def colour_at(points_world: NDArray[np.float64], which: NDArray[np.int64]) -> NDArray[np.float64]:
    """sRGB in [0, 1]: a bluish wall and a reddish floor, both shaded slowly."""
    shade = 0.5 + 0.25 * np.sin(1.3 * points_world[..., :1]) * np.cos(1.1 * points_world[..., 2:])
    tint = np.where(which[..., None] == WALL, [0.3, 0.5, 0.95], [0.95, 0.4, 0.25])
    return shade * tint


def _view(folder: Path, name: str, size: tuple[int, int], K: list[list[float]], angle: float) -> View:
    view_K = np.array(K)
    pose = np.eye(4)
    right = np.array([np.cos(angle), np.sin(angle), 0.0])
    forward = np.array([-np.sin(angle), np.cos(angle), -0.25])
    forward /= np.linalg.norm(forward)
    pose[:3, :3] = np.stack([right, np.cross(forward, right), forward], axis=1)
    pose[:3, 3] = [np.sin(angle), -np.cos(angle), 1.1]
    photo_K = np.diag([10.0, 10.0, 1.0]) @ view_K
    return View(
        name=name,
        photo=folder.parent / f"{name}.jpg",
        photo_size=(size[0] * 10, size[1] * 10),
        size=size,
        K=view_K,
        cam_to_world=pose,
        warp=PhotoWarp(photo_K, view_K, radial=-0.03),
    )


def _rotation(view: View) -> NDArray[np.float64]:
    pose = view.cam_to_world.copy()
    pose[:3, 3] = 0.0
    return pose


def _jpeg(view: View) -> bytes:
    width, height = view.size
    fine = pixel_centres(width * MULTIPLE, height * MULTIPLE) / MULTIPLE
    buffer = io.BytesIO()
    picture = (colour_at(*hit(view, fine)) * 255).round().astype(np.uint8)
    Image.fromarray(picture).save(buffer, "JPEG", quality=98)
    return buffer.getvalue()
