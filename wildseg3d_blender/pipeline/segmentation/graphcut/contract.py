# SPDX-License-Identifier: GPL-3.0-or-later
"""A smaller graph of the same scene: nodes that surely belong together, in one view or across, become one.

Contraction by heavy edges (Karypis and Kumar, "A fast and high quality multilevel scheme for partitioning
irregular graphs", 1998): in every round each node proposes to the neighbour it is tied to most for the size
of both, and pairs that propose to each other merge. What is merged is never larger than a patch of a
surface, so nothing chains.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ....progress import Progress, silent
from .colour import BINS, Palette
from .diffusion import WalkGraph
from .edges import CrossViewEdges, InViewEdges
from .graph import SceneGraph, Selection
from .nodes import Nodes

LARGEST = 6.0
"""A merged node covers at most this many times the mean area."""

TOO_STRONG, TOO_LIKELY = 0.55, 0.4
"""Neighbours in a view with a boundary stronger than this on average stay apart, or, by what is learned, with
an outline between them more likely than this."""

ROUNDS = 24

_Edges = tuple[NDArray[np.int64], NDArray[np.int64], list[NDArray[np.float64]]]
"""Undirected edges i < j without repetitions and several values of each."""


@dataclass(frozen=True)
class Contracted:
    """A contracted graph and where its nodes come from.

    Attributes:
        graph: the smaller graph; it has no ``views``, and its nodes are of all views at once.
        of_node: (n,) int64, for each node of the full graph its node in ``graph``.
    """

    graph: SceneGraph
    of_node: NDArray[np.int64]

    def up(self, selection: Selection) -> Selection:
        """A selection of merged nodes -> the nodes they are made of."""
        return selection[self.of_node]

    def down(self, selection: Selection, area: NDArray[np.float64]) -> Selection:
        """A selection of nodes with ``area`` (n,) -> the merged nodes it covers by more than half."""
        covered = np.bincount(self.of_node, area * selection, len(self.graph.nodes))
        return covered > 0.5 * self.graph.nodes.area


def contract(
    graph: SceneGraph, count: int, progress: Progress = silent, *, learned: bool = False
) -> Contracted:
    """Merge nodes until about ``count`` remain, or nothing is left that may merge.

    Args:
        learned: merge by how willingly walks pass and by learned outlines, which keeps things apart that
            touch; without, by what cuts cost.
    """
    of_node = np.arange(len(graph.nodes))
    limit = LARGEST * float(graph.nodes.area.sum()) / count
    area = graph.nodes.area
    edges = _between(
        graph.i,
        graph.j,
        len(area),
        graph.walk_capacity if learned else graph.capacity,
        _padded(graph.in_view.length, len(graph.i)),
        _padded(graph.in_view.length * (graph.outlined if learned else graph.strength), len(graph.i)),
    )
    most = TOO_LIKELY if learned else TOO_STRONG
    for _ in range(ROUNDS):
        progress("proposals", 0.0, "Finding objects")
        size = len(area)
        if size <= 1.15 * count:
            break
        partner = _partners(edges, area, limit, most)
        merged = np.unique(np.minimum(np.arange(size), partner), return_inverse=True)[1]
        if int(merged.max()) + 1 > 0.995 * size:
            break
        of_node, area = merged[of_node], _sums(merged, area, int(merged.max()) + 1)
        i, j, values = edges
        i, j = merged[i], merged[j]
        apart = i != j
        edges = _between(i[apart], j[apart], len(area), *(value[apart] for value in values))
    return Contracted(_merged_graph(graph, of_node), of_node)


def _partners(edges: _Edges, area: NDArray[np.float64], limit: float, most: float) -> NDArray[np.int64]:
    """For each merged node the one it merges with now, itself where there is none; ``edges`` have capacity,
    length and length times strength; only where its mean is at most ``most`` nodes merge."""
    i, j, (capacity, length, strong) = edges
    usable = (area[i] + area[j] <= limit) & (strong <= most * length)
    i, j = i[usable], j[usable]
    tie = capacity[usable] / np.sqrt(area[i] * area[j])
    i, j, tie = np.concatenate([i, j]), np.concatenate([j, i]), np.concatenate([tie, tie])
    best = np.zeros(len(area))
    np.maximum.at(best, i, tie)
    # Of equal ties the one to the lowest number.
    strongest = tie == best[i]
    partner = np.full(len(area), len(area))
    np.minimum.at(partner, i[strongest], j[strongest])
    partner = np.where(partner < len(area), partner, np.arange(len(area)))
    mutual = partner[partner] == np.arange(len(area))
    return np.where(mutual, partner, np.arange(len(area)))


def _padded(values: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    """Values of the in-view edges as values of all edges: 0 on those across views, which come last."""
    return np.concatenate([values, np.zeros(size - len(values))])


def _between(i: NDArray[np.int64], j: NDArray[np.int64], size: int, *values: NDArray[np.float64]) -> _Edges:
    """Edges with the same two ends as one, i <= j, with the sums of their values."""
    key, index = np.unique(np.minimum(i, j) * size + np.maximum(i, j), return_inverse=True)
    return key // size, key % size, [_sums(index, value, len(key)) for value in values]


def _sums(index: NDArray[np.int64], values: NDArray[np.floating], size: int) -> NDArray[np.float64]:
    """Sums (size,) of the values (n,) of each index."""
    return np.bincount(index, values, size).astype(np.float64, copy=False)


def _merged_graph(graph: SceneGraph, of_node: NDArray[np.int64]) -> SceneGraph:
    size = int(of_node.max()) + 1
    nodes, edges, cross = _merged_nodes(graph.nodes, of_node, size), graph.in_view, graph.cross_view
    i, j, (length, gradient, strong, outline, outlined) = _between(
        of_node[edges.i],
        of_node[edges.j],
        size,
        edges.length,
        edges.length * edges.gradient,
        edges.length * graph.strength,
        edges.length * graph.outline_strength,
        edges.length * graph.outlined,
    )
    cross_i, cross_j, (overlap,) = _between(of_node[cross.i], of_node[cross.j], size, cross.overlap)
    all_i, all_j, capacities = _between(
        of_node[graph.i],
        of_node[graph.j],
        size,
        graph.capacity,
        graph.walk_capacity,
        graph.outline_walk_capacity,
        graph.surface_walk_capacity,
    )
    apart = all_i != all_j
    all_i, all_j = all_i[apart], all_j[apart]
    capacity, walk_capacity, outline_walk_capacity, surface_walk_capacity = (
        values[apart] for values in capacities
    )
    none = np.zeros(len(i))
    return SceneGraph(
        views=(),
        nodes=nodes,
        normal=_means(graph.normal, graph.nodes.area, of_node, size),
        in_view=InViewEdges(
            i, j, length, gradient / length, none, nodes.placed[i] & nodes.placed[j], none, none, none, none
        ),
        cross_view=CrossViewEdges(cross_i, cross_j, overlap, np.zeros(len(cross_i))),
        strength=strong / length,
        outline_strength=outline / length,
        outlined=outlined / length,
        i=all_i,
        j=all_j,
        capacity=capacity,
        walk_capacity=walk_capacity,
        outline_walk_capacity=outline_walk_capacity,
        surface_walk_capacity=surface_walk_capacity,
        walk=WalkGraph.of_edges(all_i, all_j, walk_capacity, nodes.area),
        outline_walk=WalkGraph.of_edges(all_i, all_j, outline_walk_capacity, nodes.area),
        surface_walk=WalkGraph.of_edges(all_i, all_j, surface_walk_capacity, nodes.area),
        palette=_merged_palette(graph.palette, of_node, nodes.area),
        planes=graph.planes,
    )


def _means(
    values: NDArray[np.float64], weight: NDArray[np.float64], of_node: NDArray[np.int64], size: int
) -> NDArray[np.float64]:
    """Weighted means (size, c) of values (n, c) over the merged nodes; 0 where all weights are."""
    total = _sums(of_node, weight, size)
    sums = [_sums(of_node, weight * values[:, c], size) for c in range(values.shape[1])]
    return np.stack(sums, axis=1) / np.maximum(total, 1e-12)[:, None]


def _merged_nodes(nodes: Nodes, of_node: NDArray[np.int64], size: int) -> Nodes:
    area = _sums(of_node, nodes.area, size)
    placed_area = _sums(of_node, nodes.area * nodes.placed, size)
    weight = nodes.measured * nodes.placed
    return Nodes(
        view=np.full(size, -1, dtype=np.int64),
        area=area,
        lab=_means(nodes.lab, nodes.area, of_node, size),
        placed=placed_area > 0.5 * area,
        measured=_sums(of_node, nodes.measured, size),
        point_world=_means(nodes.point_world, weight, of_node, size),
        depth=_means(nodes.depth[:, None], weight, of_node, size)[:, 0],
        scatter=np.zeros((size, 3, 3)),
        framed=_sums(of_node, nodes.area * nodes.framed, size) / area,
        pixel=np.zeros((size, 2)),
    )


def _merged_palette(palette: Palette, of_node: NDArray[np.int64], area: NDArray[np.float64]) -> Palette:
    key, index = np.unique(of_node[palette.node] * BINS + palette.bin, return_inverse=True)
    return Palette(key // BINS, key % BINS, _sums(index, palette.count, len(key)), area)
