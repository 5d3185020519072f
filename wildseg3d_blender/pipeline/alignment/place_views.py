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
from .sim3 import Sim3
from .solver import solve
from .start import hinted_start, own_frames, relative_similarities, starting_intrinsics, tree_start
from .state import AlignmentState
from .warm_start import back_onto, check_start, continued_state, known_states
from .weights import EdgeState, EdgeWeights, confidence_weights

SoftMasks = Sequence[NDArray[np.float32]]


def align(
    graph: PairGraph,
    *,
    weights: EdgeWeights = confidence_weights,
    masks: SoftMasks | None = None,
    rounds: int = 1,
    start: Alignment | None = None,
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
        start: an earlier alignment of the same graph, with other weights or masks: the solver goes on from
            there, ``weights`` is told its state, and the result stays in its world (its cameras lie on the
            earlier ones as well as a similarity can lay them). Views without an edge that counts stay where
            they were, without depth.
        keep_largest: of views that do not hang together (without hints or start) keep the largest group,
            and leave out views that ``start`` lacks, instead of raising.

    Raises:
        AlignmentError: fewer than two views, no usable edge, or, without hints, views that do not hang
            together; a ``start`` that is of another graph or lacks views.
        Cancelled: raised by ``progress``, which is called at every view and every iteration.
    """
    states: Sequence[EdgeState | None] = [None] * len(graph.edges)
    if start is not None:
        check_start(graph, start, keep_largest)
        states = known_states(graph, start)
    given = []
    for e, edge in enumerate(graph.edges):
        progress("align", 0.05 * e / len(graph.edges), "weighing pairs")
        given.append(weights(edge, states[e], _masks_of(edge, masks)))
    whole = whole_graph(graph, given)
    begin = _begin(whole, start, keep_largest, span(progress, 0.05, 0.2))
    part, observations = begin.part, begin.observations
    groups = groups_of(part, range(len(part.edges)))
    each = 0.5 / rounds
    solution = solve(observations, groups, begin.state, span(progress, 0.2, 0.2 + each))
    iterations, losses = solution.iterations, solution.losses
    for number in range(1, rounds):
        done = 0.2 + number * each
        part = _reweighted(part, weights, masks, solution.state)
        observations = _sample(part, span(progress, done, done))
        solution = solve(observations, groups, solution.state, span(progress, done, done + each))
        iterations, losses = iterations + solution.iterations, losses + solution.losses
    aligned = _fuse(part, solution.state, iterations, losses, span(progress, 0.7, 1.0))
    aligned = replace(aligned, edge_to_world=_by_number(part, aligned.edge_to_world, len(graph.edges)))
    if start is not None:
        aligned = back_onto(aligned, start)
    return _with_lone_views(aligned, whole, begin.lone)


@dataclass(frozen=True)
class _Start:
    """Where the solver starts: the views and edges it works on, their sampled pixels, a state.

    ``lone`` has the pose (4, 4) and K of the views that are in no edge, yet known: by index into the graph.
    """

    part: Part
    observations: list[Observations]
    state: AlignmentState
    lone: dict[int, tuple[NDArray[np.float64], NDArray[np.float64]]]


def _begin(whole: Part, start: Alignment | None, keep_largest: bool, progress: Progress) -> _Start:
    if start is not None:
        return _continued_start(whole, start, progress)
    return _hinted_start(whole, progress) or _tree_start(whole, keep_largest, progress)


def _continued_start(whole: Part, start: Alignment, progress: Progress) -> _Start:
    """Start where an earlier alignment ended, with every view that has an edge."""
    place = {v: n for n, v in enumerate(start.views)}
    known = restricted(whole, [n for n, v in enumerate(whole.kept) if v in place])
    part = restricted(known, _in_edges(known))
    observations = _sample(part, progress)
    lone = {v: (start.cam_to_world[n], start.K[n]) for v, n in place.items() if v not in part.kept}
    return _Start(part, observations, continued_state(part, observations, start), lone)


def _hinted_start(whole: Part, progress: Progress) -> _Start | None:
    """Start at the hinted poses, with every view that has an edge; None where there are not enough hints."""
    hints = [view.cam_to_world_hint for view in whole.views if view.cam_to_world_hint is not None]
    if len(hints) < len(whole.views):
        return None
    part = restricted(whole, _in_edges(whole))
    observations = _sample(part, progress)
    K = np.stack([starting_intrinsics(view) for view in part.views])
    frames = own_frames(part.views, observations, K)
    state = hinted_start(part.edges, observations, frames, np.stack([hints[v] for v in part.kept]), K)
    if state is None:
        return None
    lone = {
        v: (np.asarray(hints[v], dtype=np.float64), starting_intrinsics(whole.views[v]))
        for v in whole.kept
        if v not in part.kept
    }
    return _Start(part, observations, state, lone)


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
    return _Start(part, observations, state, {})


def _in_edges(part: Part) -> list[int]:
    """The views that are in some edge, ascending."""
    return sorted({v for edge in part.edges for v in (edge.i, edge.j)})


def _by_number(part: Part, edge_to_world: Sequence[Sim3 | None], count: int) -> tuple[Sim3 | None, ...]:
    """``edge_to_world`` of the part's edges as one entry per edge of the graph."""
    by_number = dict(zip(part.numbers, edge_to_world, strict=True))
    return tuple(by_number.get(number) for number in range(count))


def _with_lone_views(
    aligned: Alignment,
    whole: Part,
    lone: dict[int, tuple[NDArray[np.float64], NDArray[np.float64]]],
) -> Alignment:
    """``aligned`` and, without depth, the views of ``lone`` (pose and K by index into the graph)."""
    if not lone:
        return aligned
    size = dict(zip(whole.kept, (view.size for view in whole.views), strict=True))
    views = {
        v: (aligned.cam_to_world[n], aligned.K[n], aligned.depth[n], aligned.confidence[n])
        for n, v in enumerate(aligned.views)
    }
    for v, (pose, K) in lone.items():
        nothing = np.zeros(size[v][::-1], dtype=np.float32)
        views[v] = pose, K, nothing, nothing.copy()
    ordered = [views[v] for v in sorted(views)]
    return replace(
        aligned,
        views=tuple(sorted(views)),
        cam_to_world=np.stack([pose for pose, _, _, _ in ordered]),
        K=np.stack([K for _, K, _, _ in ordered]),
        depth=[depth for _, _, depth, _ in ordered],
        confidence=[confidence for _, _, _, confidence in ordered],
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
    edge_to_world = tuple(state.edge_to_world(e) for e in range(len(part.edges)))
    return Alignment(
        part.kept,
        state.cam_to_world,
        state.intrinsics,
        depth,
        confidence,
        iterations,
        losses,
        edge_to_world,
    )
