# SPDX-License-Identifier: GPL-3.0-or-later
"""Every frame, axis and pixel convention of the project, and the few functions that embody them.

Cameras     OpenCV axes: x right, y down, z forward. ``cam_to_world`` is 4x4, ``K`` is 3x3 in pixels.
Pixels      (x, y), pixel centres at half-integers: the centre of the top-left pixel is (0.5, 0.5),
            the image spans [0, width] x [0, height].
World       right-handed, Z up, unit: scene units (the root Empty in Blender carries the real scale).
Blender     its cameras look along -z with y up: ``cam_to_world @ BLENDER_FROM_OPENCV``.
Arrays      images (H, W, 3) uint8 RGB; pointmaps (H, W, 3) float32; confidence (H, W) float32 >= 0,
            where 0 means "no measurement"; masks (H, W) bool.

Two pixel grids exist per view and are never mixed silently:

view pixels   the undistorted pinhole grid that pointmaps, confidence and masks live on. Everything
              inside the project (prompts, worker messages, segmenters) is in view pixels.
photo pixels  the photo as its owner sees it: full size, upright, lens distortion included. The command
              line and ``bpy.ops.wildseg3d.prompt_add`` take these; ``PhotoWarp`` converts.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

BLENDER_FROM_OPENCV = np.diag([1.0, -1.0, -1.0, 1.0])


def pixel_centres(width: int, height: int) -> NDArray[np.float64]:
    """Centres of all pixels, (H, W, 2) float64 as (x, y)."""
    x, y = np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5)
    return np.stack([x, y], axis=-1)


def camera_rays(K: NDArray[np.floating], pixels: NDArray[np.floating]) -> NDArray[np.float64]:
    """Rays K^-1 [x, y, 1] of depth one, camera frame. ``pixels`` (..., 2) -> (..., 3)."""
    homogeneous = np.concatenate([pixels, np.ones_like(pixels[..., :1])], axis=-1)
    return homogeneous @ np.linalg.inv(K).T


def unproject(depth: NDArray[np.floating], K: NDArray[np.floating]) -> NDArray[np.float64]:
    """Depth map (H, W) along camera z -> ``points_cam`` (H, W, 3)."""
    height, width = depth.shape
    return camera_rays(K, pixel_centres(width, height)) * depth[..., None]


def transform(a_to_b: NDArray[np.floating], points_a: NDArray[np.floating]) -> NDArray[np.floating]:
    """Apply a 4x4 affine ``a_to_b`` to points (..., 3); keeps the dtype of the points."""
    matrix = np.asarray(a_to_b, dtype=points_a.dtype)
    return points_a @ matrix[:3, :3].T + matrix[:3, 3]


def invert_rigid(a_to_b: NDArray[np.floating]) -> NDArray[np.float64]:
    """Inverse of 4x4 rotation-and-translation matrices (..., 4, 4)."""
    rotation = np.swapaxes(a_to_b[..., :3, :3], -1, -2)
    b_to_a = np.zeros_like(a_to_b, dtype=np.float64)
    b_to_a[..., :3, :3] = rotation
    b_to_a[..., :3, 3] = -(rotation @ a_to_b[..., :3, 3, None])[..., 0]
    b_to_a[..., 3, 3] = 1.0
    return b_to_a


def project(
    points_world: NDArray[np.floating], K: NDArray[np.floating], cam_to_world: NDArray[np.floating]
) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """World points (..., 3) -> view pixels (..., 2) and depth (...) along the camera's z.

    Points at or behind the camera plane get NaN pixels; their depth is returned as it is (<= 0).
    """
    points_cam = transform(invert_rigid(cam_to_world), points_world)
    depth = points_cam[..., 2]
    safe = np.where(depth > 0, depth, np.nan)
    homogeneous = points_cam @ np.asarray(K, dtype=points_cam.dtype).T
    return homogeneous[..., :2] / safe[..., None], depth
