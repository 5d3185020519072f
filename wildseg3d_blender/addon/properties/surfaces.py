# SPDX-License-Identifier: GPL-3.0-or-later
"""How a surface is made: what Make Surface asks for, and what each surface keeps so as to be updated so."""

from __future__ import annotations

import math

import bpy

from ..scene import surfaces


class SurfaceSettings:
    """Mix-in of the operator and of what a surface keeps; see ``surfaces.read`` and ``surfaces.write``."""

    kind: bpy.props.EnumProperty(
        name="Kind",
        items=(
            ("VIEWS", "Open", "What the photos show, cut where a thing ends before another. Sharpest"),
            ("MERGED", "Closed", "One closed mesh that all photos agree on; the back is made up"),
        ),
        default="VIEWS",
    )
    step: bpy.props.IntProperty(
        name="Every Pixel",
        description="A vertex every how many pixels of the photo: 1 is finest",
        default=surfaces.Photos.step,
        min=1,
        soft_max=8,
    )
    hole: bpy.props.IntProperty(
        name="Holes",
        description="Close gaps where nothing was measured up to this many pixels wide",
        default=surfaces.Photos.hole,
        min=0,
        soft_max=50,
    )
    steepest: bpy.props.FloatProperty(
        name="Steepest",
        description="Cut the surface where a photo sees it at more than this angle: at the edges of things "
        "that lie in front of others",
        subtype="ANGLE",
        default=math.radians(surfaces.Photos.steepest),
        min=math.radians(30),
        max=math.radians(89),
    )
    detail: bpy.props.IntProperty(
        name="Detail",
        description="Voxels along the longest side. Twice as many take eight times as long",
        default=surfaces.Closed.detail,
        min=8,
        soft_max=192,
        max=512,
    )


class WildSeg3DSurfaceSettings(SurfaceSettings, bpy.types.PropertyGroup):
    """What a surface was made with."""
