# SPDX-License-Identifier: GPL-3.0-or-later
"""Storing a view's maps once: a map that is another one, or another one moved, is not stored again.

An engine that measures each view once moves that measurement into the frame of every pair; a network looks
at every pair anew. The first kind of pair graph shrinks to one pointmap per view, the second stays whole.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..conventions import transform
from .alignment.sim3 import dot, fit_sim3, lengths

ROUNDING = 16 * float(np.finfo(np.float32).eps)
"""A moved point may be this share of its own and the motion's length off and still be the same point: that
is what moving it in float32 leaves uncertain."""

FITTED_PIXELS = 500

SHAPE_PIXELS = 20
SAME_SHAPE = 1e-4
"""Maps whose ``_shape`` differs by more than this are not each other moved, and nothing has to be fitted."""

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class MapRef:
    """Stored map number ``index``; ``motion`` (4, 4) takes its points to those meant, None where they are
    the same."""

    index: int
    motion: NDArray[np.float64] | None = None


class MapPool:
    """The maps of one view that have to be stored, in the order of their numbers: (H, W) or (H, W, 3)."""

    def __init__(self) -> None:
        self.maps: list[Floats] = []
        self._numbers: dict[bytes, int] = {}
        self._shapes: dict[int, NDArray[np.float64]] = {}

    def add(self, values: Floats) -> MapRef:
        """The number under which exactly these values are stored."""
        values = np.ascontiguousarray(values, dtype=np.float32)
        return self._number(values, _digest(values))

    def add_points(self, points: Floats) -> MapRef:
        """As ``add`` for a pointmap, or the motion that takes a stored one there to float32's precision."""
        values = np.ascontiguousarray(points, dtype=np.float32)
        digest = _digest(values)
        if digest not in self._numbers:
            shape = _shape(values)
            for index, stored in enumerate(self.maps):
                if not np.allclose(shape, self._shape_of(index), rtol=0.0, atol=SAME_SHAPE, equal_nan=True):
                    continue
                motion = find_motion(stored, values)
                if motion is not None:
                    return MapRef(index, motion)
        return self._number(values, digest)

    def _shape_of(self, index: int) -> NDArray[np.float64]:
        if index not in self._shapes:
            self._shapes[index] = _shape(self.maps[index])
        return self._shapes[index]

    def _number(self, values: Floats, digest: bytes) -> MapRef:
        if digest not in self._numbers:
            self._numbers[digest] = len(self.maps)
            self.maps.append(values)
        return MapRef(self._numbers[digest])


def _shape(points: Floats) -> NDArray[np.float64]:
    """Some distances within a pointmap (H, W, 3) as shares of their sum: no motion changes them."""
    flat = points.reshape(-1, 3)
    chosen = flat[np.linspace(0, len(flat) - 1, SHAPE_PIXELS).astype(np.int64)].astype(np.float64)
    with np.errstate(invalid="ignore"):
        distances = lengths(np.diff(chosen, axis=0))
        total = distances.sum()
        return distances / total if total > 0 else np.full(len(distances), np.nan)


def _digest(values: Floats) -> bytes:
    return hashlib.blake2b(values.data, digest_size=16).digest()


def find_motion(points_a: Floats, points_b: Floats) -> NDArray[np.float64] | None:
    """The similarity (4, 4) that takes every point of one map (H, W, 3) to the other's, or None.

    NaN and infinities have to be at the same pixels and the same values.
    """
    a, b = points_a.reshape(-1, 3), points_b.reshape(-1, 3)
    chosen = np.linspace(0, len(a) - 1, min(len(a), FITTED_PIXELS)).astype(np.int64)
    motion = _fit(a[chosen], b[chosen])
    # Almost every pair of unrelated maps is told apart by the few pixels that were fitted.
    if motion is None or not _moves(motion, a[chosen], b[chosen]) or not _moves(motion, a, b):
        return None
    return motion


def _fit(a: Floats, b: Floats) -> NDArray[np.float64] | None:
    finite = np.isfinite(a).all(-1) & np.isfinite(b).all(-1)
    if np.count_nonzero(finite) < 4:
        return None
    a, b = a[finite].astype(np.float64), b[finite].astype(np.float64)
    # float32's errors grow with the distance, so far points say less about the motion.
    distance = lengths(b)
    near = np.maximum(distance, 1e-3 * np.median(distance))
    if not near.all():
        return None
    try:
        fit = fit_sim3(a, b, near**-2.0)
    except ValueError:  # all points coincide
        return None
    motion = np.eye(4)
    motion[:3, :3] = fit.scale * fit.rotation
    motion[:3, 3] = fit.translation
    return motion


def _moves(motion: NDArray[np.float64], a: Floats, b: Floats) -> bool:
    # A sum is finite only if all its terms are, and most maps are finite throughout.
    if not np.isfinite(a.sum(dtype=np.float64) + b.sum(dtype=np.float64)):
        finite = np.isfinite(a).all(-1) & np.isfinite(b).all(-1)
        if not np.array_equal(a[~finite], b[~finite], equal_nan=True):
            return False
        a, b = a[finite], b[finite]
    off = transform(motion, a) - b
    allowed = lengths(b) + np.float32(np.linalg.norm(motion[:3, 3]))
    return bool((dot(off, off) <= (ROUNDING * allowed) ** 2).all())
