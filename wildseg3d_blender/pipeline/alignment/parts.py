# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of a pair graph that is aligned: usable edges between views that hang together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ...errors import AlignmentError
from ..pair_graph import Edge, PairGraph, PairView
from .samples import MIN_PIXELS

GridWeights = tuple[NDArray[np.float32], NDArray[np.float32]]
"""Valid weights W_i and W_j of an edge on the coarse grids of its views, see ``samples.on_grid``."""


@dataclass(frozen=True)
class Part:
    """Views and edges to align; edges index into these views.

    Attributes:
        kept: (N,) indices into the graph's views, ascending.
        views: (N,).
        edges: (E,).
        numbers: (E,) indices into the graph's edges.
        weights: (E,) on the views' coarse grids.
    """

    kept: tuple[int, ...]
    views: tuple[PairView, ...]
    edges: tuple[Edge, ...]
    numbers: tuple[int, ...]
    weights: tuple[GridWeights, ...]

    def edge_in_graph(self, e: int) -> Edge:
        """Edge ``e`` with i and j as in the graph."""
        edge = self.edges[e]
        return replace(edge, i=self.kept[edge.i], j=self.kept[edge.j])


def whole_graph(graph: PairGraph, weights: Sequence[GridWeights]) -> Part:
    """All views, and the edges with enough pixels that count.

    Raises:
        AlignmentError: fewer than two views, no edges, or none with usable weights.
    """
    if len(graph.views) < 2:
        raise AlignmentError("Alignment needs at least two photos: add photos that overlap.")
    if not graph.edges:
        raise AlignmentError(
            "No two photos could be matched: add photos that overlap, each a small step from the last."
        )
    usable = [
        e for e, pair in enumerate(weights) if min(np.count_nonzero(grid) for grid in pair) >= MIN_PIXELS
    ]
    if not usable:
        raise AlignmentError(
            "No pair of photos has any confident points: use sharper photos of a textured, motionless scene, "
            "each a small step from the last."
        )
    return Part(
        kept=tuple(range(len(graph.views))),
        views=graph.views,
        edges=tuple(graph.edges[e] for e in usable),
        numbers=tuple(usable),
        weights=tuple(weights[e] for e in usable),
    )


def connected(part: Part, links: Iterable[int], keep_largest: bool) -> Part:
    """``part`` itself if the edges in ``links`` join all its views, else what joins the most of them.

    Raises:
        AlignmentError: no two views hang together, or not all do and ``keep_largest`` is false; then it
            names the photos outside the largest group.
    """
    groups = groups_of(part, links)
    if len(groups) == 1:
        return part
    if len(groups[0]) < 2:
        raise AlignmentError(
            "No two of these photos see enough of the same surface to be placed together: add photos that "
            "overlap, each a small step from the last."
        )
    if not keep_largest:
        outside = sorted(v for group in groups[1:] for v in group)
        photos = ", ".join(part.views[v].photo.name for v in outside)
        raise AlignmentError(
            f"These photos share too little with the other {len(groups[0])} to be placed beside them: "
            f"{photos}. Leave them out, or add photos taken in between that overlap with both."
        )
    return restricted(part, groups[0])


def restricted(part: Part, views: Sequence[int]) -> Part:
    """The part with these views only, and the edges between them."""
    place = {v: n for n, v in enumerate(views)}
    edges = [e for e, edge in enumerate(part.edges) if edge.i in place and edge.j in place]
    return Part(
        kept=tuple(part.kept[v] for v in views),
        views=tuple(part.views[v] for v in views),
        edges=tuple(
            replace(part.edges[e], i=place[part.edges[e].i], j=place[part.edges[e].j]) for e in edges
        ),
        numbers=tuple(part.numbers[e] for e in edges),
        weights=tuple(part.weights[e] for e in edges),
    )


def in_edges(part: Part) -> list[int]:
    """The views that are in some edge, ascending."""
    return sorted({v for edge in part.edges for v in (edge.i, edge.j)})


def groups_of(part: Part, links: Iterable[int]) -> list[list[int]]:
    """Groups of views joined by the edges ``links``, the largest first (of equals, the first view's)."""
    count = len(part.views)
    label = list(range(count))
    for edge in (part.edges[e] for e in links):
        old, new = sorted((label[edge.i], label[edge.j]), reverse=True)
        label = [new if value == old else value for value in label]
    groups = [[v for v in range(count) if label[v] == value] for value in sorted(set(label))]
    return sorted(groups, key=len, reverse=True)
