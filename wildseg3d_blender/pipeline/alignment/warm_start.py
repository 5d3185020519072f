# SPDX-License-Identifier: GPL-3.0-or-later
"""Going on from an earlier alignment of the same pair graph: where it stood, and back to its world."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ...errors import AlignmentError
from ..pair_graph import PairGraph
from .parts import Part
from .result import Alignment, view_points
from .samples import MIN_PIXELS, Observations
from .sim3 import Array, Sim3, fit_sim3, fit_sim3_robust
from .state import AlignmentState
from .weights import EdgeState

# Corners of a pyramid of depth one that stands for a camera and what it sees.
PYRAMID = np.array([[0.0, 0.0, 0.0], *([x, y, 1.0] for x in (-0.5, 0.5) for y in (-0.5, 0.5))])


def check_start(graph: PairGraph, start: Alignment, keep_largest: bool) -> None:
    """
    Raises:
        AlignmentError: ``start`` is of another pair graph, or lacks views and ``keep_largest`` is false.
    """
    same = len(start.edge_to_world) == len(graph.edges) and max(start.views) < len(graph.views)
    if not same or any(start.depth[n].shape != graph.views[v].size[::-1] for n, v in enumerate(start.views)):
        raise AlignmentError(
            "The earlier alignment is not of these photos and pairs, so it cannot be continued: reconstruct "
            "the scene again."
        )
    missing = [view.photo.name for v, view in enumerate(graph.views) if v not in set(start.views)]
    if missing and not keep_largest:
        raise AlignmentError(
            f"The earlier alignment does not have these photos: {', '.join(missing)}. Reconstruct the scene "
            "again, or leave them out."
        )


def known_states(graph: PairGraph, start: Alignment) -> list[EdgeState | None]:
    """What ``start`` tells ``weights`` of each edge of the graph; None of edges it did not use."""
    place = {v: n for n, v in enumerate(start.views)}
    states: list[EdgeState | None] = []
    for edge, to_world in zip(graph.edges, start.edge_to_world, strict=True):
        if to_world is None:
            states.append(None)
            continue
        i, j = place[edge.i], place[edge.j]
        states.append(
            EdgeState(to_world, start.cam_to_world[i], start.cam_to_world[j], start.K[i], start.K[j])
        )
    return states


def continued_state(
    part: Part, observations: Sequence[Observations], start: Alignment, K: Array
) -> AlignmentState:
    """The state that ``start`` ended in, for the views and edges of ``part``.

    An edge that ``start`` did not use is laid onto the points its views have there. Log-focals count from
    those of ``K`` (N, 3, 3).
    """
    place = {v: n for n, v in enumerate(start.views)}
    views = [place[v] for v in part.kept]
    pose = start.cam_to_world[views]
    known = [start.edge_to_world[number] for number in part.numbers]
    typical = float(np.median([sim.scale for sim in known if sim is not None] or [1.0]))
    edge_to_world = [
        _laid_on(e, part, observations, start, views, typical) if sim is None else sim
        for e, sim in enumerate(known)
    ]
    K_start = start.K[views].copy()
    factor = K_start[:, 0, 0] / K[:, 0, 0]
    K_start[:, :2, :2] /= factor[:, None, None]
    return AlignmentState(
        log_scale=np.log([sim.scale for sim in edge_to_world]),
        edge_rotation=np.stack([sim.rotation for sim in edge_to_world]),
        edge_translation=np.stack([sim.translation for sim in edge_to_world]),
        rotation=pose[:, :3, :3],
        centre=pose[:, :3, 3],
        log_focal=np.log(factor),
        K_start=K_start,
    )


def _laid_on(
    e: int,
    part: Part,
    observations: Sequence[Observations],
    start: Alignment,
    views: Sequence[int],
    typical: float,
) -> Sim3:
    """Edge to world by the points that ``start`` has where the edge is sampled.

    Where these are too few, the edge sits on its first camera, at the scale ``typical`` of other edges.
    """
    edge = part.edges[e]
    of_edge, in_world, weights = [], [], []
    for v in (edge.i, edge.j):
        seen, n = observations[v], views[v]
        k = int(np.flatnonzero(seen.edges == e)[0])
        column, row = seen.pixels.astype(np.int64).T
        depth = start.depth[n][row, column]
        used = (seen.weights[k] > 0) & (depth > 0)
        of_edge.append(seen.points[k][used])
        in_world.append(view_points(start, n, seen.pixels[used], depth[used]))
        weights.append(seen.weights[k][used])
    points = np.concatenate(of_edge)
    if len(points) < MIN_PIXELS:
        pose = start.cam_to_world[views[edge.i]]
        return Sim3(typical, pose[:3, :3], pose[:3, 3])
    return fit_sim3_robust(points, np.concatenate(in_world), np.concatenate(weights))[0]


def back_onto(moved: Alignment, start: Alignment) -> Alignment:
    """``moved`` in the world of ``start``: its cameras mapped onto the earlier ones by the best similarity.

    A camera counts as a pyramid from its centre to the median depth of what both have measured, so one
    camera is enough and cameras on one spot are too.
    """
    place = {v: n for n, v in enumerate(start.views)}
    new: list[Array] = []
    old: list[Array] = []
    for n, v in enumerate(moved.views):
        both = (moved.depth[n] > 0) & (start.depth[place[v]] > 0)
        if both.any():
            new.append(_pyramid(moved.cam_to_world[n], moved.depth[n][both]))
            old.append(_pyramid(start.cam_to_world[place[v]], start.depth[place[v]][both]))
    return moved.in_world(fit_sim3(np.concatenate(new), np.concatenate(old))) if new else moved


def _pyramid(cam_to_world: NDArray[np.float64], depth: NDArray[np.float32]) -> Array:
    """Five points (5, 3) in world."""
    return float(np.median(depth)) * PYRAMID @ cam_to_world[:3, :3].T + cam_to_world[:3, 3]
