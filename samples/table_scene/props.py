# SPDX-License-Identifier: GPL-3.0-or-later
"""The things on the table. Each maker gives its parts, already placed."""

from __future__ import annotations

from collections.abc import Mapping
from math import cos, pi, radians, sin, sqrt
from pathlib import Path
from typing import Any

from mathutils import Matrix

from samples.studio import shapes
from samples.studio.nodes import Shader, rgb

from . import materials

Prints = Mapping[str, Path]


def book(prints: Prints) -> list[Any]:
    """A cloth-bound book lying flat, its printed front up. 25 x 18 x 4 cm."""
    cloth = materials.bookcloth("22375c")
    long, wide, thick, board = 0.250, 0.178, 0.042, 0.003
    parts = [
        shapes.box("board below", (wide, long, board), cloth, centre=(0, 0, board / 2), bevel=0.001),
        shapes.box("board above", (wide, long, board), cloth, centre=(0, 0, thick - board / 2), bevel=0.001),
        shapes.box(
            "pages",
            (wide - 0.006, long - 0.008, thick - 2 * board - 0.0004),
            materials.pages(),
            centre=(0.001, 0, thick / 2),
            bevel=0.002,
        ),
    ]
    spine_path = [(-wide / 2 + 0.0015, y, thick / 2) for y in (-long / 2, -long / 6, long / 6, long / 2)]
    parts.append(shapes.tube("spine", spine_path, [thick / 2] * 4, cloth, flat=1.0))
    parts[-1].scale = (0.22, 1, 1)
    parts[-1].location = (-(wide / 2 - 0.0015) * 0.78, 0, 0)
    front = shapes.sheet(
        "cover", (wide - 0.004, long - 0.004), materials.paper(prints["cover"], roughness=0.45), curl=0.0006
    )
    front.location = (0, 0, thick + 0.00025)
    parts.append(front)
    return shapes.group("book", parts, location=(-0.135, -0.065, 0), turn_z=-21)


def orange() -> list[Any]:
    """An orange that leans against the book's corner."""
    body = shapes.ellipsoid("orange body", (0, 0, 0), (0.0405, 0.0395, 0.0375), materials.orange_peel())
    for vertex in body.data.vertices:
        x, y, z = vertex.co
        reach = sqrt(x * x + y * y)
        if z > 0:
            vertex.co.z -= 0.0042 * max(0.0, 1 - reach / 0.016) ** 2
    green = materials.speckled("stem", "5d5a2a", "2e2a12", "8c8a4c", scale=900)
    stem = shapes.lathe(
        "stem", [(0.0, 0.0362), (0.0022, 0.0358), (0.0034, 0.0340), (0.0052, 0.0328)], green, segments=16
    )
    parts = shapes.group("orange", [body, stem], location=(-0.0154, -0.114, 0.0378), turn_z=40)
    parts[0].parent.rotation_euler = (radians(-24), radians(14), radians(40))
    return parts


def mug() -> list[Any]:
    """A thrown stoneware mug with a strap handle, in front of the parcel."""
    glaze = materials.stoneware()
    outer = [(0.0, 0.004), (0.028, 0.003), (0.031, 0.0), (0.034, 0.001), (0.0365, 0.006)]
    outer += [(0.040 + 0.0035 * sin(pi * k / 16), 0.012 + 0.0051 * k) for k in range(17)]
    outer += [(0.0405, 0.0985), (0.0398, 0.1000), (0.0388, 0.1002), (0.0378, 0.0990)]
    inner = [(0.0372 + 0.003 * sin(pi * k / 12), 0.096 - 0.007 * k) for k in range(13)]
    inner += [(0.030, 0.0085), (0.018, 0.007), (0.0, 0.0068)]
    body = shapes.lathe("mug body", [*outer, *inner], glaze, segments=128, wobble=0.012)
    path, radii = [], []
    for k in range(28):
        t = k / 27
        angle = radians(118 - 236 * t)
        path.append((0.0385 + 0.031 * cos(angle) + 0.012, 0.0, 0.053 + 0.033 * sin(angle) - 0.004 * t))
        radii.append(0.0074 + 0.0022 * abs(2 * t - 1) ** 3)
    handle = shapes.tube("handle", path, radii, glaze, flat=0.62)
    return shapes.group("mug", [body, handle], location=(0.178, -0.052, 0.0024), turn_z=-38)


def parcel(prints: Prints) -> list[Any]:
    """A taped and labelled cardboard box. 24 x 17 x 15 cm."""
    size = (0.245, 0.175, 0.150)
    card = shapes.box("carton", size, materials.cardboard(), centre=(0, 0, size[2] / 2), dents=0.0016)
    tape_material = materials.parcel_tape()
    lift = 0.0024
    tape_top = shapes.sheet("tape top", (size[0] + 0.003, 0.048), tape_material, ripple=0.0006)
    tape_top.location = (0, 0.004, size[2] + lift)
    ends = []
    for side in (-1, 1):
        end = shapes.sheet("tape end", (0.062, 0.048), tape_material, ripple=0.0006)
        end.rotation_euler = (0, radians(90 * side), 0)
        end.location = (side * (size[0] / 2 + lift), 0.004, size[2] - 0.029)
        ends.append(end)
    address = shapes.sheet(
        "address", (0.118, 0.081), materials.paper(prints["address"], wear=0.35), ripple=0.0005
    )
    address.rotation_euler = (radians(90), 0, 0)
    address.location = (0.030, -size[1] / 2 - lift, 0.086)
    address.rotation_euler.y = radians(-3)
    stamp = materials.paper(prints["stamp"], wear=0.3, roughness=0.85, gloss_dust=False)
    top_stamp = shapes.sheet("stamp top", (0.090, 0.0405), stamp)
    top_stamp.location, top_stamp.rotation_euler = (-0.058, -0.054, size[2] + lift), (0, 0, radians(5))
    card_side = shapes.sheet("stamp side", (0.092, 0.0414), stamp)
    card_side.rotation_euler, card_side.location = (
        (radians(90), 0, radians(-90)),
        (-size[0] / 2 - lift, -0.004, 0.055),
    )
    right_side = shapes.sheet("stamp right", (0.092, 0.0414), stamp)
    right_side.rotation_euler, right_side.location = (
        (radians(90), 0, radians(90)),
        (size[0] / 2 + lift, 0, 0.05),
    )
    postage = shapes.sheet(
        "postage", (0.028, 0.038), materials.paper(prints["botanical"], wear=0.2), ripple=0.0004
    )
    postage.location, postage.rotation_euler = (0.088, -0.058, size[2] + lift), (0, 0, radians(-7))
    parts = [card, tape_top, *ends, address, top_stamp, card_side, right_side, postage]
    return shapes.group("parcel", parts, location=(0.105, 0.125, 0.0), turn_z=13)


def tin(prints: Prints) -> list[Any]:
    """A tin of tomatoes beside the parcel."""
    metal = materials.tinplate()
    label = shapes.lathe(
        "tin label",
        [(0.0373, 0.006), (0.0373, 0.105)],
        materials.paper(prints["tin"], wear=0.4, roughness=0.4),
    )
    rims = [
        (0.0, 0.1085),
        (0.010, 0.1085),
        (0.0115, 0.1092),
        (0.013, 0.1085),
        (0.021, 0.1085),
        (0.0225, 0.1092),
    ]
    rims += [(0.024, 0.1085), (0.0335, 0.1083), (0.0345, 0.1075), (0.0355, 0.1110), (0.0365, 0.1118)]
    rims += [(0.0384, 0.1112), (0.0386, 0.1080), (0.0374, 0.1062), (0.0366, 0.1050), (0.0366, 0.006)]
    rims += [(0.0374, 0.0050), (0.0386, 0.0035), (0.0384, 0.0005), (0.0365, 0.0), (0.0, 0.001)]
    body = shapes.lathe("tin body", rims, metal)
    return shapes.group("tin", [label, body], location=(0.292, 0.055, 0.0024), turn_z=-118)


def plant() -> list[Any]:
    """A rosette succulent in a terracotta pot."""
    clay = materials.speckled("terracotta", "a9603c", "6e3a22", "d1997a", scale=420, roughness=0.9)
    wall = [(0.0, 0.0), (0.036, 0.0), (0.0375, 0.001), (0.0475, 0.062), (0.0485, 0.064), (0.0530, 0.0645)]
    wall += [
        (0.0542, 0.066),
        (0.0556, 0.086),
        (0.0548, 0.0875),
        (0.0512, 0.0875),
        (0.0500, 0.086),
        (0.0475, 0.074),
    ]
    pot = shapes.lathe("pot", wall, clay, wobble=0.008)
    soil_material = materials.speckled("soil", "3a2a1e", "150e09", "7c6a54", scale=380, roughness=1.0)
    soil = shapes.ellipsoid("soil", (0, 0, 0.072), (0.0485, 0.0485, 0.008), soil_material)
    parts = [pot, soil]
    leaf_material = materials.speckled("leaf", "6f9468", "3c5f45", "a8bd92", scale=320, roughness=0.55)
    for k in range(46):
        age = k / 45
        angle = k * pi * (3 - sqrt(5))
        length, open_angle = 0.016 + 0.034 * sqrt(age), radians(80 - 66 * age)
        tilt = Matrix.Rotation(-open_angle, 3, "Y")
        turn = Matrix.Rotation(angle, 3, "Z") @ tilt
        leaf = shapes.ellipsoid(
            "leaf", (length * 0.95, 0, 0), (length, length * 0.42, length * 0.15), leaf_material
        )
        for vertex in leaf.data.vertices:
            t = vertex.co.x / (2 * length)
            vertex.co.y *= 0.55 + 0.9 * t * (1.55 - t)
            vertex.co.z += 0.25 * length * t * t
        leaf.data.transform(turn.to_4x4())
        leaf.location = (0, 0, 0.088 - 0.010 * age)
        parts.append(leaf)
    return shapes.group("plant", parts, location=(-0.262, 0.185, 0.0))


def clutter(prints: Prints) -> list[Any]:
    """A towel, a postcard and a pencil: not objects to cut out, just life."""
    towel = shapes.sheet("towel", (0.44, 0.34), materials.linen(), ripple=0.0022, cells=60)
    towel.location, towel.rotation_euler = (0.285, -0.015, 0.0003), (0, 0, radians(-12))
    card = shapes.sheet("postcard", (0.148, 0.105), materials.paper(prints["postcard"], wear=0.5), curl=0.004)
    card.location, card.rotation_euler = (0.205, -0.215, 0.0016), (0, 0, radians(24))
    return [towel, card, *_pencil()]


def _pencil() -> list[Any]:
    paint = Shader("pencil paint")
    p = paint.coordinates()
    chips = paint.between(paint.noise(p, 260.0, detail=4.0), 0.62, 0.66)
    colour = paint.mix(chips, rgb("c9962c"), rgb("b89a70"))
    shaft = shapes.lathe(
        "pencil",
        [(0.0, 0.0), (0.0034, 0.0), (0.0036, 0.14)],
        paint.surface(Base_Color=colour, Roughness=0.35),
        segments=6,
    )
    wood = materials.speckled("pencil wood", "c79f6d", "8a6238", "dfc193", scale=900)
    point = shapes.lathe("pencil wood", [(0.0036, 0.14), (0.0012, 0.155)], wood, segments=24)
    lead = materials.speckled("lead", "2b2b2d", "161616", "4a4a4c", scale=900, roughness=0.4)
    tip = shapes.lathe("pencil lead", [(0.0012, 0.155), (0.0002, 0.1605)], lead, segments=24)
    parts = shapes.group("pencil", [shaft, point, tip], location=(-0.335, -0.185, 0.0036))
    parts[0].parent.rotation_euler = (radians(-90), 0, radians(-62))
    return parts
