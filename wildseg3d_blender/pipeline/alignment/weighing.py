# SPDX-License-Identifier: GPL-3.0-or-later
"""Asking for weights: on a coarse grid for the solver, in full for fusing depth, and holding few of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ...progress import Progress
from ..pair_graph import Edge
from .parts import Part
from .samples import grid_step, on_grid, valid_weights
from .state import AlignmentState
from .weights import EdgeState, EdgeWeights, PixelWeights

SoftMasks = Sequence[NDArray[np.float32]]


@dataclass(frozen=True)
class Weighing:
    """The weights function with the soft masks (H, W) of the graph's views, if any."""

    weights: EdgeWeights
    masks: SoftMasks | None

    def on_grid(self, edge: Edge, state: EdgeState | None) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Weights of ``edge`` (i and j as in the graph) on its views' coarse grids, 0 where not valid."""
        coarse = replace(
            edge,
            points_i=np.ascontiguousarray(on_grid(edge.points_i)),
            points_j=np.ascontiguousarray(on_grid(edge.points_j)),
            confidence_i=np.ascontiguousarray(on_grid(edge.confidence_i)),
            confidence_j=np.ascontiguousarray(on_grid(edge.confidence_j)),
        )
        if state is not None:
            state = replace(
                state,
                K_i=_grid_intrinsics(state.K_i, grid_step(edge.confidence_i.shape)),
                K_j=_grid_intrinsics(state.K_j, grid_step(edge.confidence_j.shape)),
            )
        masks = None
        if self.masks is not None:
            masks = on_grid(self.masks[edge.i]), on_grid(self.masks[edge.j])
        weights_i, weights_j = self.weights(coarse, state, masks)
        return valid_weights(coarse.points_i, weights_i), valid_weights(coarse.points_j, weights_j)

    def full(self, edge: Edge, state: EdgeState | None) -> tuple[PixelWeights, PixelWeights]:
        """Weights of ``edge`` (i and j as in the graph) as the weights function gives them."""
        masks = None if self.masks is None else (self.masks[edge.i], self.masks[edge.j])
        return self.weights(edge, state, masks)


def _grid_intrinsics(K: NDArray[np.float64], step: int) -> NDArray[np.float64]:
    """K (3, 3) of the grid of every ``step``-th pixel, whose first pixel is the first one."""
    coarse = K.copy()
    coarse[:2] /= step
    coarse[:2, 2] += 0.5 - 0.5 / step
    return coarse


def reweighted(part: Part, weighing: Weighing, state: AlignmentState, progress: Progress) -> Part:
    """``part`` with the weights that hold at ``state``."""
    renewed = []
    for e in range(len(part.edges)):
        progress("align", e / len(part.edges), "Weighing pairs")
        renewed.append(weighing.on_grid(part.edge_in_graph(e), edge_state(part, state, e)))
    return replace(part, weights=tuple(renewed))


def edge_state(part: Part, state: AlignmentState, e: int) -> EdgeState:
    """What ``state`` tells of edge ``e`` of the part, in view pixels."""
    edge, K, poses = part.edges[e], state.intrinsics, state.cam_to_world
    return EdgeState(state.edge_to_world(e), poses[edge.i], poses[edge.j], K[edge.i], K[edge.j])


class FullWeights:
    """Weights at full resolution: made when the first of an edge's views asks, dropped when the second has.

    So only the edges between views that were served and views that were not take memory.
    """

    def __init__(self, part: Part, weighing: Weighing, state: AlignmentState) -> None:
        self._part, self._weighing, self._state = part, weighing, state
        self._waiting: dict[tuple[int, bool], PixelWeights] = {}
        self._unneeded: set[tuple[int, bool]] = set()

    def take(self, e: int, first: bool) -> PixelWeights:
        """Weights (H, W) of edge ``e`` for its view i (``first``) or j; to be asked for once each."""
        if (e, first) in self._waiting:
            return self._waiting.pop((e, first))
        both = self._weighing.full(self._part.edge_in_graph(e), edge_state(self._part, self._state, e))
        if (e, not first) not in self._unneeded:
            self._waiting[e, not first] = both[1 if first else 0]
        return both[0 if first else 1]

    def skip(self, e: int, first: bool) -> None:
        """Instead of ``take``, by a view that does not need them."""
        self._waiting.pop((e, first), None)
        self._unneeded.add((e, first))

    def leaves_out_measurements(self, e: int, first: bool) -> bool:
        """Whether, on the coarse grid, some pixel with a confidence has no weight."""
        edge, slot = self._part.edges[e], 0 if first else 1
        points = (edge.points_i, edge.points_j)[slot]
        confidence = on_grid((edge.confidence_i, edge.confidence_j)[slot])
        measured = valid_weights(on_grid(points), confidence) > 0
        return bool((measured & ~(self._part.weights[e][slot] > 0)).any())
