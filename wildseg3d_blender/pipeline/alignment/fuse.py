# SPDX-License-Identifier: GPL-3.0-or-later
"""Full-resolution depth and confidence of each view, once cameras and edges are known."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .sim3 import Array, Sim3
from .weights import PixelWeights

# Values worked on at a time: about 6 MB, so that a chunk stays in the processor's cache.
CHUNK = 1 << 17
REWEIGHTINGS = 16
# Reweighting of a pixel ends once its depth moves by less than this share.
SETTLED = 1e-4
# Disagreements below this share of the depth all weigh the same: nearer than that is the noise of any engine.
NOISE_DEPTH = 1e-3

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Slot:
    """What one edge says of a view: (H, W, 3) points in the edge's frame, and (H, W) confidence."""

    points: Floats
    confidence: Floats
    edge_to_world: Sim3


@dataclass(frozen=True)
class _Chunk:
    """Some pixels of a view, seen by its K slots.

    Attributes:
        part: which pixels, P of them.
        along, across_squared: (K, P) depth of each slot's point along the ray, its squared distance from it.
        rays_squared: (P,).
        lost: (K, P) bool, whose point is not finite.
        confidence: (K, P), 0 where there is no point.
    """

    part: slice
    along: Floats
    across_squared: Floats
    rays_squared: Floats
    lost: NDArray[np.bool_]
    confidence: Floats


def fuse_view(
    slots: Sequence[Slot],
    weights: Sequence[PixelWeights],
    K: NDArray[np.float64],
    rotation: Array,
    centre: Array,
) -> tuple[Floats, Floats]:
    """Depth (H, W) along z in world unit, and confidence (H, W), of one view.

    Depth has the least sum of W |chi - sigma_e P_e X| along each pixel's ray. Confidence is the highest that
    any edge with a weight there gives. Both are 0 where no edge has one, or where the depth is not positive.

    Args:
        slots: of the edges that the view is in, at least one.
        weights: W of each slot, (H, W).
        K: (3, 3) view pixels.
        rotation, centre: the camera's, to world.
    """
    depth, confidence = np.zeros((2, *slots[0].confidence.shape), dtype=np.float32)
    for chunk in _chunks(slots, K, rotation, centre):
        base = _rows(weights, chunk.part)
        base[chunk.lost] = 0.0
        depth.ravel()[chunk.part] = _depth_along(chunk.along, chunk.across_squared, chunk.rays_squared, base)
        confidence.ravel()[chunk.part] = (chunk.confidence * (base > 0)).max(axis=0)
    return _only_measured(depth, confidence)


def fuse_agreeing(
    slots: Sequence[Slot], K: NDArray[np.float64], rotation: Array, centre: Array
) -> tuple[Floats, Floats] | None:
    """What ``fuse_view`` gives where all slots say the same of every pixel, so that no weight matters.

    That is how an engine's edges are that come from one depth map per view. None where the slots differ by
    more than ``NOISE_DEPTH`` of the depth anywhere.
    """
    depth, confidence = np.zeros((2, *slots[0].confidence.shape), dtype=np.float32)
    for chunk in _chunks(slots, K, rotation, centre):
        measured = (chunk.confidence > 0).astype(np.float32)
        mean = _mean(chunk.along, measured)
        apart = (chunk.along - mean) ** 2 * chunk.rays_squared + chunk.across_squared
        if (apart * measured > (NOISE_DEPTH * mean) ** 2).any():
            return None
        depth.ravel()[chunk.part] = mean
        confidence.ravel()[chunk.part] = chunk.confidence.max(axis=0)
    return _only_measured(depth, confidence)


def _only_measured(depth: Floats, confidence: Floats) -> tuple[Floats, Floats]:
    missing = ~(np.isfinite(depth) & (depth > 0) & (confidence > 0))
    depth[missing] = 0.0
    confidence[missing] = 0.0
    return depth, confidence


def _chunks(
    slots: Sequence[Slot], K: NDArray[np.float64], rotation: Array, centre: Array
) -> Iterator[_Chunk]:
    height, width = slots[0].confidence.shape
    to_camera = [_to_camera(slot.edge_to_world, rotation, centre) for slot in slots]
    step = max(CHUNK // len(slots), 1024)
    for begin in range(0, height * width, step):
        part = slice(begin, min(begin + step, height * width))
        rays = _rays(K, np.arange(part.start, part.stop), width)
        points = [slot.points.reshape(-1, 3)[part] for slot in slots]
        along, across_squared, lost = _along_and_across(points, to_camera, rays)
        confidence = _rows([slot.confidence for slot in slots], part)
        confidence[lost] = 0.0
        yield _Chunk(part, along, across_squared, np.einsum("ip,ip->p", rays, rays), lost, confidence)


def _rows(maps: Sequence[NDArray[np.floating]], part: slice) -> Floats:
    """(K, P) float32 of the K maps' pixels in ``part``, 0 in place of what is negative, NaN or infinite."""
    rows = np.stack([of_slot.reshape(-1)[part] for of_slot in maps], dtype=np.float32, casting="same_kind")
    rows[~((rows > 0) & (rows < np.inf))] = 0.0
    return rows


def _rays(K: NDArray[np.float64], pixels: NDArray[np.int64], width: int) -> Floats:
    """Rays (3, P) of depth one in the camera's frame, of pixels given by their flat index."""
    row, column = np.divmod(pixels, width)
    homogeneous = np.stack([column + 0.5, row + 0.5, np.ones(len(pixels))])
    return (np.linalg.inv(K) @ homogeneous).astype(np.float32)


def _to_camera(to_world: Sim3, rotation: Array, centre: Array) -> tuple[Floats, Floats]:
    """(linear, shift) with ``linear @ X + shift`` = points in the camera's axes and world unit."""
    linear = to_world.scale * (rotation.T @ to_world.rotation)
    shift = rotation.T @ (to_world.translation - centre)
    return linear.astype(np.float32), shift.astype(np.float32)[:, None]


def _along_and_across(
    points: Sequence[Floats], to_camera: Sequence[tuple[Floats, Floats]], rays: Floats
) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """Depth of each slot's point along the ray, its squared distance from it, and whose point is not finite.

    All (K, P); the first two are 0 for the last.
    """
    in_camera = np.empty((len(points), 3, rays.shape[1]), dtype=np.float32)
    rays_squared = np.einsum("ip,ip->p", rays, rays)
    # Points that are not finite, and whatever they turn into here, are taken out at the end.
    with np.errstate(invalid="ignore", over="ignore"):
        for of_slot, (linear, shift), moved in zip(points, to_camera, in_camera, strict=True):
            np.matmul(linear, of_slot.T, out=moved)
            moved += shift
        along = np.einsum("kip,ip->kp", in_camera, rays)
        along /= rays_squared
        across_squared = np.einsum("kip,kip->kp", in_camera, in_camera)
        across_squared -= along * along * rays_squared
    lost = ~np.isfinite(across_squared)
    if lost.any():
        along[lost] = across_squared[lost] = 0.0
    return along, np.maximum(across_squared, np.float32(0), out=across_squared), lost


def _depth_along(along: Floats, across_squared: Floats, rays_squared: Floats, base: Floats) -> Floats:
    """The depth d of each pixel with least sum_k base_k |points_k - d ray|. (K, P), (K, P), (P,) -> (P,)

    |r|^2 splits into a part across the ray, which d cannot change, and (d - d_k)^2 |ray|^2 along it, so each
    reweighting costs a few passes over (K, P). Pixels that have settled are left out of further ones.
    """
    # From depth 0 the first step divides by the points' distances: no far point drags it along.
    current = np.zeros_like(rays_squared)
    depth, open_pixels = current.copy(), np.arange(len(current))
    for _ in range(REWEIGHTINGS):
        length = along - current
        length *= length
        length *= rays_squared
        length += across_squared
        np.sqrt(length, out=length)
        np.maximum(length, NOISE_DEPTH * np.abs(current) + np.finfo(np.float32).tiny, out=length)
        np.divide(base, length, out=length)
        before, current = current, _mean(along, length)
        depth[open_pixels] = current
        moving = np.abs(current - before) > SETTLED * np.abs(current)
        count = np.count_nonzero(moving)
        if count == 0:
            break
        # Picking out columns costs about as much as one more reweighting of them.
        if count < 0.6 * len(moving):
            along, across_squared, base = along[:, moving], across_squared[:, moving], base[:, moving]
            rays_squared, current = rays_squared[moving], current[moving]
            open_pixels = open_pixels[moving]
    return depth


def _mean(values: Floats, weights: Floats) -> Floats:
    """Weighted mean over the first axis; 0 where there is no weight."""
    total = weights.sum(axis=0)
    return np.einsum("kp,kp->p", weights, values) / np.where(total > 0, total, np.float32(1))
