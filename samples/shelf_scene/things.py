# SPDX-License-Identifier: GPL-3.0-or-later
"""The things on the shelf. Each maker gives the parts of one object, already placed."""

from __future__ import annotations

from collections.abc import Mapping
from math import cos, pi, radians, sin
from pathlib import Path
from typing import Any

import numpy as np

from samples.studio import shapes
from samples.studio.shapes import Point
from samples.table_scene import materials as table_materials

from . import materials

Prints = Mapping[str, Path]
JAR_RADIUS = 0.0545


def jar(glaze: Any, label: Any, cork: Any, foot: Point, turn: float) -> list[Any]:
    """A stoneware jar with a cork lid and a label around a quarter of it; 17 cm tall."""
    wall = [(0.0, 0.0), (0.047, 0.0), (0.050, 0.003), (JAR_RADIUS, 0.020), (JAR_RADIUS, 0.118)]
    wall += [(0.052, 0.130), (0.046, 0.138), (0.043, 0.142), (0.0455, 0.147), (0.0455, 0.152), (0.0, 0.152)]
    body = shapes.lathe("jar", wall, glaze, wobble=0.006)
    lid = shapes.lathe("lid", [(0.041, 0.150), (0.042, 0.168), (0.039, 0.171), (0.0, 0.171)], cork)
    paper = _wrapped("label", JAR_RADIUS + 0.0006, (0.042, 0.096), 82.0, label)
    return shapes.group("jar", [body, lid, paper], location=foot, turn_z=turn)


def _wrapped(name: str, radius: float, heights: tuple[float, float], degrees: float, material: Any) -> Any:
    """A label around the front of a cylinder, UV 0..1."""
    columns = 24
    vertices, uv = [], []
    for row, z in enumerate(heights):
        for column in range(columns + 1):
            angle = radians(-90 + degrees * (column / columns - 0.5))
            vertices.append((radius * cos(angle), radius * sin(angle), z))
            uv.append((column / columns, float(row)))
    return shapes.add_mesh(name, vertices, _strip(columns), material, uv=uv)


def book(cloth: Any, spine: Any, size: Point, left: float) -> list[Any]:
    """A book standing on its tail, spine to the front. ``size`` is (thick, deep, tall), ``left`` its x."""
    thick, deep, tall = size
    board = 0.0028
    parts = [
        shapes.box("board", (board, deep, tall), cloth, centre=(x, deep / 2, tall / 2), bevel=0.0008)
        for x in (board / 2, thick - board / 2)
    ]
    inner = (thick - 2 * board, deep - 0.012, tall - 0.008)
    block = (thick / 2, deep / 2 + 0.001, tall / 2)
    parts.append(shapes.box("pages", inner, table_materials.pages(), centre=block, bevel=0.001))
    parts.append(_back(thick, tall, cloth, 0.0))
    parts.append(_back(thick, tall, spine, 0.0004))
    return shapes.group("book", parts, location=(left, -0.115, 0.0))


def _back(thick: float, tall: float, material: Any, lift: float) -> Any:
    """The rounded spine of a book, UV 0..1 over its face; ``lift`` metres in front of it."""
    columns = 12
    margin = 0.0 if lift == 0 else 0.0025
    vertices, uv = [], []
    for row, z in enumerate((margin, tall - margin)):
        for column in range(columns + 1):
            t = column / columns
            bulge = 0.006 * sin(pi * t)
            vertices.append((margin + (thick - 2 * margin) * t, 0.001 - bulge - lift, z))
            uv.append((t, float(row)))
    return shapes.add_mesh("spine", vertices, _strip(columns), material, uv=uv)


def _strip(columns: int) -> list[tuple[int, int, int, int]]:
    """The faces between two rows of ``columns`` + 1 vertices."""
    return [(k, k + 1, k + columns + 2, k + columns + 1) for k in range(columns)]


def carton(card: Any, side: Any, place: Point, turn: float) -> list[Any]:
    """A box of tea, printed on the front, both ends and the top. 15 x 9 x 9.3 cm."""
    wide, deep, tall = 0.150, 0.090, 0.093
    parts = [shapes.box("carton", (wide, deep, tall), card, centre=(0, 0, tall / 2), bevel=0.0012)]
    lift = 0.0004
    for size, centre, turned in (
        ((wide, tall), (0, -deep / 2 - lift, tall / 2), (90, 0, 0)),
        ((deep, tall), (-wide / 2 - lift, 0, tall / 2), (90, 0, -90)),
        ((deep, tall), (wide / 2 + lift, 0, tall / 2), (90, 0, 90)),
        ((wide, deep), (0, 0, tall + lift), (0, 0, 0)),
    ):
        face = shapes.sheet("print", (size[0] - 0.003, size[1] - 0.003), side, cells=6)
        face.location = centre
        face.rotation_euler = tuple(radians(a) for a in turned)
        parts.append(face)
    return shapes.group("carton", parts, location=place, turn_z=turn)


def candlestick(foot: Point) -> list[Any]:
    """A turned brass candlestick, thin as a pencil in places, with a candle."""
    turned = [(0.0, 0.0), (0.040, 0.0), (0.041, 0.006), (0.030, 0.012), (0.012, 0.020), (0.006, 0.034)]
    turned += [(0.0055, 0.070), (0.011, 0.078), (0.0055, 0.086), (0.005, 0.130), (0.014, 0.140)]
    turned += [(0.020, 0.146), (0.019, 0.149), (0.0, 0.149)]
    stick = shapes.lathe("stick", turned, materials.brass(), segments=48)
    wax = table_materials.speckled("wax", "ddd2b4", "b8a67c", "efe8d4", scale=240, roughness=0.5)
    candle = shapes.lathe("candle", [(0.0095, 0.146), (0.0092, 0.235), (0.006, 0.238), (0.0, 0.237)], wax)
    return shapes.group("candlestick", [stick, candle], location=foot)


def beaker(glaze: Any, foot: Point) -> list[Any]:
    """A beaker of the jars' glaze, holding wooden spoons."""
    wall = [(0.0, 0.0), (0.042, 0.0), (0.044, 0.004), (0.048, 0.118), (0.0455, 0.120), (0.0425, 0.116)]
    parts = [shapes.lathe("beaker", [*wall, (0.040, 0.02), (0.0, 0.018)], glaze, wobble=0.008)]
    ladle = materials.wood("spoon wood", "7c5433", "c79c68", along=(6.0, 6.0, 0.6))
    for turn, lean, length in ((20, 14, 0.215), (130, 17, 0.235), (235, 13, 0.25), (320, 19, 0.205)):
        path = [(0.0, 0.0, 0.03), (0.0, 0.0, 0.12), (0.0, 0.0, length)]
        shaft = shapes.tube("shaft", path, [0.0046, 0.004, 0.0045], ladle)
        head = shapes.ellipsoid("head", (0, 0, length + 0.024), (0.019, 0.006, 0.029), ladle)
        for part in (shaft, head):
            part.rotation_euler = (0, radians(lean), radians(turn))
            parts.append(part)
    return shapes.group("beaker", parts, location=foot, turn_z=12)


def shelf(rng: np.random.Generator) -> None:
    """Two boards, sides and a back of planks in front of a wall. No masks."""
    board = materials.wood("board", "5b3d24", "a87b4c", along=(0.8, 9.0, 9.0))
    upright = materials.wood("upright", "553820", "9c7044", along=(9.0, 9.0, 0.8))
    for z, wide in ((-0.011, 1.10), (0.344, 1.16)):
        plank = shapes.box("shelf board", (wide, 0.27, 0.022), board, bevel=0.002)
        plank.location = (0, 0.005, z)
    for x in (-0.545, 0.545):
        side = shapes.box("side", (0.022, 0.262, 0.42), upright, bevel=0.002)
        side.location = (x, 0.005, 0.122)
    x = -0.56
    while x < 0.55:
        wide = float(rng.uniform(0.085, 0.12))
        plank = shapes.box("back", (wide - 0.002, 0.012, 0.40), upright, bevel=0.0015)
        plank.location = (x + wide / 2, 0.142, 0.15)
        x += wide
