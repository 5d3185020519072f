# SPDX-License-Identifier: GPL-3.0-or-later
"""Bringing a start to the poses that are known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from .priors import Priors
from .samples import Observations
from .sim3 import Array, Sim3
from .state import AlignmentState

# Cameras closer together than this share of the distance to what they see tell no scale.
MIN_BASELINE = 0.01


def at_known_poses(
    state: AlignmentState, kept: Sequence[int], observations: Sequence[Observations], priors: Priors
) -> AlignmentState:
    """``state`` in the world of the known poses, with the fixed ones exactly where they are known to be.

    Args:
        kept: the graph's views that ``state`` is of.
    """
    known = {n: priors.poses[v] for n, v in enumerate(kept) if v in priors.poses}
    if not known:
        return state
    views = list(known)
    poses = np.stack([np.asarray(known[n].cam_to_world, dtype=np.float64) for n in views])
    shortest = MIN_BASELINE * _distance(state, observations)
    moved = state.in_world(_between(state.rotation[views], state.centre[views], poses, shortest))
    rotation, centre = moved.rotation.copy(), moved.centre.copy()
    for n, pose in zip(views, poses, strict=True):
        if known[n].fixed:
            rotation[n], centre[n] = pose[:3, :3], pose[:3, 3]
    return replace(moved, rotation=rotation, centre=centre)


def _distance(state: AlignmentState, observations: Sequence[Observations]) -> float:
    """Median distance of the sampled points from their edge's camera, in the world of ``state``."""
    distances = [
        np.exp(state.log_scale[e]) * np.linalg.norm(points[weights > 0], axis=-1)
        for seen in observations
        for e, points, weights in zip(seen.edges, seen.points, seen.weights, strict=True)
    ]
    return float(np.median(np.concatenate(distances)))


def _between(rotation: Array, centre: Array, poses: Array, shortest: float) -> Sim3:
    """The similarity from cameras (rotation (n, 3, 3), centre (n, 3)) to ``poses`` (n, 4, 4).

    The rotation is that of the axes on average, for centres in a line leave one open; the scale is that of
    the centres' spread, 1 where it is below ``shortest``.
    """
    left, _, right = np.linalg.svd((poses[:, :3, :3] @ np.swapaxes(rotation, 1, 2)).mean(axis=0))
    turn = left @ np.diag([1.0, 1.0, np.linalg.det(left @ right)]) @ right
    middle, known_middle = centre.mean(axis=0), poses[:, :3, 3].mean(axis=0)
    spread = float(np.linalg.norm(centre - middle))
    known_spread = float(np.linalg.norm(poses[:, :3, 3] - known_middle))
    scale = known_spread / spread if spread > shortest and known_spread > 0 else 1.0
    return Sim3(scale, turn, known_middle - scale * turn @ middle)
