# SPDX-License-Identifier: GPL-3.0-or-later
"""What may be an object of a scene: walks from many places at several scales, and regions that grow together.

All walks are solved at once on a contracted graph, where the matrix of the random walks is small enough to
invert. Wholes, parts and parts of parts come from the scales: a far-reaching walk ends at the outline of
the whole, a local one at that of a part. Regions that grow together (see ``hierarchy``) find what no walk
ends at.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ....progress import Progress, span
from .graph import SceneGraph, Selection
from .hierarchy import grown_regions
from .outline import best_selections, outline_score, prefix_scores

LOSSES = (0.3, 0.05, 2.0)
"""How local the walks are (see ``diffusion``): an object, more, less. The first places the seeds."""

SEEDS = 250
SIZES = 4
"""Outlines tried for each walk."""

SMALLEST, LARGEST = 0.0005, 0.35
"""Shares of all pixels that a proposal may cover."""

BLOCK = 256
"""Rows eliminated at once: a few hundredths of a second."""

WALKING, CHOOSING = "Walking from many places", "Finding objects"


def candidates(graph: SceneGraph, progress: Progress) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Selections (k, n) that may be objects, no two of them the same, and their scores (k,).

    Where walks have their best outlines, and what has grown together.
    """
    walked, scores = _walked(graph, span(progress, 0.0, 0.7))
    progress("proposals", 0.7, CHOOSING)
    chance = 0.5 * (graph.outlined + graph.outline_strength)
    grown = grown_regions(graph, chance, SMALLEST, LARGEST)
    progress("proposals", 0.9, CHOOSING)
    again = [outline_score(graph, selection) for selection in grown]
    found = np.concatenate([walked, grown])
    first = np.unique(np.packbits(found, axis=1), axis=0, return_index=True)[1]
    return found[first], np.concatenate([scores, again])[first]


def _walked(graph: SceneGraph, progress: Progress) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    """Selections (k, n) where walks from all seeds have their best outlines, and their scores (k,)."""
    seeds = np.zeros(0, dtype=np.int64)
    selections, scores = [], []
    for number, loss in enumerate(LOSSES):
        part = span(progress, number / len(LOSSES), (number + 1) / len(LOSSES))
        matrix, solving = _walk_matrix(graph, loss), span(part, 0.0, 0.7)
        if number == 0:
            inverse = _inverted(matrix, solving)
            seeds = _spread_seeds(graph, inverse)
            reach = inverse[:, seeds]
        else:
            reach = _solved(matrix, np.eye(len(matrix), dtype=np.float32)[:, seeds], solving)
        for k, walk in enumerate(reach.T):
            part("proposals", 0.7 + 0.3 * k / len(seeds), WALKING)
            for selection, score in _best_outlines(graph, walk):
                selections.append(selection)
                scores.append(score)
    return np.reshape(selections, (-1, len(graph.nodes))).astype(bool), np.asarray(scores)


def _walk_matrix(graph: SceneGraph, loss: float) -> NDArray[np.float32]:
    """Degrees and losses minus weights, (n, n): column s of its inverse is the reach of s up to a factor."""
    size = len(graph.nodes)
    matrix = np.zeros((size, size), dtype=np.float32)
    matrix[graph.i, graph.j] = -graph.walk_capacity
    matrix[graph.j, graph.i] = -graph.walk_capacity
    matrix[np.arange(size), np.arange(size)] = graph.walk.degree + loss * graph.nodes.area
    return matrix


def _solved(
    matrix: NDArray[np.float32], right: NDArray[np.float32], progress: Progress
) -> NDArray[np.float32]:
    """x of matrix @ x = right, (n, k); both arguments are used up.

    Gauss's elimination block by block, so that a cancellation is heard in between. A walk's matrix needs no
    pivoting: its diagonal is larger than the rest of its row.
    """
    starts = range(0, len(matrix), BLOCK)
    for start in starts:
        progress("proposals", 0.7 * start / len(matrix), WALKING)
        _eliminated(matrix, right, start)
    for start in reversed(starts):
        progress("proposals", 1.0 - 0.3 * start / len(matrix), WALKING)
        here, after = slice(start, start + BLOCK), slice(start + BLOCK, None)
        right[here] -= matrix[here, after] @ right[after]
    return right


def _inverted(matrix: NDArray[np.float32], progress: Progress) -> NDArray[np.float32]:
    """The inverse of a walk's matrix, which is used up.

    As ``_solved`` with the identity on the right, of which all that is above the diagonal is left out: zero
    at first, and in the end the same as below it.
    """
    right = np.eye(len(matrix), dtype=np.float32)
    starts = range(0, len(matrix), BLOCK)
    for start in starts:
        progress("proposals", 0.7 * start / len(matrix), WALKING)
        _eliminated(matrix, right[:, : start + BLOCK], start)
    for start in reversed(starts):
        progress("proposals", 1.0 - 0.3 * start / len(matrix), WALKING)
        here, after, done = slice(start, start + BLOCK), slice(start + BLOCK, None), slice(start + BLOCK)
        right[here, done] -= matrix[here, after] @ right[after, done]
        right[here, after] = right[after, here].T
    return right


def _eliminated(matrix: NDArray[np.float32], right: NDArray[np.float32], start: int) -> None:
    """One block of unknowns taken out of all rows below it. The matrix is symmetric and stays so there."""
    here, after = slice(start, start + BLOCK), slice(start + BLOCK, None)
    inverse = np.linalg.inv(matrix[here, here])
    matrix[here, after] = inverse @ matrix[here, after]
    right[here] = inverse @ right[here]
    matrix[after, after] -= matrix[after, here] @ matrix[here, after]
    right[after] -= matrix[after, here] @ right[here]


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
    return best_selections(order, scores, area, SIZES)
