# SPDX-License-Identifier: GPL-3.0-or-later
"""Turned things: mugs, bottles, bowls, vases, tins, pots with lids, goblets, plates.

Each is about ``h`` metres large.
"""

from __future__ import annotations

from math import cos, pi, radians, sin
from typing import Any

import numpy as np

from samples.studio import shapes

from .forms import arch, chance, limb, lump, pick, put, turned
from .materials import Paint


def _side(paint: Paint, h: float, wide: float) -> list[tuple[float, float]]:
    """Knots of an outer wall from the foot's edge to the rim: straight, bellied, flared or waisted."""
    rng = paint.rng
    count = int(rng.integers(2, 6))
    radii = wide * np.exp(rng.normal(0, rng.choice([0.03, 0.15, 0.35]), count + 1))
    return [(float(min(r, 1.6 * wide)), h * k / count) for k, r in enumerate(radii)]


def _open(side: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """The wall closed below, open above, with an inside."""
    rim, height = side[-1]
    wall = 0.05 * rim
    inner = [(max(r - wall, 0.002), z) for r, z in side[-2:0:-1]]
    floor = 0.06 * height
    return [
        (0.0, 0.0),
        *side,
        (rim - wall, height),
        *inner,
        (inner[-1][0] if inner else rim / 2, floor),
        (0, floor),
    ]


def _wrap(name: str, radius: float, low: float, high: float, degrees: float, material: Any) -> Any:
    """A label around part of a cylinder, UV 0..1, towards -y."""
    columns = 24
    vertices, uv = [], []
    for row, z in enumerate((low, high)):
        for column in range(columns + 1):
            angle = radians(-90 + degrees * (column / columns - 0.5))
            vertices.append((radius * cos(angle), radius * sin(angle), z))
            uv.append((column / columns, float(row)))
    faces = [(k, k + 1, k + columns + 2, k + columns + 1) for k in range(columns)]
    return shapes.add_mesh(name, vertices, faces, material, uv=uv)


def _knob(paint: Paint, radius: float, z: float, size: float) -> Any:
    profile = [
        (0.0, z),
        (0.35 * size, z),
        (0.5 * size, z + 0.7 * size),
        (0.25 * size, z + size),
        (0.0, z + size),
    ]
    return turned("knob", [(min(r, radius), height) for r, height in profile], paint.skin(size))


def mug(paint: Paint, h: float) -> list[Any]:
    """A mug or jug with up to two handles, a band or a picture."""
    rng = paint.rng
    side = _side(paint, h, h * rng.uniform(0.3, 0.5))
    glaze = paint.skin(h)
    parts = [turned("body", _open(side), glaze, soft=chance(rng, 0.6))]
    handle = glaze if chance(rng, 0.7) else paint.skin(h)
    radius = float(np.mean([r for r, _ in side]))
    thick = h * rng.uniform(0.02, 0.05)
    low, high = sorted(rng.uniform((0.1, 0.6), (0.35, 0.9)) * h)
    start = rng.uniform(0, 360)
    for k in range(1 if chance(rng, 0.8) else 2):
        grip = limb("handle", arch(radius, low, high, h * rng.uniform(0.15, 0.35)), [thick], handle)
        parts.append(put(grip, (0, 0, 0), (0, 0, start + 180 * k)))
    return parts


def jar(paint: Paint, h: float) -> list[Any]:
    """A straight jar, tin or canister with a lid, a label and perhaps a knob."""
    rng = paint.rng
    radius = h * rng.uniform(0.2, 0.45)
    body = [
        (0.0, 0.0),
        (radius * 0.97, 0.0),
        (radius, 0.02 * h),
        (radius, 0.8 * h),
        (0.85 * radius, 0.85 * h),
        (0.0, 0.85 * h),
    ]
    finish = "glass" if chance(rng, 0.1) else None
    parts = [turned("body", body, paint.skin(h, finish=finish, quiet=chance(rng, 0.6)), soft=False)]
    lid_radius = radius * rng.uniform(0.85, 1.06)
    lid = [(0.0, 0.84 * h), (lid_radius, 0.84 * h), (lid_radius, h * 0.97), (lid_radius * 0.9, h), (0.0, h)]
    parts.append(turned("lid", lid, paint.skin(h), soft=False))
    if chance(rng, 0.4):
        parts.append(_knob(paint, radius, h, 0.4 * radius))
    if chance(rng, 0.8):
        degrees = rng.uniform(60, 340)
        low, high = rng.uniform(0.05, 0.3) * h, rng.uniform(0.5, 0.78) * h
        label = paint.label(radius * radians(degrees) / (high - low))
        wrapped = _wrap("label", radius * 1.008, low, high, degrees, label)
        parts.append(put(wrapped, (0, 0, 0), (0, 0, rng.uniform(-70, 70))))
    return parts


def bottle(paint: Paint, h: float) -> list[Any]:
    """A bottle or flask: body, shoulders, neck, cap, label."""
    rng = paint.rng
    radius, neck = h * rng.uniform(0.12, 0.24), h * rng.uniform(0.03, 0.07)
    shoulder = h * rng.uniform(0.45, 0.7)
    knots = [
        (0.0, 0.0),
        (radius * 0.95, 0.0),
        (radius, 0.02 * h),
        (radius, shoulder),
        (0.8 * radius, shoulder + 0.08 * h),
    ]
    knots += [(neck, 0.85 * h), (neck, 0.97 * h), (0.0, 0.97 * h)]
    finish = pick(rng, ("glass", "gloss", "gloss", "satin", "matt"))
    quiet = chance(rng, 0.8)
    parts = [turned("body", knots, paint.skin(h, finish=finish, quiet=quiet), soft=False)]
    cap = [(0.0, 0.9 * h), (neck * 1.25, 0.9 * h), (neck * 1.25, h), (0.0, h)]
    parts.append(turned("cap", cap, paint.skin(h, quiet=True), soft=False))
    if chance(rng, 0.75):
        low, high = sorted(rng.uniform((0.05, 0.6), (0.35, 0.95)) * shoulder)
        degrees = rng.uniform(80, 330)
        label = paint.label(radius * radians(degrees) / (high - low))
        wrapped = _wrap("label", radius * 1.01, low, high, degrees, label)
        parts.append(put(wrapped, (0, 0, 0), (0, 0, rng.uniform(-60, 60))))
    return parts


def bowl(paint: Paint, h: float) -> list[Any]:
    """A bowl, plate or dish, alone or a stack of them."""
    rng = paint.rng
    wide, tall = 0.5 * h, h * rng.uniform(0.06, 0.4)
    foot = wide * rng.uniform(0.35, 0.7)
    side = [(foot, 0.0), (foot + 0.6 * (wide - foot), 0.25 * tall), (wide, tall)]
    glaze = paint.skin(h)
    parts = []
    for k in range(int(rng.integers(1, 6)) if chance(rng, 0.3) else 1):
        dish = turned(
            "bowl", _open(side), glaze if chance(rng, 0.7) else paint.skin(h), soft=chance(rng, 0.5)
        )
        parts.append(put(dish, (0, 0, k * max(0.18 * tall, 0.035 * h))))
    return parts


def vase(paint: Paint, h: float) -> list[Any]:
    """A vase or urn with bands of other colours around it."""
    rng = paint.rng
    side = _side(paint, h, h * rng.uniform(0.15, 0.3))
    parts = [turned("body", _open(side), paint.skin(h), wobble=rng.uniform(0, 0.02))]
    at = np.array([z for _, z in side]), np.array([r for r, _ in side])
    for z in rng.uniform(0.1 * h, 0.9 * h, int(rng.integers(0, 4))):
        radius = float(np.interp(z, *at))
        ring = [
            (radius, z),
            (radius * 1.06, z + 0.012 * h),
            (radius * 1.06, z + 0.03 * h),
            (radius, z + 0.045 * h),
        ]
        parts.append(turned("band", ring, paint.skin(h, quiet=True)))
    return parts


def goblet(paint: Paint, h: float) -> list[Any]:
    """A cup on a thin stem, or a candlestick with its candle."""
    rng = paint.rng
    foot, stem, cup = h * rng.uniform(0.15, 0.28), h * rng.uniform(0.012, 0.035), h * rng.uniform(0.12, 0.25)
    base = [(0.0, 0.0), (foot, 0.0), (foot * 0.95, 0.02 * h), (2 * stem, 0.06 * h), (stem, 0.12 * h)]
    middle = h * rng.uniform(0.35, 0.55)
    if chance(rng, 0.5):
        knots = [*base, (stem, middle), (cup * 0.8, middle + 0.15 * h), (cup, 0.98 * h), (cup * 0.94, h)]
        return [
            turned(
                "goblet",
                [*knots, (cup * 0.7, middle + 0.17 * h), (0, middle + 0.1 * h)],
                paint.skin(h, quiet=True),
            )
        ]
    bead = 2.2 * stem
    knots = [
        *base,
        (stem, 0.25 * h),
        (bead, 0.3 * h),
        (stem, 0.35 * h),
        (stem, middle),
        (bead * 1.5, middle + 0.03 * h),
    ]
    stick = turned("stick", [*knots, (0.0, middle + 0.03 * h)], paint.skin(h, quiet=True))
    candle = [(0.0, middle), (1.2 * stem, middle), (1.2 * stem, 0.96 * h), (0.0, 0.97 * h)]
    wick = limb(
        "wick", [(0, 0, 0.96 * h), (0.004 * h, 0, h)], [0.004 * h], paint.skin(h, colour=(0.01, 0.01, 0.01))
    )
    return [stick, turned("candle", candle, paint.skin(h, quiet=True), soft=False), wick]


def teapot(paint: Paint, h: float) -> list[Any]:
    """A pot with a spout, a handle, a lid and a knob."""
    rng = paint.rng
    tall, wide = 0.7 * h, 0.7 * h * rng.uniform(0.4, 0.7)
    top = wide * rng.uniform(0.4, 0.7)
    glaze = paint.skin(h)
    body = [(0.0, 0.0), (0.6 * wide, 0.0), (wide, 0.45 * tall), (top, 0.95 * tall), (0.0, 0.96 * tall)]
    lid = [(0.0, 0.93 * tall), (top * 0.95, 0.94 * tall), (0.5 * top, 1.08 * tall), (0.0, 1.12 * tall)]
    spout = [(0.8 * wide, 0, 0.3 * tall), (1.35 * wide, 0, 0.5 * tall), (1.6 * wide, 0, 0.95 * tall)]
    thick = 0.035 * h
    handle = limb(
        "handle", arch(wide * 0.9, 0.2 * tall, 0.8 * tall, 0.3 * h), [thick], paint.skin(h, quiet=True)
    )
    parts = [
        turned("body", body, glaze),
        turned("lid", lid, glaze if chance(rng, 0.6) else paint.skin(h)),
        limb("spout", spout, [0.09 * h, 0.05 * h, 0.03 * h], glaze),
        put(handle, (0, 0, 0), (0, 0, 180)),
        _knob(paint, top, 1.1 * tall, 0.12 * h),
    ]
    if chance(rng, 0.3):
        parts.append(_wrap("picture", wide * 1.01, 0.38 * tall, 0.5 * tall, 300, paint.label(6.0)))
    return parts


def pan(paint: Paint, h: float) -> list[Any]:
    """A pan or sieve with a long handle."""
    rng = paint.rng
    wide, tall = 0.3 * h, h * rng.uniform(0.08, 0.25)
    parts = [turned("pan", _open([(wide * 0.85, 0.0), (wide, tall)]), paint.skin(h, quiet=True), soft=False)]
    handle = [
        (wide * 0.95, 0, 0.85 * tall),
        (wide + 0.2 * h, 0, tall * 1.05),
        (wide + 0.5 * h, 0, tall * 1.2),
    ]
    parts.append(limb("handle", handle, [0.015 * h, 0.022 * h, 0.02 * h], paint.skin(h)))
    if chance(rng, 0.3):
        lid = [(0.0, tall), (wide, tall), (0.6 * wide, tall + 0.06 * h), (0.0, tall + 0.07 * h)]
        parts += [
            turned("lid", lid, paint.skin(h, quiet=True)),
            _knob(paint, wide, tall + 0.065 * h, 0.08 * h),
        ]
    return parts


def fruit(paint: Paint, h: float) -> list[Any]:
    """An apple, lemon, pear, pumpkin or the like, with its stem."""
    rng = paint.rng
    wide, lobes = h * rng.uniform(0.3, 0.6), int(rng.integers(0, 2)) * int(rng.integers(5, 12))
    dent = h * rng.uniform(-0.08, 0.12)
    knots = [
        (0.0, dent),
        (0.45 * wide, 0.02 * h),
        (wide, h * rng.uniform(0.3, 0.55)),
        (wide * rng.uniform(0.35, 0.9), 0.85 * h),
        (0.0, 0.95 * h - dent),
    ]
    skin = turned(
        "fruit", knots, paint.skin(h, quiet=chance(rng, 0.8), finish=pick(rng, ("satin", "gloss", "matt")))
    )
    if lobes:
        for vertex in skin.data.vertices:
            swell = 1 + 0.07 * abs(sin(lobes / 2 * np.arctan2(vertex.co.y, vertex.co.x))) - 0.04
            vertex.co.x, vertex.co.y = vertex.co.x * swell, vertex.co.y * swell
    parts = [skin]
    if chance(rng, 0.7):
        top = 0.93 * h - dent
        lean = rng.normal(0, 0.08 * h, 2)
        stem = [
            (0, 0, top - 0.05 * h),
            (lean[0] / 3, lean[1] / 3, top + 0.1 * h),
            (lean[0], lean[1], top + 0.2 * h),
        ]
        parts.append(limb("stem", stem, [0.025 * h, 0.016 * h], paint.skin(h, colour=(0.08, 0.05, 0.02))))
    if chance(rng, 0.15):
        parts.append(lump((0, 0, -0.01 * h), (0.4 * wide, 0.4 * wide, 0.03 * h), paint.skin(h)))
    return parts


def ring_stack(paint: Paint, h: float) -> list[Any]:
    """Discs, rings or wheels on top of each other in colours of their own."""
    rng = paint.rng
    count = int(rng.integers(2, 7))
    tall = h / count
    parts = []
    for k in range(count):
        wide = h * rng.uniform(0.2, 0.45) if chance(rng, 0.4) else h * (0.42 - 0.25 * k / count)
        edge = [(wide * cos(a), tall * (k + 0.5 + 0.5 * sin(a))) for a in np.linspace(-pi / 2, pi / 2, 9)]
        edge = [(0.0, tall * k), *((0.75 * wide + 0.25 * r, z) for r, z in edge), (0.0, tall * (k + 1))]
        parts.append(turned("disc", edge, paint.skin(h, quiet=chance(rng, 0.7)), soft=False))
    return parts
