# SPDX-License-Identifier: GPL-3.0-or-later
"""Full-resolution depth and confidence of each view, once cameras and edges are known."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ...conventions import camera_rays
from ..pair_graph import Edge
from .samples import edge_slots, valid_weights
from .sim3 import dot
from .state import AlignmentState
from .weights import PixelWeights

# Pixels worked on at a time: with 20 edges on a view, about 30 MB.
CHUNK = 1 << 15
REWEIGHTINGS = 8
# Reweighting ends early once no depth of a chunk moves by more than this share.
SETTLED = 1e-4
# Disagreements below this share of the depth all weigh the same: nearer than that is the noise of any engine.
NOISE_DEPTH = 1e-3


def fuse_view(
    edges: Sequence[Edge],
    weights: Sequence[tuple[PixelWeights, PixelWeights]],
    state: AlignmentState,
    view: int,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Depth (H, W) along z in world unit, and confidence (H, W), of one view.

    Depth has the least sum of W |chi - sigma_e P_e X| along each pixel's ray. Confidence is the highest that
    any edge with a weight there gives. Both are 0 where no edge has one, or where the depth is not positive.
    """
    slots = edge_slots(edges, view)
    first_edge, first_slot = slots[0]
    height, width = weights[first_edge][0 if first_slot else 1].shape
    depth = np.zeros(height * width, dtype=np.float32)
    confidence = np.zeros(height * width, dtype=np.float32)
    K, rotation, centre = state.intrinsics[view], state.rotation[view], state.centre[view]
    to_camera = [_edge_to_camera(state, e, rotation, centre) for e, _ in slots]
    points = [(edges[e].points_i if first else edges[e].points_j).reshape(-1, 3) for e, first in slots]
    pixel_weights = [weights[e][0 if first else 1].reshape(-1) for e, first in slots]
    confidences = [
        (edges[e].confidence_i if first else edges[e].confidence_j).reshape(-1) for e, first in slots
    ]
    for begin in range(0, height * width, CHUNK):
        part = slice(begin, min(begin + CHUNK, height * width))
        row, column = np.divmod(np.arange(part.start, part.stop), width)
        rays_cam = camera_rays(K, np.stack([column + 0.5, row + 0.5], axis=-1)).astype(np.float32)
        base = np.stack([valid_weights(p[part], w[part]) for p, w in zip(points, pixel_weights, strict=True)])
        points_cam = np.stack(
            [
                _cleared(p[part], used) @ linear + shift
                for p, used, (linear, shift) in zip(points, base, to_camera, strict=True)
            ]
        )
        depth[part] = _depth_along(rays_cam, points_cam, base)
        given = np.stack([c[part] for c in confidences])
        confidence[part] = np.where((base > 0) & np.isfinite(given), given, 0.0).max(axis=0)
    missing = ~(np.isfinite(depth) & (depth > 0) & (confidence > 0))
    depth[missing] = 0.0
    confidence[missing] = 0.0
    return depth.reshape(height, width), confidence.reshape(height, width)


def _cleared(points: NDArray[np.float32], weights: NDArray[np.float32]) -> NDArray[np.float32]:
    """``points`` (P, 3) with zeros in place of NaN and infinity, which a weight of 0 alone would not stop."""
    if np.isfinite(points.sum(dtype=np.float64)):
        return points
    return np.where(weights[:, None] > 0, points, np.float32(0))


def _edge_to_camera(
    state: AlignmentState, e: int, rotation: NDArray[np.float64], centre: NDArray[np.float64]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """(linear, shift) with ``points_edge @ linear + shift`` = points in the camera's axes and world unit."""
    sim = state.edge_to_world(e)
    linear = sim.scale * (sim.rotation.T @ rotation)
    shift = (sim.translation - centre) @ rotation
    return linear.astype(np.float32), shift.astype(np.float32)


def _depth_along(
    rays: NDArray[np.float32], points: NDArray[np.float32], base: NDArray[np.float32]
) -> NDArray[np.float32]:
    """The depth d of each pixel with least sum_k base_k |points_k - d ray|. (P, 3), (K, P, 3), (K, P) -> (P,)

    |r|^2 splits into a part across the ray, which d cannot change, and (d - d_k)^2 |ray|^2 along it, so each
    reweighting costs a few passes over (K, P).
    """
    rays_squared = dot(rays, rays)
    along = dot(points, rays) / rays_squared
    across_squared = np.maximum(dot(points, points) - along * along * rays_squared, np.float32(0))
    total = base.sum(axis=0)
    depth = (base * along).sum(axis=0) / np.where(total > 0, total, np.float32(1))
    for _ in range(REWEIGHTINGS):
        length = np.sqrt(across_squared + (along - depth) ** 2 * rays_squared)
        weights = base / np.maximum(length, NOISE_DEPTH * np.abs(depth) + np.finfo(np.float32).tiny)
        total = weights.sum(axis=0)
        before, depth = depth, (weights * along).sum(axis=0) / np.where(total > 0, total, np.float32(1))
        if (np.abs(depth - before) <= SETTLED * np.abs(depth)).all():
            break
    return depth
