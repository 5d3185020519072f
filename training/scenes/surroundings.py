# SPDX-License-Identifier: GPL-3.0-or-later
"""What things stand on and in front of: tables, floors, beds, steps, boards, backdrops, gardens, walls."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from samples.studio import shapes

from . import plants
from .forms import chance, lump, pick, points_of, put, roughen, turned, waves
from .materials import QUIET, Paint, random_colour

FAR = 14.0
"""How far floors and gardens reach, in sizes of a thing."""


@dataclass(frozen=True)
class Level:
    """A place to stand things on: heights at z, x and y within ``half`` of ``centre``, metres."""

    centre: tuple[float, float]
    half: tuple[float, float]
    z: float = 0.0
    headroom: float = float("inf")


@dataclass
class Stage:
    """What a scene has before things come in.

    Attributes:
        surfaces: Blender objects of each supporting or surrounding surface.
        levels: where things go.
        large: whether things are as large as furniture.
        outdoors: whether there is a sky.
        steepest: degrees above the horizon from which one looks at it at most.
    """

    surfaces: list[list[Any]] = field(default_factory=list)
    levels: list[Level] = field(default_factory=list)
    large: bool = False
    outdoors: bool = False
    steepest: float = 65.0

    def add(self, *parts: Any) -> None:
        """One more surface."""
        self.surfaces.append(list(parts))


def build(paint: Paint, unit: float) -> Stage:
    """A random stage for things of about ``unit`` metres, seen from -y."""
    kinds = (_table, _table, _table, _floor, _floor, _garden, _garden, _bed, _steps, _boards, _backdrop)
    return pick(paint.rng, kinds)(paint, unit)


def _flat(paint: Paint, size: tuple[float, float], place: Any, turn: Any, scale: float) -> Any:
    """A large plain sheet with a pattern of features of about ``scale`` metres."""
    return put(shapes.sheet("surface", size, _broad(paint, scale), cells=1), place, turn)


def _broad(paint: Paint, scale: float) -> Any:
    rng = paint.rng
    colour = random_colour(rng, calm=True) if chance(rng, 0.6) else None
    finish = pick(rng, ("matt", "matt", "satin", "gloss"))
    return paint.skin(scale * rng.uniform(0.7, 3.0), finish=finish, colour=colour)


def _room(paint: Paint, unit: float, floor: float, back: float) -> list[list[Any]]:
    """A floor at height ``floor``, a wall behind at y = ``back``, often one at a side, and furniture."""
    rng = paint.rng
    far = FAR * unit
    made = [[_flat(paint, (2 * far, 2 * far), (0, 0, floor), (0, 0, 0), 2 * unit)]]
    wall = _flat(paint, (2 * far, far), (0, back, floor + far / 2), (90, 0, 0), 2 * unit)
    if chance(rng, 0.4):
        wall.data.materials[0] = paint.skin(2 * unit, finish="matt", pattern=QUIET[0])
    made.append([wall])
    if chance(rng, 0.5):
        side = pick(rng, (-1, 1))
        x = side * unit * rng.uniform(3.5, 7)
        made.append([_flat(paint, (2 * far, far), (x, 0, floor + far / 2), (90, 0, 90), 2 * unit)])
    if chance(rng, 0.4):
        skirting = shapes.box("skirting", (2 * far, 0.06 * unit, 0.4 * unit), _broad(paint, unit))
        made.append([put(skirting, (0, back, floor + 0.2 * unit))])
    for _ in range(int(rng.integers(0, 4))):
        size = unit * rng.uniform((0.8, 0.3, 1.0), (4.0, 0.8, 7.0))
        place = (rng.uniform(-6, 6) * unit, back - size[1] / 2, floor + size[2] / 2)
        if chance(rng, 0.4):
            size[1], place = 0.08 * unit, (place[0], back, floor + unit * rng.uniform(1.5, 4))
        made.append(
            [shapes.box("furniture", tuple(size), _broad(paint, unit), centre=place, bevel=0.02 * unit)]
        )
    return made


def _table(paint: Paint, unit: float) -> Stage:
    """A table or a board, square or round, perhaps with a cloth; its edges may show."""
    rng = paint.rng
    half = (unit * rng.uniform(1.5, 3.6), unit * rng.uniform(1.2, 2.6))
    thick = unit * rng.uniform(0.08, 0.3)
    top = _broad(paint, unit)
    stage = Stage()
    if chance(rng, 0.3):
        radius = min(half) * 1.2
        board = turned(
            "table",
            [(0, -thick), (radius, -thick), (radius, -0.1 * thick), (radius * 0.99, 0), (0, 0)],
            top,
            soft=False,
        )
        half = (radius * 0.68, radius * 0.68)
    else:
        board = shapes.box(
            "table", (2 * half[0], 2 * half[1], thick), top, centre=(0, 0, -thick / 2), bevel=0.03 * unit
        )
    stage.add(board)
    if chance(rng, 0.3):
        mat = shapes.sheet(
            "cloth", (1.4 * half[0], 1.3 * half[1]), paint.skin(unit, finish="cloth"), ripple=0.01 * unit
        )
        stage.add(
            put(
                mat,
                (rng.normal(0, 0.3) * unit, rng.normal(0, 0.3) * unit, 0.001 * unit),
                (0, 0, rng.normal(0, 15)),
            )
        )
    for made in _room(paint, unit, -unit * rng.uniform(2.5, 4.5), half[1] + unit * rng.uniform(0.1, 6)):
        stage.add(*made)
    stage.levels.append(Level((0.0, 0.0), half, 0.002 * unit))
    return stage


def _floor(paint: Paint, unit: float) -> Stage:
    """The floor of a room with things as large as furniture, or small ones lying about."""
    rng = paint.rng
    stage = Stage(large=chance(rng, 0.7))
    back = unit * rng.uniform(1.5, 6)
    for made in _room(paint, unit, 0.0, back):
        stage.add(*made)
    if chance(rng, 0.5):
        size = (unit * rng.uniform(3, 6), unit * rng.uniform(2, 4))
        rug = shapes.sheet("rug", size, paint.skin(unit, finish="cloth"), ripple=0.008 * unit)
        stage.add(
            put(
                rug,
                (rng.normal(0, 0.5) * unit, rng.normal(0, 0.5) * unit, 0.002 * unit),
                (0, 0, rng.normal(0, 20)),
            )
        )
    stage.levels.append(
        Level(
            (0.0, min(0.0, back - 3 * unit)),
            (unit * rng.uniform(1.5, 3.2), unit * rng.uniform(1.2, 2.4)),
            0.002 * unit,
        )
    )
    return stage


def _garden(paint: Paint, unit: float) -> Stage:
    """Ground outdoors with grass, pebbles or leaves; behind it a wall, a hedge, trees or only the sky."""
    rng = paint.rng
    stage = Stage(large=chance(rng, 0.75), outdoors=True, steepest=50.0)
    far = FAR * unit
    ground = shapes.sheet("ground", (2 * far, 2 * far), _broad(paint, unit), cells=90)
    lift = points_of(ground)
    lift[:, 2] = unit * rng.uniform(0, 0.06) * waves(rng, lift, 0.4 / unit)
    lift[:, 2] -= lift[:, 2].max() * (np.hypot(lift[:, 0], lift[:, 1]) < 4 * unit)
    ground.data.vertices.foreach_set("co", lift.astype(np.float32).ravel())
    ground.data.update()
    stage.add(ground, *_scatter(paint, unit))
    back = unit * rng.uniform(2.5, 9)
    kind = pick(rng, ("wall", "wall", "hedge", "trees", "open"))
    if kind == "wall":
        stage.add(
            shapes.box(
                "wall",
                (2 * far, 0.4 * unit, unit * rng.uniform(1.0, 5)),
                _broad(paint, unit),
                centre=(0, back, 0),
            )
        )
    elif kind == "hedge":
        stage.add(*_hedge(paint, unit, back))
    elif kind == "trees":
        for _ in range(int(rng.integers(2, 7))):
            stage.add(*_tree(paint, unit, (rng.uniform(-8, 8) * unit, back + rng.uniform(0, 5) * unit, 0)))
    for _ in range(int(rng.integers(0, 3))):
        size = unit * rng.uniform((1, 1, 0.5), (4, 3, 4))
        place = (rng.uniform(-9, 9) * unit, back + rng.uniform(2, 5) * unit, size[2] / 2)
        stage.add(shapes.box("building", tuple(size), _broad(paint, unit), centre=place, bevel=0.02 * unit))
    stage.levels.append(Level((0.0, 0.0), (unit * rng.uniform(1.5, 3.0), unit * rng.uniform(1.2, 2.2)), 0.0))
    return stage


def _scatter(paint: Paint, unit: float) -> list[Any]:
    """Grass blades, pebbles or leaves on the ground; they belong to it."""
    rng = paint.rng
    kind = pick(rng, ("grass", "grass", "leaves", "pebbles", "bare"))
    if kind == "bare":
        return []
    if kind == "pebbles":
        stone, made = paint.skin(0.1 * unit), []
        for _ in range(25):
            size = unit * rng.uniform(0.01, 0.05)
            place = (*(rng.normal(0, 1.8, 2) * unit), 0.3 * size)
            made.append(
                roughen(lump(place, tuple(size * rng.uniform(0.6, 1.2, 3)), stone), rng, 0.1 * size, 1 / size)
            )
        return made
    count = 14000 if kind == "grass" else 900
    roots = (
        np.column_stack([rng.uniform(-4.5, 4.5, count), rng.uniform(-4.5, 4.5, count), np.zeros(count)])
        * unit
    )
    if kind == "grass":
        along = np.column_stack([rng.normal(0, 0.5, (count, 2)), np.ones(count)])
        lengths = unit * rng.uniform(0.06, 0.25) * rng.uniform(0.4, 1.0, count)
        return [plants.leaves(rng, roots, along, lengths, rng.uniform(0.03, 0.08), paint.leaf())]
    along = np.column_stack([rng.normal(0, 1, (count, 2)), 0.15 * np.abs(rng.normal(0, 1, count))])
    return [
        plants.leaves(
            rng, roots, along, unit * rng.uniform(0.05, 0.14, count), rng.uniform(0.25, 0.45), paint.leaf()
        )
    ]


def _hedge(paint: Paint, unit: float, back: float) -> list[Any]:
    rng = paint.rng
    tall, count = unit * rng.uniform(1, 3.5), 9000
    core = shapes.box(
        "hedge", (2 * FAR * unit, 0.8 * unit, tall), paint.leaf(), centre=(0, back + 0.45 * unit, tall / 2)
    )
    roots = np.column_stack(
        [
            rng.uniform(-7, 7, count) * unit,
            back + rng.uniform(-0.1, 0.2, count) * unit,
            rng.uniform(0, tall, count),
        ]
    )
    along = rng.normal(size=(count, 3)) + np.array([0, -0.6, 0.2])
    return [
        core,
        plants.leaves(
            rng, roots, along, unit * rng.uniform(0.08, 0.3) * rng.uniform(0.6, 1.1, count), 0.3, paint.leaf()
        ),
    ]


def _tree(paint: Paint, unit: float, foot: tuple[float, float, float]) -> list[Any]:
    rng = paint.rng
    tall, wide, count = unit * rng.uniform(2, 5), unit * rng.uniform(0.8, 2.2), 2500
    trunk = shapes.tube(
        "trunk", [foot, (foot[0] + 0.1 * unit, foot[1], tall)], [0.2 * unit, 0.12 * unit], paint.skin(unit)
    )
    out = rng.normal(size=(count, 3))
    out *= (wide * rng.uniform(0.6, 1.0, count) / np.linalg.norm(out, axis=1))[:, None]
    roots = out + np.array([foot[0], foot[1], tall])
    lengths = unit * rng.uniform(0.15, 0.4, count)
    return [trunk, plants.leaves(rng, roots, rng.normal(size=(count, 3)), lengths, 0.3, paint.leaf())]


def _bed(paint: Paint, unit: float) -> Stage:
    """A wavy blanket with things lying on it, a wall or a headboard behind."""
    rng = paint.rng
    stage = Stage(large=chance(rng, 0.2))
    half = (unit * rng.uniform(1.8, 3.6), unit * rng.uniform(1.6, 3))
    blanket = shapes.sheet(
        "blanket", (2.6 * half[0], 2.6 * half[1]), paint.skin(2 * unit, finish="cloth"), cells=110
    )
    lift = points_of(blanket)
    lift[:, 2] = (
        unit * rng.uniform(0.01, 0.07) * (1 - np.abs(waves(rng, lift, rng.uniform(0.15, 0.5) / unit)))
        - 0.03 * unit
    )
    blanket.data.vertices.foreach_set("co", lift.astype(np.float32).ravel())
    blanket.data.update()
    stage.add(blanket)
    for made in _room(paint, unit, -unit, half[1] + unit * rng.uniform(0.3, 2)):
        stage.add(*made)
    stage.levels.append(Level((0.0, 0.0), (half[0] * 0.8, half[1] * 0.8), 0.0))
    return stage


def _steps(paint: Paint, unit: float) -> Stage:
    """Steps or plinths of different heights, each a surface of its own."""
    rng = paint.rng
    stage = Stage(outdoors=chance(rng, 0.4), steepest=45.0)
    count, wide = int(rng.integers(2, 5)), unit * rng.uniform(2.0, 4.0)
    deep, rise = unit * rng.uniform(0.9, 1.4), unit * rng.uniform(0.25, 0.8)
    same = _broad(paint, unit) if chance(rng, 0.6) else None
    for k in range(count):
        y, z = deep * (k + 0.5 - count / 2), rise * k
        size = (2 * wide, deep, rise + unit)
        stage.add(
            shapes.box(
                "step", size, same or _broad(paint, unit), centre=(0, y, z - size[2] / 2), bevel=0.01 * unit
            )
        )
        stage.levels.append(Level((0.0, y), (wide * 0.9, deep * 0.5), z))
    for made in _room(paint, unit, -rise, deep * count / 2 + unit * rng.uniform(0.0, 3)):
        stage.add(*made)
    return stage


def _boards(paint: Paint, unit: float) -> Stage:
    """A rack: boards on posts with or without a back."""
    rng = paint.rng
    stage = Stage(steepest=25.0)
    wide, deep = unit * rng.uniform(1.8, 3.2), unit * rng.uniform(0.6, 0.9)
    gap, thick, count = unit * rng.uniform(1.3, 1.9), unit * rng.uniform(0.05, 0.12), int(rng.integers(2, 4))
    wood = _broad(paint, unit)
    for k in range(count + 1):
        z = gap * (k - (count - 1) / 2) - thick / 2
        stage.add(shapes.box("board", (2 * wide, 2 * deep, thick), wood, centre=(0, 0, z), bevel=0.01 * unit))
        if k < count:
            stage.levels.append(Level((0.0, 0.0), (wide * 0.92, deep), z + thick / 2, gap - 1.5 * thick))
    post = wood if chance(rng, 0.6) else _broad(paint, unit)
    tall = gap * count + thick
    for x in (-1, 1):
        size = (thick, 2 * deep if chance(rng, 0.5) else thick, tall)
        stage.add(
            shapes.box("post", size, post, centre=(x * wide, 0, gap / 2 - thick / 2), bevel=0.01 * unit)
        )
    back = deep * 1.02 if chance(rng, 0.6) else deep + unit * rng.uniform(0.5, 3)
    for made in _room(paint, unit, -gap * count / 2 - unit * rng.uniform(0.3, 3), back):
        stage.add(*made)
    return stage


def _backdrop(paint: Paint, unit: float) -> Stage:
    """A photographer's paper that bends from the ground up behind the things: one surface without an edge."""
    rng = paint.rng
    stage = Stage(large=chance(rng, 0.3))
    far, back, bend = FAR * unit, unit * rng.uniform(2, 4), unit * rng.uniform(0.6, 1.5)
    arc = np.linspace(0, np.pi / 2, 16)
    profile = [
        (-far, 0.0),
        *((back + bend * np.sin(a), bend * (1 - np.cos(a))) for a in arc),
        (back + bend, far),
    ]
    vertices = [(x, y, z) for y, z in profile for x in (-far, far)]
    faces = [(2 * k, 2 * k + 1, 2 * k + 3, 2 * k + 2) for k in range(len(profile) - 1)]
    paper = paint.skin(2 * unit, finish=pick(rng, ("matt", "cloth", "satin")), quiet=chance(rng, 0.75))
    stage.add(shapes.add_mesh("backdrop", vertices, faces, paper))
    stage.levels.append(Level((0.0, 0.0), (unit * rng.uniform(1.5, 3), unit * rng.uniform(1.2, 2)), 0.0))
    return stage
