# SPDX-License-Identifier: GPL-3.0-or-later
"""What the objects stand in: ground and grass, a dry stone wall with ivy, a hedge, the sky. No masks."""

from __future__ import annotations

from math import radians

import bpy
import numpy as np
from numpy.typing import NDArray

from samples.studio import shapes
from samples.studio.lamps import lamp
from samples.studio.nodes import rgb

from . import foliage, materials

Array = NDArray[np.float64]
WALL = 1.15
WALL_HEIGHT = 0.95


def height(x: Array, y: Array) -> Array:
    """The ground's height in metres."""
    return 0.012 * np.sin(3.1 * x + 0.7) * np.sin(2.7 * y) + 0.006 * np.sin(9.0 * x + 2 * y) * np.sin(8 * y)


def ground(rng: np.random.Generator) -> None:
    """Uneven earth, tufts of grass on it, fallen leaves."""
    xs, ys = np.meshgrid(np.linspace(-3.5, 3.5, 180), np.linspace(-2.6, 2.6, 140))
    points = np.stack([xs, ys, height(xs, ys)], axis=-1).reshape(-1, 3)
    corner = (np.arange(139)[:, None] * 180 + np.arange(179)).ravel()
    faces = np.stack([corner, corner + 1, corner + 181, corner + 180], axis=1)
    shapes.add_arrays("ground", points, faces, materials.soil())

    tufts = np.stack([rng.uniform(-2.3, 2.3, 900), rng.uniform(-1.7, 1.1, 900)], axis=1)
    place = (tufts[:, None] + rng.normal(0, 0.045, (900, 34, 2))).reshape(-1, 2)
    roots = np.concatenate([place, height(place[:, 0], place[:, 1])[:, None] - 0.003], axis=1)
    lengths = rng.uniform(0.02, 0.075, len(roots))
    grass = materials.leaf("grass", "37521f", "9cab57", spots=0.1)
    foliage.blades("grass", roots, lengths, 0.0045, grass, rng)

    fallen = np.stack([rng.uniform(-1.8, 1.8, 420), rng.uniform(-1.5, 1.0, 420)], axis=1)
    lying = np.concatenate([fallen, height(fallen[:, 0], fallen[:, 1])[:, None] + 0.022], axis=1)
    up = np.array([0, 0, 1.0]) + 0.35 * rng.normal(size=(420, 3))
    brown = materials.leaf("fallen leaf", "6b3a17", "c98f3c", spots=0.4)
    foliage.leaves("fallen leaves", lying, up, rng.uniform(0.03, 0.065, 420), brown, rng)


def wall(rng: np.random.Generator) -> None:
    """Courses of rough stones, each its own, with ivy hanging over a part of it."""
    stones = [
        materials.weathered_stone("wall stone", "9d9482", "6d6658", lichen=0.45),
        materials.weathered_stone("wall stone, warm", "a88d6a", "75603f", lichen=0.35),
        materials.weathered_stone("wall stone, dark", "77756d", "4a4a45", lichen=0.5),
    ]
    shapes.box("mortar", (6.4, 0.10, WALL_HEIGHT - 0.05), stones[2], centre=(0, WALL + 0.11, WALL_HEIGHT / 2))
    z = 0.0
    while z < WALL_HEIGHT - 0.05:
        tall = float(rng.uniform(0.10, 0.17))
        x = -3.1 + float(rng.uniform(0, 0.2))
        while x < 3.1:
            wide = float(rng.uniform(0.16, 0.42))
            stone = stones[int(rng.choice(3, p=(0.5, 0.28, 0.22)))]
            block = shapes.box("stone", (wide - 0.012, 0.17, tall - 0.012), stone, dents=0.010)
            block.location = (x + wide / 2, WALL + 0.06 + float(rng.uniform(-0.012, 0.012)), z + tall / 2)
            block.rotation_euler = tuple(rng.normal(0, 0.012, 3).tolist())
            x += wide
        z += tall
    _ivy(rng)


def _ivy(rng: np.random.Generator) -> None:
    stems = rng.normal([(-0.95, 0.72)] * 60 + [(1.35, 0.80)] * 70, 0.19, (130, 2))
    place = (stems[:, None] + rng.normal(0, 0.075, (130, 26, 2))).reshape(-1, 2)
    place = place[place[:, 1] < WALL_HEIGHT + 0.03]
    out = WALL - 0.03 - 0.07 * rng.random(len(place)) ** 2
    spots = np.stack([place[:, 0], out, place[:, 1]], axis=1)
    facing = np.array([0, -1.0, 0.35]) + 0.5 * rng.normal(size=spots.shape)
    ivy = materials.leaf("ivy", "1d3418", "62824a", spots=0.25)
    foliage.leaves("ivy", spots, facing, rng.uniform(0.035, 0.075, len(spots)), ivy, rng)


def hedge(rng: np.random.Generator) -> None:
    """Shrubs behind the wall, uneven enough to let the sky look in between."""
    greens = [
        materials.leaf("laurel", "1e361a", "5c7a3c"),
        materials.leaf("hazel", "3a4f1d", "8c9a48"),
        materials.leaf("copper beech", "3a1a1c", "7d4038"),
    ]
    for x in np.arange(-3.4, 3.5, 0.62).tolist():
        middle = np.array(
            [x + rng.uniform(-0.15, 0.15), WALL + rng.uniform(0.55, 1.1), rng.uniform(0.75, 1.15)]
        )
        radii = np.array([rng.uniform(0.42, 0.6), 0.4, rng.uniform(0.45, 0.75)])
        green = greens[int(rng.choice(3, p=(0.45, 0.4, 0.15)))]
        foliage.ball_of_leaves("hedge", middle, radii, 3800, 0.085, green, rng)


def sky() -> None:
    """An afternoon: sun from the left behind the photographer, blue sky with thin cloud."""
    world = bpy.data.worlds.new("sky")
    bpy.context.scene.world = world
    world.use_nodes = True
    tree = world.node_tree
    air = tree.nodes.new("ShaderNodeTexSky")
    air.sky_type, air.sun_disc = "NISHITA", False
    air.sun_elevation, air.sun_rotation = radians(42), radians(-140)
    where = tree.nodes.new("ShaderNodeTexCoord")
    cloud = tree.nodes.new("ShaderNodeTexNoise")
    cloud.inputs["Scale"].default_value, cloud.inputs["Detail"].default_value = 3.2, 7.0
    thick = tree.nodes.new("ShaderNodeMapRange")
    for slot, value in ((1, 0.45), (2, 0.72), (4, 0.85)):
        thick.inputs[slot].default_value = value
    mixed = tree.nodes.new("ShaderNodeMix")
    mixed.data_type = "RGBA"
    mixed.inputs[7].default_value = (*rgb("ffffff"), 1.0)
    for source, target in (
        (where.outputs["Generated"], cloud.inputs["Vector"]),
        (cloud.outputs[0], thick.inputs[0]),
        (thick.outputs[0], mixed.inputs[0]),
        (air.outputs[0], mixed.inputs[6]),
        (mixed.outputs[2], tree.nodes["Background"].inputs[0]),
    ):
        tree.links.new(source, target)
    tree.nodes["Background"].inputs[1].default_value = 0.5
    sun = lamp("sun", "SUN", (-2.2, -2.4, 3.0), (0, 0, 0.4), energy=3.4, colour="ffe9cc", size=(0, 0))
    sun.data.angle = radians(1.0)
