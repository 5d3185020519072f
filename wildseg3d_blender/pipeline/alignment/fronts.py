# SPDX-License-Identifier: GPL-3.0-or-later
"""Sparse linear systems whose matrix is a sum of small dense ones: exact, without ever forming the whole.

A = sum_c P_c^T A_c P_c + D, with each clique c holding a few blocks of unknowns and D diagonal. This is the
multifrontal method (Duff and Reid 1983): cliques become fronts, fronts are merged two at a time, and a block
that no other front holds any more is eliminated at once, its Schur complement staying behind in the front.
The order of merging is greedy, the smallest merged front first, which for a graph of neighbouring views keeps
every front as small as the graph is narrow.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .sim3 import Array

Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Front:
    """One step: add up what comes in, eliminate the first unknowns, keep the rest.

    Attributes:
        sources: (index of a clique, or of an earlier front; its places in this front's matrix).
        of_clique: whether ``sources`` are cliques.
        eliminated: indices of the unknowns eliminated here.
        kept: indices of the unknowns that stay.
    """

    sources: tuple[tuple[int, Indices], ...]
    of_clique: bool
    eliminated: Indices
    kept: Indices


@dataclass(frozen=True)
class Plan:
    """The order of elimination for given cliques; good for any matrices on them."""

    fronts: tuple[Front, ...]
    size: int


def plan(cliques: Sequence[Sequence[int]], sizes: Sequence[int]) -> Plan:
    """Decide the order.

    Args:
        cliques: the blocks that each clique holds, in the order of its matrix. Every block is in some clique.
        sizes: number of unknowns of each block; the unknowns of A are numbered block by block.
    """
    offsets = np.concatenate([[0], np.cumsum(sizes)])
    holders: dict[int, set[int]] = {}
    for c, clique in enumerate(cliques):
        for block in clique:
            holders.setdefault(block, set()).add(c)
    fronts: list[Front] = []
    alive: dict[int, list[int]] = {}

    def unknowns(blocks: Sequence[int]) -> Indices:
        ranges = [np.arange(offsets[block], offsets[block + 1]) for block in blocks]
        return np.concatenate([np.zeros(0, np.int64), *ranges])

    def add(sources: Sequence[tuple[int, Sequence[int]]], of_clique: bool) -> int:
        """The front of ``sources`` (index and blocks); its kept blocks become alive."""
        blocks = sorted({block for _, held in sources for block in held})
        own = {source for source, _ in sources}
        done = [block for block in blocks if holders[block] <= own]
        kept = [block for block in blocks if not holders[block] <= own]
        place = {int(u): n for n, u in enumerate(unknowns([*done, *kept]))}
        places = tuple((s, np.array([place[int(u)] for u in unknowns(held)], int)) for s, held in sources)
        number = len(fronts)
        fronts.append(Front(places, of_clique, unknowns(done), unknowns(kept)))
        alive[number] = kept
        for block in kept:
            holders[block] = holders[block] - own | {number}
        return number

    # Fronts take the numbers of their cliques, so ``holders`` stays right while cliques turn into fronts.
    for c, clique in enumerate(cliques):
        add([(c, clique)], of_clique=True)
    for one, other in _merges(alive, holders, sizes):
        add([(one, alive.pop(one)), (other, alive.pop(other))], of_clique=False)
    return Plan(tuple(fronts), int(offsets[-1]))


def _merges(
    alive: dict[int, list[int]], holders: dict[int, set[int]], sizes: Sequence[int]
) -> Iterator[tuple[int, int]]:
    """Pairs of fronts to merge, until none shares a block; the caller updates ``alive`` in between."""
    heap: list[tuple[int, int, int]] = []
    known = 0

    def push(one: int, other: int) -> None:
        union = set(alive[one]) | set(alive[other])
        heapq.heappush(heap, (sum(sizes[block] for block in union), one, other))

    while True:
        for front in range(known, max(alive, default=-1) + 1):
            # What many fronts hold, such as a shared focal length, says nothing about who is near.
            near = {h for block in alive[front] if len(holders[block]) <= 3 for h in holders[block]}
            for other in near:
                if other < front:
                    push(other, front)
        known = max(alive, default=-1) + 1
        while heap and not (heap[0][1] in alive and heap[0][2] in alive):
            heapq.heappop(heap)
        if heap:
            _, one, other = heapq.heappop(heap)
            yield one, other
            continue
        waiting = [front for front, blocks in alive.items() if blocks]
        if not waiting:
            return
        one = min(waiting, key=lambda front: len(alive[front]))
        push(*sorted(sorted(holders[alive[one][0]])[:2]))


def solve(plan: Plan, matrices: Sequence[Array], diagonal: Array, right: Array) -> Array:
    """x with A x = ``right``.

    Args:
        matrices: A_c, symmetric, of each clique, in the order of its blocks.
        diagonal: (M,) D, such that A is positive definite.
        right: (M, R).

    Raises:
        numpy.linalg.LinAlgError: A is singular.
    """
    work = right.copy()
    waiting: dict[int, Array] = {}
    factors: list[tuple[Array, Array]] = []
    for number, front in enumerate(plan.fronts):
        count, size = len(front.eliminated), len(front.eliminated) + len(front.kept)
        matrix = np.zeros((size, size))
        for source, places in front.sources:
            part = matrices[source] if front.of_clique else waiting.pop(source)
            matrix[places[:, None], places] += part
        matrix[np.arange(count), np.arange(count)] += diagonal[front.eliminated]
        coupling = matrix[:count, count:]
        solved = np.linalg.solve(
            matrix[:count, :count], np.concatenate([coupling, work[front.eliminated]], axis=1)
        )
        towards, part_solution = solved[:, : size - count], solved[:, size - count :]
        if size > count:
            waiting[number] = matrix[count:, count:] - coupling.T @ towards
            work[front.kept] -= coupling.T @ part_solution
        factors.append((towards, part_solution))
    solution = np.zeros_like(work)
    for front, (towards, part_solution) in zip(reversed(plan.fronts), reversed(factors), strict=True):
        solution[front.eliminated] = part_solution - towards @ solution[front.kept]
    return solution
