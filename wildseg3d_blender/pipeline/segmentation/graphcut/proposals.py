# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects that nobody has asked for yet: walks from many places at several scales, the best outlines kept.

All walks are solved at once on a contracted graph, where the matrix of the random walks is small enough to
invert. Wholes, parts and parts of parts come from the scales: a far-reaching walk ends at the outline of
the whole, a local one at that of a part.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ....progress import Progress, silent
from .contract import Contracted
from .graph import SceneGraph, Selection
from .hypotheses import polish
from .outline import best_prefixes, outline_score, prefix_scores

LOSSES = (0.3, 0.05, 2.0)
"""How local the walks are (see ``diffusion``): an object, more, less. The first places the seeds."""

SEEDS = 300
SIZES = 4
"""Outlines tried for each walk."""

SMALLEST, LARGEST = 0.0005, 0.35
"""Shares of all pixels that a proposal may cover."""

RAW, RAW_ALIKE = 200, 0.9
"""How many walks are polished, and the intersection over union above which two count as one."""

KEPT, ALIKE = 100, 0.88
"""How many proposals there are in the end, and the same for them."""


@dataclass(frozen=True)
class Proposed:
    """An object proposed: its nodes in the full graph and how good its outline is (``outline_score``)."""

    selection: Selection
    score: float


def propose(small: Contracted, progress: Progress = silent) -> list[Proposed]:
    """Objects of a scene, wholes and parts, best first, at most ``KEPT``."""
    graph = small.graph
    area = graph.nodes.area
    starts, scores = _walked(graph, progress)
    if not len(starts):
        return []
    chosen = distinct(starts, scores, area, RAW_ALIKE, RAW)
    starts, scores = starts[chosen], scores[chosen]
    none = np.zeros(0, dtype=np.int64)
    polished = np.zeros_like(starts)
    for k, start in enumerate(starts):
        progress("proposals", 0.4 + 0.6 * k / len(starts), "Finding objects")
        polished[k] = polish(graph, none, none, start, rounds=2)
    again = np.array([outline_score(graph, selection) for selection in polished])
    found, worth = np.concatenate([starts, polished]), np.concatenate([scores, again])
    usable = found.any(1) & (found @ area < LARGEST * area.sum())
    found, worth = found[usable], worth[usable]
    return [Proposed(small.up(found[k]), float(worth[k])) for k in distinct(found, worth, area, ALIKE, KEPT)]


def _walked(graph: SceneGraph, progress: Progress) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Selections (k, n) where walks from all seeds have their best outlines, and their scores (k,)."""
    seeds = np.zeros(0, dtype=np.int64)
    selections, scores = [], []
    for number, loss in enumerate(LOSSES):
        progress("proposals", 0.4 * number / len(LOSSES), "Walking from many places")
        matrix = _walk_matrix(graph, loss)
        if number == 0:
            reach = np.linalg.inv(matrix)
            seeds = _spread_seeds(graph, reach)
            reach = reach[:, seeds]
        else:
            right = np.zeros((len(matrix), len(seeds)), dtype=np.float32)
            right[seeds, np.arange(len(seeds))] = 1.0
            reach = np.linalg.solve(matrix, right)
        for walk in reach.T:
            for selection, score in _best_outlines(graph, walk):
                selections.append(selection)
                scores.append(score)
    return np.reshape(selections, (-1, len(graph.nodes))).astype(bool), np.asarray(scores)


def _walk_matrix(graph: SceneGraph, loss: float) -> NDArray[np.float32]:
    """Degrees and losses minus weights, (n, n): column s of its inverse is the reach of s up to a factor."""
    size = len(graph.nodes)
    matrix = np.zeros((size, size), dtype=np.float32)
    matrix[graph.i, graph.j] = -graph.capacity
    matrix[graph.j, graph.i] = -graph.capacity
    matrix[np.arange(size), np.arange(size)] = graph.walk.degree + loss * graph.nodes.area
    return matrix


def _spread_seeds(graph: SceneGraph, reach: NDArray[np.float32]) -> NDArray[np.int64]:
    """Up to ``SEEDS`` nodes, each where the walks of those before hardly come and much is to be covered."""
    diagonal = np.sqrt(np.maximum(np.diag(reach), 1e-20))
    covered = np.zeros(len(reach))
    worth = np.sqrt(graph.nodes.area) * (graph.nodes.framed < 0.5)
    seeds: list[int] = []
    for _ in range(min(SEEDS, len(reach))):
        seed = int(np.argmax((1.0 - covered) * worth))
        seeds.append(seed)
        covered = np.maximum(covered, reach[seed] / (diagonal * diagonal[seed]))
        worth[seed] = 0.0
    return np.asarray(seeds, dtype=np.int64)


def _best_outlines(graph: SceneGraph, walk: NDArray[np.float32]) -> list[tuple[Selection, float]]:
    order = np.argsort(-walk, kind="stable")
    area = np.cumsum(graph.nodes.area[order])
    share = area / area[-1]
    scores = prefix_scores(graph, order)
    scores[(share < SMALLEST) | (share > LARGEST) | (walk[order] <= 0)] = -np.inf
    found = []
    for length in best_prefixes(scores, area, SIZES):
        selection = np.zeros(len(order), dtype=bool)
        selection[order[:length]] = True
        found.append((selection, float(scores[length - 1])))
    return found


def distinct(
    selections: NDArray[np.bool_],
    scores: NDArray[np.float64],
    area: NDArray[np.float64],
    alike: float,
    most: int,
) -> list[int]:
    """Indices of the best selections (k, n), best first, none of which repeats a better one.

    Args:
        area: (n,) of the nodes; overlap is measured by area.
        alike: intersection over union above which a selection repeats another.
        most: how many to keep at most.
    """
    weighted = (selections * area).astype(np.float32)
    total = weighted.sum(1)
    kept: list[int] = []
    rows = np.zeros((most, selections.shape[1]), dtype=np.float32)
    for k in np.argsort(-scores, kind="stable"):
        common = rows[: len(kept)] @ weighted[k]
        if not (common > alike * (total[kept] + total[k] - common)).any():
            rows[len(kept)] = selections[k]
            kept.append(int(k))
            if len(kept) == most:
                break
    return kept
