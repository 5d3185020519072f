# SPDX-License-Identifier: GPL-3.0-or-later
"""Corrections: the last result stays, except around a click that contradicts it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...side_by_side import side_by_side
from ..pixel_prompts import PixelClick
from .evidence import Evidence
from .graph import SceneGraph, Selection
from .hypotheses import STEPS, Hypothesis, polish
from .outline import best_prefixes, centredness, change_scores, outline_score, prefix_scores
from .prompt_seeds import node_at

LOSSES = (0.3, 3.0)
GUESSES = 2
POLISHED = 2
KEEP = 2.5
"""Evidence per pixel for leaving things as they are, far from the click."""

LARGEST = 0.25
"""Share of all pixels that one correction may change."""


@dataclass(frozen=True)
class Change:
    """Nodes (k,) whose flip a click may ask for, how well its walks reach each node (n,), and a name."""

    region: NDArray[np.int64]
    reach: NDArray[np.float64]
    note: str


def correct(
    graph: SceneGraph,
    previous: Selection,
    inside: NDArray[np.int64],
    outside: NDArray[np.int64],
    click: PixelClick,
    mask: NDArray[np.bool_],
) -> list[Hypothesis]:
    """Hypotheses for ``previous`` with the region around ``click`` added or taken away, best first.

    What a hypothesis changes in the clicked view is what it says was wrong there. People click the middle
    of what is most wrong, so that region should have the click in its middle and no thicker part elsewhere;
    this counts as much as the outline of the whole, and keeps a small correction from flipping a large
    region.

    Args:
        inside, outside: nodes of all clicks so far.
        click: the one that contradicts ``mask``.
        mask: (H, W) bool, the last result in the click's view.
    """
    positive = click.positive
    opposite = outside if positive else inside
    held = _with_seeds(previous, inside, outside)
    labels, node = graph.views[click.view].labels, np.array([node_at(graph.views, click)])

    def judged(selection: Selection, note: str) -> Hypothesis:
        changed_mask = mask != selection[labels]
        return Hypothesis(selection, outline_score(graph, selection) + centredness(changed_mask, click), note)

    def walked(loss: float) -> list[Change]:
        reach = graph.walk.reach(node, opposite, loss)
        rival = graph.walk.reach(opposite, node, loss) if len(opposite) else np.zeros_like(reach)
        nearer = np.where(reach > rival, reach, 0.0)
        regions = _changed_regions(graph, previous, nearer, inside, outside, positive)
        return [Change(region, reach, f"change {loss}") for region in regions]

    def applied(change: Change) -> Hypothesis:
        start = held.copy()
        start[change.region] = positive
        return judged(start, change.note)

    def polished(change: Change) -> Hypothesis:
        return judged(
            _polished(graph, inside, outside, applied(change).selection, change), f"{change.note} +1"
        )

    changes = [change for part in side_by_side(walked, LOSSES, lambda given: None) for change in part]
    found = [applied(change) for change in changes]
    order = sorted(range(len(found)), key=lambda k: -found[k].score)[:POLISHED]
    found += side_by_side(polished, [changes[k] for k in order], lambda given: None)
    return sorted(found or [judged(held, "click only")], key=lambda h: -h.score)


def _polished(
    graph: SceneGraph,
    inside: NDArray[np.int64],
    outside: NDArray[np.int64],
    start: Selection,
    change: Change,
) -> Selection:
    """A changed selection with the outline of the change moved to where it fits; the rest stays."""
    near = np.zeros(len(graph.nodes), dtype=bool)
    near[change.region] = True
    constant = _keep(start, change.region, change.reach)
    return polish(graph, inside, outside, start, constant, rounds=1, region=graph.around(near, STEPS))


def _with_seeds(selection: Selection, inside: NDArray[np.int64], outside: NDArray[np.int64]) -> Selection:
    held = selection.copy()
    held[inside] = True
    held[outside] = False
    return held


def _changed_regions(
    graph: SceneGraph,
    previous: Selection,
    reach: NDArray[np.float64],
    inside: NDArray[np.int64],
    outside: NDArray[np.int64],
    positive: bool,
) -> list[NDArray[np.int64]]:
    """Regions around the click whose flip gives the best outlines, at different sizes."""
    flippable = ~previous if positive else previous.copy()
    flippable[outside if positive else inside] = False
    wrong = np.flatnonzero(flippable & (reach > 0))
    wrong = wrong[np.argsort(-reach[wrong], kind="stable")]
    if len(wrong) == 0:
        return []
    others = np.setdiff1d(np.arange(len(graph.nodes)), wrong)
    scores = change_scores(graph, np.concatenate([wrong, others]), previous)[: len(wrong)]
    # What becomes of the whole object counts as much as the outline of the part that changes.
    kept_in, kept_out = others[previous[others]], others[~previous[others]]
    if positive:
        whole = prefix_scores(graph, np.concatenate([kept_in, wrong, kept_out]))
        scores += whole[len(kept_in) : len(kept_in) + len(wrong)]
    else:
        whole = prefix_scores(graph, np.concatenate([kept_in, wrong[::-1], kept_out]))
        lengths = len(kept_in) + len(wrong) - 1 - np.arange(len(wrong))
        scores += np.where(lengths > 0, whole[np.maximum(lengths, 1) - 1], -1.0)
    change = np.cumsum(graph.nodes.area[wrong])
    scores[change > LARGEST * graph.nodes.area.sum()] = -np.inf
    return [wrong[:length] for length in best_prefixes(scores, change, GUESSES, ratio=2.0)]


def _keep(selection: Selection, changed: NDArray[np.int64], reach: NDArray[np.float64]) -> Evidence:
    """Evidence for staying as ``selection`` says: full where the click's walk hardly comes."""
    edge = float(reach[changed].min()) if len(changed) else 1.0
    nearness = np.clip(reach / max(edge, 1e-9), 0.0, 1.0)
    return KEEP * (2.0 * selection - 1.0) * (1.0 - 0.8 * nearness)
