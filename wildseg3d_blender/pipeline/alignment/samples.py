# SPDX-License-Identifier: GPL-3.0-or-later
"""The few pixels per view that the solver works on, and what each edge says of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..pair_graph import Edge
from .robust import weighted_median
from .sim3 import TINY, Array, lengths
from .weights import PixelWeights

# 1,200 pixels per view place cameras as well as all of them do: the noise of the pointmaps is smooth, so
# more pixels repeat the same error.
PIXELS_PER_VIEW = 1200
# An edge that is confident only in a corner of a view still gets this many pixels there, if it has them.
PIXELS_PER_EDGE = 60
# Samples come from a grid of about this many pixels of a view: looking at all of them would cost more than
# the solver does.
GRID_PIXELS = 20_000
# Points farther away than this many times an edge's median count less, in proportion.
FAR = 10.0
# Fewer pixels than this do not hold the 7 unknowns of a similarity.
MIN_PIXELS = 16


@dataclass(frozen=True)
class Observations:
    """One view's sampled pixels as seen by the K (edge, slot) pairs it takes part in.

    Attributes:
        pixels: (P, 2) float64, centres of the sampled pixels, view pixels.
        edges: (K,) int, indices into the list of edges.
        is_first: (K,) bool, whether the view is camera i of that edge.
        points: (K, P, 3) float64, in the edge's frame; 0 where not valid.
        weights: (K, P) float64 >= 0; 0 where not valid.
        distance: (K,) median distance of the points from the edge's camera, in the edge's unit; 0 for none.
    """

    pixels: Array
    edges: NDArray[np.int64]
    is_first: NDArray[np.bool_]
    points: Array
    weights: Array
    distance: Array


def valid_weights(points: NDArray[np.floating], weights: PixelWeights) -> NDArray[np.float32]:
    """``weights`` (...) as float32, with 0 wherever the weight or the point (..., 3) is unusable."""
    weights = np.asarray(weights, dtype=np.float32)
    usable = (weights > 0) & (weights < np.inf)
    # A sum is finite only if all its terms are; that of the whole map spares most engines the closer look.
    if not np.isfinite(points.sum(dtype=np.float64)):
        usable &= np.isfinite(points[..., 0]) & np.isfinite(points[..., 1]) & np.isfinite(points[..., 2])
    return np.where(usable, weights, np.float32(0))


def edge_slots(edges: Sequence[Edge], view: int) -> list[tuple[int, bool]]:
    """The (edge index, is first) pairs in which ``view`` takes part."""
    return [(e, edge.i == view) for e, edge in enumerate(edges) if view in (edge.i, edge.j)]


def sample_view(
    edges: Sequence[Edge],
    weights: Sequence[tuple[NDArray[np.float32], NDArray[np.float32]]],
    view: int,
) -> Observations:
    """Sample about ``PIXELS_PER_VIEW`` pixels of ``view``, evenly where edges are confident. Deterministic.

    Args:
        weights: of each edge, valid ones on the coarse grids of its views (see ``on_grid``).
    """
    slots = edge_slots(edges, view)
    points = [edges[e].points_i if first else edges[e].points_j for e, first in slots]
    on_slots = [weights[e][0 if first else 1] for e, first in slots]
    chosen = _choose([w.ravel() for w in on_slots], PIXELS_PER_VIEW, np.random.default_rng(view))
    row, column = np.divmod(chosen, on_slots[0].shape[1])
    step = grid_step(points[0].shape)
    sampled = np.stack([p[step * row, step * column] for p in points]).astype(np.float64)
    sampled_weights = np.stack([w[row, column] for w in on_slots]).astype(np.float64)
    sampled[sampled_weights == 0] = 0.0
    distance = _typical_distance(sampled, sampled_weights)
    sampled_weights *= _leverage_bound(sampled, distance)
    return Observations(
        pixels=step * np.stack([column, row], axis=-1) + 0.5,
        edges=np.array([e for e, _ in slots]),
        is_first=np.array([first for _, first in slots]),
        points=sampled,
        weights=sampled_weights,
        distance=distance,
    )


def _typical_distance(points: Array, weights: Array) -> Array:
    """(K,) median length of the points (K, P, 3) with a weight; 0 where there are none."""
    used = (weights > 0).T.astype(np.float64)
    return np.nan_to_num(weighted_median(lengths(points).T, used))


def _leverage_bound(points: Array, distance: Array) -> Array:
    """Factors (K, P) that bound what a point can do to its edge's scale and rotation.

    That grows with its distance from the camera, and no residual limits it: one point at a thousand times the
    depth of the others would decide alone.
    """
    far = lengths(points) / np.maximum(FAR * distance[:, None], TINY)
    return 1.0 / np.maximum(far, 1.0)


def grid_step(shape: tuple[int, ...]) -> int:
    """Every how many-th row and column of an (H, W, ...) map sampling looks at."""
    return max(1, round(float(np.sqrt(shape[0] * shape[1] / GRID_PIXELS))))


def on_grid(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """The part of an (H, W, ...) map that sampling looks at, without copying."""
    step = grid_step(values.shape)
    return values[::step, ::step]


def _choose(valid: Sequence[NDArray[np.float32]], count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Flat indices of the pixels to use, ascending."""
    total = np.sum(valid, axis=0)
    some = total > 0
    decent = np.flatnonzero(total > 0.25 * np.median(total[some])) if some.any() else np.flatnonzero(some)
    taken = np.zeros(total.size, dtype=bool)
    taken[_spread(decent, count, rng)] = True
    for weights in valid:
        missing = PIXELS_PER_EDGE - int(np.count_nonzero(weights[taken]))
        if missing > 0:
            extra = _spread(np.flatnonzero((weights > 0) & ~taken), missing, rng)
            taken[extra] = True
    return np.flatnonzero(taken)


def _spread(candidates: NDArray[np.int64], count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """``count`` of the candidates, one at random from each of ``count`` equal stretches."""
    count = min(count, len(candidates))
    if count == 0:
        return candidates[:0]
    place = (np.arange(count) + rng.random(count)) * len(candidates) / count
    return candidates[np.minimum(place.astype(np.int64), len(candidates) - 1)]
