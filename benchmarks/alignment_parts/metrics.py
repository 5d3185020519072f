# SPDX-License-Identifier: GPL-3.0-or-later
"""How far a placed scene is from the truth, and the objective both programs minimise, on either's result."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.alignment_parts.files import Placed
from tests.synthetic import TrueView, rms
from wildseg3d_blender.conventions import transform, unproject
from wildseg3d_blender.pipeline.alignment import Sim3, fit_sim3
from wildseg3d_blender.pipeline.alignment.sim3 import fit_sim3_robust, rotation_angle

Floats = NDArray[np.float64]
Pixels = NDArray[np.bool_]

FIRST_OBJECT = 10
"""Labels of ``TrueView`` from here on are objects; below are floor and walls."""
BOUNDARY = 3
"""Half width, in pixels, of the band around an object's outline."""


@dataclass(frozen=True)
class Errors:
    """Distances to the truth after the best similarity; lengths in % of the scene's median depth.

    Attributes:
        centre: root mean square of the camera centres, aligned by the centres alone.
        rotation: mean angle of the cameras in degrees, aligned by the points.
        focal: mean of |f / f_true - 1| in %.
        median, mean, p95: of the points' distances.
        inside: median over objects' points away from their outline.
        boundary: median over points within ``BOUNDARY`` pixels of an object's outline.
        boundary_mean: their mean.
    """

    centre: float
    rotation: float
    focal: float
    median: float
    mean: float
    p95: float
    inside: float
    boundary: float
    boundary_mean: float


def errors(placed: Placed, views: Sequence[TrueView], judged: Pixels) -> Errors:
    """Compare with the truth of ``views`` at the pixels ``judged`` (N, H, W)."""
    depth = float(np.median(np.concatenate([view.depth.ravel() for view in views])))
    truth = np.stack([view.points_world for view in views])
    points = world_points(placed)
    true_centres = np.stack([view.cam_to_world[:3, 3] for view in views])
    centres = placed.cam_to_world[:, :3, 3]
    by_centres = fit_sim3(centres, true_centres)
    by_points, _ = fit_sim3_robust(points[judged][::7], truth[judged][::7])
    off = 100 / depth * np.linalg.norm(by_points.apply(points) - truth, axis=-1)
    turned = by_points.apply_to_pose(placed.cam_to_world)[:, :3, :3]
    true_turned = np.stack([view.cam_to_world[:3, :3] for view in views])
    focals = np.array([view.K[0, 0] for view in views])
    inside, boundary = object_zones(np.stack([view.labels for view in views]))
    return Errors(
        centre=100 / depth * rms(by_centres.apply(centres) - true_centres),
        rotation=float(np.rad2deg(rotation_angle(np.swapaxes(true_turned, 1, 2) @ turned)).mean()),
        focal=float(100 * np.abs(placed.K[:, 0, 0] / focals - 1).mean()),
        median=float(np.median(off[judged])),
        mean=float(off[judged].mean()),
        p95=float(np.percentile(off[judged], 95)),
        inside=float(np.median(off[judged & inside])),
        boundary=float(np.median(off[judged & boundary])),
        boundary_mean=float(off[judged & boundary].mean()),
    )


def world_points(placed: Placed) -> Floats:
    """Points (N, H, W, 3) in the run's world."""
    return np.stack(
        [
            transform(pose, unproject(depth.astype(np.float64), K))
            for pose, depth, K in zip(placed.cam_to_world, placed.depth, placed.K, strict=True)
        ]
    )


def object_zones(labels: NDArray[np.integer]) -> tuple[Pixels, Pixels]:
    """Pixels inside objects and pixels at their outline, (N, H, W) each, without a common pixel."""
    inside, boundary = np.zeros(labels.shape, bool), np.zeros(labels.shape, bool)
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * BOUNDARY + 1, 2 * BOUNDARY + 1))
    for v, view in enumerate(labels):
        for label in np.unique(view[view >= FIRST_OBJECT]):
            mask = (view == label).astype(np.uint8)
            grown, shrunk = cv2.dilate(mask, kernel) > 0, cv2.erode(mask, kernel) > 0
            boundary[v] |= grown & ~shrunk
            inside[v] |= shrunk
    return inside & ~boundary, boundary


def objective(
    placed: Placed,
    edges: NDArray[np.int64],
    points: NDArray[np.float32],
    confidence: NDArray[np.float32],
    judged: Pixels,
    weight: Callable[[NDArray[np.float32]], NDArray[np.floating]],
) -> float:
    """sum W |chi - sigma P X| / sum W over all edges, views and pixels, in % of the edges' median depth.

    The unit is that of the edges' own pointmaps moved by their scales, so a larger world costs nothing. Both
    programs choose the world's scale differently; the quotient does not depend on it. An edge for which a run
    has no similarity gets the one that fits its first view's points best.
    """
    world = world_points(placed)
    total = weights = 0.0
    depths = []
    for e, pair in enumerate(edges):
        similarity = _similarity(placed, e)
        if similarity is None:
            i = pair[0]
            similarity, _ = fit_sim3_robust(points[e, 0][judged[i]][::7], world[i][judged[i]][::7])
        depths.append(similarity.scale * float(np.median(points[e, 0, ..., 2])))
        for slot, v in enumerate(pair):
            w = weight(confidence[e, slot])[judged[v]]
            off = np.linalg.norm(similarity.apply(points[e, slot]) - world[v], axis=-1)[judged[v]]
            total += float((w * off).sum())
            weights += float(w.sum())
    return 100 * total / weights / float(np.median(depths))


def _similarity(placed: Placed, e: int) -> Sim3 | None:
    if np.isnan(placed.edge_scale[e]):
        return None
    return Sim3(float(placed.edge_scale[e]), placed.edge_rotation[e], placed.edge_translation[e])
