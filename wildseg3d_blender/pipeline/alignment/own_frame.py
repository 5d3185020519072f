# SPDX-License-Identifier: GPL-3.0-or-later
"""One view by itself: its pointmap in its own camera frame, fused over its edges, and its focal length."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ...conventions import camera_rays
from .robust import fit_scale, weighted_median
from .samples import MIN_PIXELS, Observations
from .sim3 import TINY, Array, lengths

# Points almost in the camera plane, or seen at more than 79 degrees, tell nothing about the focal length
# and dominate any fit that lets them in.
MIN_RELATIVE_DEPTH = 0.05
MAX_TANGENT = 5.0


@dataclass(frozen=True)
class OwnFrame:
    """A view's sampled pixels as points in its own camera frame, at the view's own scale.

    Attributes:
        points: (P, 3) float64.
        weights: (P,) float64; 0 where there is no point.
        edge_scale: factor from the scale of each edge in which the view is first to the view's own scale.
        depth: median z of the points.
        log_focal: log of the factor on the focal lengths of the K given.
    """

    points: Array
    weights: Array
    edge_scale: dict[int, float]
    depth: float
    log_focal: float


def own_frame(observations: Observations, K: NDArray[np.float64], focal_known: bool) -> OwnFrame | None:
    """Fuse the pointmaps of the edges in which the view is first; None where there is no such edge.

    With ``focal_known`` the focal lengths of ``K`` are kept as the start.
    """
    slots = [
        k for k in np.flatnonzero(observations.is_first) if _count(observations.weights[k]) >= MIN_PIXELS
    ]
    if not slots:
        return None
    reference = max(slots, key=lambda k: observations.weights[k].sum())
    reference_points, reference_weights = observations.points[reference], observations.weights[reference]
    edge_scale, maps = {}, []
    for k in slots:
        shared = np.sqrt(observations.weights[k] * reference_weights)
        if _count(shared) >= MIN_PIXELS:
            scale = fit_scale(observations.points[k], reference_points, shared)
        else:
            scale = _median_z(reference_points, reference_weights) / _median_z(
                observations.points[k], observations.weights[k]
            )
        edge_scale[int(observations.edges[k])] = scale
        maps.append(scale * observations.points[k])
    weights = observations.weights[slots]
    points = _geometric_median(np.stack(maps), weights)
    mean_weights = weights.mean(axis=0)
    rays = camera_rays(K, observations.pixels)
    return OwnFrame(
        points=points,
        weights=mean_weights,
        edge_scale=edge_scale,
        depth=_median_z(points, mean_weights),
        log_focal=0.0 if focal_known else np.log(fit_focal(points, mean_weights, rays)),
    )


def fit_focal(points: Array, weights: Array, rays: Array) -> float:
    """The factor g on the focal lengths that best explains points by rays.

    Least sum of weights * |rays - g * (x, y) / z| (Weiszfeld, as DUSt3R estimates focals). ``points``
    (P, 3) in the camera's frame, ``rays`` (P, 3) of unit depth for g = 1.
    """
    x, y, z = points.T
    ahead = z > MIN_RELATIVE_DEPTH * np.median(z[weights > 0])
    tangent = np.stack([x, y], axis=-1) / np.where(ahead, z, 1.0)[:, None]
    ahead &= np.abs(tangent).max(axis=-1) < MAX_TANGENT
    weights = np.where(ahead, weights, 0.0)
    return fit_scale(tangent, rays[:, :2], weights) if _count(weights) >= MIN_PIXELS else 1.0


def resect(
    observations: Observations, K: NDArray[np.float64], focal_known: bool, focal_guess: float
) -> OwnFrame | None:
    """The own frame of a view that is first in no edge: find its camera from its points in another's frame.

    Tries a range of focal lengths unless ``focal_known`` (the pointmap alone does not tell it here), and
    takes the pose that explains most pixels. None where no pose does.

    Args:
        focal_guess: the factor on the focal lengths of ``K`` to try first.
    """
    k = int(np.argmax(observations.weights.sum(axis=1)))
    used = observations.weights[k] > 0
    if used.sum() < MIN_PIXELS:
        return None
    points, pixels = observations.points[k][used], observations.pixels[used]
    extent = 2.0 * float(K[:2, 2].max())
    factors = [1.0] if focal_known else [focal_guess, *np.geomspace(0.4, 3.0, 16)]
    best: tuple[float, float, Array, Array] | None = None
    # Conditioning: OpenCV's solvers expect coordinates near one.
    unit = float(np.median(np.linalg.norm(points, axis=-1)))
    for factor in factors:
        trial = K * np.array([[factor, factor, 1.0], [factor, factor, 1.0], [1.0, 1.0, 1.0]])
        found, vector, translation, _ = cv2.solvePnPRansac(
            points / unit,
            pixels,
            trial,
            np.zeros(4),
            reprojectionError=0.02 * extent,
            iterationsCount=200,
            flags=cv2.SOLVEPNP_SQPNP,
        )
        if not found:
            continue
        rotation = cv2.Rodrigues(vector)[0]
        points_cam = points @ rotation.T + unit * translation[:, 0]
        error = np.linalg.norm(_project(points_cam, trial) - pixels, axis=-1)
        # Each pixel's error is capped, so a few gross outliers do not decide.
        score = float(np.minimum(error, 0.05 * extent).mean())
        if best is None or score < best[0]:
            best = score, factor, rotation, unit * translation[:, 0]
    if best is None:
        return None
    _, factor, rotation, translation = best
    points_cam = observations.points[k] @ rotation.T + translation
    weights = np.where(points_cam[:, 2] > 0, observations.weights[k], 0.0)
    if _count(weights) < MIN_PIXELS:
        return None
    return OwnFrame(points_cam, weights, {}, _median_z(points_cam, weights), float(np.log(factor)))


def _project(points_cam: Array, K: Array) -> Array:
    """Pixels (P, 2); infinity for points at or behind the camera."""
    z = points_cam[:, 2:]
    pixels = (points_cam @ K.T)[:, :2] / np.where(z > 0, z, 1.0)
    return np.where(z > 0, pixels, np.inf)


def _count(weights: Array) -> int:
    return int(np.count_nonzero(weights > 0))


def _median_z(points: Array, weights: Array) -> float:
    return max(float(weighted_median(points[:, 2], weights)), TINY)


def _geometric_median(maps: Array, weights: Array) -> Array:
    """Point with least weighted sum of distances to the maps, per pixel. (K, P, 3), (K, P) -> (P, 3)."""
    centre = weighted_median(maps, np.broadcast_to(weights[..., None], maps.shape))
    centre = np.where(np.isfinite(centre), centre, 0.0)
    floor = 1e-3 * float(np.median(np.abs(maps[weights > 0]).max(axis=-1)))
    for _ in range(3):
        current = weights / np.maximum(lengths(maps - centre), floor)
        total = current.sum(axis=0)
        centre = (current[..., None] * maps).sum(axis=0) / np.where(total > 0, total, 1.0)[:, None]
    return centre
