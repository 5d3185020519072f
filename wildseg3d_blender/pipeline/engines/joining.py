# SPDX-License-Identifier: GPL-3.0-or-later
"""Views that one engine could not place, joined to those it placed by pointmaps of another engine.

A pointmap of a pair (n, p), n new and p placed, says where p's pixels are seen from n. The placed engine says
where they are in the world. So each pair by itself gives n's camera, by the similarity between the two. A
network always answers, whether or not the two photos have anything in common: what counts is that pairs with
partners in different places agree (a network that puts every camera onto its partner's would agree with
itself for partners side by side). The cameras found are hints, which the alignment refines.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ...conventions import transform
from ..alignment.sim3 import Sim3, fit_sim3_robust, rotation_angle
from ..pair_graph import Edge, PairGraph

FITTING_PIXELS = 2000
"""More of a map say nothing new about a similarity."""

FEWEST_PIXELS = 50

LARGEST_MISFIT = 0.25
"""Mean distance of a fitted map's points from the placed ones, as a share of these points' spread: maps that
have nothing to do with each other leave nearly all of the spread."""

SAME_TURN, SAME_PLACE = np.deg2rad(10.0), 0.1
"""How far apart two cameras may be that count as the same: radians, and the share of the distance to what
they see. A network's pair by itself is off by a few degrees and a few hundredths."""

Points = NDArray[np.float32]


@dataclass(frozen=True)
class _Vote:
    """What one edge says of its first view: where the edge's frame is in the world, and how far off that is.

    ``partner`` is the camera (4, 4) of its second view; ``distance`` the median one to what both see.
    """

    edge: int
    to_world: Sim3
    partner: NDArray[np.float64]
    distance: float
    misfit: float

    @property
    def camera(self) -> NDArray[np.float64]:
        return _pose(self.to_world)


def join(known: PairGraph, more: PairGraph) -> PairGraph:
    """``known`` with those views of ``more`` that it can hold, and the edges that agree on where they are.

    Args:
        known: every view has a ``cam_to_world_hint``.
        more: the views of ``known``, on the same grids, then new ones; each new view is first in an edge with
            every view that may hold it.

    Returns:
        The views of ``known``, then the new ones that two edges or more agree on, with their hints. In edges
        between a known view and a new one, the known view's pixels count where ``known`` measured them.
    """
    world = {v: points for v in range(len(known.views)) if (points := _world_points(known, v)) is not None}
    cameras = {v: np.asarray(known.views[v].cam_to_world_hint, dtype=np.float64) for v in world}
    agreeing: list[int] = []
    while votes := _best_new(more, world, cameras):
        best = votes[0]
        first = more.edges[best.edge]
        cameras[first.i] = best.camera
        world[first.i] = _measured(best.to_world.apply(first.points_i), first.confidence_i)
        agreeing += [vote.edge for vote in votes]
    new = sorted(set(cameras) - set(range(len(known.views))))
    place = {v: index for index, v in enumerate([*range(len(known.views)), *new])}
    edges = [
        replace(edge, i=place[edge.i], j=place[edge.j])
        for edge in (_where_measured(more.edges[e], world, new) for e in sorted(agreeing))
    ]
    views = [replace(more.views[n], cam_to_world_hint=cameras[n]) for n in new]
    return PairGraph((*known.views, *views), (*known.edges, *edges))


def _world_points(graph: PairGraph, v: int) -> Points | None:
    """(H, W, 3) what the graph measured of view v, in the world of its hints, NaN elsewhere."""
    edge = next((edge for edge in graph.edges if edge.i == v), None)
    pose = graph.views[v].cam_to_world_hint
    if edge is None or pose is None:
        return None
    return _measured(transform(pose, edge.points_i), edge.confidence_i)


def _measured(points: NDArray[np.floating], confidence: NDArray[np.float32]) -> Points:
    return np.where(confidence[..., None] > 0, points, np.nan).astype(np.float32)


def _best_new(
    more: PairGraph, world: Mapping[int, Points], cameras: Mapping[int, NDArray[np.float64]]
) -> list[_Vote]:
    """Of the new view that most edges agree on, those edges' votes, the best first; none at the end."""
    votes: dict[int, list[_Vote]] = {}
    for e, edge in enumerate(more.edges):
        if edge.i in world or edge.j not in world:
            continue
        vote = _vote(e, edge, world[edge.j], cameras[edge.j])
        if vote is not None:
            votes.setdefault(edge.i, []).append(vote)
    groups = [_agreeing(of_view) for of_view in votes.values()]
    trusted = [
        group
        for group in groups
        if not all(_same(group[0].partner, vote.partner, vote.distance) for vote in group)
    ]
    return max(trusted, key=lambda group: (len(group), -group[0].misfit), default=[])


def _vote(e: int, edge: Edge, points_world: Points, partner: NDArray[np.float64]) -> _Vote | None:
    """Where the edge's second map puts its first camera, given where that view's pixels are."""
    usable = (edge.confidence_j > 0) & np.isfinite(points_world).all(-1) & np.isfinite(edge.points_j).all(-1)
    pixels = np.flatnonzero(usable)
    if len(pixels) < FEWEST_PIXELS:
        return None
    pixels = pixels[:: max(1, len(pixels) // FITTING_PIXELS)]
    there, here = points_world.reshape(-1, 3)[pixels], edge.points_j.reshape(-1, 3)[pixels]
    try:
        to_world, off = fit_sim3_robust(here, there, edge.confidence_j.ravel()[pixels])
    except ValueError:  # all points on one spot
        return None
    spread = float(np.linalg.norm(there - np.median(there, axis=0), axis=-1).mean())
    distance = float(np.median(np.linalg.norm(there - to_world.translation, axis=-1)))
    fits = off < LARGEST_MISFIT * spread
    return _Vote(e, to_world, partner, distance, off / spread) if fits else None


def _agreeing(votes: Sequence[_Vote]) -> list[_Vote]:
    """The largest set of votes that agree with one of them, that one first; of equals the best fitting."""
    groups = [
        [
            vote,
            *(
                other
                for other in votes
                if other is not vote and _same(vote.camera, other.camera, other.distance)
            ),
        ]
        for vote in votes
    ]
    return max(groups, key=lambda group: (len(group), -group[0].misfit))


def _same(a: NDArray[np.float64], b: NDArray[np.float64], distance: float) -> bool:
    """Whether two cameras (4, 4) count as the same, at this distance from what they see."""
    turn = float(rotation_angle(a[:3, :3].T @ b[:3, :3]))
    return turn < SAME_TURN and float(np.linalg.norm(a[:3, 3] - b[:3, 3])) < SAME_PLACE * distance


def _pose(to_world: Sim3) -> NDArray[np.float64]:
    pose = np.eye(4)
    pose[:3, :3], pose[:3, 3] = to_world.rotation, to_world.translation
    return pose


def _where_measured(edge: Edge, world: Mapping[int, Points], new: Sequence[int]) -> Edge:
    """The edge without those pixels of a known view that were not measured: one engine does not fill in the
    other's gaps, where nothing would tell its mistakes."""
    if edge.j in new:
        return edge
    measured = np.isfinite(world[edge.j][..., 0])
    return replace(edge, confidence_j=np.where(measured, edge.confidence_j, np.float32(0)))
