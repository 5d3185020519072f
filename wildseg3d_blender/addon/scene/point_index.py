# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of a million points a ray meets first, in a few milliseconds.

Points that follow one another come from neighbouring pixels, so a run of them lies close together: a ray is
first tried on the spheres around such runs, and only on the points of those that it comes near.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RUN = 24
"""Points in a run: enough that there are few spheres, few enough that the spheres are small."""

SUPPORT = 3
"""So many points close behind one another make a surface; a single one may be a stray."""

THICKNESS = 4.0
"""How far behind one another they may lie, in radii of the ray: a surface may be steep."""


@dataclass(frozen=True)
class Ray:
    """A ray with a radius, so that it meets points without extent.

    Attributes:
        origin, direction: (3,); the direction has length one.
        radius, spread: at a distance t along it, it is ``radius + spread * t`` thick.
    """

    origin: NDArray[np.float64]
    direction: NDArray[np.float64]
    radius: float
    spread: float


@dataclass(frozen=True)
class PointIndex:
    """Points and the spheres around their runs; all float32.

    Attributes:
        points: (N, 3).
        reach: (N,), the radius of each point as it is drawn.
        centres, radii: of the spheres, (R, 3) and (R,); a radius covers the reach of its points.
    """

    points: NDArray[np.float32]
    reach: NDArray[np.float32]
    centres: NDArray[np.float32]
    radii: NDArray[np.float32]


@dataclass(frozen=True)
class Met:
    """The first surface that a ray meets.

    Attributes:
        number: of the surface's point that is nearest to the ray's middle.
        along: its distance along the ray.
        behind: how far along the ray points count as the same surface.
        support: how many of them the ray meets.
    """

    number: int
    along: float
    behind: float
    support: int


def build(points: NDArray[np.float32], reach: NDArray[np.float32]) -> PointIndex:
    """The index of points (N, 3) that are drawn with the radii ``reach`` (N,)."""
    starts = np.arange(0, len(points), RUN)
    if not len(starts):
        empty = np.zeros((0, 3), np.float32)
        return PointIndex(points, reach, empty, empty[:, 0])
    low = np.minimum.reduceat(points, starts, axis=0)
    high = np.maximum.reduceat(points, starts, axis=0)
    radii = np.linalg.norm(high - low, axis=1) / 2 + np.maximum.reduceat(reach, starts)
    return PointIndex(points, reach, (low + high) / 2, radii.astype(np.float32))


def first_met(index: PointIndex, ray: Ray) -> Met | None:
    """The first surface that the ray meets; None when it meets nothing."""
    along, aside = _measure(index.centres, ray)
    limit = index.radii + ray.radius + ray.spread * np.maximum(along + index.radii, 0.0)
    runs = np.flatnonzero((aside <= limit) & (along + index.radii > 0))
    if not len(runs):
        return None
    numbers = (runs[:, None] * RUN + np.arange(RUN)).ravel()
    numbers = numbers[numbers < len(index.points)]
    along, aside = _measure(index.points[numbers], ray)
    limit = np.maximum(index.reach[numbers], ray.radius + ray.spread * along)
    met = np.flatnonzero((aside <= limit) & (along > 0))
    if not len(met):
        return None
    met = met[np.argsort(along[met])]
    numbers, along, closeness, limit = numbers[met], along[met], aside[met] / limit[met], limit[met]
    last = np.searchsorted(along, along + THICKNESS * limit, side="right")
    held = np.flatnonzero(last - np.arange(len(along)) >= SUPPORT)
    front = int(held[0]) if len(held) else 0
    chosen = front + int(closeness[front : last[front]].argmin())
    behind = float(along[front] + THICKNESS * limit[front])
    return Met(int(numbers[chosen]), float(along[chosen]), behind, int(last[front]) - front)


def _measure(points: NDArray[np.float32], ray: Ray) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """How far along the ray each point lies, and how far aside of it."""
    offset = points - ray.origin.astype(np.float32)
    along = offset @ ray.direction.astype(np.float32)
    offset -= along[:, None] * ray.direction.astype(np.float32)
    return along, np.sqrt(np.einsum("ij,ij->i", offset, offset))
