# SPDX-License-Identifier: GPL-3.0-or-later
"""The few pixels per view that the solver works on, and what each edge says of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..pair_graph import Edge
from .sim3 import Array
from .weights import PixelWeights

# 1,200 pixels per view place cameras as well as all of them do: the noise of the pointmaps is smooth, so
# more pixels repeat the same error.
PIXELS_PER_VIEW = 1200
# An edge that is confident only in a corner of a view still gets this many pixels there, if it has them.
PIXELS_PER_EDGE = 60
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
    """

    pixels: Array
    edges: NDArray[np.int64]
    is_first: NDArray[np.bool_]
    points: Array
    weights: Array


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
    weights: Sequence[tuple[PixelWeights, PixelWeights]],
    view: int,
    count: int = PIXELS_PER_VIEW,
) -> Observations:
    """Sample about ``count`` pixels of ``view``, evenly over where the edges are confident. Deterministic."""
    slots = edge_slots(edges, view)
    first_edge, first_slot = slots[0]
    width = weights[first_edge][0 if first_slot else 1].shape[1]
    points = [_slot_points(edges[e], first).reshape(-1, 3) for e, first in slots]
    valid = [
        valid_weights(p, weights[e][0 if first else 1].reshape(-1))
        for p, (e, first) in zip(points, slots, strict=True)
    ]
    chosen = _choose(valid, count, np.random.default_rng(view))
    sampled = np.stack([p[chosen] for p in points]).astype(np.float64)
    sampled_weights = np.stack([w[chosen] for w in valid]).astype(np.float64)
    sampled[sampled_weights == 0] = 0.0
    row, column = np.divmod(chosen, width)
    return Observations(
        pixels=np.stack([column + 0.5, row + 0.5], axis=-1),
        edges=np.array([e for e, _ in slots]),
        is_first=np.array([first for _, first in slots]),
        points=sampled,
        weights=sampled_weights,
    )


def _slot_points(edge: Edge, first: bool) -> NDArray[np.float32]:
    return edge.points_i if first else edge.points_j


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
