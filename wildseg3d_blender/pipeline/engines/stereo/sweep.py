# SPDX-License-Identifier: GPL-3.0-or-later
"""Plane sweep: how well each inverse depth explains a view, then the smoothest good one per pixel.

Depth is handled as inverse depth throughout: equal steps of it are about equal steps in the other images.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from ....conventions import invert_rigid
from .views import StereoView

Floats = NDArray[np.float32]

Surface = TypeVar("Surface")
"""An inverse depth, or an (H, W) map of it."""

OUT_OF_SIGHT = 1.2
"""Cost where a neighbour does not see the point; that of unrelated patches is about 1."""

STEP, JUMP = 0.06, 0.5
"""Penalties for one step of depth between neighbouring pixels, and for more where the image is flat."""

_NOISE = 2e-4  # variance of grey values that carries no texture, on the scale 0..1


def plane_costs(
    view: StereoView,
    neighbours: Sequence[StereoView],
    inverse_depths: Sequence[float],
    window: int,
    check: Callable[[], None],
) -> Floats:
    """Matching cost of fronto-parallel planes, (D, H, W): see ``_Matcher``."""
    return _Matcher(view, neighbours, window).costs(inverse_depths, _Warp.plane, check)


def surface_costs(
    view: StereoView,
    neighbours: Sequence[StereoView],
    inverse_depths: Sequence[Floats],
    window: int,
    check: Callable[[], None],
) -> Floats:
    """Matching cost of curved surfaces, each an (H, W) map of inverse depth; (D, H, W)."""
    return _Matcher(view, neighbours, window).costs(inverse_depths, _Warp.surface, check)


class _Warp:
    """A neighbour's grey values as the view would see them on a surface.

    A view pixel p at inverse depth q lies in the neighbour at M p + q b, homogeneous.
    """

    def __init__(self, view: StereoView, neighbour: StereoView) -> None:
        self._grey = neighbour.grey
        self._size = view.shape[::-1]
        view_to_neighbour = invert_rigid(neighbour.cam_to_world) @ view.cam_to_world
        # OpenCV counts pixels from the centre of the first one.
        to_index = np.array([[1, 0, -0.5], [0, 1, -0.5], [0, 0, 1]])
        onto = to_index @ neighbour.K
        self._M = onto @ view_to_neighbour[:3, :3] @ np.linalg.inv(to_index @ view.K)
        self._b = onto @ view_to_neighbour[:3, 3]
        self._rays: Floats | None = None

    def plane(self, inverse_depth: float) -> Floats:
        homography = self._M.copy()
        homography[:, 2] = homography[:, 2] + inverse_depth * self._b
        return cv2.warpPerspective(
            self._grey,
            homography,
            self._size,
            flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=-1.0,
        )

    def surface(self, inverse_depth: Floats) -> Floats:
        if self._rays is None:
            width, height = self._size
            x = np.arange(width, dtype=np.float32)
            y = np.arange(height, dtype=np.float32)[:, None]
            M = self._M.astype(np.float32)
            self._rays = np.stack([M[k, 0] * x + (M[k, 1] * y + M[k, 2]) for k in range(3)])
        b = self._b.astype(np.float32)
        depth = np.maximum(self._rays[2] + b[2] * inverse_depth, np.float32(1e-6))
        x_there = (self._rays[0] + b[0] * inverse_depth) / depth
        y_there = (self._rays[1] + b[1] * inverse_depth) / depth
        return cv2.remap(
            self._grey,
            x_there,
            y_there,
            cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=-1.0,
        )


class _Matcher:
    """1 - zero-mean normalised cross-correlation over a window, mean of the two best neighbours.

    The best two of four: a point hidden from half of the neighbours is still matched.
    """

    def __init__(self, view: StereoView, neighbours: Sequence[StereoView], window: int) -> None:
        self._window = (window, window)
        self._warps = [_Warp(view, neighbour) for neighbour in neighbours]
        self._grey = view.grey
        self._mean = self._box(view.grey)
        variance = self._box(view.grey * view.grey) - self._mean * self._mean
        self._variance = np.maximum(variance, 0.0) + np.float32(_NOISE)

    def _box(self, values: Floats) -> Floats:
        return cv2.boxFilter(values, -1, self._window)

    def costs(
        self, surfaces: Sequence[Surface], seen: Callable[[_Warp, Surface], Floats], check: Callable[[], None]
    ) -> Floats:
        """(D, H, W), a cost map for each surface; ``seen`` shows a neighbour's grey values on it."""
        volume = np.empty((len(surfaces), *self._grey.shape), np.float32)
        for d, surface in enumerate(surfaces):
            check()
            volume[d] = mean_of_best_two(
                [self._correlation_cost(seen(warp, surface)) for warp in self._warps]
            )
        return volume

    def _correlation_cost(self, other: Floats) -> Floats:
        mean = self._box(other)
        variance: Floats = self._box(other * other) - mean * mean
        np.maximum(variance, 0.0, out=variance)
        variance += np.float32(_NOISE)
        variance *= self._variance
        np.sqrt(variance, out=variance)
        covariance = self._box(self._grey * other)
        covariance -= self._mean * mean
        covariance /= variance
        cost = np.subtract(np.float32(1.0), covariance, out=covariance)
        cost[other < 0] = OUT_OF_SIGHT
        return cost


def mean_of_best_two(costs: Sequence[Floats]) -> Floats:
    """Mean of the two smallest of one to four maps, per pixel; a lone map is returned as it is."""
    if len(costs) == 1:
        return costs[0]
    smallest = np.minimum(costs[0], costs[1])
    second = np.maximum(costs[0], costs[1])
    for cost in costs[2:]:
        np.minimum(second, np.maximum(smallest, cost), out=second)
        np.minimum(smallest, cost, out=smallest)
    return (smallest + second) * np.float32(0.5)


def semi_global(volume: Floats, grey: Floats, check: Callable[[], None]) -> Floats:
    """Sum of path costs from left, right, above and below (Hirschmüller 2008), (D, H, W).

    Args:
        volume: matching cost (D, H, W).
        grey: (H, W), the image; a jump of depth costs less across its edges.
    """
    down = np.ascontiguousarray(volume.transpose(1, 0, 2))
    total = np.zeros_like(down)
    _two_way(down, grey, total)
    check()
    result = total.transpose(1, 0, 2)
    across = np.ascontiguousarray(volume.transpose(2, 0, 1))
    total_across = np.zeros_like(across)
    _two_way(across, np.ascontiguousarray(grey.T), total_across)
    return result + total_across.transpose(1, 2, 0)


def _two_way(costs: Floats, grey: Floats, total: Floats) -> None:
    """Add path costs along axis 0 of ``costs`` (N, D, M), forwards and backwards, to ``total``."""
    edges = np.exp(-12.0 * np.abs(np.diff(grey, axis=0))) * JUMP
    jumps = np.maximum(edges, 1.01 * STEP).astype(np.float32)
    small = np.float32(STEP)
    for direction in (1, -1):
        lines, sums = costs[::direction], total[::direction]
        penalties = jumps[::direction]
        path = lines[0].copy()
        sums[0] += path
        following = np.empty_like(path)
        stepped = np.empty_like(path)
        for n in range(1, len(lines)):
            best = path.min(axis=0)
            np.minimum(path, best + penalties[n - 1], out=following)
            np.add(path, small, out=stepped)
            np.minimum(following[1:], stepped[:-1], out=following[1:])
            np.minimum(following[:-1], stepped[1:], out=following[:-1])
            following -= best
            following += lines[n]
            sums[n] += following
            path, following = following, path


def best_index(summed: Floats, costs: Floats) -> tuple[Floats, Floats]:
    """Index of the smallest sum along axis 0, refined by a parabola, and the plain cost there; (H, W)."""
    count = len(summed)
    index = summed.argmin(axis=0)
    middle = np.clip(index, 1, count - 2)[None]
    before = np.take_along_axis(summed, middle - 1, 0)[0]
    at = np.take_along_axis(summed, middle, 0)[0]
    after = np.take_along_axis(summed, middle + 1, 0)[0]
    offset = np.clip((before - after) / (2.0 * (before + after - 2.0 * at) + 1e-6), -0.5, 0.5)
    offset[(index == 0) | (index == count - 1)] = 0.0
    cost = np.take_along_axis(costs, index[None], 0)[0]
    return (index + offset).astype(np.float32), cost
