# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects that nobody has asked for yet: of all candidates the best outlines that look most like one thing,
of all places of the scene."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ....progress import Progress, silent, span
from ...side_by_side import side_by_side
from .candidates import CHOOSING, LARGEST, SMALLEST, candidates
from .contract import Contracted
from .graph import SceneGraph, Selection
from .hypotheses import like_one_thing, polish
from .outline import SEEN_WEIGHT, outline_score, seen_outline
from .settle import SPOILED, Borders, settled

KEPT, ALIKE = 120, 0.88
"""How many proposals there are in the end, and the same for them."""

CROWDING = 0.1
"""How much less an object is worth that others cover already, per logarithm of their number."""

NAMED, OVERLAP_WEIGHT = 2, 0.5
"""How many times ``KEPT`` selections the overlap network is asked about, each in the view that shows most of
it, and what the intersection over union with one thing that it predicts counts in choosing objects.

Of 103 things in 15 rendered scenes that no network had seen (``benchmarks/coverage.py``) the best object has
a mean IoU of .725 with it and .711 without, and 55 % of them one above .8 instead of 51 %. On a table, a
garden, a shelf, a desk and an apple the objects are as good with it as without.
"""

SCORE_VIEWS, SCORE_OVERLAP_WEIGHT = 2, 0.6
"""In how many views the network is asked about the objects chosen, and what the mean counts in the score that
lookups go by.

With the choice of objects above and ``settle.SPOILED``, the best cached object for first clicks in 15
rendered scenes has a mean IoU of .515 instead of .443, and 17 % of them are answered from the cache instead
of 7 %; on the five scenes .755 and .748, and 36 % instead of 32 %. Answers, cached or else solved, have .629
instead of .628 and .792 instead of .788.
"""

SETTLING = 2
"""Rounds in which outlines settle (see ``settled``): more, of which a click gets four, add next to nothing.

The best proposal's mean IoU with the true objects of a table, a garden, a shelf and two things on a desk
after two, three and four: .932 .934 .934, .845 .845 .845, .439 .442 .444, .841 .841 .841.
"""

SETTLING_TEXT = "Settling outlines"


@dataclass(frozen=True)
class Proposed:
    """An object proposed.

    Attributes:
        selection: (n,) its nodes in the full graph.
        score: how good its outline is (``outline_score``), and once that has settled how well it covers one
            thing; lookups go by it.
        worth: how good its outline is, what is seen of it (``seen_outline``), and how well it covers one
            thing in one view, by which objects are chosen.
    """

    selection: Selection
    score: float
    worth: float


def propose(graph: SceneGraph, small: Contracted, progress: Progress = silent) -> list[Proposed]:
    """Objects of a scene, wholes and parts, best first, at most ``KEPT``.

    Args:
        small: ``graph`` contracted.
    """
    known: dict[bytes, float] = {}
    found, scores = candidates(small.graph, span(progress, 0.0, 0.6))
    found, scores, worth = _chosen(graph, small, found, scores, known, span(progress, 0.6, 0.75))
    polished, again = _polished(small.graph, found, span(progress, 0.75, 0.85))
    found, scores = np.concatenate([found, polished]), np.concatenate([scores, again])
    found, scores, worth = _chosen(graph, small, found, scores, known, span(progress, 0.85, 1.0))
    return [
        Proposed(small.up(selection), float(score), float(value))
        for selection, score, value in zip(found, scores, worth, strict=True)
    ]


def _chosen(
    graph: SceneGraph,
    small: Contracted,
    found: NDArray[np.bool_],
    scores: NDArray[np.float64],
    known: dict[bytes, float],
    progress: Progress,
) -> tuple[NDArray[np.bool_], NDArray[np.float64], NDArray[np.float64]]:
    """Those selections (k, n) of the contracted graph that are worth keeping, best first, with their scores
    and their worth. ``known`` is what the overlap network has said of selections, and is added to."""
    progress("proposals", 0.0, CHOOSING)
    area = small.graph.nodes.area
    worth = scores + SEEN_WEIGHT * np.array([seen_outline(small.graph, selection) for selection in found])
    hopeful = distinct(found, worth, area, ALIKE, NAMED * KEPT)
    found, scores, worth = found[hopeful], scores[hopeful], worth[hopeful]
    keys = [selection.tobytes() for selection in found]
    new = [k for k, key in enumerate(keys) if key not in known]
    said = _like_one_thing(graph, [small.up(found[k]) for k in new], 1, progress)
    known.update((keys[k], float(value)) for k, value in zip(new, said, strict=True))
    worth += OVERLAP_WEIGHT * np.array([known[key] for key in keys])
    kept = distinct(found, worth, area, ALIKE, KEPT)
    return found[kept], scores[kept], worth[kept]


def _like_one_thing(
    graph: SceneGraph, selections: Sequence[Selection], views: int, progress: Progress, text: str = CHOOSING
) -> NDArray[np.float64]:
    """How well selections cover one thing, (k,) in [0, 1], as the overlap network sees it: the mean of those
    ``views`` that show most of each. ``text`` is what the progress says."""
    nodes, total, asked = graph.nodes, np.zeros(len(selections)), np.zeros(len(selections))
    shown = np.array(
        [np.bincount(nodes.view[own], nodes.area[own], len(graph.views)) for own in selections]
    ).reshape(len(selections), len(graph.views))
    rank = np.argsort(np.argsort(-shown, axis=1, kind="stable"), axis=1)
    for number, data in enumerate(graph.views):
        progress("proposals", number / len(graph.views), text)
        here = np.flatnonzero((rank[:, number] < views) & (shown[:, number] > 0))
        total[here] += like_one_thing([data.mask(selections[k]) for k in here], data, None)
        asked[here] += 1
    return total / np.maximum(asked, 1)


def _polished(
    graph: SceneGraph, found: NDArray[np.bool_], progress: Progress
) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """What selections (k, n) become when colour and place have their say, where it has a usual size, and the
    scores: a walk may have stopped at the parts of a thing of several colours."""
    none = np.zeros(0, dtype=np.int64)
    polished = np.zeros_like(found)
    for k, start in enumerate(found):
        progress("proposals", k / len(found), CHOOSING)
        polished[k] = polish(graph, none, none, start, rounds=2)
    share = polished @ graph.nodes.area / graph.nodes.area.sum()
    polished = polished[(share > SMALLEST) & (share < LARGEST)]
    return polished, np.array([outline_score(graph, selection) for selection in polished])


def settle(
    graph: SceneGraph, borders: Borders, found: Sequence[Proposed], progress: Progress = silent
) -> list[Proposed]:
    """Objects found in a contracted graph with their outlines where they fit in the full one, unless that
    spoils them, best first, scored by how they look then.

    Those that have become alike count once.
    """
    none = np.zeros(0, dtype=np.int64)

    def one(item: Proposed) -> Selection:
        return settled(graph, borders, item.selection, none, none, SETTLING)

    def waiting(number: int) -> None:
        progress("proposals", 0.6 * number / max(len(found), 1), SETTLING_TEXT)

    rough, new = [item.selection for item in found], list(side_by_side(one, found, waiting))
    before = _like_one_thing(graph, rough, SCORE_VIEWS, span(progress, 0.6, 0.8), SETTLING_TEXT)
    after = _like_one_thing(graph, new, SCORE_VIEWS, span(progress, 0.8, 1.0), SETTLING_TEXT)
    spoiled = before > after + SPOILED
    overlap = np.where(spoiled, before, after)
    best = [
        replace(
            item, selection=old if stays else moved, score=item.score + SCORE_OVERLAP_WEIGHT * float(more)
        )
        for item, old, moved, stays, more in zip(found, rough, new, spoiled, overlap, strict=True)
    ]
    least = SMALLEST * graph.nodes.area.sum()
    best = [item for item in best if graph.nodes.area @ item.selection > least]
    selections = np.reshape([item.selection for item in best], (-1, len(graph.nodes)))
    worth = np.array([item.worth for item in best])
    return [best[k] for k in distinct(selections, worth, graph.nodes.area, ALIKE, KEPT)]


def distinct(
    selections: NDArray[np.bool_],
    scores: NDArray[np.float64],
    area: NDArray[np.float64],
    alike: float,
    most: int,
) -> list[int]:
    """Indices of good selections (k, n) of all places, best first, none of which repeats a better one.

    Each is chosen by its score less what ``CROWDING`` takes for those chosen already that cover it. By
    score alone, variants of the few objects with the best outlines would leave no room for the others.

    Args:
        area: (n,) of the nodes; overlap is measured by area.
        alike: intersection over union above which a selection repeats another.
        most: how many to keep at most.
    """
    # One row a node: what a chosen selection changes for the others lies in the rows of its own nodes.
    weighted = np.ascontiguousarray((selections * area).T.astype(np.float32))
    total = weighted.sum(0)
    share = weighted / np.maximum(total, 1e-12)
    left = np.ones(len(selections), dtype=bool)
    covered = np.zeros(len(area))
    crowd = np.zeros(len(selections))
    kept: list[int] = []
    while left.any() and len(kept) < most:
        best = int(np.where(left, scores - CROWDING * crowd, -np.inf).argmax())
        kept.append(best)
        own = np.flatnonzero(selections[best])
        common = weighted[own].sum(0)
        left &= common <= alike * (total + total[best] - common)
        left[best] = False
        more = np.log1p(covered[own] + 1.0) - np.log1p(covered[own])
        crowd += more.astype(np.float32) @ share[own]
        covered[own] += 1.0
    return sorted(kept, key=lambda k: -scores[k])
