# SPDX-License-Identifier: GPL-3.0-or-later
"""How much each pixel of each edge counts: W in the objective. The one place where weighting plugs in.

``align`` takes any function of this shape and calls it

1. once per edge on a coarse grid, before the solver: with no state, or with that of an earlier alignment;
2. with ``rounds`` above one, again on that grid after each convergence, with the state reached;
3. at last, where views' depths are fused, once per edge at full resolution with the final state; not for
   views of which all edges say the same, where weights make no difference.

On the coarse grid the edge's maps and the masks are every n-th row and column of the engine's, and the K of
the state are those of that grid, so a function needs no other way of working there. Weights are only ever
compared with one another, over all edges and pixels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ..pair_graph import Edge
from .sim3 import Sim3

PixelWeights = NDArray[np.floating]
"""(H, W) >= 0 on a view's pixel grid; 0, NaN or infinity leave a pixel out."""


@dataclass(frozen=True)
class EdgeState:
    """What alignment knows of one edge (i, j) so far.

    Attributes:
        edge_to_world: sigma_e P_e; it never depends on the pixel grid.
        cam_to_world_i, cam_to_world_j: (4, 4).
        K_i, K_j: (3, 3) in pixels of the edge's maps as they are handed over.
    """

    edge_to_world: Sim3
    cam_to_world_i: NDArray[np.float64]
    cam_to_world_j: NDArray[np.float64]
    K_i: NDArray[np.float64]
    K_j: NDArray[np.float64]


class EdgeWeights(Protocol):
    """Weights W_i (H_i, W_i) and W_j (H_j, W_j) of one edge.

    Args:
        edge: the edge, i and j as in the graph; its arrays may be shared or memory-mapped, so never write
            to them.
        state: where alignment stands, or None before the start.
        masks: soft masks S (H, W) in [0, 1] of views i and j, or None before any mask exists.

    Returns:
        Arrays on the pixel grids of the edge's maps; they may be the edge's own.
    """

    def __call__(
        self,
        edge: Edge,
        state: EdgeState | None,
        masks: tuple[NDArray[np.float32], NDArray[np.float32]] | None,
    ) -> tuple[PixelWeights, PixelWeights]: ...


def confidence_weights(
    edge: Edge,
    state: EdgeState | None,
    masks: tuple[NDArray[np.float32], NDArray[np.float32]] | None,
) -> tuple[PixelWeights, PixelWeights]:
    """W = C: the engine's confidence as it is, whatever the state and the masks."""
    return edge.confidence_i, edge.confidence_j
