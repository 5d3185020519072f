# SPDX-License-Identifier: GPL-3.0-or-later
"""Soft things: cushions, folded towels, dropped cloths, bags, hats.

Each is about ``h`` metres large.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from samples.studio import shapes

from .forms import Array, arch, chance, limb, lump, pick, points_of, put, roughen, turned, waves
from .materials import Paint


def _grid(name: str, heights: Array, size: tuple[float, float], material: Any) -> Any:
    """A sheet of (rows, columns) heights over ``size``, with UV."""
    rows, columns = heights.shape
    v, u = np.mgrid[0 : 1 : rows * 1j, 0 : 1 : columns * 1j]
    vertices = np.stack([(u - 0.5) * size[0], (v - 0.5) * size[1], heights], axis=-1).reshape(-1, 3)
    first = (np.arange(rows - 1)[:, None] * columns + np.arange(columns - 1)).ravel()
    faces = np.column_stack([first, first + 1, first + columns + 1, first + columns])
    return shapes.add_arrays(name, vertices, faces, material)


def cushion(paint: Paint, h: float) -> list[Any]:
    """A cushion or sack with a seam and buttons."""
    rng = paint.rng
    wide, deep, thick = h, h * rng.uniform(0.6, 1.0), h * rng.uniform(0.12, 0.3)
    cloth = paint.skin(h, finish="cloth")
    side = np.linspace(-1, 1, 40)
    u, v = np.meshgrid(side, side)
    bulge = thick * (1 - np.abs(u) ** 3) ** 0.5 * (1 - np.abs(v) ** 3) ** 0.5
    dents = bulge * 0.06 * waves(rng, np.stack([u, v, 0 * u], -1).reshape(-1, 3), 1.2).reshape(u.shape)
    upper = _grid("upper", thick + bulge + dents, (wide, deep), cloth)
    lower = _grid(
        "lower",
        thick - bulge * 0.95,
        (wide, deep),
        cloth if chance(rng, 0.7) else paint.skin(h, finish="cloth"),
    )
    parts = [upper, lower]
    if chance(rng, 0.5):
        edge = [
            (wide / 2 * x, deep / 2 * y, thick)
            for x, y in ((-1, -1), (1, -1.001), (1, 1), (-1, 1.001), (-1, -1))
        ]
        path = [
            tuple(p) for p in np.concatenate([np.linspace(a, b, 8)[:-1] for a, b in pairwise(edge)]).tolist()
        ]
        parts.append(shapes.tube("seam", path, [0.012 * h] * len(path), paint.skin(h, quiet=True)))
    return parts


def towel(paint: Paint, h: float) -> list[Any]:
    """A folded cloth: one soft layer on another."""
    rng = paint.rng
    cloth, thick = paint.skin(h, finish="cloth"), h * rng.uniform(0.03, 0.1)
    size = (h * rng.uniform(0.75, 1.0), h * rng.uniform(0.55, 0.75), thick)
    layers = []
    for level in range(int(rng.integers(1, 4))):
        layer = shapes.box("fold", size, cloth, bevel=0.45 * thick, dents=0.0)
        layers.append(put(layer, (rng.normal(0, 0.004) * h, 0, (0.5 + 0.96 * level) * thick)))
    return layers


def heap(paint: Paint, h: float) -> list[Any]:
    """A cloth dropped on the ground: folds that run every way and an uneven edge."""
    rng = paint.rng
    count = 70
    side = np.linspace(-1, 1, count)
    u, v = np.meshgrid(side, side)
    flat = np.stack([u, v, 0 * u], -1).reshape(-1, 3)
    reach = np.hypot(u, v) * (1 + 0.25 * waves(rng, flat, 0.8).reshape(u.shape))
    hill = np.clip(1 - reach, 0, 1) ** rng.uniform(0.5, 1.2)
    folds = 1 - np.abs(waves(rng, flat, rng.uniform(1.0, 2.5)).reshape(u.shape))
    heights = h * (0.35 * hill + 0.12 * np.clip(folds, 0, 1) * np.clip(3 * (1 - reach), 0, 1)) + 0.002 * h
    cloth = _grid("cloth", heights, (h, h), paint.skin(h, finish="cloth"))
    spread = points_of(cloth)
    stretch = np.repeat((1 + 0.25 * waves(rng, flat, 0.7))[:, None], 2, axis=1)
    spread[:, :2] *= stretch
    cloth.data.vertices.foreach_set("co", spread.astype(np.float32).ravel())
    cloth.data.update()
    return [cloth]


def bag(paint: Paint, h: float) -> list[Any]:
    """A bag or basket: a soft body, handles, a flap or a patch."""
    rng = paint.rng
    wide, deep, tall = h * rng.uniform(0.5, 0.8), h * rng.uniform(0.2, 0.45), 0.7 * h
    cloth = paint.skin(h, finish=pick(rng, ("cloth", "satin", "gloss")))
    body = lump((0, 0, 0), (1, 1, 1), cloth)
    ball = points_of(body)
    square = np.sign(ball) * np.abs(ball) ** rng.uniform(0.3, 0.5) * (wide / 2, deep / 2, tall / 2)
    body.data.vertices.foreach_set("co", (square + np.array([0, 0, tall / 2])).astype(np.float32).ravel())
    roughen(body, rng, 0.015 * h, 3 / h)
    grip = cloth if chance(rng, 0.4) else paint.skin(h, quiet=True)
    parts = [body]
    for side in (-1, 1):
        knots = [
            (-0.3 * wide, side * 0.4 * deep, 0.9 * tall),
            (-0.2 * wide, side * 0.2 * deep, 0.95 * h),
            (0.2 * wide, side * 0.2 * deep, 0.95 * h),
            (0.3 * wide, side * 0.4 * deep, 0.9 * tall),
        ]
        parts.append(limb("grip", knots, [0.018 * h], grip))
    if chance(rng, 0.6):
        patch = shapes.sheet(
            "patch", (wide * rng.uniform(0.3, 0.8), tall * rng.uniform(0.3, 0.7)), paint.label(), cells=4
        )
        parts.append(put(patch, (0, -deep / 2 - 0.035 * h, tall / 2), (90, 0, 0)))
    return parts


def hat(paint: Paint, h: float) -> list[Any]:
    """A hat or a bell: a crown, a brim, a ribbon."""
    rng = paint.rng
    crown, brim, tall = h * rng.uniform(0.2, 0.3), h * rng.uniform(0.35, 0.5), h * rng.uniform(0.25, 0.6)
    felt = paint.skin(h, finish="cloth")
    knots = [
        (brim, 0.01 * h),
        (crown * 1.05, 0.03 * h),
        (crown, 0.1 * h),
        (crown * rng.uniform(0.7, 1.0), 0.9 * tall),
        (0.0, tall),
    ]
    parts = [turned("hat", knots, felt, wobble=rng.uniform(0, 0.06))]
    band = [(crown * 1.08, 0.04 * h), (crown * 1.06, 0.12 * h)]
    parts.append(turned("ribbon", band, paint.skin(h, quiet=chance(rng, 0.6)), soft=False))
    if chance(rng, 0.3):
        parts.append(limb("loop", arch(crown, 0.05 * h, 0.4 * tall, 0.2 * h), [0.01 * h], felt))
    return parts
