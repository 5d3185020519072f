# SPDX-License-Identifier: GPL-3.0-or-later
"""From masks to 3D: which pixels' points belong to the object. Needs nothing but numpy."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ...conventions import project
from ...scene_folder import Scene, View

STEEP = 0.01
"""Relative change of depth from one pixel to the next above which it may be a smeared edge."""

SAME_SURFACE = 0.02
"""Two depths within this share of each other are one surface."""

SEEN_THROUGH = 0.04
"""A view that measures something this much farther away looks through the point."""

Bools = NDArray[np.bool_]


def lift(scene: Scene, masks: Mapping[str, NDArray[np.bool_]]) -> dict[str, NDArray[np.bool_]]:
    """The pixels of the masks whose 3D point belongs to the object.

    A pixel counts when it is masked and measured, its depth is not a mixture of front and back
    (``boundary_band``), and the other views do not vote it out: of those that see its point, or see through
    it, at most half show it outside the mask.

    Args:
        masks: view name -> (H, W) bool for every view of the scene.

    Returns:
        view name -> (H, W) bool, a subset of each mask.
    """
    depths = {view.name: view_depth(scene, view) for view in scene.views}
    measured = {view.name: np.asarray(scene.confidence(view)) > 0 for view in scene.views}
    lifted = {}
    for view in scene.views:
        solid = measured[view.name] & ~boundary_band(depths[view.name], measured[view.name])
        keep = np.asarray(masks[view.name], dtype=bool) & solid
        rows, columns = np.nonzero(keep)
        points_world = np.asarray(scene.pointmap(view)[rows, columns])
        against, votes = np.zeros(len(rows), dtype=np.int32), np.zeros(len(rows), dtype=np.int32)
        for other in scene.views:
            if other is not view:
                sees, outside = _vote(
                    other, points_world, depths[other.name], measured[other.name], masks[other.name]
                )
                votes += sees
                against += outside
        voted_out = 2 * against > votes
        keep[rows[voted_out], columns[voted_out]] = False
        lifted[view.name] = keep
    return lifted


def _vote(
    view: View,
    points_world: NDArray[np.float32],
    depth: NDArray[np.float32],
    measured: Bools,
    mask: NDArray[np.bool_],
) -> tuple[Bools, Bools]:
    """Per point: whether a view has a say about it, and whether it says "not the object"."""
    width, height = view.size
    pixel, z = project(points_world, view.K, view.cam_to_world)
    with np.errstate(invalid="ignore"):
        hit = (pixel[:, 0] >= 0) & (pixel[:, 0] < width) & (pixel[:, 1] >= 0) & (pixel[:, 1] < height)
    index = np.where(hit[:, None], pixel, 0).astype(np.int64)
    row, column = index[:, 1], index[:, 0]
    there = depth[row, column]
    known = hit & measured[row, column]
    masked = np.asarray(mask)[row, column]
    same = known & (np.abs(there - z) < SAME_SURFACE * z)
    through = known & (there > z * (1 + SEEN_THROUGH)) & ~masked
    return same | through, (same & ~masked) | through


def view_depth(scene: Scene, view: View) -> NDArray[np.float32]:
    """Depth (H, W) float32 along the camera's z, scene units; meaningless where confidence is 0."""
    forward = view.cam_to_world[:3, 2].astype(np.float32)
    origin = view.cam_to_world[:3, 3].astype(np.float32)
    return (np.asarray(scene.pointmap(view)) - origin) @ forward


def boundary_band(depth: NDArray[np.floating], measured: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Pixels whose depth lies on a smear between a near and a far surface.

    Along a row or a column, such a pixel has a clearly nearer neighbour on one side and a clearly farther
    one on the other, on a slope that ends within a few pixels. A plane seen at a grazing angle keeps its
    slope (in inverse depth), and a clean jump has no pixel in between: neither is in the band.

    Args:
        depth: (H, W), along the camera's z or along the ray.
        measured: (H, W) bool, where depth means something.

    Returns:
        (H, W) bool, a subset of ``measured``.
    """
    inverse = np.where(measured & (depth > 0), 1.0 / np.where(depth > 0, depth, 1.0), np.nan)
    return (_band_along_rows(inverse) | _band_along_rows(inverse.T).T) & measured


def _band_along_rows(inverse: NDArray[np.floating]) -> Bools:
    width = inverse.shape[1]
    reach = 4
    # Continued in a straight line beyond the frame, so that a slope does not seem to end there.
    padded = np.pad(inverse, ((0, 0), (reach, reach)), mode="reflect", reflect_type="odd")

    def shifted(by: int) -> NDArray[np.floating]:
        return padded[:, reach + by : reach + by + width]

    with np.errstate(invalid="ignore"):
        before, after = shifted(0) - shifted(-1), shifted(1) - shifted(0)
        slope = np.minimum(np.abs(before), np.abs(after))
        steep = (before * after > 0) & (slope > STEEP * inverse)
        # Where the slope has ended on either side, or runs into pixels without depth, it was a smear.
        calm_before = ~(np.abs(shifted(-3) - shifted(-4)) > 0.4 * slope)
        calm_after = ~(np.abs(shifted(4) - shifted(3)) > 0.4 * slope)
    return steep & (calm_before | calm_after)
