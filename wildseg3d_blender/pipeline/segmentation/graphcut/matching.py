# SPDX-License-Identifier: GPL-3.0-or-later
"""Which pixels of two views show the same point of a surface."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ....conventions import project
from .view_data import ViewData

AGREEING_DEPTH = 0.012
"""Two views see the same surface point when their depths differ by less than this share."""

MAX_NEIGHBOUR_VIEWS = 10

STEP = 2
"""Every so many rows and columns of a view are looked up in the others."""


@dataclass(frozen=True)
class Match:
    """k pixels of one view and where another shows the same points.

    Attributes:
        view, other: indices of the two views.
        own, theirs: (k,) int64 flat pixel indices in the one and in the other.
    """

    view: int
    other: int
    own: NDArray[np.int64]
    theirs: NDArray[np.int64]


def match_views(views: Sequence[ViewData]) -> list[Match]:
    """Every view against those that see most of its surface, both ways, at every ``STEP``-th pixel."""
    pixels = [sampled_pixels(data) for data in views]
    points = [data.points_world.reshape(-1, 3)[chosen] for data, chosen in zip(views, pixels, strict=True)]
    found = []
    for index in range(len(views)):
        if len(points[index]) == 0:
            continue
        for other in _neighbour_views(views, points[index], index):
            seen, theirs = _seen(views[other], points[index])
            found.append(Match(index, other, pixels[index][seen], theirs))
    return found


def sampled_pixels(data: ViewData) -> NDArray[np.int64]:
    """Flat indices of the measured pixels that are looked up in other views."""
    grid = np.zeros_like(data.measured)
    grid[::STEP, ::STEP] = data.measured[::STEP, ::STEP]
    return np.flatnonzero(grid)


def _seen(target: ViewData, points_world: NDArray[np.float32]) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
    """Which of the points (n, 3) a view sees, (n,) bool, and the flat pixels of those."""
    pixel, depth = project(points_world, target.view.K, target.view.cam_to_world)
    width, height = target.view.size
    with np.errstate(invalid="ignore"):
        inside = (pixel[:, 0] >= 0) & (pixel[:, 1] >= 0) & (pixel[:, 0] < width) & (pixel[:, 1] < height)
    seen = np.flatnonzero(inside)
    place = pixel[seen].astype(np.int64) @ (1, width)
    same = target.measured.ravel()[place] & (
        np.abs(target.depth.ravel()[place] - depth[seen]) < AGREEING_DEPTH * depth[seen]
    )
    result = np.zeros(len(inside), dtype=bool)
    result[seen[same]] = True
    return result, place[same]


def _neighbour_views(views: Sequence[ViewData], points_world: NDArray[np.float32], index: int) -> list[int]:
    """The views that see most of a view's surface, at most ``MAX_NEIGHBOUR_VIEWS``."""
    others = [k for k in range(len(views)) if k != index]
    if len(others) <= MAX_NEIGHBOUR_VIEWS:
        return others
    probe = points_world[:: max(len(points_world) // 300, 1)]
    shared = np.array([len(_seen(views[other], probe)[1]) for other in others])
    return [others[k] for k in np.argsort(-shared, kind="stable")[:MAX_NEIGHBOUR_VIEWS]]
