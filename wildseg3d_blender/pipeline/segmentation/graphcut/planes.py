# SPDX-License-Identifier: GPL-3.0-or-later
"""The large planes of a scene (table, wall, floor): objects stand out from them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .nodes import Nodes

MAX_PLANES = 3
TRIALS = 300
MIN_SHARE = 0.08
TOLERANCE = 0.012
"""Distance to a plane, as a share of the node's depth, below which a node lies on it."""


@dataclass(frozen=True)
class Planes:
    """Planes and who lies on them.

    Attributes:
        normal: (p, 3) float64, world frame.
        offset: (p,) float64; a point x lies on plane k when normal[k] . x + offset[k] = 0.
        share: (p,) float64 share of the placed nodes' area on the plane.
        of_node: (n,) int64 plane of each node, -1 for none.
    """

    normal: NDArray[np.float64]
    offset: NDArray[np.float64]
    share: NDArray[np.float64]
    of_node: NDArray[np.int64]


def find_planes(nodes: Nodes) -> Planes:
    """RANSAC over the nodes' centroids, one plane after the other, with a fixed seed."""
    rng = np.random.default_rng(0)
    placed = np.flatnonzero(nodes.placed)
    points, area = nodes.point_world[placed], nodes.area[placed]
    tolerance = TOLERANCE * nodes.depth[placed]
    remaining = np.ones(len(placed), dtype=bool)
    of_node = np.full(len(nodes), -1, dtype=np.int64)
    normals, offsets, shares = [], [], []
    for index in range(MAX_PLANES):
        candidates = np.flatnonzero(remaining)
        if len(candidates) < 100:
            break
        found = _best_plane(points[candidates], area[candidates], tolerance[candidates], rng)
        if found is None or found[2] < MIN_SHARE * area.sum():
            break
        normal, offset, supported = found
        distance = np.abs(points @ normal + offset)
        members = remaining & (distance < 1.25 * tolerance)
        of_node[placed[members]] = index
        remaining &= distance >= 2.0 * tolerance
        normals.append(normal)
        offsets.append(offset)
        shares.append(supported / area.sum())
    return Planes(np.reshape(normals, (-1, 3)), np.asarray(offsets), np.asarray(shares), of_node)


def _best_plane(
    points: NDArray[np.float64],
    area: NDArray[np.float64],
    tolerance: NDArray[np.float64],
    rng: np.random.Generator,
) -> tuple[NDArray[np.float64], float, float] | None:
    triples = points[rng.integers(0, len(points), size=(TRIALS, 3))]
    normal = np.cross(triples[:, 1] - triples[:, 0], triples[:, 2] - triples[:, 0])
    length = np.linalg.norm(normal, axis=1)
    usable = length > 1e-12
    if not usable.any():
        return None
    normal = normal[usable] / length[usable, None]
    offset = -(normal * triples[usable, 0]).sum(1)
    # Scored on a sample: choosing among planes needs no more, and the winner is refitted on all nodes.
    sample = rng.choice(len(points), min(len(points), 3000), replace=False)
    near = np.abs(points[sample] @ normal.T + offset) < tolerance[sample, None]
    best = int((near * area[sample, None]).sum(0).argmax())
    chosen, chosen_offset = normal[best], float(offset[best])
    for _ in range(2):
        inlier = np.abs(points @ chosen + chosen_offset) < tolerance
        if inlier.sum() < 3:
            return None
        centre = np.average(points[inlier], axis=0, weights=area[inlier])
        spread = (points[inlier] - centre) * np.sqrt(area[inlier])[:, None]
        chosen = np.linalg.eigh(spread.T @ spread)[1][:, 0]
        chosen_offset = float(-chosen @ centre)
    inlier = np.abs(points @ chosen + chosen_offset) < tolerance
    return chosen, chosen_offset, float(area[inlier].sum())
