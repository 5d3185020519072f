# SPDX-License-Identifier: GPL-3.0-or-later
"""Which pixels of a pair's two views see the same surface: where the pair's two pointmaps agree in 3D."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from ...conventions import pixel_centres
from ..pair_graph import Edge
from .own_frame import MAX_TANGENT, MIN_RELATIVE_DEPTH
from .samples import valid_weights

Bools = NDArray[np.bool_]
Floats = NDArray[np.float32]

# Points farther apart than this share of their depth are different surfaces, however noisy the pair is.
SURFACES_APART = 0.05
# Points this many times the pair's median distance apart still agree ...
NOISE_FACTOR = 2.5
# ... and so do points within this many pixels' width of each other: the maps are not sampled more finely.
PIXELS_APART = 1.0
# A pixel that no point of the other map falls on looks this many pixels around for one.
REACH = 2
# Pixels looked at to find the pinhole of a pointmap.
PINHOLE_PIXELS = 4000


def matching(edge: Edge, K_i: NDArray[np.floating] | None = None) -> tuple[Bools, Bools]:
    """The pixels of views i and j whose points have a mutually nearest partner in the other pointmap.

    Both pointmaps lie in the frame of camera i, so a partner is found by projection. A point of X^{j,e} and
    the point of X^{i,e} at the pixel it projects to match if they are no farther apart than

        depth * (min(2.5 * m, 0.05) + 1 / focal),

    with m the pair's own noise: the median distance, as a share of the depth, of the pairs of points that
    are less than 0.05 of their depth apart. The other way, a pixel of i takes the point of X^{j,e} that
    falls on it, or on a pixel within two of it, and is held to the same distance. Pixels without a
    measurement match nothing.

    Args:
        edge: its arrays may hold NaN and infinity.
        K_i: (3, 3) in view pixels; by default that of the pinhole camera which explains X^{i,e} best.

    Returns:
        (H_i, W_i) bool and (H_j, W_j) bool.
    """
    points_i, points_j = edge.points_i, edge.points_j
    valid_i = (valid_weights(points_i, edge.confidence_i) > 0) & (points_i[..., 2] > 0)
    valid_j = (valid_weights(points_j, edge.confidence_j) > 0) & (points_j[..., 2] > 0)
    nothing = np.zeros_like(valid_i), np.zeros_like(valid_j)
    if K_i is None:
        K_i = pinhole_of(points_i, valid_i)
    if K_i is None:
        return nothing
    q = np.flatnonzero(valid_j)
    flat_i, flat_j = points_i.reshape(-1, 3), points_j.reshape(-1, 3)
    p, inside = _pixels_of(flat_j[q], K_i, valid_i)
    p, q = p[inside], q[inside]
    if not len(q):
        return nothing
    apart = _apart(flat_i[p], flat_j[q])
    same = apart < SURFACES_APART
    if not same.any():
        return nothing
    footprint = PIXELS_APART / float(max(K_i[0, 0], K_i[1, 1]))
    noise = min(NOISE_FACTOR * float(np.median(apart[same])), SURFACES_APART)
    agree = apart < noise + footprint
    matched_j = nothing[1]
    matched_j.ravel()[q[agree]] = True
    return _matched_back(flat_i, flat_j, valid_i, p[agree], q[agree], noise, footprint), matched_j


def _matched_back(
    flat_i: Floats,
    flat_j: Floats,
    valid_i: Bools,
    p: NDArray[np.int64],
    q: NDArray[np.int64],
    noise: float,
    footprint: float,
) -> Bools:
    """The pixels of view i that agree with the point of j that falls on or beside them."""
    partner = np.zeros(valid_i.size, dtype=np.int64)
    partner[p] = q
    empty = np.ones(valid_i.size, dtype=np.uint8)
    empty[p] = 0
    distance, nearest = cv2.distanceTransformWithLabels(
        empty.reshape(valid_i.shape), cv2.DIST_L2, 3, labelType=cv2.DIST_LABEL_PIXEL
    )
    label_to_pixel = np.zeros(len(p) + 1, dtype=np.int64)
    hit = np.flatnonzero(empty == 0)
    label_to_pixel[nearest.ravel()[hit]] = hit
    seen = np.flatnonzero((distance <= REACH).ravel() & valid_i.ravel())
    partners = partner[label_to_pixel[nearest.ravel()[seen]]]
    agree = _apart(flat_i[seen], flat_j[partners]) < noise + footprint * (1 + distance.ravel()[seen])
    matched = np.zeros_like(valid_i)
    matched.ravel()[seen[agree]] = True
    return matched


def _apart(points_i: Floats, points_j: Floats) -> Floats:
    """Distances as a share of the depth of ``points_i``."""
    gap = points_i - points_j
    return np.sqrt(np.einsum("pi,pi->p", gap, gap)) / points_i[:, 2]


def _pixels_of(
    points: Floats, K: NDArray[np.floating], valid: Bools
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Flat index of the pixel each point (P, 3) falls into, and whether it does and ``valid`` (H, W) there."""
    height, width = valid.shape
    x, y, z = points.T
    column = np.float32(K[0, 0]) * x / z + np.float32(K[0, 2])
    row = np.float32(K[1, 1]) * y / z + np.float32(K[1, 2])
    inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
    index = np.where(inside, row, 0).astype(np.int64) * width + np.where(inside, column, 0).astype(np.int64)
    return index, inside & valid.ravel()[index]


def pinhole_of(points: NDArray[np.floating], valid: Bools) -> NDArray[np.float64] | None:
    """The K (3, 3) whose pixels are best explained by ``points`` (H, W, 3) of their own camera's frame.

    A line through (x / z, pixel) for each axis, least absolute deviation by iterative reweighting, on some
    thousands of pixels. None where too few points lie in front of the camera.
    """
    height, width = valid.shape
    step = max(1, round(float(np.sqrt(valid.size / PINHOLE_PIXELS))))
    some = valid[::step, ::step]
    x, y, z = points[::step, ::step][some].astype(np.float64).T
    pixels = pixel_centres(width, height)[::step, ::step][some]
    if len(z) < 3:
        return None
    ahead = z > MIN_RELATIVE_DEPTH * np.median(z)
    tangents = np.stack([x, y], axis=-1) / np.where(ahead, z, 1.0)[:, None]
    ahead &= np.abs(tangents).max(axis=-1) < MAX_TANGENT
    tangents, pixels = tangents[ahead], pixels[ahead]
    if len(tangents) < 3:
        return None
    K = np.eye(3)
    for axis in (0, 1):
        weights = np.ones(len(tangents))
        for _ in range(5):
            mean_t = np.average(tangents[:, axis], weights=weights)
            mean_p = np.average(pixels[:, axis], weights=weights)
            t, u = tangents[:, axis] - mean_t, pixels[:, axis] - mean_p
            slope = float((weights * t * u).sum() / max((weights * t * t).sum(), 1e-12))
            weights = 1.0 / np.maximum(np.abs(u - slope * t), 0.1)
        if not slope > 0:
            return None
        K[axis, axis], K[axis, 2] = slope, mean_p - slope * mean_t
    return K
