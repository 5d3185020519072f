# SPDX-License-Identifier: GPL-3.0-or-later
"""What becomes of an object when more and more nodes change sides, for all numbers of them at once.

Only edges at those nodes are looked at: a correction changes little of a scene.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .graph import SceneGraph, Selection
from .outline import TORN_WEIGHT, Measured

SMALL, SMALL_WEIGHT = 0.0005, 0.03
"""A change of less than this share of all pixels is hardly worth a click."""

JOIN_WEIGHT = 0.3
"""How much a boundary counts against a region that joins its new side there."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Flips:
    """Scores of flipping order[:1], order[:2], ... of k nodes.

    Attributes:
        change: (k,) of the region that flips, by its own outline: where it leaves the rest of its old side
            there should be a boundary; where it joins its new side it is good when there is none.
        whole: (k,) of the selection afterwards: its ``outline_score``.
        area: (k,) pixels that flip.
    """

    change: Floats
    whole: Floats
    area: Floats


@dataclass(frozen=True)
class _Edges:
    """Edges with an end among the nodes that flip: when their first and last end does (k: never), weight,
    and how many of their ends were selected before."""

    first: NDArray[np.int64]
    last: NDArray[np.int64]
    weight: Floats
    before: NDArray[np.int64]
    which: NDArray[np.int64]
    count: int

    def outlining(self, weight: Floats) -> Floats:
        """For every prefix, the weight of the edges that leave it."""
        return self._summed(self.first, weight) - self._summed(self.last, weight)

    def touching(self) -> Floats:
        """For every prefix, the weight of the edges that have an end in it."""
        return self._summed(self.first, self.weight)

    def torn(self, weight: Floats) -> Floats:
        """How much more weight the selection's outline has after the flip than before."""
        return self.outlining(np.where(self.before == 1, -weight, weight))

    def held(self, weight: Floats, positive: bool) -> Floats:
        """How much more weight the edges have that touch the selection after the flip than before."""
        if positive:
            return self._summed(self.first, np.where(self.before == 0, weight, 0.0))
        return -self._summed(np.where(self.before == 2, self.last, self.first), weight)

    def _summed(self, at: NDArray[np.int64], weight: Floats) -> Floats:
        return np.cumsum(np.bincount(at, weight, self.count + 1)[: self.count])


def flip_scores(graph: SceneGraph, order: NDArray[np.int64], previous: Selection, was: Measured) -> Flips:
    """Scores of flipping ever more of ``order`` (k,), nodes that are all on one side of ``previous``.

    ``was`` is what ``previous`` measures.
    """
    nodes, edges, cross = graph.nodes, graph.in_view, graph.cross_view
    positive = not bool(previous[order[0]])
    rank = np.full(len(nodes), len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    near = _edges(rank, previous, edges.i, edges.j, edges.length, len(order))
    far = _edges(rank, previous, cross.i, cross.j, cross.overlap, len(order))
    strength = graph.outline_strength[near.which]
    strong = near.weight * strength
    area, all_area = np.cumsum(nodes.area[order]), float(nodes.area.sum())
    joins = np.where(near.before == 1, 1.0 - JOIN_WEIGHT * strength, strength)
    heals = np.where(far.before == 1, -far.weight, far.weight)
    change = (
        near.outlining(near.weight * joins) / np.maximum(near.outlining(near.weight), 1.0)
        - TORN_WEIGHT * far.outlining(heals) / np.maximum(far.touching(), 1.0)
        + _smallness(area / all_area)
    )
    sign = 1.0 if positive else -1.0
    became = Measured(
        length_on=was.length_on + near.torn(near.weight),
        strong_on=was.strong_on + near.torn(strong),
        length=was.length + near.held(near.weight, positive),
        strong=was.strong + near.held(strong, positive),
        torn=was.torn + far.torn(far.weight),
        shown=was.shown + far.held(far.weight, positive),
        area=was.area + sign * area,
        framed=was.framed + sign * np.cumsum((nodes.area * nodes.framed)[order]),
    )
    return Flips(change, np.asarray(became.score(all_area)), area)


def smallness(graph: SceneGraph, changed: Selection) -> float:
    """What a change's size takes off its score, at most 0."""
    area = graph.nodes.area
    return float(_smallness(max(area[changed].sum(), 1.0) / area.sum()))


def _smallness(share: Floats) -> Floats:
    return SMALL_WEIGHT * np.log(np.minimum(share / SMALL, 1.0))


def _edges(
    rank: NDArray[np.int64],
    previous: Selection,
    i: NDArray[np.int64],
    j: NDArray[np.int64],
    weight: Floats,
    count: int,
) -> _Edges:
    first, last = rank[i], rank[j]
    which = np.flatnonzero(np.minimum(first, last) < count)
    first, last, i, j = first[which], last[which], i[which], j[which]
    before = previous[i].astype(np.int64) + previous[j]
    return _Edges(np.minimum(first, last), np.maximum(first, last), weight[which], before, which, count)
