# SPDX-License-Identifier: GPL-3.0-or-later
"""The Scene panel: how the points are drawn. Draws what is there; changes nothing."""

from __future__ import annotations

import bpy

from .drawing import SidebarPanel
from .scene import lookup


class WILDSEG3D_PT_scene(SidebarPanel, bpy.types.Panel):
    """How the reconstruction is shown"""

    bl_label = "Scene"
    bl_parent_id = "WILDSEG3D_PT_photos"
    bl_options = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return lookup.active_root(context.scene) is not None

    def draw(self, context: bpy.types.Context) -> None:
        """The points' sliders, and where the scene is kept."""
        settings = lookup.require_root(context.scene).wildseg3d
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        for name in ("point_size", "hide_uncertain", "share"):
            layout.prop(settings, name)
        layout.prop(settings, "folder", text="Kept in")


CLASSES = (WILDSEG3D_PT_scene,)
