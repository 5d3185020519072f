# SPDX-License-Identifier: GPL-3.0-or-later
"""The unknowns of alignment: a similarity per edge, a pose and a focal length per view."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .sim3 import Array, Sim3, rotation_exp


@dataclass(frozen=True)
class AlignmentState:
    """Where the solver stands. E edges, N views.

    Attributes:
        log_scale: (E,) log of sigma_e.
        edge_rotation: (E, 3, 3), edge frame to world.
        edge_translation: (E, 3), world unit.
        rotation: (N, 3, 3), camera to world.
        centre: (N, 3), camera centres, world.
        log_focal: (N,) log of the factor on both focal lengths of ``K_start``.
        K_start: (N, 3, 3) in view pixels; its principal point and aspect are kept.
    """

    log_scale: Array
    edge_rotation: Array
    edge_translation: Array
    rotation: Array
    centre: Array
    log_focal: Array
    K_start: Array

    @property
    def intrinsics(self) -> Array:
        """K of each view, (N, 3, 3) in view pixels."""
        K = self.K_start.copy()
        K[:, :2, :2] *= np.exp(self.log_focal)[:, None, None]
        return K

    @property
    def cam_to_world(self) -> Array:
        """(N, 4, 4) camera poses."""
        poses = np.tile(np.eye(4), (len(self.centre), 1, 1))
        poses[:, :3, :3] = self.rotation
        poses[:, :3, 3] = self.centre
        return poses

    def edge_to_world(self, e: int) -> Sim3:
        """sigma_e P_e of edge ``e``."""
        return Sim3(float(np.exp(self.log_scale[e])), self.edge_rotation[e], self.edge_translation[e])

    def moved(self, edge_step: NDArray[np.float64], view_step: NDArray[np.float64]) -> AlignmentState:
        """The state after a small step; rotations are multiplied from the left.

        Args:
            edge_step: (E, 7), log-scale, rotation vector, translation.
            view_step: (N, 7), rotation vector, centre, log-focal.
        """
        return AlignmentState(
            log_scale=self.log_scale + edge_step[:, 0],
            edge_rotation=rotation_exp(edge_step[:, 1:4]) @ self.edge_rotation,
            edge_translation=self.edge_translation + edge_step[:, 4:7],
            rotation=rotation_exp(view_step[:, 0:3]) @ self.rotation,
            centre=self.centre + view_step[:, 3:6],
            log_focal=self.log_focal + view_step[:, 6],
            K_start=self.K_start,
        )

    def in_world(self, old_to_new: Sim3) -> AlignmentState:
        """The same state seen from another world frame."""
        return AlignmentState(
            log_scale=self.log_scale + np.log(old_to_new.scale),
            edge_rotation=old_to_new.rotation @ self.edge_rotation,
            edge_translation=old_to_new.apply(self.edge_translation),
            rotation=old_to_new.rotation @ self.rotation,
            centre=old_to_new.apply(self.centre),
            log_focal=self.log_focal,
            K_start=self.K_start,
        )
