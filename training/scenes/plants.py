# SPDX-License-Identifier: GPL-3.0-or-later
"""Things that grow: pot plants, flowers, twigs, cacti, cabbages.

Each is about ``h`` metres large, and one thing with all its leaves.
"""

from __future__ import annotations

from math import radians
from typing import Any

import numpy as np

from samples.studio import shapes

from .forms import Array, Rng, chance, limb, lump, pick, put, roughen, turned
from .materials import Paint


def leaves(rng: Rng, roots: Array, along: Array, sizes: Array, width: float, material: Any) -> Any:
    """Curved leaves from ``roots`` (N, 3) into the directions ``along`` (N, 3), as one mesh."""
    count, rows = len(roots), 6
    along = along / np.linalg.norm(along, axis=1, keepdims=True)
    side = np.cross(along, rng.normal(size=along.shape))
    side /= np.linalg.norm(side, axis=1, keepdims=True)
    up = np.cross(side, along)
    t = np.linspace(0, 1, rows)
    half = width * np.sin(np.pi * t**0.8) ** 0.8 + 0.01
    droop = rng.uniform(-0.1, 0.5, count)
    middle = roots[:, None] + sizes[:, None, None] * (
        t[:, None] * along[:, None] - droop[:, None, None] * t[:, None] ** 2 * up[:, None]
    )
    offset = (sizes[:, None] * half)[..., None] * side[:, None]
    fold = (sizes[:, None] * half)[..., None] * up[:, None] * 0.25
    vertices = np.stack([middle - offset + fold, middle, middle + offset + fold], axis=2)
    quads = [
        (3 * r + c, 3 * r + c + 1, 3 * r + c + 4, 3 * r + c + 3) for r in range(rows - 1) for c in range(2)
    ]
    faces = np.array(quads)[None] + 3 * rows * np.arange(count)[:, None, None]
    return shapes.add_arrays("leaves", vertices.reshape(-1, 3), faces.reshape(-1, 4), material)


def pot(paint: Paint, h: float, tall: float) -> tuple[Any, Any]:
    """A flower pot of height ``tall`` and the earth in it."""
    wide = tall * paint.rng.uniform(0.45, 0.75)
    wall = [
        (0.0, 0.0),
        (wide * 0.75, 0.0),
        (wide, tall * 0.8),
        (wide * 1.08, tall * 0.8),
        (wide * 1.08, tall),
    ]
    wall += [(wide * 0.95, tall), (wide * 0.93, tall * 0.9), (0.0, tall * 0.88)]
    earth = [(0.0, tall * 0.9), (wide * 0.93, tall * 0.9), (wide * 0.9, tall * 0.5)]
    soil = paint.skin(h, colour=(0.04, 0.025, 0.015), finish="matt")
    return turned("pot", wall, paint.skin(h), soft=False), turned("earth", earth, soil, soft=False)


def pot_plant(paint: Paint, h: float) -> list[Any]:
    """Stems with leaves out of a pot, or a rosette without one."""
    rng = paint.rng
    tall = h * rng.uniform(0.2, 0.4)
    parts = list(pot(paint, h, tall))
    green, stalk = paint.leaf(), paint.leaf()
    stems, roots, along = int(rng.integers(1, 9)), [], []
    spread = rng.uniform(0.1, 0.5)
    for _ in range(stems):
        tip = np.array(
            [
                *rng.normal(0, spread * (h - tall), 2).clip(-0.5 * h, 0.5 * h),
                rng.uniform(tall + 0.3 * (h - tall), 0.95 * h),
            ]
        )
        knots = np.array([[0, 0, 0.85 * tall], [0.2 * tip[0], 0.2 * tip[1], (tall + tip[2]) / 2], tip])
        parts.append(limb("stem", knots.tolist(), [0.012 * h, 0.006 * h], stalk, count=12))
        for t in rng.uniform(0.3, 1.0, int(rng.integers(3, 14))):
            roots.append(knots[0] * (1 - t) ** 2 + 2 * t * (1 - t) * knots[1] + t * t * knots[2])
            along.append(rng.normal(size=3) + np.array([0, 0, 0.6]))
    size = h * rng.uniform(0.06, 0.3)
    lengths = size * rng.uniform(0.6, 1.2, len(roots))
    parts.append(leaves(rng, np.array(roots), np.array(along), lengths, rng.uniform(0.1, 0.45), green))
    return parts


def grass_tuft(paint: Paint, h: float) -> list[Any]:
    """Long thin leaves from one spot, in a pot or in the ground."""
    rng = paint.rng
    tall = h * rng.uniform(0.15, 0.35) if chance(rng, 0.6) else 0.0
    parts = list(pot(paint, h, tall)) if tall else []
    count = int(rng.integers(8, 60))
    roots = np.column_stack([rng.normal(0, 0.03 * h, (count, 2)), np.full(count, 0.85 * tall)])
    along = np.column_stack([rng.normal(0, rng.uniform(0.2, 0.8), (count, 2)), np.ones(count)])
    lengths = (h - tall) * rng.uniform(0.5, 1.1, count)
    return [*parts, leaves(rng, roots, along, lengths, rng.uniform(0.02, 0.1), paint.leaf())]


def bouquet(paint: Paint, h: float) -> list[Any]:
    """Flowers with stems and petals in a vase."""
    rng = paint.rng
    tall, wide = h * rng.uniform(0.3, 0.5), h * rng.uniform(0.06, 0.13)
    belly = (wide * rng.uniform(1, 1.5), 0.4 * tall)
    wall = [(0.0, 0.0), (wide, 0.0), belly, (0.7 * wide, tall), (0.6 * wide, tall), (0.5 * wide, 0.5 * tall)]
    wall.append((0.0, 0.4 * tall))
    parts = [turned("vase", wall, paint.skin(h))]
    stalk, green = paint.leaf(), paint.leaf()
    petals = [paint.skin(h, quiet=True) for _ in range(2)]
    for _ in range(int(rng.integers(1, 8))):
        tip = np.array([*rng.normal(0, 0.14 * h, 2), rng.uniform(0.7, 0.95) * h])
        parts.append(
            limb(
                "stem",
                [(0, 0, 0.6 * tall), (0.25 * tip[0], 0.25 * tip[1], tall * 1.05), tuple(tip)],
                [0.007 * h],
                stalk,
                count=12,
            )
        )
        out = tip - np.array([0, 0, tall])
        out /= np.linalg.norm(out)
        count = int(rng.integers(5, 22))
        directions = rng.normal(size=(count, 3)) + rng.uniform(0.3, 1.5) * out
        size = h * rng.uniform(0.05, 0.12) * np.ones(count)
        parts.append(
            leaves(
                rng,
                np.repeat(tip[None], count, 0),
                directions,
                size,
                rng.uniform(0.2, 0.45),
                pick(rng, petals),
            )
        )
        parts.append(lump(tuple(tip), (0.018 * h,) * 3, paint.skin(h, quiet=True)))
        parts.append(
            leaves(
                rng,
                (tip * 0.75)[None] + 0.0,
                out[None] + rng.normal(0, 0.5, (1, 3)),
                np.array([0.15 * h]),
                0.2,
                green,
            )
        )
    return parts


def cactus(paint: Paint, h: float) -> list[Any]:
    """A ribbed cactus with arms in a pot, or a row of succulent lumps."""
    rng = paint.rng
    tall = h * rng.uniform(0.25, 0.4)
    parts = list(pot(paint, h, tall))
    skin = paint.skin(h, colour=tuple((np.array([0.08, 0.2, 0.06]) * rng.uniform(0.5, 1.5, 3)).tolist()))
    knots = [(0, 0, 0.8 * tall), (0.02 * h, 0, (tall + h) / 2), (0, 0, 0.92 * h)]
    thick = h * rng.uniform(0.05, 0.14)
    pieces = [
        limb("trunk", knots, [thick, thick * 1.1, thick * 0.8], skin),
        lump(knots[-1], (thick * 0.85,) * 3, skin),
    ]
    for _ in range(int(rng.integers(0, 4))):
        angle, z = rng.uniform(0, 2 * np.pi), rng.uniform(tall * 1.2, 0.7 * h)
        reach = np.array([np.cos(angle), np.sin(angle), 0.0]) * h * rng.uniform(0.12, 0.25)
        arm = [
            (0, 0, z),
            tuple(reach + np.array([0, 0, z])),
            tuple(1.1 * reach + np.array([0, 0, z + h * rng.uniform(0.1, 0.25)])),
        ]
        pieces += [
            limb("arm", arm, [0.5 * thick, 0.45 * thick], skin, count=14),
            lump(arm[-1], (0.48 * thick,) * 3, skin),
        ]
    body = shapes.melted("cactus", pieces, skin, cell=h / 70, rounds=3)
    return [*parts, roughen(body, rng, 0.006 * h, 12 / h)]


def twigs(paint: Paint, h: float) -> list[Any]:
    """A bare or leafy branch lying or standing, thin as wire at its ends."""
    rng = paint.rng
    bark, parts = paint.skin(h), []
    starts = [
        (
            np.array([0, 0, 0.02 * h]),
            np.array([rng.normal(0, 0.2), rng.normal(0, 0.2), 1.0]),
            0.5 * h,
            0.03 * h,
        )
    ]
    tips = []
    while starts:
        root, way, long, thick = starts.pop()
        way = way / np.linalg.norm(way)
        end = root + way * long
        end[2] = max(end[2], 0.03 * h)
        bend = (root + end) / 2 + rng.normal(0, 0.08 * long, 3)
        parts.append(
            limb("twig", [tuple(root), tuple(bend), tuple(end)], [thick, thick * 0.6], bark, count=10)
        )
        tips.append(end)
        if long > 0.15 * h:
            starts += [
                (end if k else bend, way + rng.normal(0, 0.6, 3), long * rng.uniform(0.4, 0.7), thick * 0.6)
                for k in range(3)
            ]
    if chance(rng, 0.7):
        roots = np.repeat(np.array(tips), 2, axis=0)
        along = rng.normal(size=roots.shape)
        parts.append(
            leaves(
                rng,
                roots,
                along,
                h * rng.uniform(0.06, 0.14, len(roots)),
                rng.uniform(0.2, 0.4),
                paint.leaf(),
            )
        )
    return parts


def cabbage(paint: Paint, h: float) -> list[Any]:
    """A head of leaves: cabbage, lettuce, artichoke, pine cone."""
    rng = paint.rng
    count = int(rng.integers(25, 90))
    level = rng.uniform(-0.6, 1, count)
    angle = np.arange(count) * radians(137.5)
    flat = np.sqrt(1 - level**2)
    out = np.column_stack([flat * np.cos(angle), flat * np.sin(angle), level])
    core = 0.28 * h * np.array([1, 1, rng.uniform(0.7, 1.4)])
    roots = out * core * 0.8 + [0, 0, 0.9 * core[2]]
    along = out * rng.uniform(0.2, 1.0) + [0, 0, 0.8] + rng.normal(0, 0.15, out.shape)
    skin = paint.leaf() if chance(rng, 0.7) else paint.skin(h)
    head = lump((0, 0, 0.9 * core[2]), tuple(core * 0.85), skin)
    return [
        head,
        leaves(rng, roots, along, np.full(count, h * rng.uniform(0.2, 0.4)), rng.uniform(0.3, 0.6), skin),
    ]


def carrots(paint: Paint, h: float) -> list[Any]:
    """Bananas, carrots, leeks: a hand of bent tapering bodies."""
    rng = paint.rng
    skin, parts = paint.skin(h, quiet=chance(rng, 0.8)), []
    bend, thick = h * rng.uniform(0.0, 0.3), h * rng.uniform(0.04, 0.11)
    for k in range(int(rng.integers(1, 6))):
        knots = [(-0.45 * h, 0.004 * k * h, thick), (0, 0.01 * h, thick + bend), (0.45 * h, 0, thick)]
        piece = limb("body", knots, [thick * 0.2, thick * 0.9, thick, thick * 0.8, thick * 0.15], skin)
        parts.append(put(piece, (0, 1.5 * k * thick, 0), (rng.uniform(-12, 12), 0, rng.uniform(-9, 9))))
    return parts
