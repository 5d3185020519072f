# SPDX-License-Identifier: GPL-3.0-or-later
"""Pair graph -> cameras and depth in one world."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ...progress import Progress, silent, span
from ..pair_graph import Edge, PairGraph
from .fuse import fuse_view
from .parts import Part, connected, groups_of, restricted, whole_graph
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
    starts there and the result stays in the hints' world; views that nothing joins to others then keep their
    hints. Otherwise the world is the first kept camera. A ``K_hint`` keeps its principal point and aspect;
    its focal length is refined.

    Args:
        weights: W of each edge (see ``weights``).
        masks: a soft mask (H, W) in [0, 1] per view of the graph, handed to ``weights``.
        rounds: how often ``weights`` is asked and the problem solved, at least 1; from the second time on
            ``weights`` is told the state reached.
        keep_largest: without hints, of views that do not hang together keep the largest group instead of
            raising.

    Raises:
        AlignmentError: fewer than two views, no usable edge, or, without hints, views that do not hang
            together.
        Cancelled: raised by ``progress``, which is called at every view and every iteration.
    """
    given = []
    for e, edge in enumerate(graph.edges):
        progress("align", 0.05 * e / len(graph.edges), "weighing pairs")
        given.append(weights(edge, None, _masks_of(edge, masks)))
    whole = whole_graph(graph, given)
    beginning = span(progress, 0.05, 0.2)
    start = _hinted_start(whole, beginning) or _tree_start(whole, keep_largest, beginning)
    part, observations = start.part, start.observations
    groups = groups_of(part, range(len(part.edges)))
    each = 0.5 / rounds
    solution = solve(observations, groups, start.state, span(progress, 0.2, 0.2 + each))
    iterations, losses = solution.iterations, solution.losses
    for number in range(1, rounds):
        begin = 0.2 + number * each
        part = _reweighted(part, weights, masks, solution.state)
        observations = _sample(part, span(progress, begin, begin))
        solution = solve(observations, groups, solution.state, span(progress, begin, begin + each))
        iterations, losses = iterations + solution.iterations, losses + solution.losses
    aligned = _fuse(part, solution.state, iterations, losses, span(progress, 0.7, 1.0))
    return _with_lone_views(aligned, whole) if start.in_hints_world else aligned


@dataclass(frozen=True)
class _Start:
    """Where the solver starts: the views and edges it works on, their sampled pixels, a state."""

    part: Part
    observations: list[Observations]
    state: AlignmentState
    in_hints_world: bool


def _hinted_start(whole: Part, progress: Progress) -> _Start | None:
    """Start at the hinted poses, with every view that has an edge; None where there are not enough hints."""
    hints = [view.cam_to_world_hint for view in whole.views if view.cam_to_world_hint is not None]
    if len(hints) < len(whole.views):
        return None
    in_edges = sorted({v for edge in whole.edges for v in (edge.i, edge.j)})
    part = restricted(whole, in_edges)
    observations = _sample(part, progress)
    K = np.stack([starting_intrinsics(view) for view in part.views])
    frames = own_frames(part.views, observations, K)
    state = hinted_start(part.edges, observations, frames, np.stack(hints)[in_edges], K)
    return None if state is None else _Start(part, observations, state, in_hints_world=True)


def _tree_start(whole: Part, keep_largest: bool, progress: Progress) -> _Start:
    """Start from the most trusted edges, with all views or the largest group that hangs together."""
    part = connected(whole, range(len(whole.edges)), keep_largest)
    observations = _sample(part, progress)
    K = np.stack([starting_intrinsics(view) for view in part.views])
    frames = own_frames(part.views, observations, K)
    relative = relative_similarities(part.edges, observations, frames)
    smaller = connected(part, relative, keep_largest)
    if smaller is not part:
        return _tree_start(smaller, keep_largest, progress)
    state = tree_start(part.edges, frames, relative, K)
    return _Start(part, observations, state, in_hints_world=False)


def _with_lone_views(aligned: Alignment, whole: Part) -> Alignment:
    """``aligned`` and, at their hints and without depth, the views of ``whole`` that are in no edge."""
    place = {v: n for n, v in enumerate(aligned.views)}
    cam_to_world, K, depth, confidence = [], [], [], []
    for v, view in zip(whole.kept, whole.views, strict=True):
        if v in place:
            n = place[v]
            cam_to_world.append(aligned.cam_to_world[n])
            K.append(aligned.K[n])
            depth.append(aligned.depth[n])
            confidence.append(aligned.confidence[n])
        else:
            assert view.cam_to_world_hint is not None
            nothing = np.zeros(view.size[::-1], dtype=np.float32)
            cam_to_world.append(np.asarray(view.cam_to_world_hint, dtype=np.float64))
            K.append(starting_intrinsics(view))
            depth.append(nothing)
            confidence.append(nothing.copy())
    return replace(
        aligned,
        views=whole.kept,
        cam_to_world=np.stack(cam_to_world),
        K=np.stack(K),
        depth=depth,
        confidence=confidence,
    )


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
