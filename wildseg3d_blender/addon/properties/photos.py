# SPDX-License-Identifier: GPL-3.0-or-later
"""What the .blend keeps of a photo."""

from __future__ import annotations

import bpy

# Blender 4.5 and later ask which paths may start with "//"; earlier ones do not know the word.
BLEND_RELATIVE = {"PATH_SUPPORTS_BLEND_RELATIVE"} if bpy.app.version >= (4, 5, 0) else set()


class WildSeg3DPhoto(bpy.types.PropertyGroup):
    """A photo, chosen or of the reconstruction; one that was not placed says why, and what would help."""

    name: bpy.props.StringProperty(name="Photo", description="View name where it was placed, else file name")
    path: bpy.props.StringProperty(name="File", description="Where the photo is", subtype="FILE_PATH")
    placed: bpy.props.BoolProperty(name="Placed")
    reason: bpy.props.StringProperty(name="Reason")
    advice: bpy.props.StringProperty(name="Advice")
