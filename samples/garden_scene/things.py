# SPDX-License-Identifier: GPL-3.0-or-later
"""The other objects of the garden. Each maker gives its parts, already placed."""

from __future__ import annotations

from math import cos, pi, sin
from typing import Any

import numpy as np

from samples.studio import shapes

from . import foliage, materials


def plinth(stone: Any) -> list[Any]:
    """The block the statue stands on: a step, a shaft, a cap. 44 x 44 x 54 cm."""
    parts = [
        shapes.box("step", (0.50, 0.50, 0.09), stone, centre=(0, 0, 0.035), dents=0.004),
        shapes.box("shaft", (0.37, 0.37, 0.38), stone, centre=(0, 0, 0.26), dents=0.004),
        shapes.box("cap", (0.45, 0.45, 0.075), stone, centre=(0, 0, 0.482), dents=0.003),
    ]
    return shapes.group("plinth", parts, location=(0, 0, 0), turn_z=9)


def stone_ball(stone: Any) -> list[Any]:
    """A fallen gate-post ball of the plinth's stone, on the grass before it."""
    ball = shapes.ellipsoid("stone ball", (0, 0, 0.115), (0.13, 0.128, 0.126), stone)
    return shapes.group("ball", [ball], location=(-0.36, -0.62, 0.0), turn_z=30)


def urn(rng: np.random.Generator) -> list[Any]:
    """A terracotta urn with a tuft of sword-shaped leaves."""
    profile = [(0.0, 0.0), (0.10, 0.0), (0.105, 0.02), (0.075, 0.05), (0.072, 0.075), (0.12, 0.12)]
    profile += [(0.155 + 0.02 * sin(pi * k / 8), 0.16 + 0.022 * k) for k in range(9)]
    profile += [
        (0.150, 0.37),
        (0.148, 0.39),
        (0.185, 0.415),
        (0.190, 0.435),
        (0.165, 0.44),
        (0.145, 0.40),
        (0.0, 0.39),
    ]
    pot = shapes.lathe("urn", profile, materials.terracotta(), wobble=0.012)
    green = materials.leaf("sword", "3d5a34", "93a866", spots=0.2)
    count = 46
    turn, out = rng.uniform(0, 2 * pi, count), 0.08 * np.sqrt(rng.random(count))
    roots = np.stack([out * np.cos(turn), out * np.sin(turn), np.full(count, 0.385)], axis=1)
    swords = foliage.blades("sword leaves", roots, rng.uniform(0.22, 0.42, count), 0.026, green, rng)
    return shapes.group("urn", [pot, swords], location=(-0.78, -0.05, -0.005), turn_z=20)


def shrub(rng: np.random.Generator) -> list[Any]:
    """A clipped ball of box."""
    box = materials.leaf("box", "23401c", "7f9a48", spots=0.15)
    dark = materials.leaf("box core", "0d1608", "1a260f", spots=0.0)
    core = shapes.ellipsoid("core", (0, 0, 0.29), (0.255, 0.25, 0.245), dark)
    parts = foliage.ball_of_leaves(
        "box leaves", np.array([0, 0, 0.29]), np.array([0.31, 0.30, 0.295]), 6500, 0.034, box, rng
    )
    return shapes.group("shrub", [core, *parts], location=(0.80, 0.12, 0.0))


def watering_can() -> list[Any]:
    """A zinc can with a long spout and a wire handle: thin parts with grass showing between them."""
    metal = materials.zinc()
    body = [(0.0, 0.0), (0.098, 0.0), (0.102, 0.004), (0.100, 0.012), (0.094, 0.016), (0.090, 0.20)]
    body += [(0.094, 0.204), (0.094, 0.212), (0.080, 0.22), (0.055, 0.235), (0.050, 0.238), (0.046, 0.232)]
    body += [(0.072, 0.215), (0.080, 0.20), (0.080, 0.02), (0.0, 0.015)]
    parts = [shapes.lathe("can", body, metal)]
    spout = [(0.085 + 0.20 * t, 0.0, 0.045 + 0.215 * t**1.15) for t in np.linspace(0, 1, 14).tolist()]
    parts.append(shapes.tube("spout", spout, [0.021 - 0.010 * k / 13 for k in range(14)], metal))
    rose = shapes.lathe(
        "rose", [(0.0, 0.0), (0.012, 0.0), (0.036, 0.030), (0.036, 0.036), (0.0, 0.040)], metal
    )
    rose.location, rose.rotation_euler = (0.275, 0.0, 0.252), (0, 0.75, 0)
    parts.append(rose)
    loop = [
        (-0.088 - 0.085 * sin(a), 0.0, 0.125 - 0.085 * cos(a))
        for a in np.linspace(0.1, pi - 0.1, 24).tolist()
    ]
    parts.append(shapes.tube("back handle", loop, [0.0075] * 24, metal))
    arch = [(0.088 * cos(a), 0.0, 0.208 + 0.10 * sin(a)) for a in np.linspace(0, pi, 24).tolist()]
    parts.append(shapes.tube("top handle", arch, [0.0075] * 24, metal))
    return shapes.group("can", parts, location=(0.33, -0.66, 0.0), turn_z=28)
