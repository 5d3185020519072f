# SPDX-License-Identifier: GPL-3.0-or-later
"""Light: sky and sun, windows, lamps, a flash; hard or soft, warm or cold; shadows of things out of sight."""

from __future__ import annotations

from math import cos, pi, radians, sin
from typing import Any

import bpy
import numpy as np

from samples.studio.lamps import lamp

from . import plants
from .forms import Rng, chance, pick
from .materials import Paint

WHITES = ("ffffff", "ffffff", "fff1dc", "ffdfb8", "ffc890", "e4edff", "cfdfff", "f6ffe8", "ffe6f0")


def light(paint: Paint, unit: float, outdoors: bool) -> None:
    """Light the scene around the origin. The photo's exposure is chosen later, so only ratios count."""
    rng = paint.rng
    if outdoors:
        _sky(rng, rng.uniform(0.3, 1.2))
        if chance(rng, 0.65):
            _sun(rng, rng.uniform(1.0, 6.0))
    else:
        _sky(rng, rng.uniform(0.03, 0.5))
        for _ in range(int(rng.integers(1, 4))):
            _window(rng, unit)
        if chance(rng, 0.25):
            _sun(rng, rng.uniform(0.5, 4.0))
    if chance(rng, 0.1):
        _area(rng, (0.3 * unit, -5 * unit, 2 * unit), 0.1 * unit, rng.uniform(1, 4))
    if chance(rng, 0.25):
        _shade(paint, unit)


def _sky(rng: Rng, strength: float) -> None:
    """A dome that is bright at its horizon or its zenith, with clouds."""
    world = bpy.data.worlds.new("sky")
    bpy.context.scene.world = world
    world.use_nodes = True
    # By default Cycles spends seconds on finding out where a sky is bright.
    world.cycles.sampling_method, world.cycles.sample_map_resolution = "MANUAL", 64
    tree = world.node_tree
    background = tree.nodes["Background"]
    noise, ramp = tree.nodes.new("ShaderNodeTexNoise"), tree.nodes.new("ShaderNodeValToRGB")
    where = tree.nodes.new("ShaderNodeTexCoord")
    noise.inputs["Scale"].default_value, noise.inputs["Detail"].default_value = rng.uniform(1, 5), 5.0
    low = 0.5 * rng.random(3) + [0.1, 0.2, 0.3]
    high = 0.3 * rng.random(3) + 0.6
    for element, colour, at in zip(ramp.color_ramp.elements, (low, high), (0.35, 0.65), strict=True):
        element.color, element.position = (*colour.tolist(), 1.0), at
    tree.links.new(where.outputs["Generated"], noise.inputs["Vector"])
    tree.links.new(noise.outputs[0], ramp.inputs[0])
    tree.links.new(ramp.outputs[0], background.inputs[0])
    background.inputs[1].default_value = strength


def _sun(rng: Rng, energy: float) -> None:
    azimuth, height = rng.uniform(0, 2 * pi), radians(rng.uniform(15, 75))
    place = (cos(azimuth) * cos(height), sin(azimuth) * cos(height), sin(height))
    made = lamp("sun", "SUN", place, (0, 0, 0), energy=energy, colour=pick(rng, WHITES), size=(0, 0))
    made.data.angle = radians(rng.uniform(0.5, 6))


def _area(rng: Rng, place: tuple[float, float, float], size: float, brightness: float) -> Any:
    """A square lamp that gives about ``brightness`` W/m² at the origin."""
    energy = brightness * pi * float(np.dot(place, place))
    aim = (0.0, 0.0, 0.0)
    return lamp(
        "lamp",
        "AREA",
        place,
        aim,
        energy=energy,
        colour=pick(rng, WHITES),
        size=(size, size * rng.uniform(0.4, 1.0)),
    )


def _window(rng: Rng, unit: float) -> None:
    """A lamp in front of the things or beside them, from a bulb to a wide window."""
    azimuth, height = rng.uniform(-pi, 0), radians(rng.uniform(15, 85))
    distance = unit * rng.uniform(4, 9)
    place = (
        distance * cos(azimuth) * cos(height),
        distance * sin(azimuth) * cos(height),
        distance * sin(height),
    )
    _area(rng, place, distance * rng.choice([0.03, 0.15, 0.4, 0.8]), rng.uniform(0.4, 3.0))


def _shade(paint: Paint, unit: float) -> None:
    """Leaves that nobody sees but that throw shadows."""
    rng = paint.rng
    count = int(rng.integers(20, 120))
    roots = np.column_stack([rng.normal(0, 2.5, (count, 2)), rng.uniform(4, 7, count)]) * unit
    made = plants.leaves(
        rng, roots, rng.normal(size=(count, 3)), unit * rng.uniform(0.3, 1.6, count), 0.3, paint.leaf()
    )
    made.visible_camera = made.visible_glossy = False
