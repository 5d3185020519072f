# SPDX-License-Identifier: GPL-3.0-or-later
"""Things grown or modelled: toys with limbs, statues, shoes, stones, lumps.

Each is about ``h`` metres large.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from samples.studio import shapes

from .forms import chance, fur, limb, lump, pick, roughen
from .materials import Paint

STRANDS = 9000


def _joined(paint: Paint, lumps: list[Any], skin: Any, h: float, cells: int) -> Any:
    """Lumps melted into one skin of about ``cells`` cells along ``h``."""
    return shapes.melted("body", lumps, skin, cell=h / cells, rounds=int(paint.rng.integers(2, 8)))


def _legs(paint: Paint, body: np.ndarray, h: float, count: int, skin: Any) -> list[Any]:
    """Legs of an animal or a sitting toy, down to the ground."""
    rng = paint.rng
    thick, spread = h * rng.uniform(0.05, 0.1), rng.uniform(0.5, 0.85)
    made = []
    for k in range(count):
        x = (1 if k % 2 else -1) * spread * body[0]
        y = 0.0 if count == 2 else (1 if k // 2 else -1) * 0.65 * body[1]
        forward = h * rng.uniform(-0.25, 0.05)
        knots = [(x * 0.7, y, body[2]), (x, y + forward / 2, 0.5 * body[2]), (x * 1.1, y + forward, thick)]
        made.append(limb("leg", knots, [thick * 1.3, thick, thick * rng.uniform(0.8, 1.5)], skin, count=14))
        made.append(
            lump((x * 1.1, y + forward - 0.3 * thick, thick), (1.2 * thick, 1.6 * thick, thick), skin)
        )
    return made


def creature(paint: Paint, h: float) -> list[Any]:
    """A plush or clay animal on two or four legs; coat, ears, face, clothes and fur of its own."""
    rng = paint.rng
    skin = paint.skin(
        h, finish=pick(rng, ("cloth", "cloth", "satin", "gloss", "matt")), quiet=chance(rng, 0.6)
    )
    four = chance(rng, 0.5)
    trunk = (
        h * (np.array([0.17, 0.3, 0.17]) if four else np.array([0.19, 0.16, 0.25])) * rng.uniform(0.7, 1.2, 3)
    )
    up = trunk[2] + h * (rng.uniform(0.1, 0.3) if four else rng.uniform(0.0, 0.15))
    head = h * rng.uniform(0.11, 0.2) * rng.uniform(0.85, 1.15, 3)
    at = np.array(
        [0.0, -0.9 * trunk[1] - 0.2 * head[1] if four else -0.02 * h, up + trunk[2] + 0.55 * head[2]]
    )
    lumps = [lump((0, 0, up), tuple(trunk), skin), lump(tuple(at), tuple(head), skin)]
    lumps.append(
        limb("neck", [(0, 0.5 * at[1], up), tuple(at)], [0.6 * head[0], 0.5 * head[0]], skin, count=8)
    )
    lumps += _legs(paint, np.array([trunk[0], trunk[1], up]), h, 4 if four else 2, skin)
    lumps += _ends(paint, trunk, head, at, h, skin, arms=not four)
    body = _joined(paint, lumps, skin, h, 75)
    parts = [body, *_face(paint, at, head, h)]
    if chance(rng, 0.5):
        parts.append(_patch(paint, up, trunk, h))
    if chance(rng, 0.4):
        coat = skin if chance(rng, 0.5) else paint.skin(h, finish="cloth", quiet=True)
        parts.append(fur(rng, body, coat, count=STRANDS, length=h * rng.uniform(0.015, 0.05)))
    return parts


def _ends(
    paint: Paint, trunk: np.ndarray, head: np.ndarray, at: np.ndarray, h: float, skin: Any, *, arms: bool
) -> list[Any]:
    """Ears, arms and perhaps a tail of an animal whose head is ``at``."""
    rng, made = paint.rng, []
    up = at[2] - trunk[2] - 0.55 * head[2]
    ear = head[2] * rng.uniform(0.3, 1.2)
    for side in (-1, 1):
        place = (side * 0.6 * head[0], at[1], at[2] + 0.8 * head[2] + 0.5 * ear)
        made.append(
            lump(place, (0.3 * head[0], 0.15 * head[1], ear), skin, turn=(0, side * rng.uniform(-30, 60), 0))
        )
        if arms:
            hand = (
                side * (trunk[0] + h * rng.uniform(0.05, 0.2)),
                -h * rng.uniform(0, 0.2),
                up + h * rng.uniform(-0.15, 0.3),
            )
            made.append(
                limb(
                    "arm",
                    [(side * 0.7 * trunk[0], 0, up + 0.6 * trunk[2]), hand],
                    [0.06 * h, 0.045 * h],
                    skin,
                    count=12,
                )
            )
    if chance(rng, 0.5):
        tail = [
            (0, trunk[1] * 0.9, up),
            (0.05 * h, trunk[1] + 0.1 * h, up + 0.05 * h),
            (rng.normal(0, 0.1) * h, trunk[1] + 0.2 * h, up + rng.uniform(-0.1, 0.3) * h),
        ]
        made.append(limb("tail", tail, [0.04 * h, 0.02 * h], skin, count=12))
    return made


def _face(paint: Paint, at: np.ndarray, head: np.ndarray, h: float) -> list[Any]:
    """Eyes, a snout and a nose."""
    rng = paint.rng
    black = paint.skin(h, colour=(0.01, 0.01, 0.01), finish="gloss", quiet=True)
    eye = h * rng.uniform(0.012, 0.03)
    parts = [
        lump((side * 0.45 * head[0], at[1] - 0.87 * head[1], at[2] + 0.25 * head[2]), (eye, eye, eye), black)
        for side in (-1, 1)
    ]
    if chance(rng, 0.7):
        snout = (0.5 * head[0], 0.4 * head[1], 0.35 * head[2])
        parts.append(
            lump((0, at[1] - 0.95 * head[1], at[2] - 0.2 * head[2]), snout, paint.skin(h, quiet=True))
        )
        parts.append(lump((0, at[1] - 1.35 * head[1], at[2] - 0.1 * head[2]), (eye, eye, eye), black))
    return parts


def _patch(paint: Paint, up: float, trunk: np.ndarray, h: float) -> Any:
    """A belly, a shirt or a saddle of another colour."""
    rng = paint.rng
    if chance(rng, 0.5):
        return lump(
            (0, 0, up + 0.05 * h),
            (trunk[0] * 1.08, trunk[1] * 1.06, trunk[2] * 0.55),
            paint.skin(h, finish="cloth"),
        )
    return lump(
        (0, -0.25 * trunk[1], up),
        (trunk[0] * 0.7, trunk[1] * 0.82, trunk[2] * 0.75),
        paint.skin(h, quiet=True),
    )


def statue(paint: Paint, h: float) -> list[Any]:
    """A figure or a bust of stone, wood or metal, carved with folds, on a plinth or without."""
    rng = paint.rng
    stone = paint.skin(h, finish=pick(rng, ("matt", "matt", "satin", "metal")))
    base = h * rng.uniform(0.05, 0.2)
    lumps, z, wide = [], base, h * rng.uniform(0.12, 0.2)
    lean = 0.0
    for k in range(int(rng.integers(3, 6))):
        radii = (wide * rng.uniform(0.6, 1.1), wide * rng.uniform(0.5, 0.9), h * rng.uniform(0.08, 0.16))
        lumps.append(lump((lean, rng.normal(0, 0.01) * h, z + 0.6 * radii[2]), radii, stone))
        z += 1.1 * radii[2]
        lean += rng.normal(0, 0.02) * h
        wide *= rng.uniform(0.75, 1.0)
        if k and chance(rng, 0.7):
            for side in (-1, 1):
                elbow = (
                    lean + side * (wide + rng.uniform(0.02, 0.15) * h),
                    -rng.uniform(0, 0.1) * h,
                    z - 0.1 * h,
                )
                hand = (
                    elbow[0] - side * rng.uniform(-0.1, 0.15) * h,
                    elbow[1] - 0.06 * h,
                    z + rng.uniform(-0.25, 0.2) * h,
                )
                lumps.append(
                    limb("arm", [(lean, 0, z), elbow, hand], [0.05 * h, 0.035 * h, 0.03 * h], stone, count=14)
                )
    head = h * rng.uniform(0.06, 0.1)
    lumps.append(limb("neck", [(lean, 0, z - 0.05 * h), (lean, 0, z + head)], [0.6 * head], stone, count=6))
    lumps.append(lump((lean, -0.1 * head, z + 1.3 * head), (0.85 * head, head, 1.2 * head), stone))
    body = roughen(
        _joined(paint, lumps, stone, h, 85), rng, h * rng.uniform(0.001, 0.008), rng.uniform(3, 18) / h
    )
    size = (h * rng.uniform(0.3, 0.45), h * rng.uniform(0.3, 0.45), base + 0.03 * h)
    plinth = shapes.box(
        "plinth",
        size,
        stone if chance(rng, 0.5) else paint.skin(h),
        centre=(0, 0, size[2] / 2),
        bevel=0.01 * h,
    )
    return [body, plinth]


def shoe(paint: Paint, h: float) -> list[Any]:
    """A shoe, boot or slipper: upper, sole, laces."""
    rng = paint.rng
    upper = paint.skin(h)
    wide, heel = h * rng.uniform(0.13, 0.19), h * rng.uniform(0.2, 0.6)
    lumps = [
        lump((-0.3 * h, 0, 0.14 * h), (0.2 * h, wide, 0.13 * h), upper),
        lump((0, 0, 0.12 * h), (0.3 * h, wide * 0.85, 0.13 * h), upper),
        lump((0.27 * h, 0, 0.13 * h), (0.18 * h, wide * 0.8, 0.14 * h), upper),
        limb(
            "shaft",
            [(0.28 * h, 0.0, 0.12 * h), (0.3 * h, 0.0, 0.5 * heel), (0.3 * h, 0.003, heel)],
            [0.14 * h, 0.12 * h, 0.13 * h],
            upper,
        ),
    ]
    body = _joined(paint, lumps, upper, h, 60)
    outline = [
        (np.cos(a) * 0.52 * h - 0.02 * h, np.sin(a) * wide * (1.08 - 0.15 * np.cos(a)))
        for a in np.linspace(0, 2 * np.pi, 40, endpoint=False)
    ]
    thick, n = h * rng.uniform(0.03, 0.08), len(outline)
    vertices = [(x, y, z) for z in (0.0, thick) for x, y in outline]
    faces: list[tuple[int, ...]] = [(k, (k + 1) % n, n + (k + 1) % n, n + k) for k in range(n)]
    faces += [tuple(range(n, 2 * n)), tuple(reversed(range(n)))]
    parts = [body, shapes.add_mesh("sole", vertices, faces, paint.skin(h, quiet=True), smooth=False)]
    cord = paint.skin(h, quiet=True)
    for k in range(int(rng.integers(0, 6))):
        x = (-0.12 + 0.05 * k) * h
        knots = [(x, -0.5 * wide, 0.225 * h), (x + 0.02 * h, 0, 0.26 * h), (x, 0.5 * wide, 0.225 * h)]
        parts.append(limb("lace", knots, [0.012 * h], cord, count=10))
    return parts


def stone(paint: Paint, h: float) -> list[Any]:
    """A stone, loaf, potato or a lump of clay."""
    rng = paint.rng
    radii = 0.5 * h * rng.uniform(0.4, 1.0, 3)
    radii[2] = min(radii[2], 0.42 * h)
    body = lump((0, 0, radii[2]), tuple(radii), paint.skin(h), turn=tuple(rng.uniform(-15, 15, 3)))
    for amount, bumps in ((rng.uniform(0.02, 0.09), 1.0), (rng.uniform(0.0, 0.02), 5.0)):
        roughen(body, rng, amount * h, bumps / h)
    return [body]


def sculpture(paint: Paint, h: float) -> list[Any]:
    """Random lumps and branches melted together: coral, root, modern art; with holes to look through."""
    rng = paint.rng
    skin = paint.skin(h)
    lumps, tips = [lump((0, 0, 0.15 * h), (0.22 * h, 0.2 * h, 0.15 * h), skin)], [np.array([0, 0, 0.2 * h])]
    for _ in range(int(rng.integers(3, 9))):
        start = pick(rng, tips)
        end = (
            start
            + h * rng.normal(0, 0.22, 3) * np.array([1, 1, 0.5])
            + np.array([0, 0, h * rng.uniform(0.05, 0.3)])
        )
        end = np.array([*np.clip(end[:2], -0.45 * h, 0.45 * h), np.clip(end[2], 0.1 * h, h)])
        bend = (start + end) / 2 + h * rng.normal(0, 0.06, 3)
        thick = h * rng.uniform(0.025, 0.1)
        lumps.append(
            limb(
                "branch",
                [tuple(start), tuple(bend), tuple(end)],
                [thick * 1.3, thick, thick * 0.8],
                skin,
                count=14,
            )
        )
        lumps.append(lump(tuple(end), (thick * rng.uniform(0.9, 2.0),) * 3, skin))
        tips.append(end)
    body = _joined(paint, lumps, skin, h, 70)
    if chance(rng, 0.6):
        roughen(body, rng, h * rng.uniform(0.002, 0.01), rng.uniform(3, 15) / h)
    return [body]
