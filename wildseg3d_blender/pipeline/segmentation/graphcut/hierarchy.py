# SPDX-License-Identifier: GPL-3.0-or-later
"""Regions that grow together: pieces of a scene merge over the weakest outlines first, all views at once.

The regions on the way from single nodes to the whole scene are candidates for objects (Arbelaez et al.,
"Contour detection and hierarchical image segmentation", 2011). A walk ends where it has come far enough; here
every piece finds its side of an outline, so things are found whose middle no walk started in.
"""

from __future__ import annotations

import heapq

import numpy as np
from numpy.typing import NDArray

from .graph import SceneGraph

Floats = NDArray[np.float64]

SAME_SURFACE = 0.5
"""Pixels of boundary without any outline that count as much as a pixel of shared surface in two views."""

SMALL_FIRST = 0.25
"""Power of the smaller region's area by which merging waits: small ones go first, so that a region does not
swallow all others one by one."""

LEAST_CHANCE = 1e-3
"""What a boundary costs at least, so that sizes decide where there is no outline at all."""


class _Regions:
    """Regions, numbered as they come, with the boundary and its mean cost between neighbours."""

    def __init__(self, area: Floats) -> None:
        self.area = area.tolist()
        self.neighbours: list[dict[int, tuple[float, float]]] = [{} for _ in self.area]

    def join(self, one: int, other: int, length: float, cost: float) -> None:
        """Add boundary between two regions and what it costs in all."""
        before = self.neighbours[one].get(other, (0.0, 0.0))
        both = before[0] + length, before[1] + cost
        self.neighbours[one][other] = self.neighbours[other][one] = both

    def waiting(self, one: int, other: int) -> float:
        """How late two neighbours merge."""
        length, cost = self.neighbours[one][other]
        return (cost / length + LEAST_CHANCE) * min(self.area[one], self.area[other]) ** SMALL_FIRST

    def merge(self, one: int, other: int) -> int:
        """The new region that two neighbours become."""
        new = len(self.area)
        self.area.append(self.area[one] + self.area[other])
        self.neighbours.append({})
        for old, partner in ((one, other), (other, one)):
            for neighbour, (length, cost) in self.neighbours[old].items():
                if neighbour != partner:
                    del self.neighbours[neighbour][old]
                    self.join(new, neighbour, length, cost)
            self.neighbours[old] = {}
        return new


def merges(graph: SceneGraph, chance: Floats) -> list[tuple[int, int]]:
    """Which two regions merge, one pair after the other.

    Nodes are regions 0..n-1, and the k-th pair becomes region n + k. Parts of the scene that no edge joins
    stay apart.

    Args:
        chance: (m,) in [0, 1] for each in-view edge, that there is an outline.
    """
    near, far = graph.in_view, graph.cross_view
    regions = _Regions(graph.nodes.area)
    length = np.concatenate([near.length, SAME_SURFACE * far.overlap])
    cost = np.concatenate([near.length * chance, np.zeros(len(far.i))])
    ends = np.concatenate([near.i, far.i]), np.concatenate([near.j, far.j])
    apart = (ends[0] != ends[1]) & (length > 0)
    edges = (values[apart].tolist() for values in (*ends, length, cost))
    for i, j, pixels, total in zip(*edges, strict=True):
        regions.join(i, j, pixels, total)
    pairs = [(i, j) for i, others in enumerate(regions.neighbours) for j in others if i < j]
    queue = [(regions.waiting(i, j), i, j) for i, j in pairs]
    heapq.heapify(queue)
    found: list[tuple[int, int]] = []
    while queue:
        _, one, other = heapq.heappop(queue)
        # What is no longer a neighbour has become part of a larger region, which waits by itself.
        if other not in regions.neighbours[one]:
            continue
        found.append((one, other))
        new = regions.merge(one, other)
        for neighbour in regions.neighbours[new]:
            heapq.heappush(queue, (regions.waiting(neighbour, new), neighbour, new))
    return found


def grown_regions(graph: SceneGraph, chance: Floats, smallest: float, largest: float) -> NDArray[np.bool_]:
    """Selections (k, n) of all regions on the way, those whose share of all pixels lies between two.

    Args:
        chance: see ``merges``.
    """
    pairs, count = merges(graph, chance), len(graph.nodes)
    members = np.zeros((count + len(pairs), count), dtype=bool)
    members[np.arange(count), np.arange(count)] = True
    for k, (one, other) in enumerate(pairs):
        members[count + k] = members[one] | members[other]
    share = members @ graph.nodes.area / max(float(graph.nodes.area.sum()), 1.0)
    return members[(share > smallest) & (share < largest)]
