# SPDX-License-Identifier: GPL-3.0-or-later
"""The last word on an object: nodes at its outline go with those nearest in colour and place.

A guess is right for the most part, so a node near its outline is asked: do the nodes that lie close to you
in space and look like you belong to the object? Nodes of all views answer together, in world space, so the
graph's edges across views, which join wrong surfaces wherever depth is wrong, are not needed any more; and
within a view cuts follow the learned boundaries.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .cuts import minimum_cut
from .evidence import LIMIT, colour_evidence, place_evidence
from .graph import SceneGraph, Selection

ROUNDS = 4

VOTE_WEIGHT = 0.3
"""What a nat of the guesses' votes counts; they are not independent of colour and place."""

SMOOTHNESS = 25.0
"""What cutting a pixel of a boundary costs that surely is none."""

AB_SPREAD, L_SPREAD, PLACE_SPREAD = 3.5, 7.0, 0.5
"""How far an answer carries: in Lab, lightness half as far, and as a share of the object's radius."""

CELL = 2.0
"""Nodes closer than about this many spreads answer as one."""

FARTHEST = 512
"""Cells from the middle, a thousand spreads; what is farther out counts to the last cell. Six such numbers
make a key of 61 bits."""

MOST = 1000
"""Answers asked at most, for and against each; more are sampled."""

PRIOR_AREA = 90.0
"""Pixels, one superpixel: what would be said for and against by chance."""

SPOILED = 0.05
"""An outline that settled is not taken where the selection is less like one thing then, by so much. Between
things that look alike nothing holds it. Of 1056 first clicks in rendered scenes (``benchmarks/guesses.py``)
the mean is .752 with this and .750 without. Of 103 things (``benchmarks/coverage.py``) the best object found
in advance has a mean IoU of .725 with it and .704 without."""


@dataclass(frozen=True)
class Borders:
    """What outlines settle by, for a scene of n nodes and m in-view edges.

    Attributes:
        capacity: (m,) what cutting each in-view edge costs.
        place_world: (n, 3) of every node; one without a place of its own has its neighbours'.
    """

    capacity: NDArray[np.float64]
    place_world: NDArray[np.float64]


def borders_of(graph: SceneGraph) -> Borders:
    """Prepare for settling outlines in a graph."""
    same = 1.0 - graph.outlined
    return Borders(SMOOTHNESS * graph.in_view.length * same**2, _places(graph))


def _places(graph: SceneGraph) -> NDArray[np.float64]:
    """Centroids (n, 3), spread from placed nodes to their neighbours until nobody new is reached."""
    place_world, known = graph.nodes.point_world.copy(), graph.nodes.placed.copy()
    edges, count = graph.in_view, len(graph.nodes)
    i, j = np.concatenate([edges.i, edges.j]), np.concatenate([edges.j, edges.i])
    while True:
        giving = known[j] & ~known[i]
        taken = np.bincount(i[giving], minlength=count)
        new = taken > 0
        if not new.any():
            return place_world
        for axis in range(3):
            total = np.bincount(i[giving], place_world[j[giving], axis], count)
            place_world[new, axis] = total[new] / taken[new]
        known |= new


def settled(
    graph: SceneGraph,
    borders: Borders,
    guess: Selection,
    inside: NDArray[np.int64],
    outside: NDArray[np.int64],
    rounds: int = ROUNDS,
    voted: NDArray[np.float64] | None = None,
) -> Selection:
    """A guess (n,) bool with its outline where it fits, at most one edge away, or two where other guesses
    voted as well: ``voted`` (n,) are their log odds (see ``hypotheses.votes``).

    However often it is asked, an outline goes no farther: free to wander, a statue's runs down its plinth.
    """
    selection = guess.copy()
    active = np.zeros(len(guess), dtype=bool)
    outline = guess[graph.i] != guess[graph.j]
    active[graph.i[outline]] = active[graph.j[outline]] = True
    if voted is not None:
        active = graph.around(active, 1)
    at, evidence = np.flatnonzero(active), np.zeros(len(guess))
    said = 0.0 if voted is None else VOTE_WEIGHT * voted[at]
    for _ in range(rounds):
        if not active.any() or not selection.any():
            break
        total = said + colour_evidence(graph, selection, at) + place_evidence(graph, selection, at)
        total += local_evidence(graph, borders, selection, at)
        evidence[at] = 0.5 * graph.nodes.area[at] * np.clip(total, -1.5 * LIMIT, 1.5 * LIMIT)
        edges = (graph.in_view.i, graph.in_view.j, borders.capacity)
        found = minimum_cut(edges, evidence, inside, outside, active, selection)
        if (found == selection).all():
            break
        selection = found
    return selection


def local_evidence(
    graph: SceneGraph, borders: Borders, selection: Selection, asked: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Log of how much is selected among what is near and alike, over how much is not; for k asked nodes (k,).

    Kernel densities over colour and place of the selection and of the asked nodes outside it, each without
    the node's own pixels.
    """
    nodes = graph.nodes
    core = selection & nodes.placed if (selection & nodes.placed).any() else selection
    centre = np.average(borders.place_world[core], axis=0, weights=nodes.area[core])
    squared = ((borders.place_world[core] - centre) ** 2).sum(1)
    radius = max(float(np.sqrt(np.average(squared, weights=nodes.area[core]))), 1e-12)

    def features(of: NDArray[np.int64]) -> NDArray[np.float32]:
        place = (borders.place_world[of] - centre) / (PLACE_SPREAD * radius)
        colour = nodes.lab[of] / (L_SPREAD, AB_SPREAD, AB_SPREAD)
        return np.concatenate([colour, place], axis=1).astype(np.float32)

    own, at = selection[asked], features(asked)
    against = asked[~own]
    sides = []
    for members, is_own in ((np.flatnonzero(selection), own), (against, ~own)):
        density = _density(features(members), nodes.area[members], at)
        sides.append(np.maximum(density - nodes.area[asked] * is_own, 0.0) + PRIOR_AREA)
    return np.log(sides[0]) - np.log(sides[1])


def _density(
    features: NDArray[np.float32], weight: NDArray[np.float64], at: NDArray[np.float32]
) -> NDArray[np.float64]:
    """Sum over the members (n, c) of weight times a Gaussian of unit width, at (k, c) points."""
    if not len(features):
        return np.zeros(len(at))
    centre, total = _gathered(features, weight)
    # -|a - c|^2 / 2 as a matrix product.
    exponent = at @ centre.T
    exponent -= 0.5 * (at * at).sum(1)[:, None]
    exponent -= 0.5 * (centre * centre).sum(1)
    return np.exp(np.minimum(exponent, 0.0, out=exponent), out=exponent) @ total


def _gathered(
    features: NDArray[np.float32], weight: NDArray[np.float64]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Means (m, c) and weights (m,) of the members of each cell of a grid, at most ``MOST``."""
    cell = np.clip(np.floor(features / CELL), -FARTHEST, FARTHEST).astype(np.int64)
    cell -= cell.min(0)
    key = np.ravel_multi_index(tuple(cell.T), tuple(cell.max(0) + 1))
    index = np.unique(key, return_inverse=True)[1]
    total = np.bincount(index, weight)
    sums = [np.bincount(index, weight * values) for values in features.T]
    centre = (np.stack(sums, axis=1) / total[:, None]).astype(np.float32)
    if len(total) > MOST:
        rng = np.random.default_rng(0)
        chosen = rng.choice(len(total), MOST, replace=False, p=total / total.sum())
        # Drawn by weight, each stands for the same share of the whole.
        centre, total = centre[chosen], np.full(MOST, total.sum() / MOST)
    return centre, total.astype(np.float32)
