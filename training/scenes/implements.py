# SPDX-License-Identifier: GPL-3.0-or-later
"""Things with thin parts: tools, spoons, lamps, chairs, spectacles, cables.

Each is about ``h`` metres large.
"""

from __future__ import annotations

from math import cos, pi, sin
from typing import Any

import numpy as np

from samples.studio import shapes

from .forms import chance, limb, lump, pick, put, turned
from .materials import Paint


def tool(paint: Paint, h: float) -> list[Any]:
    """A hammer, brush, spoon, torch or screwdriver: a long grip and a head, standing on its end."""
    rng = paint.rng
    grip, long = h * rng.uniform(0.015, 0.045), h * rng.uniform(0.55, 0.8)
    shaft = [
        (0.0, 0.0),
        (grip, 0.0),
        (grip * rng.uniform(0.8, 1.4), 0.3 * long),
        (grip * rng.uniform(0.4, 1), long),
        (0.0, long),
    ]
    parts = [turned("shaft", shaft, paint.skin(h), segments=24)]
    parts += _head(paint, long, h)
    if chance(rng, 0.5):
        ring = [(grip * 1.5, 0.55 * long), (grip * 1.5, 0.65 * long)]
        parts.append(turned("ring", ring, paint.skin(h, quiet=True), soft=False, segments=24))
    return parts


def _head(paint: Paint, long: float, h: float) -> list[Any]:
    """What sits on a shaft ``long`` metres long and makes it a tool."""
    rng, parts = paint.rng, []
    left = h - long
    kind = pick(rng, ("hammer", "spoon", "cylinder", "blade", "brush"))
    skin = paint.skin(h, finish="metal" if chance(rng, 0.6) else None, quiet=True)
    if kind == "hammer":
        parts.append(
            shapes.box(
                "head",
                (h * rng.uniform(0.25, 0.45), 0.4 * left, 0.5 * left),
                skin,
                centre=(0, 0, long + 0.2 * left),
                bevel=0.015 * h,
            )
        )
    elif kind == "spoon":
        parts.append(lump((0, 0, long + 0.45 * left), (0.35 * left, 0.1 * left, 0.5 * left), skin))
    elif kind == "cylinder":
        wide = h * rng.uniform(0.04, 0.12)
        parts.append(
            turned("head", [(0, long), (wide, long), (wide * 1.1, h), (0, h)], skin, soft=False, segments=32)
        )
    elif kind == "blade":
        parts.append(
            shapes.box(
                "blade",
                (h * rng.uniform(0.03, 0.12), 0.012 * h, left * 1.1),
                skin,
                centre=(0, 0, long + left / 2),
                bevel=0.004 * h,
            )
        )
    else:
        roots = rng.normal(0, 0.03 * h, (60, 2))
        for x, y in roots[:24]:
            knots = [(x * 0.5, y * 0.5, long * 0.97), (x * 1.5, y * 1.5 + 0.001, h)]
            parts.append(limb("bristle", knots, [0.007 * h], skin, count=4))
    return parts


def lamp_stand(paint: Paint, h: float) -> list[Any]:
    """A lamp: foot, straight or bent arm, shade."""
    rng = paint.rng
    foot, thin = h * rng.uniform(0.1, 0.2), h * rng.uniform(0.01, 0.025)
    metal = paint.skin(h, quiet=True)
    parts = [
        turned(
            "foot",
            [(0, 0), (foot, 0), (foot, 0.03 * h), (0.2 * foot, 0.05 * h), (0, 0.05 * h)],
            metal,
            soft=False,
        )
    ]
    over = h * rng.uniform(0.0, 0.35) if chance(rng, 0.6) else 0.0
    knots = [(0, 0, 0.03 * h), (-0.3 * over, 0.001, 0.4 * h), (0.3 * over, 0, 0.8 * h), (over, 0, 0.85 * h)]
    parts.append(limb("arm", knots, [thin], metal))
    low, high = h * rng.uniform(0.1, 0.24), h * rng.uniform(0.03, 0.15)
    shade = [(low, 0.0), (high, 0.25 * h), (high * 0.96, 0.25 * h), (low * 0.97, 0.0)]
    turn = (0, rng.uniform(0, 40), 0) if over else (0, 0, 0)
    parts.append(put(turned("shade", shade, paint.skin(h), soft=False), (over, 0, 0.72 * h), turn))
    return parts


def seat(paint: Paint, h: float) -> list[Any]:
    """A chair, stool or little table: legs, rails, a seat, a back."""
    rng = paint.rng
    wide, deep, top = h * rng.uniform(0.4, 0.6), h * rng.uniform(0.4, 0.55), h * rng.uniform(0.45, 0.65)
    wood, thick = paint.skin(h), h * rng.uniform(0.015, 0.04)
    parts = [
        shapes.box(
            "seat",
            (wide, deep, 0.05 * h),
            wood if chance(rng, 0.5) else paint.skin(h),
            centre=(0, 0, top),
            bevel=0.012 * h,
        )
    ]
    splay = rng.uniform(1.0, 1.25)
    for x in (-1, 1):
        for y in (-1, 1):
            foot, up = (
                (x * 0.42 * wide * splay, y * 0.42 * deep * splay, 0.0),
                (x * 0.4 * wide, y * 0.4 * deep, top),
            )
            parts.append(limb("leg", [foot, up], [thick * 0.7, thick], wood, count=6))
        if chance(rng, 0.5):
            rail = [(x * 0.41 * wide, -0.42 * deep, 0.45 * top), (x * 0.411 * wide, 0.42 * deep, 0.46 * top)]
            parts.append(limb("rail", rail, [thick * 0.6], wood, count=6))
    if chance(rng, 0.65):
        tilt = 0.08 * h
        for x in np.linspace(-0.42, 0.42, int(rng.integers(2, 6))) * wide:
            knots = [(x, 0.44 * deep, top), (x, 0.44 * deep + tilt, 0.95 * h)]
            parts.append(limb("spindle", knots, [thick * 0.7], wood, count=6))
        rest = shapes.box("rest", (wide, 0.03 * h, h * rng.uniform(0.06, 0.2)), wood, bevel=0.01 * h)
        parts.append(put(rest, (0, 0.44 * deep + tilt, 0.93 * h), (-10, 0, 0)))
    if chance(rng, 0.4):
        parts.append(
            lump((0, 0, top + 0.045 * h), (0.46 * wide, 0.46 * deep, 0.05 * h), paint.skin(h, finish="cloth"))
        )
    return parts


def spectacles(paint: Paint, h: float) -> list[Any]:
    """Spectacles, headphones or a tiara: thin frames around holes."""
    rng = paint.rng
    skin, thick = paint.skin(h, quiet=True), h * rng.uniform(0.012, 0.03)
    parts, radius = [], h * rng.uniform(0.17, 0.22)
    for side in (-1, 1):
        ring = [
            (
                side * 0.25 * h + radius * cos(a),
                -0.003 * h * sin(a),
                radius * (1 + rng.uniform(0.7, 1) * 0 + 0.8 * sin(a)),
            )
            for a in np.linspace(0, 2 * pi, 13)
        ]
        parts.append(limb("rim", ring, [thick], skin, count=40))
        arm = [
            (side * (0.25 * h + radius), 0, 1.2 * radius),
            (side * 0.46 * h, 0.45 * h, 1.2 * radius),
            (side * 0.44 * h, 0.7 * h, 0.5 * radius),
        ]
        parts.append(limb("arm", arm, [thick], skin, count=16))
    parts.append(
        limb(
            "bridge",
            [(-0.1 * h, 0, 1.2 * radius), (0, 0.002, 1.45 * radius), (0.1 * h, 0, 1.2 * radius)],
            [thick],
            skin,
            count=10,
        )
    )
    return parts


def cable(paint: Paint, h: float) -> list[Any]:
    """A coil of rope, cable or wire with a plug at its end."""
    rng = paint.rng
    thick, loops = h * rng.uniform(0.012, 0.04), int(rng.integers(2, 6))
    at = np.linspace(0, 2 * pi * loops, 24 * loops)
    reach = h * (0.36 + 0.06 * np.sin(1.7 * at + rng.uniform(0, 6)))
    height = thick * (1.2 + np.arange(len(at)) / 12) + thick * np.sin(3.1 * at)
    knots = np.column_stack(
        [reach * np.cos(at), reach * rng.uniform(0.6, 1) * np.sin(at), np.maximum(height, thick)]
    )
    rope = shapes.tube("cable", [tuple(p) for p in knots.tolist()], [thick] * len(knots), paint.skin(h))
    end = knots[-1]
    plug = shapes.box("plug", (0.1 * h, 0.08 * h, 0.06 * h), paint.skin(h, quiet=True), bevel=0.01 * h)
    return [rope, put(plug, tuple(end), (0, 0, rng.uniform(0, 90)))]


def wheel(paint: Paint, h: float) -> list[Any]:
    """A standing wheel, hoop or fan: tyre, hub and spokes on a stand."""
    rng = paint.rng
    radius = 0.42 * h
    tyre = [
        (radius * cos(a), 0.002 * h * sin(2 * a), 0.5 * h + radius * sin(a))
        for a in np.linspace(0, 2 * pi, 25)
    ]
    skin = paint.skin(h, quiet=True)
    parts = [limb("tyre", tyre, [h * rng.uniform(0.02, 0.06)], skin, count=72)]
    hub = turned(
        "hub",
        [(0, -0.06 * h), (0.06 * h, -0.05 * h), (0.06 * h, 0.05 * h), (0, 0.06 * h)],
        paint.skin(h),
        soft=False,
    )
    parts.append(put(hub, (0, 0, 0.5 * h), (90, 0, 0)))
    spoke, count = paint.skin(h), int(rng.integers(3, 14))
    for a in np.linspace(0, 2 * pi, count, endpoint=False):
        knots = [(0, 0.001, 0.5 * h), (radius * cos(a), 0, 0.5 * h + radius * sin(a))]
        parts.append(limb("spoke", knots, [h * rng.uniform(0.006, 0.012)], spoke, count=4))
    foot = shapes.box(
        "foot", (0.35 * h, 0.2 * h, 0.06 * h), paint.skin(h), centre=(0, 0, 0.03 * h), bevel=0.01 * h
    )
    return [*parts, foot]


def clamp(paint: Paint, h: float) -> list[Any]:
    """A stand of rods with arms, rings and clips: a microphone, a hat stand, a tripod."""
    rng = paint.rng
    metal, thin = paint.skin(h, quiet=True), h * rng.uniform(0.008, 0.02)
    parts = [limb("pole", [(0, 0, 0.1 * h), (0.002 * h, 0, 0.95 * h)], [thin], metal, count=6)]
    for k in range(3):
        angle = 2 * pi * k / 3 + 0.3
        foot = (0.25 * h * cos(angle), 0.25 * h * sin(angle), 0.0)
        parts.append(limb("leg", [(0, 0, 0.3 * h), foot], [thin], metal, count=6))
    for _ in range(int(rng.integers(1, 5))):
        z, angle, reach = rng.uniform(0.4, 0.95) * h, rng.uniform(0, 2 * pi), h * rng.uniform(0.1, 0.3)
        tip = (reach * cos(angle), reach * sin(angle), z + rng.uniform(-0.05, 0.15) * h)
        parts.append(
            limb("arm", [(0, 0, z), (tip[0] * 0.6, tip[1] * 0.6, z), tip], [thin * 0.8], metal, count=10)
        )
        parts.append(lump(tip, tuple(h * rng.uniform(0.02, 0.07, 3)), paint.skin(h)))
    return parts
