# SPDX-License-Identifier: GPL-3.0-or-later
"""Bringing a start to the poses that are hinted or known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
    poses = {n: np.asarray(pose.cam_to_world, dtype=np.float64) for n, pose in known.items()}
    moved = onto_poses(state, observations, poses)
    rotation, centre = moved.rotation.copy(), moved.centre.copy()
    for n, pose in poses.items():
        if known[n].fixed:
            rotation[n], centre[n] = pose[:3, :3], pose[:3, 3]
    return replace(moved, rotation=rotation, centre=centre)


def onto_poses(
    state: AlignmentState, observations: Sequence[Observations], poses: Mapping[int, Array]
) -> AlignmentState:
    """``state`` in the world of ``poses`` (4, 4) of some of its views, by the similarity that fits best.

    The scale is that of the cameras' spread; where they are on one spot it stays as it is.
    """
    views = list(poses)
    shortest = MIN_BASELINE * _distance(state, observations)
    return state.in_world(
        _between(state.rotation[views], state.centre[views], np.stack(list(poses.values())), shortest)
    )


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

    The rotation is that of the axes on average, for centres in a line leave one open. The scale is 1 where
    the cameras are no farther apart than ``shortest``.
    """
    left, _, right = np.linalg.svd((poses[:, :3, :3] @ np.swapaxes(rotation, 1, 2)).mean(axis=0))
    turn = left @ np.diag([1.0, 1.0, np.linalg.det(left @ right)]) @ right
    middle, known_middle = centre.mean(axis=0), poses[:, :3, 3].mean(axis=0)
    spread = float(np.linalg.norm(centre - middle))
    known_spread = float(np.linalg.norm(poses[:, :3, 3] - known_middle))
    scale = known_spread / spread if spread > shortest and known_spread > 0 else 1.0
    return Sim3(scale, turn, known_middle - scale * turn @ middle)
