# SPDX-License-Identifier: GPL-3.0-or-later
"""Lights."""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np
from mathutils import Vector

from .nodes import rgb
from .shapes import Point


def lamp(
    name: str, kind: str, place: Point, aim: Point, *, energy: float, colour: str, size: tuple[float, float]
) -> Any:
    """A lamp at ``place`` that shines towards ``aim``; ``size`` is for kind "AREA", ``colour`` a hex code."""
    data = bpy.data.lights.new(name, kind)
    data.energy, data.color = energy, rgb(colour)
    if kind == "AREA":
        data.shape, data.size, data.size_y = "RECTANGLE", *size
    thing = bpy.data.objects.new(name, data)
    thing.location = place
    direction = np.array(aim) - np.array(place)
    thing.rotation_euler = Vector(direction).to_track_quat("-Z", "Y").to_euler()
    bpy.context.collection.objects.link(thing)
    return thing
