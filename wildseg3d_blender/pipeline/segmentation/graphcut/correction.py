# SPDX-License-Identifier: GPL-3.0-or-later
"""Corrections: the last result stays, except around a click that contradicts it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..pixel_prompts import PixelClick
from .diffusion import WalkGraph
from .evidence import Evidence
from .flips import flip_scores, smallness
from .graph import SceneGraph, Selection
from .hypotheses import STEPS, Hypothesis, polish
from .outline import Measured, best_prefixes, centredness, outline_score
from .prompt_seeds import node_at

LOSSES = (0.3, 3.0)
GUESSES = 2
POLISHED = 2
KEEP = 2.5
"""Evidence per pixel for leaving things as they are, far from the click."""

OUTLINE_WEIGHT, SLACK = 1.5, 2.0
"""What the outline of the whole counts beside how central the click is, and pixels by which clicks and the
outlines of superpixels are off. With 1 and 0, a click on a shadow six pixels wide between a teddy and a
parcel took half of the teddy's head along: the click was nearly as deep in that as in a single superpixel.
"""

LARGEST = 0.25
"""Share of all pixels that one correction may change."""

MOST_NODES = 8000
"""Nodes that walks from a click may visit: what it can change and more, and a third of ten views."""


@dataclass(frozen=True)
class Change:
    """Nodes (k,) whose flip a click may ask for, the ``outline_score`` of the whole once they have flipped,
    how well the click's walks reach each node (n,), and a name."""

    region: NDArray[np.int64]
    score: float
    reach: NDArray[np.float64]
    note: str


@dataclass(frozen=True)
class Ground:
    """Where a click's walks go: nodes (k,) on the side that it says is wrong, around it, and what joins them.

    What is wrong at a click hangs together, so walks need not cross over to the other side; and the ground
    is a fraction of a scene, which makes them as much shorter.

    Attributes:
        before: of the selection that is corrected.
        click, opposite: the clicked node and those of clicks against it, as indices into ``nodes``.
    """

    nodes: NDArray[np.int64]
    walk: WalkGraph
    click: NDArray[np.int64]
    opposite: NDArray[np.int64]
    previous: Selection
    before: Measured

    @classmethod
    def around(
        cls, graph: SceneGraph, previous: Selection, node: int, positive: bool, opposite: NDArray[np.int64]
    ) -> Ground:
        """The ground of a click at ``node``."""
        nodes = graph.walk.nearest(np.array([node]), previous != positive, MOST_NODES)
        against = np.flatnonzero(np.isin(nodes, opposite))
        before = Measured.of(graph, previous)
        return cls(nodes, graph.walk.part(nodes), np.zeros(1, dtype=np.int64), against, previous, before)


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
    this counts beside the outline of the whole, and keeps a small correction from flipping a large
    region. Where the click's node is as it says already, what is wrong is a part of a node: nothing changes.

    Args:
        inside, outside: nodes of all clicks so far.
        click: the one that contradicts ``mask``.
        mask: (H, W) bool, the last result in the click's view.
    """
    positive = click.positive
    labels = graph.views[click.view].labels
    node = node_at(graph.views, click)
    # Where an earlier click said the opposite of the same node, this one is about what is wrong now.
    if positive:
        inside, outside = np.union1d(inside, node), np.setdiff1d(outside, node)
    else:
        inside, outside = np.setdiff1d(inside, node), np.union1d(outside, node)
    held = _with_seeds(previous, inside, outside)
    if held[node] == previous[node]:
        return [Hypothesis(held, outline_score(graph, held), "click only")]
    ground = Ground.around(graph, previous, node, positive, outside if positive else inside)

    def judged(selection: Selection, outline: float, note: str) -> Hypothesis:
        score = OUTLINE_WEIGHT * outline + centredness(mask != selection[labels], click, SLACK)
        return Hypothesis(selection, score + smallness(graph, selection != previous), note)

    def walked(loss: float) -> list[Change]:
        return _changes(graph, ground, loss)

    def applied(change: Change) -> Hypothesis:
        start = held.copy()
        start[change.region] = positive
        return judged(start, change.score, change.note)

    def polished(change: Change) -> Hypothesis:
        start = held.copy()
        start[change.region] = positive
        selection = _polished(graph, inside, outside, start, change, previous != positive)
        return judged(selection, outline_score(graph, selection), f"{change.note} +1")

    changes = [change for loss in LOSSES for change in walked(loss)]
    found = [applied(change) for change in changes]
    order = sorted(range(len(found)), key=lambda k: -found[k].score)[:POLISHED]
    found += [polished(changes[k]) for k in order]
    # Where no larger change fits, the clicked node alone is all that is known to be wrong.
    found.append(judged(held, outline_score(graph, held), "click only"))
    return sorted(found, key=lambda h: -h.score)


def _with_seeds(selection: Selection, inside: NDArray[np.int64], outside: NDArray[np.int64]) -> Selection:
    held = selection.copy()
    held[inside] = True
    held[outside] = False
    return held


def _changes(graph: SceneGraph, ground: Ground, loss: float) -> list[Change]:
    """Regions nearer to the click than to clicks against it whose flip gives the best outlines, at different
    sizes."""
    reach = ground.walk.reach(ground.click, ground.opposite, loss)
    flippable = reach > 0
    if len(ground.opposite):
        flippable &= reach > ground.walk.reach(ground.opposite, ground.click, loss)
    wrong = np.flatnonzero(flippable)
    wrong = wrong[np.argsort(-reach[wrong], kind="stable")]
    nodes = ground.nodes[wrong]
    flips = flip_scores(graph, nodes, ground.previous, ground.before)
    # What becomes of the whole object counts as much as the outline of the part that changes.
    scores = flips.change + flips.whole
    scores[flips.area > LARGEST * graph.nodes.area.sum()] = -np.inf
    everywhere = np.zeros(len(graph.nodes))
    everywhere[ground.nodes] = reach
    return [
        Change(nodes[:length], float(flips.whole[length - 1]), everywhere, f"change {loss}")
        for length in best_prefixes(scores, flips.area, GUESSES, ratio=2.0)
    ]


def _polished(
    graph: SceneGraph,
    inside: NDArray[np.int64],
    outside: NDArray[np.int64],
    start: Selection,
    change: Change,
    wrong: Selection,
) -> Selection:
    """A changed selection with the outline of the change moved to where it fits; the rest stays.

    Only nodes on the side that the click says is ``wrong`` (n,) may be on another one afterwards: a click
    that takes away adds nothing elsewhere, whatever the colours learned anew say.
    """
    near = np.zeros(len(graph.nodes), dtype=bool)
    near[change.region] = True
    region = graph.around(near, STEPS) & wrong
    constant = _keep(start, change.region, change.reach)
    found = polish(graph, inside, outside, start, constant, rounds=1, region=region)
    return np.where(region, found, start)


def _keep(selection: Selection, changed: NDArray[np.int64], reach: NDArray[np.float64]) -> Evidence:
    """Evidence for staying as ``selection`` says: full where the click's walk hardly comes."""
    edge = float(reach[changed].min()) if len(changed) else 1.0
    nearness = np.clip(reach / max(edge, 1e-9), 0.0, 1.0)
    return KEEP * (2.0 * selection - 1.0) * (1.0 - 0.8 * nearness)
