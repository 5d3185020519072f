# SPDX-License-Identifier: GPL-3.0-or-later
"""From seeds to an object: several guesses at several scales, of which the best outline is taken."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ...side_by_side import side_by_side
from ..pixel_prompts import PixelClick
from .diffusion import WalkGraph
from .evidence import LIMIT, Evidence, colour_evidence, place_evidence
from .graph import SceneGraph, Selection
from .outline import (
    SEEN_WEIGHT,
    best_selections,
    centredness,
    outline_score,
    prefix_scores,
    seen_outline,
)
from .overlap_network import predicted_overlaps
from .overlap_windows import Windows
from .view_data import ViewData

LOSSES, OUTLINE_LOSSES = (0.1, 1.0), (0.3, 1.0)
"""How local the walks are; small means far-reaching. Those that the outline network guides as well stop at
the parts of a thing, which have outlines of their own, but keep things apart that touch and look alike: with
them the best guess is better, .826 instead of .803 of 1056 in scenes that no network had seen, and so is the
one taken, .764 instead of .749.
"""

SURFACE_LOSS, HANDICAP = 0.03, 0.05
"""How local the walk is that stays on a surface, and what its guesses' outlines count less: what stops it is
what outlines are judged by, so all of them look good.

Where neither colours nor the outline network tell a thing from what is behind it, depth does. First clicks,
settled, mean IoU with and without it: a mounted fox in four views, outlines drawn by hand, .479 and .293;
72 in rendered scenes .718 and .706; table .931 and .927, garden .829 and .829, shelf .455 and .453, kermit
.741 and .743. Chosen on these.
"""

GUESSES = 3
"""Sizes tried for each walk."""

SMALLEST, LARGEST = 0.002, 0.35
"""Shares of all pixels that an object may cover."""

ROUNDS = 4
STEPS = 5
"""Edges by which one cut may move the outline."""
POLISHED, FULLY_POLISHED = 4, 2
ALIKE = 0.93
"""Intersection over union above which two guesses count as one."""

CENTRE_WEIGHT, CONSENSUS_WEIGHT = 0.6, 0.2
"""What guesses are ranked by beside their outlines; see ``outline.SEEN_WEIGHT``."""

OVERLAP_WEIGHT = 1.5
"""What the predicted intersection over union with one thing counts (``overlap_network``).

Chosen with the other weights as they are, on 1476 clicks in 57 rendered scenes that neither network had seen:
the guess taken has a mean IoU of .661 without, .683 with .3, .700 with 1, .705 with 1.5, .707 with 2.5, and
the best one of the guesses has .786.
"""

SCORE_SPREAD, LEAST_VOTE = 0.05, 0.01
"""By how much scores differ by chance, and the share of votes for and against that there always is."""

AS_GOOD = 0.05
"""Scores closer than this are equal."""


@dataclass(frozen=True)
class Hypothesis:
    """One guess of the object, how good its outline is, and where it came from."""

    selection: Selection
    score: float
    note: str = ""


def from_clicks(
    graph: SceneGraph,
    inside: NDArray[np.int64],
    outside: NDArray[np.int64],
    clicks: Sequence[PixelClick] = (),
) -> list[Hypothesis]:
    """Hypotheses for an object that holds ``inside`` and not ``outside``, best first.

    The first positive one of ``clicks`` is expected near the middle of the object.
    """

    starts = walked(graph, inside, outside)
    voters = polished(graph, inside, outside, starts)

    def weighed(h: Hypothesis) -> Hypothesis:
        agreement, seen = consensus(graph, h, voters), seen_outline(graph, h.selection)
        return replace(h, score=h.score + CONSENSUS_WEIGHT * agreement + SEEN_WEIGHT * seen)

    found = [weighed(h) for h in starts + voters]
    first = next((click for click in clicks if click.positive), None)
    if first is not None:
        data = graph.views[first.view]
        found = nearer_to_middle(found, data.labels, first)
        found = more_like_one_thing(found, [data.mask(h.selection) for h in found], data, first)
    return ranked(graph, found)


def walked(
    graph: SceneGraph, inside: NDArray[np.int64], outside: NDArray[np.int64], *, on_surfaces: bool = True
) -> list[Hypothesis]:
    """The best outlined of what walks from ``inside`` reach, at several scales, ``on_surfaces`` as well."""

    walks = [(graph.walk, loss, "walk", 0.0) for loss in LOSSES]
    walks += [(graph.outline_walk, loss, "outline walk", 0.0) for loss in OUTLINE_LOSSES]
    if on_surfaces:
        walks += [(graph.surface_walk, SURFACE_LOSS, "surface walk", HANDICAP)]

    def best_of(walk: tuple[WalkGraph, float, str, float]) -> list[Hypothesis]:
        edges, loss, name, less = walk
        reach = edges.reach(inside, outside, loss)
        order = np.argsort(-reach, kind="stable")
        area = np.cumsum(graph.nodes.area[order])
        share = area / area[-1]
        scores = prefix_scores(graph, order)
        scores[(share < SMALLEST) | (share > LARGEST) | (reach[order] <= 0)] = -np.inf
        return [
            Hypothesis(start, score - less, f"{name} {loss} {np.count_nonzero(start)}")
            for start, score in best_selections(order, scores, area, GUESSES)
        ]

    return [start for part in side_by_side(best_of, walks, lambda given: None) for start in part]


def nearer_to_middle(
    found: list[Hypothesis], labels: NDArray[np.integer], click: PixelClick
) -> list[Hypothesis]:
    """Worth more, the nearer the click is to their middle; ``labels`` (H, W) are the nodes of its view."""
    return [
        replace(h, score=h.score + CENTRE_WEIGHT * centredness(h.selection[labels], click)) for h in found
    ]


def more_like_one_thing(
    found: list[Hypothesis],
    masks: list[NDArray[np.bool_]],
    data: ViewData,
    click: PixelClick | None,
    weight: float = OVERLAP_WEIGHT,
) -> list[Hypothesis]:
    """Worth more, by ``weight``, the better they cover one thing in a view, as a network sees it.

    ``masks`` (H, W) are theirs in that view, ``data``; what does not show there gains nothing.
    """
    overlap = like_one_thing(masks, data, click)
    return [replace(h, score=h.score + weight * float(overlap[k])) for k, h in enumerate(found)]


def like_one_thing(
    masks: list[NDArray[np.bool_]], data: ViewData, click: PixelClick | None
) -> NDArray[np.float64]:
    """How well masks (H, W) of a view cover one thing there, (n,) in [0, 1], as a network sees it; 0 for an
    empty one. ``click`` is a positive one in that view, if there is one."""
    shown = [number for number, mask in enumerate(masks) if mask.any()]
    picture = Windows(data.image, data.depth, data.measured)
    overlap = np.zeros(len(masks))
    at = None if click is None else (click.row, click.column)
    overlap[shown] = predicted_overlaps([picture.around(masks[number], at) for number in shown])
    return overlap


def polished(
    graph: SceneGraph,
    inside: NDArray[np.int64],
    outside: NDArray[np.int64],
    starts: list[Hypothesis],
) -> list[Hypothesis]:
    """One round of ``polish`` for the best that differ, the full number for the best of those."""

    def cut(start: Hypothesis, rounds: int) -> Hypothesis:
        selection = polish(graph, inside, outside, start.selection, rounds=rounds)
        return Hypothesis(selection, outline_score(graph, selection), f"{start.note} +{rounds}")

    def all_cut(guesses: list[Hypothesis], rounds: int) -> list[Hypothesis]:
        return list(side_by_side(lambda start: cut(start, rounds), guesses, lambda given: None))

    first = all_cut(different(graph, starts)[:POLISHED], 1)
    return all_cut(different(graph, first)[:FULLY_POLISHED], ROUNDS - 1)


def consensus(graph: SceneGraph, hypothesis: Hypothesis, voters: list[Hypothesis]) -> float:
    """Mean intersection over union with what the starts became: where most end up is likely the object."""
    return float(np.mean([area_overlap(graph, hypothesis.selection, v.selection) for v in voters] or [0.0]))


def votes(found: Sequence[Hypothesis]) -> NDArray[np.float64]:
    """Log odds (n,) of every node to belong to the object, as guesses vote: each counts by its score."""
    score = np.array([hypothesis.score for hypothesis in found])
    weight = np.exp((score - score.max()) / SCORE_SPREAD)
    share = weight @ np.stack([hypothesis.selection for hypothesis in found]) / weight.sum()
    share = np.clip(share, LEAST_VOTE, 1.0 - LEAST_VOTE)
    return np.log(share) - np.log1p(-share)


def area_overlap(graph: SceneGraph, one: Selection, other: Selection) -> float:
    """Intersection over union of two selections, by area; 0 when both are empty."""
    area = graph.nodes.area
    return float(area[one & other].sum() / max(area[one | other].sum(), 1.0))


def different(graph: SceneGraph, found: list[Hypothesis]) -> list[Hypothesis]:
    """Best first, without those that nearly repeat a better one."""
    kept: list[Hypothesis] = []
    for hypothesis in sorted(found, key=lambda h: -h.score):
        if all(area_overlap(graph, hypothesis.selection, other.selection) < ALIKE for other in kept):
            kept.append(hypothesis)
    return kept


def ranked(graph: SceneGraph, found: list[Hypothesis]) -> list[Hypothesis]:
    """Best first: by score, but of those as good as the best the smallest leads.

    Two whole objects side by side have as good an outline as one of them alone.
    """
    by_score = sorted(found, key=lambda h: -h.score)
    as_good = [h for h in by_score if h.score > by_score[0].score - AS_GOOD]
    if not as_good:
        return []
    leader = min(as_good, key=lambda h: float(graph.nodes.area[h.selection].sum()))
    return [leader, *(h for h in by_score if h is not leader)]


def polish(
    graph: SceneGraph,
    inside: NDArray[np.int64],
    outside: NDArray[np.int64],
    start: Selection,
    constant: Evidence | float = 0.0,
    rounds: int = ROUNDS,
    region: Selection | None = None,
) -> Selection:
    """Learn colour and place from a guess and cut, a few times over; only ``region`` may change."""
    area = graph.nodes.area
    selection = start.copy()
    for _ in range(rounds):
        selection[inside] = True
        active = graph.around(selection, STEPS) if region is None else region
        at = np.flatnonzero(active)
        given = constant[at] if isinstance(constant, np.ndarray) else constant
        total = given + colour_evidence(graph, selection, at) + place_evidence(graph, selection, at)
        evidence = np.zeros(len(area))
        evidence[at] = 0.5 * area[at] * np.clip(total, -1.5 * LIMIT, 1.5 * LIMIT)
        improved = graph.cut(evidence, inside, outside, active, selection)
        if (improved == selection).all():
            break
        selection = improved
    if len(inside):
        selection = graph.connected_to(selection, inside)
    return selection
