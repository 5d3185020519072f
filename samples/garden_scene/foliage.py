# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that grows, as real leaves and blades, so that masks have their outlines."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from samples.studio import shapes

Array = NDArray[np.float64]

# A leaf folded along its middle: base, left, right, tip, middle; x across, y along, z up. Unit length.
LEAF = np.array([[0, 0, 0], [-0.30, 0.45, 0.06], [0.30, 0.45, 0.06], [0, 1, -0.05], [0, 0.5, 0]])
LEAF_FACES = np.array([[0, 4, 1], [1, 4, 3], [0, 2, 4], [4, 2, 3]])


def leaves(
    name: str, places: Array, facing: Array, sizes: Array, material: Any, rng: np.random.Generator
) -> Any:
    """One mesh of leaves at ``places`` (N, 3), their upper sides towards ``facing`` (N, 3)."""
    normal = facing / np.linalg.norm(facing, axis=1, keepdims=True)
    along = rng.normal(size=normal.shape)
    along -= (along * normal).sum(1, keepdims=True) * normal
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    frame = np.stack([np.cross(along, normal), along, normal], axis=1)
    vertices = places[:, None] + sizes[:, None, None] * np.einsum("kc,ncd->nkd", LEAF, frame)
    faces = LEAF_FACES[None] + len(LEAF) * np.arange(len(places))[:, None, None]
    return shapes.add_arrays(name, vertices.reshape(-1, 3), faces.reshape(-1, 3), material, smooth=False)


def ball_of_leaves(
    name: str, centre: Array, radii: Array, count: int, size: float, material: Any, rng: np.random.Generator
) -> list[Any]:
    """A clipped shrub: leaves in the outer shell of a lumpy ellipsoid, a dark core inside."""
    out = rng.normal(size=(count, 3))
    out /= np.linalg.norm(out, axis=1, keepdims=True)
    lumps = (
        1 + 0.05 * np.sin(out @ np.array([7.0, 3.0, 2.0])) + 0.05 * np.sin(out @ np.array([-3.0, 6.0, 8.0]))
    )
    depth = 1 - 0.16 * rng.random(count) ** 2
    places = centre + out * radii * (lumps * depth)[:, None]
    kept = places[:, 2] > 0.01
    facing = out + 0.75 * rng.normal(size=out.shape)
    sizes = size * rng.uniform(0.7, 1.2, count)
    return [leaves(name, places[kept], facing[kept], sizes[kept], material, rng)]


def blades(
    name: str, roots: Array, lengths: Array, width: float, material: Any, rng: np.random.Generator
) -> Any:
    """Blades of grass from ``roots`` (N, 3), bent over, each two quads and a tip."""
    count = len(roots)
    turn = rng.uniform(0, 2 * np.pi, count)
    across = np.stack([np.cos(turn), np.sin(turn), np.zeros(count)], axis=1)
    lean = np.stack([-np.sin(turn), np.cos(turn), np.zeros(count)], axis=1) * rng.uniform(
        0.1, 0.9, (count, 1)
    )
    rows = []
    for t, wide in ((0.0, 1.0), (0.4, 0.85), (0.75, 0.5), (1.0, 0.06)):
        middle = roots + lengths[:, None] * (t * np.array([0, 0, 1.0]) * (1 - 0.25 * t) + t * t * lean)
        rows += [middle - across * width * wide / 2, middle + across * width * wide / 2]
    vertices = np.stack(rows, axis=1).reshape(-1, 3)
    quads = np.array([[0, 1, 3, 2], [2, 3, 5, 4], [4, 5, 7, 6]])
    faces = quads[None] + 8 * np.arange(count)[:, None, None]
    return shapes.add_arrays(name, vertices, faces.reshape(-1, 4), material)
