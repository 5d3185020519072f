# SPDX-License-Identifier: GPL-3.0-or-later
"""Pair graph -> cameras and depth in one world.

Minimises sum_e sum_v sum_i W |chi - sigma_e P_e X| / D_v, chi pinhole and D_v the distance of what view v
sees (see ``linearise.ViewEquations`` for why). Where every view has a ``cam_to_world_hint``, the result is in
the hints' world. Where the hinted cameras are also far enough apart to tell the edges' scales, the solver
starts there, and views that nothing joins to others keep their hints; cameras on one spot leave the scale to
the pointmaps. Without hints the world is the first kept camera. A ``K_hint`` keeps its principal point and
aspect; its focal length is refined.

Two views are enough, and so are views on one spot, identical views and a flat scene: the pointmaps give the
depth. Points that are not finite, and pairs with fewer than 16 valid pixels in either view, are ignored.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ...progress import Progress, silent, span
from ...reconstruct_settings import ITERATIONS
from ..pair_graph import PairGraph
from .begin import Beginning, Camera, begin, sample
from .fuse import Slot, fuse_agreeing, fuse_view
from .parts import GridWeights, Part, groups_of, whole_graph
from .priors import NO_PRIORS, Priors, check_priors
from .result import Alignment
from .samples import edge_slots
from .solver import Solution, solve
from .state import AlignmentState
from .warm_start import back_onto, check_start, known_states
from .weighing import FullWeights, SoftMasks, Weighing, reweighted
from .weights import EdgeState, EdgeWeights, confidence_weights


def align(
    graph: PairGraph,
    *,
    weights: EdgeWeights = confidence_weights,
    masks: SoftMasks | None = None,
    rounds: int = 1,
    start: Alignment | None = None,
    priors: Priors = NO_PRIORS,
    keep_largest: bool = False,
    iterations: int = ITERATIONS.default,
    progress: Progress = silent,
) -> Alignment:
    """Place all views of ``graph`` in one world; see the module for what is minimised and which world it is.

    Args:
        weights: W of each edge (see ``weights``).
        masks: a soft mask (H, W) in [0, 1] per view of the graph, handed to ``weights``.
        rounds: how often ``weights`` is asked and the problem solved, at least 1; from the second time on
            ``weights`` is told the state reached.
        start: an earlier alignment of the same graph, with other weights or masks: the solver goes on from
            there, ``weights`` is told its state, and the result stays in its world (its cameras lie on the
            earlier ones as well as a similarity can lay them). Views without an edge that counts stay where
            they were, without depth.
        priors: known intrinsics, known poses and focal lengths in common, see ``Priors``. With known poses
            the result is in their world.
        keep_largest: of views that do not hang together (without hints or start) keep the largest group,
            and leave out views that ``start`` lacks, instead of raising. ``left_out`` of the result has them.
        iterations: of the solver, at most, in each round.

    Raises:
        AlignmentError: fewer than two views, no usable edge, or, without hints, views that do not hang
            together; a ``start`` that is of another graph or lacks views.
        Cancelled: raised by ``progress``, which is called at every view and every iteration.
    """
    check_priors(priors, len(graph.views))
    weighing = Weighing(weights, masks)
    if start is not None:
        check_start(graph, start, keep_largest)
    whole = whole_graph(graph, _weighed(graph, weighing, start, span(progress, 0.0, 0.1)))
    beginning = begin(whole, priors, start, keep_largest, span(progress, 0.1, 0.3))
    part, solution = _solve(beginning, weighing, rounds, iterations, span(progress, 0.3, 0.7))
    aligned = _fuse(part, weighing, solution, len(graph.edges), span(progress, 0.7, 1.0))
    if start is not None and not beginning.held.posed:
        aligned = back_onto(aligned, start)
    placed = _with_lone_views(aligned, graph, beginning.lone)
    left_out = tuple(v for v in range(len(graph.views)) if v not in set(placed.views))
    return replace(placed, left_out=left_out)


def _weighed(
    graph: PairGraph, weighing: Weighing, start: Alignment | None, progress: Progress
) -> list[GridWeights]:
    """Each edge's weights on the coarse grids of its views; those of ``start`` are told its state."""
    states: Sequence[EdgeState | None]
    states = [None] * len(graph.edges) if start is None else known_states(graph, start)
    given = []
    for e, edge in enumerate(graph.edges):
        progress("align", e / len(graph.edges), "Weighing pairs")
        given.append(weighing.on_grid(edge, states[e]))
    return given


def _solve(
    beginning: Beginning, weighing: Weighing, rounds: int, most: int, progress: Progress
) -> tuple[Part, Solution]:
    """Solve, and weigh and solve again, ``rounds`` times in all; with the weights of the last time.

    ``most``: iterations of each round at most.
    """
    part, observations = beginning.part, beginning.observations
    groups = groups_of(part, range(len(part.edges)))
    state, iterations = beginning.state, 0
    losses: tuple[float, ...] = ()
    for number in range(rounds):
        done = number / rounds
        if number:
            part = reweighted(part, weighing, state, span(progress, done, done))
            observations = sample(part, span(progress, done, done))
        reported = span(progress, done, done + 1 / rounds)
        solution = solve(observations, groups, beginning.held, state, reported, most)
        state, iterations = solution.state, iterations + solution.iterations
        losses += solution.losses
    return part, Solution(state, iterations, losses, solution.converged)


def _fuse(
    part: Part, weighing: Weighing, solution: Solution, edge_count: int, progress: Progress
) -> Alignment:
    """Depth and confidence of every view at full resolution; ``edge_count`` is that of the graph."""
    state, depth, confidence = solution.state, [], []
    weights = FullWeights(part, weighing, state)
    edge_to_world = {number: state.edge_to_world(e) for e, number in enumerate(part.numbers)}
    for v in range(len(part.views)):
        progress("align", v / len(part.views), "Fusing depth")
        fused = _fuse_view(part, weights, state, v)
        depth.append(fused[0])
        confidence.append(fused[1])
    return Alignment(
        views=part.kept,
        cam_to_world=state.cam_to_world,
        K=state.intrinsics,
        depth=depth,
        confidence=confidence,
        iterations=solution.iterations,
        converged=solution.converged,
        losses=solution.losses,
        edge_to_world=tuple(edge_to_world.get(number) for number in range(edge_count)),
    )


def _fuse_view(
    part: Part, weights: FullWeights, state: AlignmentState, v: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Depth and confidence of one view; weights are asked for only where they can make a difference."""
    camera = state.intrinsics[v], state.rotation[v], state.centre[v]
    slots, places = [], edge_slots(part.edges, v)
    for e, first in places:
        edge = part.edges[e]
        points, confidence = edge.points_i, edge.confidence_i
        if not first:
            points, confidence = edge.points_j, edge.confidence_j
        slots.append(Slot(points, confidence, state.edge_to_world(e)))
    if not any(weights.leaves_out_measurements(e, first) for e, first in places):
        agreed = fuse_agreeing(slots, *camera)
        if agreed is not None:
            for e, first in places:
                weights.skip(e, first)
            return agreed
    return fuse_view(slots, [weights.take(e, first) for e, first in places], *camera)


def _with_lone_views(aligned: Alignment, graph: PairGraph, lone: Mapping[int, Camera]) -> Alignment:
    """``aligned`` and, without depth, the cameras ``lone``, by index into the graph's views."""
    if not lone:
        return aligned
    views = {
        v: (aligned.cam_to_world[n], aligned.K[n], aligned.depth[n], aligned.confidence[n])
        for n, v in enumerate(aligned.views)
    }
    for v, (pose, K) in lone.items():
        nothing = np.zeros(graph.views[v].size[::-1], dtype=np.float32)
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
