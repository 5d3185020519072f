# SPDX-License-Identifier: GPL-3.0-or-later
"""What alignment delivers: pinhole cameras and one depth map per view, in one world."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ...conventions import camera_rays, pixel_centres
from .sim3 import Sim3


@dataclass(frozen=True)
class Alignment:
    """Views in one world. N is the number of views kept.

    Attributes:
        views: (N,) indices into ``PairGraph.views`` of the views kept, ascending.
        cam_to_world: (N, 4, 4) float64, OpenCV axes to world.
        K: (N, 3, 3) float64, view pixels.
        depth: N maps (H, W) float32 along the camera's z, world unit; 0 where there is no measurement.
        confidence: N maps (H, W) float32, the highest over the edges; 0 where there is no measurement.
        iterations: Gauss-Newton iterations made.
        losses: weighted mean residual at each iteration, as a share of the views' typical distances.
        edge_to_world: sigma_e P_e of each edge of the pair graph, None of edges that were not used.
        converged: false if the solver used up its iterations before it stood still.
        left_out: indices into ``PairGraph.views`` of the views not kept, ascending.
    """

    views: tuple[int, ...]
    cam_to_world: NDArray[np.float64]
    K: NDArray[np.float64]
    depth: list[NDArray[np.float32]]
    confidence: list[NDArray[np.float32]]
    iterations: int
    losses: tuple[float, ...]
    edge_to_world: tuple[Sim3 | None, ...]
    converged: bool = True
    left_out: tuple[int, ...] = ()

    def in_world(self, old_to_new: Sim3) -> Alignment:
        """The same scene seen from another world frame; depths take the scale along."""
        scale = np.float32(old_to_new.scale)
        return replace(
            self,
            cam_to_world=old_to_new.apply_to_pose(self.cam_to_world),
            depth=[depth * scale for depth in self.depth],
            edge_to_world=tuple(None if sim is None else old_to_new @ sim for sim in self.edge_to_world),
        )

    def confident(self, minimum: float) -> Alignment:
        """The same without what was measured with less confidence than ``minimum``."""
        kept = [(confidence >= minimum).astype(np.float32) for confidence in self.confidence]
        return replace(
            self,
            depth=[depth * keep for depth, keep in zip(self.depth, kept, strict=True)],
            confidence=[value * keep for value, keep in zip(self.confidence, kept, strict=True)],
        )


def pointmap(alignment: Alignment, v: int) -> NDArray[np.float32]:
    """``points_world`` (H, W, 3) float32 of the ``v``-th view kept: cam_to_world . K^-1 . depth.

    Where confidence is 0 the depth is 0 too, so the point is the camera's centre and means nothing.
    """
    depth = alignment.depth[v]
    height, width = depth.shape
    return view_points(alignment, v, pixel_centres(width, height), depth).astype(np.float32)


def view_points(
    alignment: Alignment, v: int, pixels: NDArray[np.float64], depth: NDArray[np.floating]
) -> NDArray[np.float64]:
    """World points (..., 3) of pixels (..., 2) of the ``v``-th view kept, at ``depth`` (...)."""
    rays_world = camera_rays(alignment.K[v], pixels) @ alignment.cam_to_world[v, :3, :3].T
    return rays_world * depth[..., None] + alignment.cam_to_world[v, :3, 3]
