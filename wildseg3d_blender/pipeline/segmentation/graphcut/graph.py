# SPDX-License-Identifier: GPL-3.0-or-later
"""The graph of a scene: superpixels of all views, edges in views and across, and everything cuts need."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ....progress import Progress, span
from ....scene.folder import Scene
from ...side_by_side import side_by_side
from .boundaries import boundary_probability, outline_probability
from .colour import Palette, make_palette
from .cuts import minimum_cut
from .diffusion import WalkGraph
from .edges import CrossViewEdges, InViewEdges, cross_view_edges, in_view_edges
from .grooves import shared_grooves
from .matching import match_views
from .nodes import Nodes, node_features
from .outline_network import outline_log_odds
from .planes import Planes, find_planes
from .view_data import ViewData, read_view_data

SAME_COLOUR = 6.0
"""Lab distance at which walks begin to doubt that two views show the same surface."""

LEAST_PASSAGE = 0.01
"""What is left of an edge for walks where there surely is an outline."""

Selection = NDArray[np.bool_]
"""(n,) bool over the nodes of a graph: True belongs to the object."""


@dataclass(frozen=True)
class SceneGraph:
    """Everything about a scene that does not depend on prompts.

    Attributes:
        strength: (m,) in [0, 1] how likely an in-view edge is a real boundary.
        outline_strength: (m,) in [0, 1] the same for judging an outline: depth counts as much as colour.
        outlined: (m,) in [0, 1] the same as learned, with the outline network's word.
        i, j, capacity: all edges, in-view ones first, for the cut.
        walk_capacity, outline_walk_capacity, surface_walk_capacity: of the same edges, for the walks.
        walk, outline_walk: walks that go by what neighbours look like, and by where the outline network sees
            outlines as well.
        surface_walk: walks that stay on a surface, whatever is on it, as far as depth is known.
        normal: (n, 3) of the nodes, world frame.
    """

    views: tuple[ViewData, ...]
    nodes: Nodes
    normal: NDArray[np.float64]
    in_view: InViewEdges
    cross_view: CrossViewEdges
    strength: NDArray[np.float64]
    outline_strength: NDArray[np.float64]
    outlined: NDArray[np.float64]
    i: NDArray[np.int64]
    j: NDArray[np.int64]
    capacity: NDArray[np.float64]
    walk_capacity: NDArray[np.float64]
    outline_walk_capacity: NDArray[np.float64]
    surface_walk_capacity: NDArray[np.float64]
    walk: WalkGraph
    outline_walk: WalkGraph
    surface_walk: WalkGraph
    palette: Palette
    planes: Planes

    @cached_property
    def same_surface(self) -> NDArray[np.float64]:
        """Pixels by which the ends of each edge across views show the same surface, in its colour."""
        return _same_surface(self.cross_view)

    def cut(
        self,
        evidence: NDArray[np.float64],
        inside: NDArray[np.int64],
        outside: NDArray[np.int64],
        active: Selection | None = None,
        kept: Selection | None = None,
    ) -> Selection:
        """The minimum cut: ``evidence`` (n,) > 0 speaks for the object; seeds are held.

        Nodes that are not ``active`` stay as ``kept`` says, outside without it.
        """
        count = len(self.nodes)
        return minimum_cut(
            (self.i, self.j, self.capacity),
            evidence,
            inside,
            outside,
            np.ones(count, dtype=bool) if active is None else active,
            np.zeros(count, dtype=bool) if kept is None else kept,
        )

    def around(self, selection: Selection, steps: int) -> Selection:
        """A selection together with all nodes up to ``steps`` edges away."""
        grown, edge = selection.copy(), np.flatnonzero(selection)
        for _ in range(steps):
            before = grown.copy()
            grown[self.walk.neighbours_of(edge)] = True
            edge = np.flatnonzero(grown & ~before)
        return grown

    def connected_to(self, selection: Selection, seeds: NDArray[np.int64]) -> Selection:
        """The part of a selection that hangs together with the seeds."""
        parent = np.arange(len(self.nodes))
        joined = selection[self.i] & selection[self.j]
        i, j = self.i[joined], self.j[joined]
        # Everyone takes the smallest label of the neighbours, then follows it: a handful of rounds.
        while True:
            low = np.minimum(parent[i], parent[j])
            renewed = parent.copy()
            np.minimum.at(renewed, parent[i], low)
            np.minimum.at(renewed, parent[j], low)
            while (renewed[renewed] != renewed).any():
                renewed = renewed[renewed]
            if (renewed == parent).all():
                break
            parent = renewed
        return selection & np.isin(parent, parent[seeds[selection[seeds]]])


def build_graph(scene: Scene, progress: Progress) -> SceneGraph:
    """Read all views of a scene and join them in one graph. About half a second per view."""
    views = _read_views(scene, span(progress, 0.0, 0.7))
    nodes = node_features(views)
    progress("segmenter", 0.75, "Comparing views")
    matches = match_views(views)
    progress("segmenter", 0.85, "Joining neighbours")
    outlines = list(side_by_side(lambda data: outline_log_odds(data.image), views, lambda given: None))
    in_view, normal = in_view_edges(views, nodes, shared_grooves(views, matches), outlines)
    progress("segmenter", 0.9, "Joining views")
    cross_view = cross_view_edges(views, nodes, matches)
    strength, geometric = _boundary_strength(in_view)
    outline_strength = np.where(in_view.known, 0.5 * strength + 0.5 * geometric, 0.6 * strength)
    i = np.concatenate([in_view.i, cross_view.i])
    j = np.concatenate([in_view.j, cross_view.j])
    capacity = np.concatenate(
        [
            15.0 * in_view.length * (0.03 + 1.0 - strength),
            6.0 * cross_view.overlap * np.exp(-(cross_view.colour**2) / (2 * 15.0**2)),
        ]
    )
    outlined = outline_probability(nodes, in_view)
    walk_capacity = _walk_capacity(boundary_probability(nodes, in_view), in_view, cross_view)
    outline_walk_capacity = _walk_capacity(outlined, in_view, cross_view)
    surface_ends = np.where(in_view.known, geometric, outlined)
    surface_walk_capacity = _walk_capacity(surface_ends, in_view, cross_view)
    progress("segmenter", 0.95, "Colours and planes")
    return SceneGraph(
        views=tuple(views),
        nodes=nodes,
        normal=normal,
        in_view=in_view,
        cross_view=cross_view,
        strength=strength,
        outline_strength=outline_strength,
        outlined=outlined,
        i=i,
        j=j,
        capacity=capacity,
        walk_capacity=walk_capacity,
        outline_walk_capacity=outline_walk_capacity,
        surface_walk_capacity=surface_walk_capacity,
        walk=WalkGraph.of_edges(i, j, walk_capacity, nodes.area),
        outline_walk=WalkGraph.of_edges(i, j, outline_walk_capacity, nodes.area),
        surface_walk=WalkGraph.of_edges(i, j, surface_walk_capacity, nodes.area),
        palette=make_palette(views, nodes.area),
        planes=find_planes(nodes),
    )


def _read_views(scene: Scene, progress: Progress) -> list[ViewData]:
    """All views, with their superpixels numbered one view after the other."""

    def waiting(number: int) -> None:
        view = scene.views[min(number, len(scene.views) - 1)]
        progress("segmenter", number / len(scene.views), f"Superpixels of {view.name}")

    views: list[ViewData] = []
    first = 0
    for data in side_by_side(lambda view: read_view_data(scene, view, 0), scene.views, waiting):
        views.append(replace(data, labels=data.labels + np.int32(first), first=first))
        first += data.count
    return views


def _walk_capacity(
    boundary: NDArray[np.float64], in_view: InViewEdges, cross_view: CrossViewEdges
) -> NDArray[np.float64]:
    """How willingly walks follow the edges, in-view ones first: rarely over what may be an outline, and to
    another view only where the colour is the same. A superpixel that lies across an outline there joins two
    things. ``boundary`` (m,) says of each in-view edge how likely it is one."""
    same = 1.0 - boundary
    return np.concatenate(
        [15.0 * in_view.length * (LEAST_PASSAGE + same**4), 6.0 * _same_surface(cross_view)]
    )


def _same_surface(cross_view: CrossViewEdges) -> NDArray[np.float64]:
    return cross_view.overlap * np.exp(-(cross_view.colour**2) / (2 * SAME_COLOUR**2))


def _boundary_strength(edges: InViewEdges) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """How much each in-view edge looks like an object's outline, and the geometric part of that."""
    sigma = 0.8 * np.sqrt(np.average(edges.gradient**2, weights=edges.length)) + 1e-9
    concave = np.maximum(-edges.convexity - 0.15, 0.0)
    jump = np.maximum(edges.step - 0.006, 0.0)
    geometric = np.where(
        edges.known,
        np.maximum(1 - np.exp(-(concave**2) / (2 * 0.35**2)), 1 - np.exp(-(jump**2) / (2 * 0.01**2))),
        0.0,
    )
    # A colour edge counts a third where the surface is known to continue: it is likely print or texture.
    colour_counts = np.where(edges.known, 0.3 + 0.7 * geometric, 0.7)
    similarity = np.exp(-colour_counts * edges.gradient**2 / (2 * sigma**2))
    similarity *= np.where(edges.known, 1 - 0.6 * geometric, 1.0)
    return 1.0 - similarity, geometric
