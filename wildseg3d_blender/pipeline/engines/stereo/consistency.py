# SPDX-License-Identifier: GPL-3.0-or-later
"""Do the depth maps agree? What several views measured independently is what can be trusted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ....conventions import invert_rigid
from .views import StereoView

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Agreement:
    """How far other views confirm a depth map; (H, W) each.

    Attributes:
        strength: sum of exp(-(difference / tolerance)²) over the views that agree.
        number: how many agree.
        in_the_way: True where a point stands in front of what another view measured behind it.
    """

    strength: Floats
    number: NDArray[np.uint8]
    in_the_way: NDArray[np.bool_]


def agreement(
    i: int,
    views: Sequence[StereoView],
    inverse_depths: Sequence[Floats],
    witnesses: Sequence[int],
    *,
    tolerance: float,
    measured: Sequence[NDArray[np.bool_]] | None = None,
) -> Agreement:
    """Look every point of view i up in the depth maps of ``witnesses``, where they see it.

    Args:
        inverse_depths: (H, W) per view, on the views' grids.
        tolerance: largest relative difference of depth that counts as agreement.
        measured: (H, W) bool per view, where its depth is known well enough to see through empty space.
    """
    view = views[i]
    depth = 1.0 / inverse_depths[i]
    strength = np.zeros(view.shape, np.float32)
    number = np.zeros(view.shape, np.uint8)
    in_the_way = np.zeros(view.shape, bool)
    for j in witnesses:
        x, y, depth_there = _project_depth(view, depth, views[j])
        found = _look_up(inverse_depths[j], x, y, cv2.INTER_LINEAR)
        difference = np.abs(found * depth_there - 1.0)
        agrees = (difference < tolerance) & (depth_there > 0)
        strength += np.where(agrees, np.exp(-((difference / tolerance) ** 2)), 0.0).astype(np.float32)
        number += agrees
        if measured is not None:
            known = _look_up(measured[j].astype(np.uint8), x, y, cv2.INTER_NEAREST) > 0
            in_the_way |= known & (found * depth_there < 1.0 - 2.0 * tolerance) & (depth_there > 0)
    return Agreement(strength, number, in_the_way)


def carried_over(
    i: int,
    views: Sequence[StereoView],
    inverse_depths: Sequence[Floats],
    trusted: Sequence[NDArray[np.bool_]],
    sources: Sequence[int],
) -> Floats:
    """Trusted depth of other views seen from view ``i``: inverse depth of the nearest, 0 where none lands."""
    view = views[i]
    height, width = view.shape
    nearest = np.zeros(height * width, np.float32)
    for j in sources:
        x, y, depth = _project_depth(views[j], 1.0 / inverse_depths[j], view)
        column, row = np.floor(x).astype(np.int32), np.floor(y).astype(np.int32)
        lands = trusted[j] & (depth > 0) & (column >= 0) & (column < width) & (row >= 0) & (row < height)
        place = row[lands] * width + column[lands]
        inverse = (1.0 / depth[lands]).astype(np.float32)
        order = np.argsort(inverse, kind="stable")  # the nearest is written last and stays
        landed = np.zeros_like(nearest)
        landed[place[order]] = inverse[order]
        np.maximum(nearest, landed, out=nearest)
    return nearest.reshape(height, width)


def _look_up(values: NDArray[np.generic], x: Floats, y: Floats, interpolation: int) -> NDArray[Any]:
    """Values at pixels x, y; 0 outside. OpenCV counts pixels from the centre of the first one."""
    return cv2.remap(values, x - 0.5, y - 0.5, interpolation, borderMode=cv2.BORDER_CONSTANT, borderValue=0)


def _project_depth(view: StereoView, depth: Floats, onto: StereoView) -> tuple[Floats, Floats, Floats]:
    """Pixels x, y and depth in ``onto`` of every pixel of ``view`` at its ``depth``, (H, W) float32 each."""
    height, width = view.shape
    view_to_other = invert_rigid(onto.cam_to_world) @ view.cam_to_world
    M = (onto.K @ view_to_other[:3, :3] @ np.linalg.inv(view.K)).astype(np.float32)
    b = (onto.K @ view_to_other[:3, 3]).astype(np.float32)
    x = np.arange(width, dtype=np.float32) + np.float32(0.5)
    y = np.arange(height, dtype=np.float32)[:, None] + np.float32(0.5)
    u, v, w = ((M[k, 0] * x + (M[k, 1] * y + M[k, 2])) * depth + b[k] for k in range(3))
    in_front = w > 0
    safe = np.where(in_front, w, np.float32(1.0))
    outside = np.float32(-1e6)
    return np.where(in_front, u / safe, outside), np.where(in_front, v / safe, outside), w
