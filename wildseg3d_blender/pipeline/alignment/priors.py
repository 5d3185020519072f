# SPDX-License-Identifier: GPL-3.0-or-later
"""What is known of the cameras before alignment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ...errors import AlignmentError
from .sim3 import Array


@dataclass(frozen=True)
class KnownPose:
    """A camera pose that is known, exactly or to within an error.

    Attributes:
        cam_to_world: (4, 4), OpenCV axes, in the world the result is wanted in.
        sigma_degrees: spread of the orientation's error about each axis.
        sigma_centre: spread of the centre's error along each axis, in the unit of the world.

    Both spreads are 0 for a pose that is kept as it is, and both above 0 for one that may give way.
    """

    cam_to_world: NDArray[np.float64]
    sigma_degrees: float = 0.0
    sigma_centre: float = 0.0

    @property
    def fixed(self) -> bool:
        return self.sigma_centre == 0.0


@dataclass(frozen=True)
class Priors:
    """What ``align`` is to hold on to. Views are indices into ``PairGraph.views``.

    Hints of the pair graph are starts and are refined; what is said here is kept.

    Attributes:
        K: (3, 3) in view pixels of the views whose intrinsics are known: kept as they are.
        same_focal: groups of views taken with one camera at one zoom. Within each, one factor scales the
            focal lengths of the views' ``K_hint``, or, without hints, of the longer side of the view. A group
            that holds a view with a known K takes that one's factor.
        poses: known poses. The result is in their world.
    """

    K: Mapping[int, NDArray[np.float64]] = field(default_factory=dict)
    same_focal: Sequence[Sequence[int]] = ()
    poses: Mapping[int, KnownPose] = field(default_factory=dict)


NO_PRIORS = Priors()


def check_priors(priors: Priors, count: int) -> None:
    """
    Raises:
        AlignmentError: ``priors`` name views beyond the ``count`` there are, contradict themselves or hold
            something that is no camera.
    """
    grouped = [v for group in priors.same_focal for v in group]
    for v in (*priors.K, *priors.poses, *grouped):
        if not 0 <= v < count:
            raise AlignmentError(
                f"Something is said to be known of view {v}, but the views are 0 to {count - 1}: "
                "give the index of a view."
            )
    if len(set(grouped)) < len(grouped):
        raise AlignmentError("A view is in two groups of one focal length: put each view in one group only.")
    for v, K in priors.K.items():
        if np.shape(K) != (3, 3) or not np.isfinite(K).all() or not min(K[0][0], K[1][1]) > 0:
            raise AlignmentError(f"The known K of view {v} is not a camera matrix: give 3 x 3 pixels.")
    for v, known in priors.poses.items():
        pose = np.asarray(known.cam_to_world, dtype=np.float64)
        rotation = pose[:3, :3]
        if pose.shape != (4, 4) or not np.allclose(rotation @ rotation.T, np.eye(3), atol=1e-4):
            raise AlignmentError(f"The known pose of view {v} is not a rigid 4 x 4 matrix: correct it.")
        if min(known.sigma_degrees, known.sigma_centre) < 0 or (
            (known.sigma_degrees == 0) != (known.sigma_centre == 0)
        ):
            raise AlignmentError(
                f"The known pose of view {v} needs both spreads above 0, or both 0 to keep it as it is."
            )


@dataclass(frozen=True)
class Held:
    """``Priors`` as the solver takes them: for the N views of the part that is aligned.

    Attributes:
        focal_of: (N,) int, which focal unknown each view takes, 0 .. F - 1.
        focal_fixed: (F,) bool.
        pose_fixed: (N,) bool.
        soft: poses that may give way, by view.
    """

    focal_of: NDArray[np.int64]
    focal_fixed: NDArray[np.bool_]
    pose_fixed: NDArray[np.bool_]
    soft: Mapping[int, KnownPose]

    @property
    def posed(self) -> list[int]:
        """The views of known pose, ascending."""
        return sorted({*np.flatnonzero(self.pose_fixed).tolist(), *self.soft})

    def one_focal(self, log_focal: Array) -> Array:
        """``log_focal`` (N,) with the median of each group for all of it; 0 where the focal is known."""
        shared = np.zeros(len(self.focal_fixed))
        for f in np.flatnonzero(~self.focal_fixed):
            shared[f] = np.median(log_focal[self.focal_of == f])
        return shared[self.focal_of]


def held(priors: Priors, kept: Sequence[int]) -> Held:
    """The priors of the views ``kept`` (indices into the graph's views)."""
    place = {v: n for n, v in enumerate(kept)}
    group = {v: g for g, views in enumerate(priors.same_focal) for v in views}
    # Views of one group share a key; of a known K it does not matter.
    keys = [("group", group[v]) if v in group else ("view", v) for v in kept]
    numbers = {key: f for f, key in enumerate(dict.fromkeys(keys))}
    focal_of = np.array([numbers[key] for key in keys], dtype=np.int64)
    focal_fixed = np.zeros(len(numbers), dtype=bool)
    for v in kept:
        if v in priors.K:
            focal_fixed[focal_of[place[v]]] = True
    pose_fixed = np.zeros(len(kept), dtype=bool)
    soft = {}
    for v, known in priors.poses.items():
        if v in place and known.fixed:
            pose_fixed[place[v]] = True
        elif v in place:
            soft[place[v]] = known
    return Held(focal_of, focal_fixed, pose_fixed, soft)
