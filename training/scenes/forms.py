# SPDX-License-Identifier: GPL-3.0-or-later
"""What the makers of things share: smooth paths, limbs, turned profiles, rough skins, fur. Metres, Z up."""

from __future__ import annotations

from collections.abc import Sequence
from math import radians
from typing import Any, TypeVar

import bpy
import numpy as np
from mathutils import Euler
from numpy.typing import ArrayLike, NDArray

from samples.studio import shapes
from samples.studio.shapes import Point

Array = NDArray[np.float64]
Rng = np.random.Generator
Item = TypeVar("Item")


def pick(rng: Rng, choices: Sequence[Item]) -> Item:
    """One of ``choices``, all equally likely."""
    return choices[int(rng.integers(len(choices)))]


def chance(rng: Rng, probability: float) -> bool:
    """True with this probability."""
    return bool(rng.random() < probability)


def smooth(knots: ArrayLike, count: int) -> Array:
    """(count, d) points of the Catmull-Rom curve through the (k, d) knots, k >= 2."""
    given = np.asarray(knots, dtype=np.float64)
    padded = np.concatenate([[2 * given[0] - given[1]], given, [2 * given[-1] - given[-2]]])
    at = np.linspace(0, len(given) - 1, count)
    left = np.minimum(at.astype(int), len(given) - 2)
    t = (at - left)[:, None]
    p0, p1, p2, p3 = (padded[left + k] for k in range(4))
    bend = (2 * p0 - 5 * p1 + 4 * p2 - p3) * t**2 + (3 * p1 - p0 - 3 * p2 + p3) * t**3
    return np.asarray(0.5 * (2 * p1 + (p2 - p0) * t + bend))


def limb(
    name: str, knots: Sequence[Sequence[float]], radii: Sequence[float], material: Any, *, count: int = 24
) -> Any:
    """A tube along the smooth curve through ``knots``; ``radii`` are given at the knots."""
    path = smooth(knots, count)
    widths = np.interp(np.linspace(0, 1, count), np.linspace(0, 1, len(radii)), radii)
    # A tube's frame starts from the y axis, which its path must not follow exactly.
    path[0] += 1e-4 * np.array([1.0, 0.0, 0.7]) * np.ptp(path, axis=0).max()
    return shapes.tube(name, [tuple(p) for p in path.tolist()], widths.tolist(), material)


def turned(
    name: str,
    knots: Sequence[Sequence[float]],
    material: Any,
    *,
    soft: bool = True,
    wobble: float = 0.0,
    segments: int = 48,
) -> Any:
    """A lathe through (radius, height) ``knots``, smoothed if ``soft``."""
    profile = smooth(knots, 6 * len(knots)) if soft else np.asarray(knots, dtype=np.float64)
    profile[:, 0] = np.maximum(profile[:, 0], 0.0)
    return shapes.lathe(
        name, [tuple(p) for p in profile.tolist()], material, segments=segments, wobble=wobble
    )


def lump(centre: Point, radii: Point, material: Any, *, turn: Point = (0, 0, 0)) -> Any:
    """An ellipsoid turned by Euler angles in degrees."""
    rotation = Euler([radians(a) for a in turn]).to_matrix()
    return shapes.ellipsoid("lump", centre, radii, material, turn=rotation)


def put(part: Any, place: Sequence[float], turn: Sequence[float] = (0.0, 0.0, 0.0)) -> Any:
    """Move a part to ``place``, turned by Euler angles in degrees. Gives the part."""
    part.location = tuple(place)
    part.rotation_euler = tuple(radians(a) for a in turn)
    return part


def arch(radius: float, low: float, high: float, reach: float) -> list[Point]:
    """Knots of a handle in the xz plane, from a wall of ``radius`` at heights ``low`` to ``high``."""
    middle = (low + high) / 2
    return [
        (radius * 0.97, 0.0, low),
        (radius + 0.75 * reach, 0.0, low + 0.1 * (high - low)),
        (radius + reach, 0.0, middle),
        (radius + 0.75 * reach, 0.0, high - 0.1 * (high - low)),
        (radius * 0.97, 0.0, high),
    ]


def points_of(part: Any) -> Array:
    """(N, 3) vertices of a mesh part in the frame of the thing that it belongs to; none of other kinds."""
    if part.type != "MESH":
        return np.zeros((0, 3))
    flat = np.empty(3 * len(part.data.vertices), dtype=np.float32)
    part.data.vertices.foreach_get("co", flat)
    pose = np.array(part.matrix_basis)
    return flat.reshape(-1, 3) @ pose[:3, :3].T + pose[:3, 3]


def waves(rng: Rng, points: Array, frequency: float, count: int = 9) -> Array:
    """(N,) smooth random numbers of about -1..1, ``frequency`` bumps a metre."""
    steps = rng.normal(size=(count, 3)) * frequency * 2 * np.pi / np.sqrt(3)
    phases = rng.uniform(0, 2 * np.pi, count)
    return np.asarray(np.sin(points @ steps.T + phases).sum(1) / np.sqrt(count))


def roughen(part: Any, rng: Rng, amount: float, frequency: float) -> Any:
    """Push a part's skin in and out along its normals by about ``amount`` metres."""
    count = len(part.data.vertices)
    points, normals = (np.empty(3 * count, dtype=np.float32) for _ in range(2))
    part.data.vertices.foreach_get("co", points)
    part.data.vertices.foreach_get("normal", normals)
    push = amount * waves(rng, points.reshape(-1, 3).astype(np.float64), frequency)
    moved = points.reshape(-1, 3) + normals.reshape(-1, 3) * push[:, None]
    part.data.vertices.foreach_set("co", moved.astype(np.float32).ravel())
    part.data.update()
    return part


def fur(rng: Rng, skin: Any, material: Any, *, count: int, length: float) -> Any:
    """Hair of about ``length`` metres all over the mesh ``skin``, in tufts, hanging a little."""
    mesh = skin.data
    mesh.calc_loop_triangles()
    corners = np.empty(3 * len(mesh.loop_triangles), dtype=np.int32)
    mesh.loop_triangles.foreach_get("vertices", corners)
    triangle = points_of(skin)[corners.reshape(-1, 3)]
    across = np.cross(triangle[:, 1] - triangle[:, 0], triangle[:, 2] - triangle[:, 0])
    area = np.linalg.norm(across, axis=1)
    chosen = rng.choice(len(area), count, p=area / area.sum())
    weight = rng.dirichlet((1, 1, 1), count)
    root = np.einsum("nk,nkd->nd", weight, triangle[chosen])
    normal = across[chosen] / area[chosen, None]
    tuft = np.stack([waves(rng, root, 0.25 / length) for _ in range(3)], axis=1)
    lean = normal + 0.45 * tuft + 0.25 * rng.normal(size=root.shape) + np.array([0.0, 0.0, -0.25])
    lean *= length * rng.uniform(0.6, 1.2, (count, 1)) / np.linalg.norm(lean, axis=1, keepdims=True)
    curl = 0.3 * length * rng.normal(size=root.shape)
    strand = np.stack([root + t * lean + t * t * curl for t in (0.0, 0.5, 1.0)], axis=1)
    curves = bpy.data.hair_curves.new("fur")
    curves.add_curves([3] * count)
    curves.points.foreach_set("position", strand.astype(np.float32).ravel())
    curves.points.foreach_set(
        "radius", np.tile(np.array([0.05, 0.04, 0.015], dtype=np.float32) * length, count)
    )
    curves.materials.append(material)
    thing = bpy.data.objects.new("fur", curves)
    bpy.context.collection.objects.link(thing)
    return thing
