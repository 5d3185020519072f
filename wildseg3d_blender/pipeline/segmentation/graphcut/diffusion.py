# SPDX-License-Identifier: GPL-3.0-or-later
"""Random walks on the graph: how much of each node's walk reaches the seeds before it gets lost.

A walk follows edges in proportion to their capacity, is lost with a small chance per pixel, and ends at a
seed. Unlike a shortest path, it hardly notices one weak gap in a strong outline: all paths count (Grady,
"Random walks for image segmentation", 2006; the loss makes it local, as in personalised PageRank).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class WalkGraph:
    """An undirected weighted graph as sorted directed edges.

    Attributes:
        start: (n,) int64 the first directed edge of each node, edges being sorted by their source.
        lonely: (n,) bool nodes without an edge.
        target: (2m,) int64.
        weight: (2m,) float64.
        degree: (n,) float64 sum of the weights at each node.
        area: (n,) float64 pixels, what the loss is proportional to.
    """

    start: NDArray[np.int64]
    lonely: NDArray[np.bool_]
    target: NDArray[np.int64]
    weight: NDArray[np.float64]
    degree: NDArray[np.float64]
    area: NDArray[np.float64]

    @classmethod
    def of_edges(
        cls,
        i: NDArray[np.int64],
        j: NDArray[np.int64],
        weight: NDArray[np.float64],
        area: NDArray[np.float64],
    ) -> WalkGraph:
        """From m undirected edges i - j."""
        source, target = np.concatenate([i, j]), np.concatenate([j, i])
        order = np.argsort(source, kind="stable")
        both = np.concatenate([weight, weight])[order]
        source, target = source[order], target[order]
        degree = np.bincount(source, both, len(area)).astype(np.float64)
        edges = np.bincount(source, minlength=len(area))
        start = np.minimum(np.cumsum(edges) - edges, max(len(both) - 1, 0))
        return cls(start, edges == 0, target, both, degree, area)

    def neighbours_of(self, nodes: NDArray[np.int64]) -> NDArray[np.int64]:
        """The neighbours of some nodes, one after the other; a node may come more than once."""
        return self.target[self._edges_of(nodes)[0]]

    def _edges_of(self, nodes: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The directed edges that start at some nodes (k,), one node after the other, and their numbers."""
        count = np.append(self.start[1:], len(self.target))[nodes] - self.start[nodes]
        count[self.lonely[nodes]] = 0
        before = np.cumsum(count) - count
        return np.repeat(self.start[nodes] - before, count) + np.arange(int(count.sum())), count

    def nearest(self, seeds: NDArray[np.int64], allowed: NDArray[np.bool_], most: int) -> NDArray[np.int64]:
        """The seeds and the nodes that are reached from them in the fewest steps through ``allowed`` (n,)
        ones; the step that makes them ``most`` or more is the last."""
        free = allowed.copy()
        free[seeds] = False
        found, count, edge = [seeds], len(seeds), seeds
        while count < most and len(edge):
            reached = np.zeros(len(free), dtype=bool)
            reached[self.neighbours_of(edge)] = True
            edge = np.flatnonzero(reached & free)
            free[edge] = False
            found.append(edge)
            count += len(edge)
        return np.concatenate(found)

    def part(self, nodes: NDArray[np.int64], *, lost_outside: bool = False) -> WalkGraph:
        """The graph of some nodes (k,), numbered in their order; walks do not leave it, or are lost where
        they would: then it is the whole graph as for ``reach`` with all other nodes ``lost``."""
        number = np.full(len(self.area), -1, dtype=np.int64)
        number[nodes] = np.arange(len(nodes))
        index, edges = self._edges_of(nodes)
        target = number[self.target[index]]
        source = np.repeat(np.arange(len(nodes)), edges)
        stays = target >= 0
        source, target, weight = source[stays], target[stays], self.weight[index[stays]]
        left = np.bincount(source, minlength=len(nodes))
        degree = np.bincount(source, weight, len(nodes)).astype(np.float64)
        return WalkGraph(
            np.minimum(np.cumsum(left) - left, max(len(target) - 1, 0)),
            left == 0,
            target,
            weight,
            self.degree[nodes] if lost_outside else degree,
            self.area[nodes],
        )

    def reach(
        self,
        seeds: NDArray[np.int64],
        lost: NDArray[np.int64],
        loss: float,
        *,
        tolerance: float = 1e-2,
        max_steps: int = 150,
    ) -> NDArray[np.float64]:
        """Chance in [0, 1] that a walk from each node ends at a seed, (n,) float64.

        Solves (degree + loss * area) x - W x = 0 with x = 1 on ``seeds`` and x = 0 on ``lost`` by conjugate
        gradients with a diagonal preconditioner.
        """
        count = len(self.area)
        fixed = np.zeros(count)
        fixed[seeds] = 1.0
        if not len(self.target):
            return fixed
        free = np.ones(count)
        free[seeds] = 0.0
        free[lost] = 0.0
        diagonal = self.degree + loss * self.area

        def neighbours(x: NDArray[np.float64]) -> NDArray[np.float64]:
            # reduceat gives a node without edges its successor's first term; those are set back to zero.
            total = np.add.reduceat(self.weight * x[self.target], self.start)
            total[self.lonely] = 0.0
            return total

        right = free * neighbours(fixed)
        x = right / diagonal
        residual = right - free * (diagonal * x - neighbours(x))
        direction = step = residual / diagonal
        product = float(residual @ step)
        target = tolerance**2 * float(right @ (right / diagonal))
        for _ in range(max_steps):
            if product <= target or product == 0.0:
                break
            image = free * (diagonal * direction - neighbours(direction))
            length = product / float(direction @ image)
            x += length * direction
            residual -= length * image
            step = residual / diagonal
            previous, product = product, float(residual @ step)
            direction = step + (product / previous) * direction
        return np.clip(x, 0.0, 1.0) * free + fixed
