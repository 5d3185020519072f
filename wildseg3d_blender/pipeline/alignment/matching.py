# SPDX-License-Identifier: GPL-3.0-or-later
"""Which pixels of a pair's two views see the same point: where the pair's two pointmaps agree in 3D."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ...conventions import pixel_centres
from ..pair_graph import Edge
from .own_frame import MAX_TANGENT, MIN_RELATIVE_DEPTH
from .samples import valid_weights
from .sim3 import TINY

Bools = NDArray[np.bool_]
Floats = NDArray[np.float32]
Indices = NDArray[np.int64]

# Points farther apart than this share of their depth are different surfaces, however noisy the pair is.
SURFACES_APART = 0.05
# Points within this many times the pair's median distance agree. On synthetic pairs with ragged outlines, of
# the points that are right and in sight 94 % match, and 17 % of those that are more than 6 % of the depth off
# (which lie on some surface, if not their own); with 1.5, 89 and 12 %; with 4, 96 and 23 %.
NOISE_FACTOR = 2.5
# A pixel that no point of the other map falls on looks this many pixels around for one.
REACH = 2.0
# Pixels looked at to find the pinhole of a pointmap, and the noise of a pair.
PINHOLE_PIXELS = 4000
NOISE_PIXELS = 20_000


@dataclass(frozen=True)
class Partners:
    """Where each pixel's partner in the other view is, as a flat index into it; -1 where it has none.

    Attributes:
        of_i: (H_i, W_i) int64, indices into view j.
        of_j: (H_j, W_j) int64, indices into view i.
    """

    of_i: Indices
    of_j: Indices


def matching(edge: Edge) -> tuple[Bools, Bools]:
    """The pixels of views i and j that match: their point has a partner in the other view's pointmap.

    Returns:
        (H_i, W_i) bool and (H_j, W_j) bool; see ``partners``.
    """
    found = partners(edge)
    return found.of_i >= 0, found.of_j >= 0


def partners(edge: Edge) -> Partners:
    """Mutually nearest points of the two pointmaps of a pair, by projection.

    Both pointmaps lie in the frame of camera i, so the nearest point of X^{i,e} to a point of X^{j,e} is
    the one at the pixel it projects to, in the pinhole camera that explains X^{i,e} best: where the pointmap
    is off by a focal length of its own, the true camera would miss it. They are partners if no farther apart
    than

        depth * (min(2.5 m, 0.05) + 1 / focal),

    with m the pair's own noise: the median distance, as a share of the depth, between a point and the one at
    its pixel, of all that are less than 0.05 of the depth apart. The pixel of i has the same partner in
    return. Where the points of j fall more sparsely than one a pixel, a pixel of i that none falls on takes
    the point that fell nearest to it, up to two pixels beside it, and the allowance grows by as many
    pixels' widths. Pixels without a measurement, points behind the camera, outside its image or hidden have
    no partner.

    Args:
        edge: its arrays may hold NaN and infinity.
    """
    valid_i, valid_j = _ahead(edge.points_i, edge.confidence_i), _ahead(edge.points_j, edge.confidence_j)
    found = Partners(np.full(valid_i.shape, -1), np.full(valid_j.shape, -1))
    K_i = pinhole_of(edge.points_i, valid_i)
    if K_i is None:
        return found
    points_i, points_j = edge.points_i.reshape(-1, 3), edge.points_j.reshape(-1, 3)
    q = np.flatnonzero(valid_j)
    p = _pixels_of(points_j if len(q) == len(points_j) else points_j[q], K_i, valid_i)
    q, p = q[p >= 0], p[p >= 0]
    apart = _apart(points_i, p, points_j, q)
    some = apart[:: max(1, len(apart) // NOISE_PIXELS)]
    some = some[some < SURFACES_APART]
    if not len(some):
        return found
    noise = min(NOISE_FACTOR * float(np.median(some)), SURFACES_APART)
    footprint = 1.0 / float(max(K_i[0, 0], K_i[1, 1]))
    near = apart < noise + footprint
    q, p = q[near], p[near]
    if len(q):
        found.of_j.ravel()[q] = p
        _look_back(found.of_i, valid_i, points_i, points_j, p, q, noise, footprint)
    return found


def _look_back(
    of_i: Indices,
    valid_i: Bools,
    points_i: Floats,
    points_j: Floats,
    p: Indices,
    q: Indices,
    noise: float,
    footprint: float,
) -> None:
    """Fill ``of_i`` (H_i, W_i) from partners ``p`` of ``q``, and between them where they fall sparsely."""
    flat = of_i.ravel()
    flat[p] = q
    beside, labels = cv2.distanceTransformWithLabels(
        (of_i < 0).astype(np.uint8), cv2.DIST_L2, 3, labelType=cv2.DIST_LABEL_PIXEL
    )
    partner_of_label = np.zeros(int(labels.max()) + 1, dtype=np.int64)
    hit = np.flatnonzero(flat >= 0)
    partner_of_label[labels.ravel()[hit]] = flat[hit]
    gaps = np.flatnonzero(((beside > 0) & (beside <= REACH) & valid_i).ravel())
    candidates = partner_of_label[labels.ravel()[gaps]]
    allowed = noise + footprint * (1.0 + beside.ravel()[gaps])
    near = _apart(points_i, gaps, points_j, candidates) < allowed
    flat[gaps[near]] = candidates[near]


def _ahead(points: Floats, confidence: Floats) -> Bools:
    """Pixels (H, W) with a measurement in front of camera i."""
    return (valid_weights(points, confidence) > 0) & (points[..., 2] > 0)


def _apart(points_i: Floats, p: Indices, points_j: Floats, q: Indices) -> Floats:
    """Distances of points p of i from points q of j, as a share of the depth of those of i."""
    there = np.take(points_i, p, axis=0)
    gap = np.take(points_j, q, axis=0)
    gap -= there
    return np.sqrt(np.einsum("pi,pi->p", gap, gap)) / there[:, 2]


def _pixels_of(points: Floats, K: NDArray[np.floating], valid: Bools) -> Indices:
    """Flat index of the pixel each point (P, 3) falls into; -1 where not ``valid`` (H, W) or outside."""
    height, width = valid.shape
    # A point next to the camera plane may land at infinity: outside.
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        inverse = 1.0 / points[:, 2]
        column = np.float32(K[0, 0]) * points[:, 0] * inverse + np.float32(K[0, 2])
        row = np.float32(K[1, 1]) * points[:, 1] * inverse + np.float32(K[1, 2])
    inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
    column[~inside] = row[~inside] = 0.0
    index = row.astype(np.int64) * width + column.astype(np.int64)
    inside &= valid.ravel()[index]
    index[~inside] = -1
    return index


def pinhole_of(points: NDArray[np.floating], valid: Bools) -> NDArray[np.float64] | None:
    """The K (3, 3) whose pixels are best explained by ``points`` (H, W, 3) of their own camera's frame.

    A line through (x / z, pixel) for each axis, least absolute deviation by iterative reweighting, on some
    thousands of pixels. None where too few points lie in front of the camera.
    """
    height, width = valid.shape
    step = max(1, round(float(np.sqrt(valid.size / PINHOLE_PIXELS))))
    some = valid[::step, ::step]
    x, y, z = points[::step, ::step][some].astype(np.float64).T
    if len(z) < 3:
        return None
    ahead = z > MIN_RELATIVE_DEPTH * np.median(z)
    tangents = np.stack([x, y], axis=-1) / np.where(ahead, z, 1.0)[:, None]
    ahead &= np.abs(tangents).max(axis=-1) < MAX_TANGENT
    pixels = pixel_centres(width, height)[::step, ::step][some]
    lines = [_line(tangents[ahead, axis], pixels[ahead, axis]) for axis in (0, 1)]
    if not all(slope > 0 for slope, _ in lines):
        return None
    (fx, cx), (fy, cy) = lines
    return np.array([[fx, 0.0, cx], [0.0, fy, cy], [0.0, 0.0, 1.0]])


def _line(t: NDArray[np.float64], u: NDArray[np.float64]) -> tuple[float, float]:
    """Slope and offset of the line u(t) with least sum of absolute deviations; slope 0 where none is told."""
    slope, offset = 0.0, 0.0
    weights = np.ones(len(t))
    for _ in range(8 if len(t) > 2 else 0):
        total = weights.sum()
        mean_t, mean_u = (weights @ t) / total, (weights @ u) / total
        centred = weights * (t - mean_t)
        slope = float(centred @ (u - mean_u) / max(centred @ (t - mean_t), TINY))
        offset = float(mean_u - slope * mean_t)
        # A tenth of a pixel: any pointmap's noise is more.
        weights = 1.0 / np.maximum(np.abs(u - slope * t - offset), 0.1)
    return slope, offset
