# SPDX-License-Identifier: GPL-3.0-or-later
"""The shelf put together, and how it is photographed."""

from __future__ import annotations

from math import radians
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from samples.studio import shapes
from samples.studio.camera import Lens, Walk
from samples.studio.lamps import lamp
from samples.studio.nodes import rgb
from samples.studio.shooting import Sample
from samples.table_scene import materials as table_materials

from . import materials, prints, things

UPPER = 0.355
"""Height of the upper board's top."""

OBJECTS = ("jar2", "jar3", "jar5", "beaker", "candle", "atlas2", "atlas3", "birds", "carton1", "carton4")
"""Things with masks; each has a twin that touches it, but for the beaker and the candlestick."""


def build_scene(scratch: Path) -> None:
    """Everything that stands still."""
    rng = np.random.default_rng(6)
    papers = prints.draw_all(scratch)
    objects = _upper(papers, rng) | _books(papers) | _cartons(papers, rng)
    for index, name in enumerate(OBJECTS, start=1):
        for part in objects[name]:
            part.pass_index = index
    things.shelf(rng)
    _wall(papers)
    _light()


def _upper(papers: things.Prints, rng: np.random.Generator) -> dict[str, list[Any]]:
    """Five jars of one kind in a row, touching, then a beaker and a candlestick."""
    glaze, label = materials.glaze(), table_materials.paper(papers["jar"], wear=0.5)
    cork = table_materials.speckled("cork", "a47a4c", "5f4020", "c9a678", scale=330, roughness=0.95)
    objects = {}
    for k in range(5):
        foot = (-0.44 + k * 2.01 * things.JAR_RADIUS, float(rng.uniform(-0.028, -0.020)), UPPER)
        objects[f"jar{k + 1}"] = things.jar(glaze, label, cork, foot, float(rng.uniform(-16, 16)))
    objects["beaker"] = things.beaker(glaze, (0.155, -0.02, UPPER))
    objects["candle"] = things.candlestick((0.30, -0.045, UPPER))
    return objects


def _books(papers: things.Prints) -> dict[str, list[Any]]:
    """A set of four atlases between others, spine to spine."""
    cloths = {"atlas": "22335c", "poems": "8a3626", "birds": "2f5a41"}
    kinds = {
        name: (materials.cloth(code), table_materials.paper(papers[name], wear=0.45, roughness=0.7))
        for name, code in cloths.items()
    }
    sizes = {"atlas": (0.046, 0.190, 0.262), "poems": (0.030, 0.165, 0.212), "birds": (0.038, 0.175, 0.236)}
    row = ("poems", "atlas", "atlas", "atlas", "atlas", "birds", "birds", "poems", "poems")
    objects: dict[str, list[Any]] = {}
    counts = dict.fromkeys(cloths, 0)
    left = -0.50
    for name in row:
        counts[name] += 1
        key = name if name == "birds" and counts[name] == 1 else f"{name}{counts[name]}"
        objects[key] = things.book(*kinds[name], sizes[name], left)
        left += sizes[name][0] + 0.0006
    return objects


def _cartons(papers: things.Prints, rng: np.random.Generator) -> dict[str, list[Any]]:
    """Five equal cartons, two on two, the fifth on top."""
    card = table_materials.speckled("card", "8f3f28", "5e2416", "b3664a", scale=260, roughness=0.8)
    side = table_materials.paper(papers["tea"], wear=0.35, roughness=0.6)
    places = [(0.0, 0.0), (0.1515, 0.0), (0.006, 0.094), (0.157, 0.094), (0.07, 0.188)]
    objects = {}
    for k, (x, z) in enumerate(places):
        y, turn = rng.uniform((-0.065, -1.5), (-0.055, 1.5)).tolist()
        objects[f"carton{k + 1}"] = things.carton(card, side, (0.235 + x, y, z), turn)
    return objects


def _wall(papers: things.Prints) -> None:
    plaster = table_materials.plaster("b5ab98", "92897a")
    shapes.box("wall", (5.0, 0.1, 3.0), plaster, centre=(0, 0.21, 0.4), bevel=0.002)
    for name, size, place, turn in (
        ("botanical", (0.15, 0.207), (0.44, 0.156, 0.60), 3.0),
        ("postcard", (0.148, 0.102), (0.10, 0.156, 0.68), -4.0),
    ):
        card = shapes.sheet(name, size, table_materials.paper(papers[name], wear=0.4), curl=0.002)
        card.location, card.rotation_euler = place, (radians(90), radians(turn), 0)


def _light() -> None:
    """A window to the left, a lamp high on the right, a grey room."""
    world = bpy.data.worlds.new("room")
    bpy.context.scene.world = world
    world.use_nodes = True
    background = world.node_tree.nodes["Background"]
    background.inputs[0].default_value = (*rgb("c9d0d8"), 1.0)
    background.inputs[1].default_value = 0.45
    lamp("window", "AREA", (-1.9, -1.6, 1.2), (0, 0, 0.3), energy=75.0, colour="eaf0ff", size=(1.2, 1.4))
    lamp("ceiling", "AREA", (1.2, -1.3, 1.9), (0, 0, 0.3), energy=30.0, colour="ffdfb8", size=(0.4, 0.4))


SHELF = Sample(
    objects=OBJECTS,
    build=build_scene,
    lens=Lens((720, 480), focal=33.0, f_stop=11.0, radial=-0.03, margin=0.04),
    walk=Walk(
        name="shelf",
        seed=12,
        count=11,
        arc=66.0,
        aim=(0.0, -0.04, 0.30),
        wander=0.016,
        elevation=8.0,
        climbs=(-3.5, 4.5),
        distance=1.16,
        steps=(-0.05, 0.06),
        nearer=0.1,
    ),
    exposure=0.5,
)
