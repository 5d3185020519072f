# SPDX-License-Identifier: GPL-3.0-or-later
"""Photos and videos dropped onto a 3D view are chosen, as if in the file browser."""

from __future__ import annotations

import bpy

from ..files.photos import READABLE_SUFFIXES, UNREADABLE_SUFFIXES, VIDEO_SUFFIXES


class WILDSEG3D_FH_photos(bpy.types.FileHandler):
    """Photos and videos for a reconstruction"""

    bl_idname = "WILDSEG3D_FH_photos"
    bl_label = "WildSeg3D Photos"
    bl_import_operator = "wildseg3d.photos_drop"
    bl_file_extensions = ";".join(sorted(READABLE_SUFFIXES | UNREADABLE_SUFFIXES | VIDEO_SUFFIXES))

    @classmethod
    def poll_drop(cls, context: bpy.types.Context) -> bool:
        """Over a 3D view; where Blender has its own use for a picture too, it asks which is meant."""
        return context.area is not None and context.area.type == "VIEW_3D"


def register() -> None:
    """Called by the add-on."""
    bpy.utils.register_class(WILDSEG3D_FH_photos)


def unregister() -> None:
    """Called by the add-on."""
    bpy.utils.unregister_class(WILDSEG3D_FH_photos)
