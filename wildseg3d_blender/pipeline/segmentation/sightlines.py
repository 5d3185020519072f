# SPDX-License-Identifier: GPL-3.0-or-later
"""How the views of a scene look at points in space: onto them, through them, or at something in front."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...conventions import invert_rigid
from ...scene.folder import Scene, View
from ..boundary_band import boundary_band

SAME_SURFACE = 0.02
"""Two depths within this share of each other are one surface."""

SEEN_THROUGH = 0.04
"""A view that measures something this much farther away looks through the point."""

Bools = NDArray[np.bool_]


class Sightlines:
    """A scene's depth maps, asked about points.

    Attributes:
        measured: per view (H, W) bool.
        solid: per view (H, W) bool, the measured pixels whose depth is no mixture of front and back.
    """

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self._depths = [view_depth(scene, view) for view in scene.views]
        self._to_pixels = [
            (np.pad(view.K, ((0, 0), (0, 1))) @ invert_rigid(view.cam_to_world)).astype(np.float32)
            for view in scene.views
        ]
        self.measured = [np.asarray(scene.confidence(view)) > 0 for view in scene.views]
        self.solid = [
            measured & ~boundary_band(depth, measured)
            for depth, measured in zip(self._depths, self.measured, strict=True)
        ]

    def points(self, view: int, pixels: NDArray[np.int64]) -> NDArray[np.float32]:
        """World points (n, 3) of flat pixels (n,) of a view."""
        return np.asarray(self.scene.pointmap(self.scene.views[view])).reshape(-1, 3)[pixels]

    def look(self, view: int, points_world: NDArray[np.float32]) -> tuple[NDArray[np.int32], Bools, Bools]:
        """Where a view has points (n, 3), and how it looks at them.

        Returns:
            Flat pixels (n,), 0 outside the view; whether what it measures there is the point's own surface;
            whether it looks through the point at something farther away. Neither where it measured nothing.
        """
        depth = self._depths[view]
        height, width = depth.shape
        to_pixels = self._to_pixels[view]
        # One row each: columns of (n, 3) are slow to go through.
        x, y, z = to_pixels[:, :3] @ points_world.T + to_pixels[:, 3:]
        with np.errstate(invalid="ignore", divide="ignore"):
            x /= z
            y /= z
            hit = (z > 0) & (x >= 0) & (x < width) & (y >= 0) & (y < height)
        place = np.where(hit, y, 0).astype(np.int32)
        place *= np.int32(width)
        place += np.where(hit, x, 0).astype(np.int32)
        there = depth.ravel()[place]
        known = hit & self.measured[view].ravel()[place]
        return (
            place,
            known & (np.abs(there - z) < SAME_SURFACE * z),
            known & (there > z * (1 + SEEN_THROUGH)),
        )


def view_depth(scene: Scene, view: View) -> NDArray[np.float32]:
    """Depth (H, W) float32 along the camera's z, scene units; meaningless where confidence is 0."""
    forward = view.cam_to_world[:3, 2].astype(np.float32)
    origin = view.cam_to_world[:3, 3].astype(np.float32)
    return (np.asarray(scene.pointmap(view)) - origin) @ forward
