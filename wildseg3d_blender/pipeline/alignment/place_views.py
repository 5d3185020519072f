# SPDX-License-Identifier: GPL-3.0-or-later
"""Pair graph -> cameras and depth in one world."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ...progress import Progress, silent, span
from ..pair_graph import Edge, PairGraph
from .fuse import fuse_view
from .parts import Part, connected, whole_graph
from .result import Alignment
from .samples import Observations, sample_view
from .solver import solve
from .start import hinted_start, own_frames, relative_similarities, starting_intrinsics, tree_start
from .state import AlignmentState
from .weights import EdgeState, EdgeWeights, confidence_weights

SoftMasks = Sequence[NDArray[np.float32]]


def align(
    graph: PairGraph,
    *,
    weights: EdgeWeights = confidence_weights,
    masks: SoftMasks | None = None,
    rounds: int = 1,
    keep_largest: bool = False,
    progress: Progress = silent,
) -> Alignment:
    """Place all views of ``graph`` in one world.

    Minimises sum_e sum_v sum_i W |chi - sigma_e P_e X|, chi pinhole (see ``solver``). Where every view has a
    ``cam_to_world_hint``, and the hinted cameras are far enough apart to tell the edges' scales, the solver
    starts there and the result stays in the hints' world; otherwise the world is the first kept camera. A
    ``K_hint`` keeps its principal point and aspect; its focal length is refined.

    Args:
        weights: W of each edge (see ``weights``).
        masks: a soft mask (H, W) in [0, 1] per view of the graph, handed to ``weights``.
        rounds: how often ``weights`` is asked and the problem solved, at least 1; from the second time on
            ``weights`` is told the state reached.
        keep_largest: with views that do not hang together, keep the largest group instead of raising.

    Raises:
        AlignmentError: fewer than two views, no usable edge, or views that do not hang together.
        Cancelled: raised by ``progress``, which is called at every view and every iteration.
    """
    progress("align", 0.0, "weighing pairs")
    given = [weights(edge, None, _masks_of(edge, masks)) for edge in graph.edges]
    part, observations, state = _start(whole_graph(graph, given), keep_largest, span(progress, 0.0, 0.2))
    solution = solve(observations, state, span(progress, 0.2, 0.7))
    iterations, losses = solution.iterations, solution.losses
    for _ in range(1, rounds):
        part = _reweighted(part, weights, masks, solution.state)
        observations = _sample(part, span(progress, 0.2, 0.2))
        solution = solve(observations, solution.state, span(progress, 0.2, 0.7))
        iterations, losses = iterations + solution.iterations, losses + solution.losses
    return _fuse(part, solution.state, iterations, losses, span(progress, 0.7, 1.0))


def _start(
    part: Part, keep_largest: bool, progress: Progress
) -> tuple[Part, list[Observations], AlignmentState]:
    """The part of the graph that hangs together, its sampled pixels, and where to start."""
    part = connected(part, range(len(part.edges)), keep_largest)
    observations = _sample(part, progress)
    K = np.stack([starting_intrinsics(view) for view in part.views])
    frames = own_frames(part.views, observations, K)
    hints = [view.cam_to_world_hint for view in part.views if view.cam_to_world_hint is not None]
    if len(hints) == len(part.views):
        state = hinted_start(part.edges, observations, frames, np.stack(hints), K)
        if state is not None:
            return part, observations, state
    relative = relative_similarities(part.edges, observations, frames)
    smaller = connected(part, relative, keep_largest)
    if smaller is not part:
        return _start(smaller, keep_largest, progress)
    return part, observations, tree_start(part.edges, frames, relative, K)


def _sample(part: Part, progress: Progress) -> list[Observations]:
    observations = []
    for v in range(len(part.views)):
        progress("align", v / len(part.views), "choosing pixels")
        observations.append(sample_view(part.edges, part.weights, v))
    return observations


def _reweighted(part: Part, weights: EdgeWeights, masks: SoftMasks | None, state: AlignmentState) -> Part:
    """``part`` with the weights that ``weights`` gives at ``state``."""
    K, cam_to_world = state.intrinsics, state.cam_to_world
    renewed = []
    for e, edge in enumerate(part.edges):
        reached = EdgeState(
            state.edge_to_world(e), cam_to_world[edge.i], cam_to_world[edge.j], K[edge.i], K[edge.j]
        )
        kept = replace(edge, i=part.kept[edge.i], j=part.kept[edge.j])
        renewed.append(weights(kept, reached, _masks_of(kept, masks)))
    return replace(part, weights=tuple(renewed))


def _masks_of(edge: Edge, masks: SoftMasks | None) -> tuple[NDArray[np.float32], NDArray[np.float32]] | None:
    """The masks of the edge's two views; ``edge`` indexes into the whole graph."""
    return None if masks is None else (masks[edge.i], masks[edge.j])


def _fuse(
    part: Part, state: AlignmentState, iterations: int, losses: tuple[float, ...], progress: Progress
) -> Alignment:
    depth, confidence = [], []
    for v in range(len(part.views)):
        progress("align", v / len(part.views), "fusing depth")
        fused = fuse_view(part.edges, part.weights, state, v)
        depth.append(fused[0])
        confidence.append(fused[1])
    return Alignment(part.kept, state.cam_to_world, state.intrinsics, depth, confidence, iterations, losses)
