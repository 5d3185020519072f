# SPDX-License-Identifier: GPL-3.0-or-later
"""The table, the wall behind it, the window's light."""

from __future__ import annotations

from collections.abc import Mapping
from math import radians
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from samples.studio import shapes
from samples.studio.lamps import lamp

from . import materials

TABLE_BACK = 0.56
WALL = 0.62


def table() -> list[Any]:
    """Nine oak boards, their grain along x, the table's top at z = 0."""
    oak = materials.oak()
    rng = np.random.default_rng(2)
    boards = []
    y = TABLE_BACK
    while y > -0.75:
        wide = float(rng.uniform(0.115, 0.16))
        board = shapes.box(
            "table board", (3.2, wide - 0.0012, 0.032), oak, centre=(0, 0, -0.016), bevel=0.0016
        )
        board.location = (0.0, y - wide / 2, float(rng.uniform(-0.0003, 0.0)))
        boards.append(board)
        y -= wide
    return boards


def wall(prints: Mapping[str, Path]) -> list[Any]:
    """A plastered wall, a shelf rail and two framed pictures that stand on the table."""
    plaster = materials.plaster("a9ac9a", "8a9186")
    surface = shapes.box("wall", (9.0, 0.1, 3.4), plaster, centre=(0, WALL + 0.05, 0.4), bevel=0.002)
    parts = [surface]
    parts += _framed("picture left", prints["picture"], (0.36, 0.274), (-0.36, WALL - 0.058, 0.0), 6.0)
    parts += _framed("picture right", prints["botanical"], (0.21, 0.29), (0.62, WALL - 0.05, 0.0), -5.0)
    return parts


def _framed(
    name: str, picture: Path, size: tuple[float, float], foot: tuple[float, float, float], turn: float
) -> list[Any]:
    """A picture in a wooden frame that leans on the wall."""
    wood = materials.speckled("frame wood", "3f2d20", "1d130c", "6b5039", scale=240, roughness=0.5)
    mount = materials.speckled("mount", "e2dccd", "b7af9c", "f0ece2", scale=700, roughness=0.9)
    bar, border = 0.016, 0.032
    full = (size[0] + 2 * border, size[1] + 2 * border)
    parts = [shapes.box(name, (full[0], 0.004, full[1]), mount, centre=(0, 0, full[1] / 2 + bar))]
    for x in (-1, 1):
        centre = (x * (full[0] + bar) / 2, -0.006, full[1] / 2 + bar)
        parts.append(shapes.box(name, (bar, 0.022, full[1] + 2 * bar), wood, centre=centre, bevel=0.002))
    for z in (0, 1):
        centre = (0, -0.006, bar / 2 + z * (full[1] + bar))
        parts.append(shapes.box(name, (full[0], 0.022, bar), wood, centre=centre, bevel=0.002))
    sheet = shapes.sheet(name, size, materials.paper(picture, wear=0.1, roughness=0.6))
    sheet.rotation_euler, sheet.location = (radians(90), 0, 0), (0, -0.0030, full[1] / 2 + bar)
    parts.append(sheet)
    shapes.group(name, parts, location=foot, turn_z=turn)
    parts[0].parent.rotation_euler = (radians(-6), 0, radians(turn))
    return parts


def light() -> None:
    """Low sun through a window on the left, sky light from the same window, a dim room all around."""
    world = bpy.data.worlds.new("room")
    bpy.context.scene.world = world
    world.use_nodes = True
    nodes, links = world.node_tree.nodes, world.node_tree.links
    environment = nodes.new("ShaderNodeTexEnvironment")
    lights = Path(bpy.utils.resource_path("LOCAL")) / "datafiles" / "studiolights" / "world"
    environment.image = bpy.data.images.load(str(lights / "interior.exr"))
    nodes["Background"].inputs["Strength"].default_value = 0.36
    links.new(environment.outputs[0], nodes["Background"].inputs[0])

    lamp("sky", "AREA", (-1.75, -0.75, 1.25), (0.0, 0.05, 0.0), energy=26.0, colour="dfe9ff", size=(1.1, 1.3))
    sun = lamp("sun", "SUN", (-2.4, -1.5, 1.9), (0.0, 0.0, 0.05), energy=8.0, colour="ffe3bd", size=(0, 0))
    sun.data.angle = radians(2.6)
    _window_bars(sun)


def _window_bars(sun: Any) -> None:
    """The window the sun comes through: a big dark sheet with panes cut out, seen by shadow rays only."""
    dark = materials.speckled("window bars", "222222", "111111", "333333", scale=10)
    panes_x, panes_y = (-0.62, -0.02, 0.02, 0.62), (-0.66, -0.02, 0.02, 0.60)
    far = 4.0
    bars = []

    def strip(x0: float, x1: float, y0: float, y1: float) -> None:
        corners = [(x0, y0, 0.0), (x1, y0, 0.0), (x1, y1, 0.0), (x0, y1, 0.0)]
        bars.append(shapes.add_mesh("window bar", corners, [(0, 1, 2, 3)], dark))

    strip(-far, panes_x[0], -far, far)
    strip(panes_x[3], far, -far, far)
    strip(panes_x[0], panes_x[3], -far, panes_y[0])
    strip(panes_x[0], panes_x[3], panes_y[3], far)
    strip(panes_x[1], panes_x[2], panes_y[0], panes_y[3])
    strip(panes_x[0], panes_x[3], panes_y[1], panes_y[2])
    for bar in bars:
        bar.parent = sun
        bar.location = (0.0, 0.0, -1.0)
        for ray in ("camera", "diffuse", "glossy", "transmission", "volume_scatter"):
            setattr(bar, f"visible_{ray}", False)
