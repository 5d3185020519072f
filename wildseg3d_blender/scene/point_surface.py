# SPDX-License-Identifier: GPL-3.0-or-later
"""The patch of surface that each pixel of a pointmap stands for: which way it faces and how large it is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

STEEPEST = 0.35
"""Cosine at which a slanted pixel stops growing; beyond it, one pixel would smear over the scene."""

REACH = 2
"""Pixels each way that a normal is measured over."""


def surface_patches(
    points_world: NDArray[np.float32],
    measured: NDArray[np.bool_],
    K: NDArray[np.float64],
    cam_to_world: NDArray[np.float64],
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Normals (H, W, 3), unit, world frame, towards the camera; and sizes (H, W) of the patches' sides.

    The normal is the cross product of central differences over REACH pixels each way; across depth breaks
    and at the border of the measured area there is none, and the patch faces the camera. Pixels without a
    measurement have zeros.

    Args:
        points_world: (H, W, 3).
        measured: (H, W), the pixels that have a point.
        K, cam_to_world: the view's.
    """
    points_world = np.where(measured[..., None], points_world, np.float32(0.0))
    centre = cam_to_world[:3, 3].astype(np.float32)
    axis = cam_to_world[:3, 2].astype(np.float32)
    to_camera = centre - points_world
    distance = np.linalg.norm(to_camera, axis=-1, keepdims=True)
    to_camera = to_camera / np.maximum(distance, 1e-12)
    spacing = np.maximum(((points_world - centre) @ axis) / np.float32(K[0, 0]), 0.0)

    across, across_valid = _difference(points_world, measured, axis=1)
    down, down_valid = _difference(points_world, measured, axis=0)
    # A step of four pixels on a surface at 80 degrees is 23 spacings long; more than that is a depth break.
    longest = 23.0 * spacing
    smooth = across_valid & down_valid
    smooth &= (np.linalg.norm(across, axis=-1) < longest) & (np.linalg.norm(down, axis=-1) < longest)

    normal = np.cross(down, across)
    length = np.linalg.norm(normal, axis=-1, keepdims=True)
    smooth &= length[..., 0] > 0
    normal = np.where(smooth[..., None], normal / np.maximum(length, 1e-20), to_camera)
    cosine = (normal * to_camera).sum(-1)
    normal = np.where((cosine < 0)[..., None], -normal, normal)
    size = spacing / np.maximum(np.abs(cosine), STEEPEST)
    normal = np.where(measured[..., None], normal, 0.0).astype(np.float32)
    return normal, np.where(measured, size, 0.0).astype(np.float32)


def measured_pixels(points_world: NDArray[np.float32], confidence: NDArray[np.float32]) -> NDArray[np.bool_]:
    """(H, W) bool: the pixels that have a point, from pointmap (H, W, 3) and confidence (H, W)."""
    finite: NDArray[np.bool_] = np.isfinite(points_world).all(-1)
    return finite & (confidence > 0)


def _difference(
    points: NDArray[np.float32], valid: NDArray[np.bool_], axis: int
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Central differences over REACH pixels each way and where both ends are valid."""
    difference = np.zeros_like(points)
    usable = np.zeros_like(valid)
    length = points.shape[axis]
    if length > 2 * REACH:
        before = [slice(None)] * 2
        after, middle = list(before), list(before)
        before[axis] = slice(0, length - 2 * REACH)
        after[axis] = slice(2 * REACH, length)
        middle[axis] = slice(REACH, length - REACH)
        difference[tuple(middle)] = points[tuple(after)] - points[tuple(before)]
        usable[tuple(middle)] = valid[tuple(after)] & valid[tuple(before)]
    return difference, usable
