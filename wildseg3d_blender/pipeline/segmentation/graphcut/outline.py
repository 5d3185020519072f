# SPDX-License-Identifier: GPL-3.0-or-later
"""How much a selection looks like a whole object, for one selection or all prefixes of an order."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from ..pixel_prompts import PixelClick
from .graph import SceneGraph, Selection

USUAL_SIZE, SIZE_SPREAD, SIZE_WEIGHT = 0.05, 1.1, 0.05
"""Objects that people point at cover about this share of a photo, give or take a factor of e^spread."""

SMALL, SMALL_WEIGHT = 0.0005, 0.03
"""A change of less than this share of all pixels is hardly worth a click."""

TORN_WEIGHT, JOIN_WEIGHT, INTERIOR_WEIGHT = 0.5, 0.3, 0.3


def outline_score(graph: SceneGraph, selection: Selection) -> float:
    """Score of one selection (see ``prefix_scores``); -1 for an empty one."""
    if not selection.any():
        return -1.0
    nodes, edges, cross = graph.nodes, graph.in_view, graph.cross_view
    one, other = selection[edges.i], selection[edges.j]
    strong = edges.length * graph.outline_strength
    length_on, strong_on = (float(values @ (one != other)) for values in (edges.length, strong))
    length_in, strong_in = (float(values @ (one & other)) for values in (edges.length, strong))
    one, other = selection[cross.i], selection[cross.j]
    torn = float(cross.overlap @ (one != other)) / max(float(cross.overlap @ (one | other)), 1.0)
    area = float(nodes.area @ selection)
    framed = float((nodes.area * nodes.framed) @ selection) / area
    size = -SIZE_WEIGHT * (np.log(area / nodes.area.sum() / USUAL_SIZE) / SIZE_SPREAD) ** 2 / 2
    interior = strong_in / max(length_in, 1.0)
    return float(
        strong_on / max(length_on, 1.0) - INTERIOR_WEIGHT * interior - TORN_WEIGHT * torn - framed + size
    )


def prefix_scores(graph: SceneGraph, order: NDArray[np.int64]) -> NDArray[np.float64]:
    """Scores of the selections order[:1], order[:2], ..., all at once, (n,) float64.

    High means: edges along the outline look like boundaries, the same surface is not selected in one view
    and left out in another, what lies inside is smooth compared with the outline, the selection keeps off
    the photos' frames, and its size is usual.
    """
    outline, interior, torn, framed, share = _prefix_parts(
        graph, order, graph.outline_strength, np.ones(len(graph.cross_view.i))
    )
    size = -SIZE_WEIGHT * (np.log(share / USUAL_SIZE) / SIZE_SPREAD) ** 2 / 2
    return outline - INTERIOR_WEIGHT * interior - TORN_WEIGHT * torn - framed + size


def change_scores(graph: SceneGraph, order: NDArray[np.int64], previous: Selection) -> NDArray[np.float64]:
    """Scores of flipping order[:1], order[:2], ... in ``previous``, all at once, (n,) float64.

    The region that flips is judged by its own outline: where it leaves the rest of its old side there
    should be a boundary; where it joins its new side it is good when there is none.
    """
    edges, cross = graph.in_view, graph.cross_view
    joins = previous[edges.i] != previous[edges.j]
    strength = np.where(joins, 1.0 - JOIN_WEIGHT * graph.outline_strength, graph.outline_strength)
    heals = np.where(previous[cross.i] != previous[cross.j], -1.0, 1.0)
    outline, _, torn, _, share = _prefix_parts(graph, order, strength, heals)
    return outline - TORN_WEIGHT * torn + SMALL_WEIGHT * np.log(np.minimum(share / SMALL, 1.0))


def _prefix_parts(
    graph: SceneGraph,
    order: NDArray[np.int64],
    strength: NDArray[np.float64],
    tear: NDArray[np.float64],
) -> tuple[NDArray[np.float64], ...]:
    """Per prefix: mean strength along the outline and inside it, torn share of the surface, framed share of
    the area, and area as a share of all pixels."""
    nodes, edges, cross = graph.nodes, graph.in_view, graph.cross_view
    count = len(nodes)
    rank = np.empty(count, dtype=np.int64)
    rank[order] = np.arange(count)

    def on_outline(
        i: NDArray[np.int64], j: NDArray[np.int64], weight: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """For every prefix, the weight of edges on its outline, and of edges that touch it at all."""
        first, last = np.minimum(rank[i], rank[j]), np.maximum(rank[i], rank[j])
        entering = np.bincount(first, weight, count)
        return np.cumsum(entering - np.bincount(last, weight, count)), np.cumsum(entering)

    strong, strong_all = on_outline(edges.i, edges.j, edges.length * strength)
    length, length_all = on_outline(edges.i, edges.j, edges.length)
    interior = (strong_all - strong) / np.maximum(length_all - length, 1.0)
    torn, _ = on_outline(cross.i, cross.j, cross.overlap * tear)
    _, touching = on_outline(cross.i, cross.j, cross.overlap)
    area = np.cumsum(nodes.area[order])
    framed = np.cumsum((nodes.area * nodes.framed)[order]) / area
    share = area / nodes.area.sum()
    return strong / np.maximum(length, 1.0), interior, torn / np.maximum(touching, 1.0), framed, share


def centredness(mask: NDArray[np.bool_], click: PixelClick) -> float:
    """How central a click is in a mask (H, W), in [0, 1]: its depth inside over the greatest there is.

    People click the middle of what they mean, rarely its edge.
    """
    if not mask[click.row, click.column]:
        return 0.0
    distance = cv2.distanceTransform(np.pad(mask.astype(np.uint8), 1), cv2.DIST_L2, 3)
    return float(distance[click.row + 1, click.column + 1] / distance.max())


def best_prefixes(
    scores: NDArray[np.float64], area: NDArray[np.float64], count: int, *, ratio: float = 1.6
) -> list[int]:
    """Up to ``count`` prefix lengths of high score whose areas differ by at least ``ratio``, best first.

    ``area`` (n,) is the area of each prefix, ascending.
    """
    chosen: list[int] = []
    usable = scores.copy()
    for _ in range(count):
        best = int(np.argmax(usable))
        if not np.isfinite(usable[best]):
            break
        chosen.append(best + 1)
        usable[(area > area[best] / ratio) & (area < area[best] * ratio)] = -np.inf
    return chosen
