# SPDX-License-Identifier: GPL-3.0-or-later
"""How much a selection looks like a whole object, for one selection or all prefixes of an order."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ..pixel_prompts import PixelClick
from ..usual_size import unusual_size
from .graph import SceneGraph, Selection

SIZE_WEIGHT = 0.05
"""What a size one nat less likely than the usual one takes off."""

TORN_WEIGHT, INTERIOR_WEIGHT = 0.5, 0.3

GAPS = 0.2
"""Share of an outline that may be hard to see."""

SEEN_WEIGHT = 0.5
"""What ``seen_outline`` counts beside a score.

Chosen, with the weight of how central a click is, on clicks at things in rendered scenes that the outline
network had not seen. On 1052 of them (``benchmarks/guesses.py``) the guess taken has a mean IoU of .737;
without, and with the click's place counting a third, it was .673, and the best one of the guesses has .846.
"""

Figures = NDArray[np.float64] | np.float64


@dataclass(frozen=True)
class Measured:
    """What the score of a selection is made of; one number each, or arrays for many selections.

    Attributes:
        length_on, strong_on: length of its outline, and the same times how strong a boundary it is.
        length, strong: of all in-view edges that have an end in it.
        torn, shown: overlap of the cross-view edges that leave it, and of all that have an end in it.
        area, framed: pixels, and those in superpixels at the frame of their photo.
    """

    length_on: Figures
    strong_on: Figures
    length: Figures
    strong: Figures
    torn: Figures
    shown: Figures
    area: Figures
    framed: Figures

    @classmethod
    def of(cls, graph: SceneGraph, selection: Selection) -> Measured:
        """Of one selection."""
        nodes, edges, cross = graph.nodes, graph.in_view, graph.cross_view
        strong = edges.length * graph.outline_strength
        one, other = selection[edges.i], selection[edges.j]
        on, touching = one != other, one | other
        left, right = selection[cross.i], selection[cross.j]
        return cls(
            length_on=edges.length @ on,
            strong_on=strong @ on,
            length=edges.length @ touching,
            strong=strong @ touching,
            torn=cross.overlap @ (left != right),
            shown=cross.overlap @ (left | right),
            area=nodes.area @ selection,
            framed=(nodes.area * nodes.framed) @ selection,
        )

    def score(self, all_area: float) -> Figures:
        """See ``prefix_scores``; -1 where nothing is selected. ``all_area`` is that of all nodes."""
        area = np.maximum(self.area, 1.0)
        interior = (self.strong - self.strong_on) / np.maximum(self.length - self.length_on, 1.0)
        found = (
            self.strong_on / np.maximum(self.length_on, 1.0)
            - INTERIOR_WEIGHT * interior
            - TORN_WEIGHT * self.torn / np.maximum(self.shown, 1.0)
            - self.framed / area
            - SIZE_WEIGHT * unusual_size(area / all_area)
        )
        return np.where(self.area > 0, found, -1.0)


def outline_score(graph: SceneGraph, selection: Selection) -> float:
    """Score of one selection (see ``prefix_scores``); -1 for an empty one."""
    return float(Measured.of(graph, selection).score(float(graph.nodes.area.sum())))


def prefix_scores(graph: SceneGraph, order: NDArray[np.int64]) -> NDArray[np.float64]:
    """Scores of the selections order[:1], order[:2], ..., all at once, (n,) float64.

    High means: edges along the outline look like boundaries, the same surface is not selected in one view
    and left out in another, what lies inside is smooth compared with the outline, the selection keeps off
    the photos' frames, and its size is usual.
    """
    nodes, edges, cross = graph.nodes, graph.in_view, graph.cross_view
    count = len(nodes)
    rank = np.empty(count, dtype=np.int64)
    rank[order] = np.arange(count)

    def on_outline(
        i: NDArray[np.int64], j: NDArray[np.int64], *weights: NDArray[np.float64]
    ) -> list[tuple[NDArray[np.float64], NDArray[np.float64]]]:
        """For every prefix, the weight of edges on its outline, and of edges that touch it at all."""
        one, other = rank[i], rank[j]
        first, last = np.minimum(one, other), np.maximum(one, other)
        entering = [np.bincount(first, weight, count) for weight in weights]
        leaving = [np.bincount(last, weight, count) for weight in weights]
        return [(np.cumsum(a - b), np.cumsum(a)) for a, b in zip(entering, leaving, strict=True)]

    strength = edges.length * graph.outline_strength
    (strong_on, strong), (length_on, length) = on_outline(edges.i, edges.j, strength, edges.length)
    ((torn, shown),) = on_outline(cross.i, cross.j, cross.overlap)
    area, framed = np.cumsum(nodes.area[order]), np.cumsum((nodes.area * nodes.framed)[order])
    measured = Measured(length_on, strong_on, length, strong, torn, shown, area, framed)
    return np.asarray(measured.score(float(nodes.area.sum())))


def centredness(mask: NDArray[np.bool_], click: PixelClick, slack: float = 0.0) -> float:
    """How central a click is in a mask (H, W), in [0, 1]: its depth inside over the greatest there is.

    People click the middle of what they mean, rarely its edge. ``slack`` is by how many pixels clicks and
    outlines are off: that much is added to both depths, so that it says little about a narrow mask.
    """
    if not mask[click.row, click.column]:
        return 0.0
    distance = cv2.distanceTransform(np.pad(mask.astype(np.uint8), 1), cv2.DIST_L2, 3)
    return float((distance[click.row + 1, click.column + 1] + slack) / (distance.max() + slack))


def seen_outline(graph: SceneGraph, selection: Selection) -> float:
    """How surely there is an outline around a selection and none inside, by what is learned, in [-2, 1].

    That is how sure all of the outline is but ``GAPS`` of it, less twice how sure outlines inside are on
    average. A gap tells more than the mean: a part of a thing has strong outlines on most sides as well.
    """
    edges = graph.in_view
    one, other = selection[edges.i], selection[edges.j]
    on, inside = np.flatnonzero(one != other), one & other
    if not len(on):
        return 0.0
    on = on[np.argsort(graph.outlined[on], kind="stable")]
    reached = np.cumsum(edges.length[on])
    weakest = graph.outlined[on[np.searchsorted(reached, GAPS * reached[-1])]]
    within = max(float(edges.length @ inside), 1.0)
    return float(weakest - 2.0 * ((edges.length * graph.outlined) @ inside) / within)


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


def best_selections(
    order: NDArray[np.int64],
    scores: NDArray[np.float64],
    area: NDArray[np.float64],
    count: int,
    *,
    ratio: float = 1.6,
) -> list[tuple[Selection, float]]:
    """The ``best_prefixes`` of an order (n,) of all nodes, as selections with their scores."""
    found = []
    for length in best_prefixes(scores, area, count, ratio=ratio):
        selection = np.zeros(len(order), dtype=bool)
        selection[order[:length]] = True
        found.append((selection, float(scores[length - 1])))
    return found
