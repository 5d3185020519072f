# SPDX-License-Identifier: GPL-3.0-or-later
"""Flat shapes drawn in a region, in its pixels."""

from __future__ import annotations

import math
from collections.abc import Sequence

import gpu
from gpu_extras.batch import batch_for_shader

Place = tuple[float, float]


def draw(kind: str, places: Sequence[Place], colour: tuple[float, ...]) -> None:
    """Draw ``places`` as a "TRI_FAN" or a "LINE_STRIP", RGBA, over what is there."""
    shader = gpu.shader.from_builtin("UNIFORM_COLOR")
    shader.uniform_float("color", colour)
    gpu.state.blend_set("ALPHA")
    gpu.state.line_width_set(2.0)
    batch_for_shader(shader, kind, {"pos": places}).draw(shader)
    gpu.state.line_width_set(1.0)
    gpu.state.blend_set("NONE")


def disc(centre: Place, radius: float) -> list[Place]:
    """A fan that looks round."""
    turns = (2.0 * math.pi * step / 24 for step in range(24))
    return [(centre[0] + radius * math.cos(turn), centre[1] + radius * math.sin(turn)) for turn in turns]


def bar(centre: Place, across: float, up: float) -> list[Place]:
    """A fan that is a rectangle, twice ``across`` wide and twice ``up`` high."""
    signs = ((-1, -1), (1, -1), (1, 1), (-1, 1))
    return [(centre[0] + x * across, centre[1] + y * up) for x, y in signs]
