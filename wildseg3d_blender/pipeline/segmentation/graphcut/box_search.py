# SPDX-License-Identifier: GPL-3.0-or-later
"""From a box to an object: nothing outside it, and an object that fills it.

Of 206 boxes around things in 15 rendered scenes (``benchmarks/guesses.py``) the guess taken has a mean IoU of
.751, .754 once its outline has settled, and the best one .807.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import product

import numpy as np
from numpy.typing import NDArray

from ....conventions import project
from ...side_by_side import side_by_side
from ..pixel_prompts import PixelBox
from .diffusion import WalkGraph
from .graph import SceneGraph, Selection
from .hypotheses import (
    CONSENSUS_WEIGHT,
    HANDICAP,
    SURFACE_LOSS,
    Hypothesis,
    consensus,
    different,
    more_like_one_thing,
    polish,
)
from .outline import SEEN_WEIGHT, best_selections, outline_score, prefix_scores, seen_outline

LOSSES, OUTLINE_LOSSES = (0.03, 0.3), (0.03, 0.3, 1.0)
"""How local the walks are, as for clicks, and those that the outline network guides as well."""

GUESSES, SIZES_APART = 3, 1.4
"""Sizes tried for each walk, and the least ratio between two of them."""

KEPT, POLISHED = 40, 4
"""How many guesses are looked at by the overlap network, and how many of them are cut anew."""

FARTHEST = 3
"""Nodes near the middle, those that walks from outside the box reach least, that are one start."""

SPOTS = ((0.5, 0.5), (0.5, 0.3), (0.5, 0.7), (0.3, 0.5), (0.7, 0.5))
"""Where in a box walks start as well, as shares of its width and height: many things are not where it is
farthest from everything outside, and some have holes."""

MARGIN, SLACK = 3, 0.04
"""Pixels, and share of the box's longer side, by which a surface point may miss the box and still belong to
the object."""

LEAST_REACH = 1e-6
"""Chance that a walk ends at the core below which nodes take no part in a guess."""

Nodes = NDArray[np.int64]


def from_boxes(
    graph: SceneGraph, boxes: Sequence[PixelBox], inside: Nodes, outside: Nodes
) -> list[Hypothesis]:
    """Hypotheses for the object that the boxes bound, best first; clicks hold as well."""
    barred = barred_by(graph, boxes, inside, outside)
    lost = np.flatnonzero(barred)
    starts = _walked(graph, boxes, _cores(graph, boxes, barred, inside), barred)

    def polished(start: Hypothesis) -> Hypothesis:
        selection = polish(graph, inside, lost, start.selection)
        return Hypothesis(selection, start.score, f"{start.note}+polish")

    chosen = different(graph, starts)[:POLISHED]
    voters = list(side_by_side(polished, chosen, lambda given: None))
    found = as_bounded(graph, boxes, [*starts, *voters])
    found = [replace(h, score=h.score + CONSENSUS_WEIGHT * consensus(graph, h, voters)) for h in found]
    return sorted(found, key=lambda h: -h.score)


def barred_by(graph: SceneGraph, boxes: Sequence[PixelBox], inside: Nodes, outside: Nodes) -> Selection:
    """The nodes that boxes and clicks rule out."""
    barred = np.zeros(len(graph.nodes), dtype=bool)
    for box in boxes:
        barred |= _outside_box(graph, box)
    barred[inside] = False
    barred[outside] = True
    return barred


def as_bounded(graph: SceneGraph, boxes: Sequence[PixelBox], found: Sequence[Hypothesis]) -> list[Hypothesis]:
    """Scored anew by their outlines, by how well they fill the boxes, and by how well they cover one thing in
    the first box's view, as a network sees it."""

    edges = [_edges(graph, box.view) for box in boxes]

    def outlined(h: Hypothesis) -> Hypothesis:
        fill = np.mean([_fill(each, box, h.selection) for each, box in zip(edges, boxes, strict=True)])
        score = outline_score(graph, h.selection) + SEEN_WEIGHT * seen_outline(graph, h.selection)
        return replace(h, score=score + float(fill))

    data = graph.views[boxes[0].view]
    masks = [data.mask(h.selection) for h in found]
    return more_like_one_thing([outlined(h) for h in found], masks, data, None)


def _walked(
    graph: SceneGraph, boxes: Sequence[PixelBox], cores: Sequence[Nodes], barred: Selection
) -> list[Hypothesis]:
    """The best outlined and best filling of what walks from each core reach, at several scales."""
    # Walks are lost at what is barred, so only the rest is needed; it is a small part of the scene.
    taking_part = ~barred
    taking_part[np.concatenate(cores)] = True
    at, number = np.flatnonzero(taking_part), np.cumsum(taking_part) - 1
    walk, outline_walk, surface_walk = (
        edges.part(at, lost_outside=True) for edges in (graph.walk, graph.outline_walk, graph.surface_walk)
    )
    walks = [(walk, loss, "box", 0.0) for loss in LOSSES]
    walks += [(outline_walk, loss, "outline box", 0.0) for loss in OUTLINE_LOSSES]
    walks += [(surface_walk, SURFACE_LOSS, "surface box", HANDICAP)]
    edges_in = [_edges(graph, box.view) for box in boxes]

    def best_of(start: tuple[Nodes, tuple[WalkGraph, float, str, float]]) -> list[Hypothesis]:
        core, (edges, loss, name, less) = start
        reach = np.zeros(len(graph.nodes))
        reach[at] = edges.reach(number[core], np.zeros(0, dtype=np.int64), loss)
        order = np.argsort(-reach, kind="stable")
        fill = [_fills(each, box, order) for each, box in zip(edges_in, boxes, strict=True)]
        scores = prefix_scores(graph, order) + np.mean(fill, axis=0)
        scores[reach[order] <= LEAST_REACH] = -np.inf
        area = np.cumsum(graph.nodes.area[order])
        sizes = best_selections(order, scores, area, GUESSES, ratio=SIZES_APART)
        return [Hypothesis(selection, score - less, f"{name} {loss}") for selection, score in sizes]

    starts = list(product(cores, walks))
    found = [guess for part in side_by_side(best_of, starts, lambda given: None) for guess in part]
    found = list({guess.selection.tobytes(): guess for guess in found}.values())
    return sorted(found, key=lambda h: -h.score)[:KEPT]


def _outside_box(graph: SceneGraph, box: PixelBox) -> Selection:
    """Nodes of the box's view that lie mostly outside it, and all nodes whose point projects outside."""
    data = graph.views[box.view]
    height, width = data.labels.shape
    inside = np.zeros((height, width), dtype=bool)
    inside[box.row0 : box.row1, box.column0 : box.column1] = True
    local = (data.labels - data.first).ravel()
    share = np.bincount(local, inside.ravel(), data.count) / np.bincount(local, minlength=data.count)
    margin = max(MARGIN, SLACK * max(box.row1 - box.row0, box.column1 - box.column0))
    pixel, _ = project(graph.nodes.point_world, data.view.K, data.view.cam_to_world)
    with np.errstate(invalid="ignore"):
        hit = (
            (pixel[:, 0] > box.column0 - margin)
            & (pixel[:, 0] < box.column1 + margin)
            & (pixel[:, 1] > box.row0 - margin)
            & (pixel[:, 1] < box.row1 + margin)
        )
    outside = graph.nodes.placed & ~hit
    outside[data.first : data.first + data.count] = share < 0.4
    return outside


def _cores(graph: SceneGraph, boxes: Sequence[PixelBox], barred: Selection, inside: Nodes) -> list[Nodes]:
    """Nodes to start from: the farthest from the outside, and those at some spots; all with clicked ones."""
    box = boxes[0]
    labels = graph.views[box.view].labels
    rows, columns = box.row1 - box.row0, box.column1 - box.column0
    middle = np.unique(
        labels[
            box.row0 + rows // 4 : box.row1 - rows // 4,
            box.column0 + columns // 4 : box.column1 - columns // 4,
        ]
    )
    middle = middle[~barred[middle]].astype(np.int64)
    away = graph.walk.reach(np.flatnonzero(barred), np.zeros(0, dtype=np.int64), LOSSES[0])
    spots = np.unique([labels[box.row0 + int(y * rows), box.column0 + int(x * columns)] for x, y in SPOTS])
    spots = spots[~barred[spots]].astype(np.int64)
    cores = [inside, middle[np.argsort(away[middle])[:FARTHEST]], *spots[:, None]]
    found = [np.union1d(core, inside) for core in cores if len(core)]
    return found or [labels[box.row0 + rows // 2, box.column0 + columns // 2, None].astype(np.int64)]


def _edges(graph: SceneGraph, view: int) -> NDArray[np.float64]:
    """First row and column of each node and the ones after its last, (4, n); infinite in other views."""
    data = graph.views[view]
    edges = np.empty((4, len(graph.nodes)))
    edges[:2], edges[2:] = np.inf, -np.inf
    edges[:, data.first : data.first + data.count] = data.extents.T + np.array([[0], [0], [1], [1]])
    return edges


def _fills(edges: NDArray[np.float64], box: PixelBox, order: Nodes) -> NDArray[np.float64]:
    """For all prefixes of an order of nodes, the overlap of their bounding box in the box's view with it."""
    row0, column0 = np.minimum.accumulate(edges[:2, order], axis=1)
    row1, column1 = np.maximum.accumulate(edges[2:, order], axis=1)
    return box.overlap(row0, row1, column0, column1)


def _fill(edges: NDArray[np.float64], box: PixelBox, selection: Selection) -> float:
    """The same of one selection."""
    row0, column0 = edges[:2, selection].min(axis=1, initial=np.inf)
    row1, column1 = edges[2:, selection].max(axis=1, initial=-np.inf)
    return float(box.overlap(row0, row1, column0, column1))
