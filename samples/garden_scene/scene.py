# SPDX-License-Identifier: GPL-3.0-or-later
"""The garden put together, and how it is photographed."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from samples.studio.camera import Lens, Walk
from samples.studio.shooting import Sample

from . import materials, surroundings, things
from .statue import statue

OBJECTS = ("statue", "plinth", "urn", "shrub", "can", "ball")


def build_scene(scratch: Path) -> None:
    """Everything that stands still; nothing has to be drawn, so ``scratch`` stays empty."""
    rng = np.random.default_rng(8)
    stone = materials.weathered_stone("plinth stone", "aaa390", "77715f", lichen=0.4)
    marble = materials.weathered_stone("statue stone", "c9c5b6", "948f80", lichen=0.25, scale=1.6)
    parts = {
        "statue": statue(marble, foot=(0, 0, 0.515)),
        "plinth": things.plinth(stone),
        "urn": things.urn(rng),
        "shrub": things.shrub(rng),
        "can": things.watering_can(),
        "ball": things.stone_ball(stone),
    }
    for index, name in enumerate(OBJECTS, start=1):
        for part in parts[name]:
            part.pass_index = index
    surroundings.ground(rng)
    surroundings.wall(rng)
    surroundings.hedge(rng)
    surroundings.sky()


GARDEN = Sample(
    objects=OBJECTS,
    build=build_scene,
    lens=Lens((720, 480), focal=31.0, f_stop=11.0, radial=-0.035, margin=0.04),
    walk=Walk(
        name="garden",
        seed=5,
        count=11,
        arc=72.0,
        aim=(0.0, 0.0, 0.66),
        wander=0.04,
        elevation=11.0,
        climbs=(-3.0, 4.0),
        distance=2.75,
        steps=(-0.12, 0.15),
        nearer=0.15,
    ),
    exposure=0.0,
)
