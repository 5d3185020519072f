# SPDX-License-Identifier: GPL-3.0-or-later
"""Depth maps and cameras -> the pair graph."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ....conventions import invert_rigid, transform, unproject
from ...pair_graph import Edge, PairGraph, PairView
from ...pair_selection import both_directions, joining_pairs
from .dense import DepthMap
from .model import SparseModel
from .views import StereoView, Surroundings

_NEIGHBOURS_PER_VIEW = 3


def build_graph(
    model: SparseModel,
    views: Sequence[StereoView],
    surroundings: Sequence[Surroundings],
    depths: Sequence[DepthMap],
) -> PairGraph:
    """Edges both ways between each view and its best neighbours, connected, in the model's unit."""
    points_cam = [
        unproject(depth.depth, view.K).astype(np.float32) for view, depth in zip(views, depths, strict=True)
    ]
    edges = []
    for i, j in _directed_pairs(model, surroundings):
        j_to_i = invert_rigid(views[i].cam_to_world) @ views[j].cam_to_world
        edges.append(
            Edge(
                i=i,
                j=j,
                points_i=points_cam[i],
                points_j=transform(j_to_i, points_cam[j]),
                confidence_i=depths[i].confidence,
                confidence_j=depths[j].confidence,
            )
        )
    pair_views = tuple(
        PairView(
            photo=placed.photo,
            image=view.image,
            warp=view.warp,
            K_hint=view.K,
            cam_to_world_hint=view.cam_to_world,
        )
        for placed, view in zip(model.photos, views, strict=True)
    )
    return PairGraph(pair_views, tuple(edges))


def _directed_pairs(model: SparseModel, surroundings: Sequence[Surroundings]) -> list[tuple[int, int]]:
    """Both directions of every view's best neighbours, and of what else joins the parts into one."""
    pairs = {
        (min(i, j), max(i, j))
        for i, around in enumerate(surroundings)
        for j in around.neighbours[:_NEIGHBOURS_PER_VIEW]
    }
    return both_directions(pairs | joining_pairs(_shared_counts(model), pairs))


def _shared_counts(model: SparseModel) -> NDArray[np.float64]:
    """Number of points that each two photos have both observed, (N, N)."""
    observed = np.zeros((len(model.photos), len(model.points_world)), dtype=np.float32)
    for i, placed in enumerate(model.photos):
        observed[i, placed.seen] = 1.0
    return np.rint(observed @ observed.T).astype(np.float64)
