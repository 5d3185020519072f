# SPDX-License-Identifier: GPL-3.0-or-later
"""Angular things: cartons, books, parcels, gadgets, toy cars, houses, crates.

Each is about ``h`` metres large.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from samples.studio import shapes

from .forms import chance, limb, pick, put, turned
from .materials import Paint

Size = tuple[float, float, float]


def _prints(paint: Paint, size: Size, faces: str, cover: float = 1.0) -> list[Any]:
    """Printed sheets on a box that stands on the ground: on its front, back, left, right or top (fblrt)."""
    wide, deep, tall = size
    lift = 0.003 * max(size)
    places = {
        "f": ((wide, tall), (0, -deep / 2 - lift, tall / 2), (90, 0, 0)),
        "b": ((wide, tall), (0, deep / 2 + lift, tall / 2), (90, 0, 180)),
        "l": ((deep, tall), (-wide / 2 - lift, 0, tall / 2), (90, 0, -90)),
        "r": ((deep, tall), (wide / 2 + lift, 0, tall / 2), (90, 0, 90)),
        "t": ((wide, deep), (0, 0, tall + lift), (0, 0, 0)),
    }
    made = []
    for face in faces:
        area, place, turn = places[face]
        paper = shapes.sheet(
            "print", (area[0] * cover * 0.98, area[1] * cover * 0.98), paint.label(area[0] / area[1]), cells=2
        )
        made.append(put(paper, place, turn))
    return made


def carton(paint: Paint, h: float) -> list[Any]:
    """A box printed on most sides, or with one label."""
    rng = paint.rng
    size = (h * rng.uniform(0.3, 1.0), h * rng.uniform(0.2, 0.8), h * rng.uniform(0.2, 1.0))
    body = shapes.box(
        "box", size, paint.skin(h), centre=(0, 0, size[2] / 2), bevel=h * rng.uniform(0.003, 0.03)
    )
    if chance(rng, 0.25):
        return [body]
    if chance(rng, 0.5):
        return [body, *_prints(paint, size, "fblrt")]
    return [body, *_prints(paint, size, pick(rng, ("f", "t", "ft", "lf", "rt")), rng.uniform(0.4, 0.9))]


def book(paint: Paint, h: float) -> list[Any]:
    """A lying book: two covers, a spine and pages."""
    rng = paint.rng
    size = (h * rng.uniform(0.55, 0.8), h * rng.uniform(0.8, 1.0), h * rng.uniform(0.04, 0.2))
    wide, deep, thick = size
    board, cloth = 0.012 * h, paint.skin(h)
    parts = _pages(paint, h, (wide * 0.95, deep * 0.95, thick - 2 * board), (0.01 * h, 0, thick / 2))
    for level in (board / 2, thick - board / 2):
        cover = shapes.box("cover", (wide, deep, board), cloth, bevel=0.002 * h)
        parts.append(put(cover, (0, 0, level)))
    back = shapes.box("spine", (board, deep, thick), cloth, bevel=0.003 * h)
    parts.append(put(back, (-wide / 2 - board / 3, 0, thick / 2)))
    if chance(rng, 0.75):
        front = shapes.sheet("print", (wide * 0.98, deep * 0.98), paint.label(wide / deep), cells=2)
        parts.append(put(front, (0, 0, thick + 0.002 * h)))
    return parts


def standing_book(paint: Paint, h: float) -> list[Any]:
    """A book that stands with its spine to the front, bare, printed, or with raised bands."""
    rng = paint.rng
    thick, deep, tall = h * rng.uniform(0.06, 0.25), h * rng.uniform(0.55, 0.8), h * rng.uniform(0.75, 1.0)
    board, cloth, middle = 0.014 * h, paint.skin(h, quiet=chance(rng, 0.7)), tall / 2
    parts = _pages(paint, h, (thick - 2 * board, deep * 0.95, tall * 0.95), (0, 0.01 * h, middle))
    for side in (-1, 1):
        cover = shapes.box("cover", (board, deep, tall), cloth, bevel=0.002 * h)
        parts.append(put(cover, (side * (thick - board) / 2, 0, middle)))
    round_ = min(rng.uniform(0.1, 0.45) * thick, 0.03 * h)
    back = shapes.box("spine", (thick, 2 * round_, tall), cloth, bevel=round_)
    parts.append(put(back, (0, -deep / 2, middle)))
    front = -deep / 2 - round_ - 0.002 * h
    if chance(rng, 0.7):
        share = rng.uniform(0.3, 0.95)
        area = (thick * rng.uniform(0.5, 0.9), tall * share)
        paper = shapes.sheet("print", area, paint.label(area[0] / area[1]), cells=2)
        parts.append(put(paper, (0, front, tall * rng.uniform(share / 2, 1 - share / 2)), (90, 0, 0)))
    if chance(rng, 0.4):
        gold = paint.skin(h, quiet=True)
        for level in rng.uniform(0.05, 0.95, int(rng.integers(1, 5))):
            band = shapes.box("band", (0.96 * thick, 0.01 * h, rng.uniform(0.006, 0.03) * h), gold)
            parts.append(put(band, (0, front, tall * level)))
    return parts


def _pages(paint: Paint, h: float, size: Size, middle: tuple[float, float, float]) -> list[Any]:
    paper = paint.skin(h, colour=(0.7, 0.66, 0.55), quiet=True)
    return [put(shapes.box("pages", size, paper, bevel=0.001 * h), middle)]


def parcel(paint: Paint, h: float) -> list[Any]:
    """A dented parcel with tape or ribbon around it, and a bow or a label."""
    rng = paint.rng
    size = (h * rng.uniform(0.5, 1.0), h * rng.uniform(0.4, 0.8), h * rng.uniform(0.25, 0.7))
    body = shapes.box("parcel", size, paint.skin(h), centre=(0, 0, size[2] / 2), bevel=0.01 * h)
    parts, ribbon = [body], paint.skin(h, quiet=chance(rng, 0.6))
    band = h * rng.uniform(0.02, 0.1)
    grown = [s + 0.012 * h for s in size]
    for strip in ((grown[0], band, grown[2]), (band, grown[1], grown[2]))[: int(rng.integers(1, 3))]:
        tape = shapes.box("ribbon", strip, ribbon, centre=(0, 0, size[2] / 2), bevel=0.001 * h)
        parts.append(tape)
    if chance(rng, 0.4):
        z = size[2]
        for side in (-1, 1):
            loop = [
                (0, 0, z),
                (side * 0.15 * h, 0.02 * h, z + 0.13 * h),
                (side * 0.2 * h, 0, z + 0.03 * h),
                (0, 0, z + 0.01 * h),
            ]
            parts.append(limb("bow", loop, [0.02 * h], ribbon))
    elif chance(rng, 0.6):
        parts += _prints(paint, (size[0], size[1], size[2] + 0.006 * h), "t", 0.35)
    return parts


def gadget(paint: Paint, h: float) -> list[Any]:
    """A camera, radio, clock or machine: a box with dials, a screen, knobs, a grip, an aerial."""
    rng = paint.rng
    wide, deep, tall = h * rng.uniform(0.6, 1.0), h * rng.uniform(0.2, 0.6), h * rng.uniform(0.4, 0.8)
    parts = [
        shapes.box(
            "case",
            (wide, deep, tall),
            paint.skin(h),
            centre=(0, 0, tall / 2),
            bevel=h * rng.uniform(0.01, 0.06),
        )
    ]
    front = -deep / 2
    if chance(rng, 0.6):
        screen = (wide * rng.uniform(0.3, 0.6), 0.02 * h, tall * rng.uniform(0.3, 0.7))
        panel = shapes.box("screen", screen, paint.skin(h, finish="gloss", quiet=True), bevel=0.004 * h)
        parts.append(put(panel, (rng.uniform(-0.15, 0.15) * wide, front, tall * rng.uniform(0.45, 0.6))))
    parts += [_dial(paint, (wide, deep, tall), h) for _ in range(int(rng.integers(1, 5)))]
    if chance(rng, 0.3):
        reach = h * rng.uniform(0.1, 0.25)
        grip = [
            (-0.4 * wide, 0, tall * 0.95),
            (-0.3 * wide, 0, tall + reach),
            (0.3 * wide, 0, tall + reach),
            (0.4 * wide, 0, tall * 0.95),
        ]
        parts.append(limb("grip", grip, [0.025 * h], paint.skin(h, quiet=True)))
    if chance(rng, 0.25):
        tip = (rng.uniform(-0.4, 0.6) * wide, 0.05 * h, tall + h * rng.uniform(0.3, 0.6))
        parts.append(
            limb(
                "aerial",
                [(0.35 * wide, 0, tall * 0.95), tip],
                [0.012 * h, 0.006 * h],
                paint.skin(h, finish="metal"),
            )
        )
    return parts


def _dial(paint: Paint, size: Size, h: float) -> Any:
    """A lens, knob or button on the front or on top of a case of ``size``."""
    rng = paint.rng
    wide, deep, tall = size
    front = -deep / 2
    radius, long = h * rng.uniform(0.03, 0.2), h * rng.uniform(0.03, 0.2)
    knots = [
        (0.0, 0.0),
        (radius, 0.0),
        (radius, long),
        (0.8 * radius, long),
        (0.75 * radius, 0.8 * long),
        (0.0, 0.8 * long),
    ]
    dial = turned("dial", knots, paint.skin(h, quiet=chance(rng, 0.7)), soft=False)
    across = max(wide / 2 - radius, 0.0)
    place = (
        rng.uniform(-across, across),
        front,
        float(np.clip(rng.uniform(0, tall), min(radius, tall / 2), tall - min(radius, tall / 2))),
    )
    if chance(rng, 0.3):
        return put(dial, (place[0], rng.uniform(-0.2, 0.2) * deep, tall))
    return put(dial, place, (90, 0, 0))


def vehicle(paint: Paint, h: float) -> list[Any]:
    """A toy car, bus or truck: body, cabin, windows, wheels, stripes."""
    rng = paint.rng
    wide, tall = h * rng.uniform(0.3, 0.5), h * rng.uniform(0.15, 0.35)
    wheel = h * rng.uniform(0.08, 0.15)
    paintwork = paint.skin(h, finish=pick(rng, ("gloss", "lacquer", "satin")), quiet=chance(rng, 0.6))
    base = wheel * 0.8
    parts = [
        shapes.box(
            "body",
            (h, wide, tall),
            paintwork,
            centre=(0, 0, base + tall / 2),
            bevel=h * rng.uniform(0.01, 0.05),
        )
    ]
    long, up, at = h * rng.uniform(0.3, 0.6), h * rng.uniform(0.12, 0.3), h * rng.uniform(-0.2, 0.2)
    cabin = paintwork if chance(rng, 0.6) else paint.skin(h)
    parts.append(
        shapes.box(
            "cabin", (long, wide * 0.9, up), cabin, centre=(at, 0, base + tall + up / 2), bevel=0.03 * h
        )
    )
    glass = paint.skin(h, colour=(0.03, 0.04, 0.05), finish="gloss", quiet=True)
    parts.append(
        shapes.box(
            "windows",
            (long * 0.8, wide * 0.92, up * 0.55),
            glass,
            centre=(at, 0, base + tall + up * 0.52),
            bevel=0.01 * h,
        )
    )
    parts += _wheels(paint, wide, wheel, h)
    if chance(rng, 0.4):
        strip = (h * 1.005, wide * 1.02, tall * rng.uniform(0.1, 0.4))
        parts.append(
            shapes.box(
                "stripe", strip, paint.skin(h, quiet=True), centre=(0, 0, base + tall * 0.5), bevel=0.002 * h
            )
        )
    return parts


def _wheels(paint: Paint, wide: float, wheel: float, h: float) -> list[Any]:
    """Two or three pairs of wheels of radius ``wheel`` under a car ``wide`` metres wide."""
    rng, parts = paint.rng, []
    tyre, count = paint.skin(h, colour=(0.02, 0.02, 0.02), quiet=True), int(rng.integers(2, 4))
    for x in np.linspace(-0.32, 0.32, count) * h:
        for side in (-1, 1):
            knots = [
                (0.0, -0.5),
                (0.7, -0.5),
                (1.0, -0.35),
                (1.0, 0.35),
                (0.7, 0.5),
                (0.5, 0.5),
                (0.45, 0.3),
                (0.0, 0.4),
            ]
            ring = turned(
                "wheel", [(r * wheel, z * 0.08 * h) for r, z in knots], tyre, soft=False, segments=32
            )
            parts.append(put(ring, (x, side * wide / 2, wheel), (90 * -side, 0, 0)))
    return parts


def house(paint: Paint, h: float) -> list[Any]:
    """A bird house, model house or lantern: walls, a pitched roof, doors and windows."""
    rng = paint.rng
    wide, deep, wall, top = (
        h * rng.uniform(0.5, 0.8),
        h * rng.uniform(0.4, 0.8),
        h * rng.uniform(0.45, 0.65),
        h,
    )
    parts = [shapes.box("walls", (wide, deep, wall), paint.skin(h), centre=(0, 0, wall / 2), bevel=0.005 * h)]
    x, y = wide * 0.58, deep * 0.58
    corners = [(-x, -y, wall), (x, -y, wall), (x, y, wall), (-x, y, wall), (0, -y, top), (0, y, top)]
    faces = [(0, 1, 4), (1, 2, 5, 4), (2, 3, 5), (3, 0, 4, 5), (3, 2, 1, 0)]
    parts.append(shapes.add_mesh("roof", corners, faces, paint.skin(h), smooth=False))
    for _ in range(int(rng.integers(1, 5))):
        size = (wide * rng.uniform(0.12, 0.3), 0.03 * h, wall * rng.uniform(0.15, 0.45))
        place = (rng.uniform(-0.3, 0.3) * wide, -deep / 2, rng.uniform(0.25, 0.75) * wall)
        parts.append(put(shapes.box("window", size, paint.skin(h, quiet=True), bevel=0.003 * h), place))
    return parts


def crate(paint: Paint, h: float) -> list[Any]:
    """An open crate or basket of slats; one sees through it."""
    rng = paint.rng
    wide, deep, tall = h, h * rng.uniform(0.5, 0.9), h * rng.uniform(0.25, 0.6)
    wood, thin, rows = paint.skin(h), 0.02 * h, int(rng.integers(2, 5))
    parts = [shapes.box("bottom", (wide, deep, thin), wood, centre=(0, 0, thin / 2), bevel=0.002 * h)]
    slat = tall / rows * rng.uniform(0.5, 0.85)
    for row in range(rows):
        z = tall * (row + 0.5) / rows
        for side in (-1, 1):
            parts.append(
                shapes.box("slat", (wide, thin, slat), wood, centre=(0, side * deep / 2, z), bevel=0.002 * h)
            )
            parts.append(
                shapes.box("slat", (thin, deep, slat), wood, centre=(side * wide / 2, 0, z), bevel=0.002 * h)
            )
    post = paint.skin(h) if chance(rng, 0.4) else wood
    for x in (-1, 1):
        for y in (-1, 1):
            place = (x * (wide / 2 - thin), y * (deep / 2 - thin), tall / 2)
            parts.append(shapes.box("post", (2 * thin, 2 * thin, tall), post, centre=place, bevel=0.002 * h))
    return parts


def bricks(paint: Paint, h: float) -> list[Any]:
    """A few toy bricks built into one thing."""
    rng = paint.rng
    parts, z, unit = [], 0.0, h / 4
    for _ in range(int(rng.integers(2, 6))):
        size = (unit * int(rng.integers(2, 5)), unit * int(rng.integers(1, 3)), unit * rng.uniform(0.5, 0.9))
        place = (unit * rng.uniform(-0.5, 0.5), unit * rng.uniform(-0.3, 0.3), z + size[2] / 2)
        parts.append(
            shapes.box("brick", size, paint.skin(h, quiet=chance(rng, 0.7)), centre=place, bevel=0.01 * h)
        )
        z += size[2]
    return parts
