# SPDX-License-Identifier: GPL-3.0-or-later
"""A scene folder with exact geometry, made in a tenth of a second: an orange ball on a green floor.

Three cameras on an arc, view grid 160x120, photos of 640x480 with a little lens distortion.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tests.scenes.writing import as_jpeg, write_views
from wildseg3d_blender.conventions import camera_rays, pixel_centres
from wildseg3d_blender.photo_warp import PhotoWarp
from wildseg3d_blender.scene.folder import Scene, View

SIZE = (160, 120)
PHOTO_SIZE = (640, 480)
K = np.array([[150.0, 0.0, 80.0], [0.0, 150.0, 60.0], [0.0, 0.0, 1.0]])
PHOTO_K = np.array([[600.0, 0.0, 320.0], [0.0, 600.0, 240.0], [0.0, 0.0, 1.0]])
BALL = np.array([0.0, 0.0, 0.5])
RADIUS = 0.5
ANGLES = (-15.0, 0.0, 15.0)


def write_tiny_scene(folder: Path) -> Scene:
    """Write the scene; views are called left, middle, right."""
    views, pointmaps, confidence, images = [], {}, {}, {}
    for name, angle in zip(("left", "middle", "right"), ANGLES, strict=True):
        view = View(
            name=name,
            photo=folder.parent / f"{name}.jpg",
            photo_size=PHOTO_SIZE,
            size=SIZE,
            K=K,
            cam_to_world=_look_at_ball(np.radians(angle)),
            warp=PhotoWarp(PHOTO_K, K, radial=-0.02),
        )
        pixels = pixel_centres(*SIZE)
        pointmaps[name] = _hit(view, pixels)[0].astype(np.float32)
        confidence[name] = np.full(SIZE[::-1], 5.0, np.float32)
        images[name] = _picture(view)
        views.append(view)
    return write_views(folder, views, pointmaps, confidence, images)


def true_photo_mask(view: View) -> NDArray[np.bool_]:
    """Where the ball is in the photo, (480, 640) bool."""
    return _hit(view, view.warp.to_view(pixel_centres(*PHOTO_SIZE)))[1]


def true_view_mask(view: View) -> NDArray[np.bool_]:
    """Where the ball is in the view, (120, 160) bool."""
    return _hit(view, pixel_centres(*SIZE))[1]


def _hit(view: View, pixels: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """``points_world`` where the pixels' rays end, and whether that is on the ball."""
    centre = view.cam_to_world[:3, 3]
    rays = camera_rays(view.K, pixels) @ view.cam_to_world[:3, :3].T
    a, b = (rays**2).sum(-1), 2 * rays @ (centre - BALL)
    discriminant = b**2 - 4 * a * ((centre - BALL) @ (centre - BALL) - RADIUS**2)
    on_ball = discriminant > 0
    to_ball = (-b - np.sqrt(np.where(on_ball, discriminant, 0.0))) / (2 * a)
    to_floor = -centre[2] / rays[..., 2]
    return centre + rays * np.where(on_ball, to_ball, to_floor)[..., None], on_ball


def _picture(view: View) -> bytes:
    fine = pixel_centres(SIZE[0] * 2, SIZE[1] * 2) / 2
    points, on_ball = _hit(view, fine)
    grain = np.sin(31 * points[..., 0]) * np.sin(37 * points[..., 1] + 5) * np.cos(29 * points[..., 2])
    colour = np.where(on_ball[..., None], [225.0, 130.0, 40.0], [70.0, 125.0, 75.0]) + 18 * grain[..., None]
    return as_jpeg(colour / 255)


def _look_at_ball(angle: float) -> NDArray[np.float64]:
    centre = np.array([3 * np.sin(angle), -3 * np.cos(angle), 2.0])
    forward = (BALL - centre) / np.linalg.norm(BALL - centre)
    right = np.cross(forward, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    cam_to_world = np.eye(4)
    cam_to_world[:3] = np.stack([right, np.cross(forward, right), forward, centre], axis=1)
    return cam_to_world
