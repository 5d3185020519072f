# SPDX-License-Identifier: GPL-3.0-or-later
"""The sidebar: Photos, Reconstruct, Objects, Scene. Draws what is there; never changes anything."""

from __future__ import annotations

from collections.abc import Callable

import bpy

from ..scene import lookup
from . import object_panel, photos_section, reconstruct_section, scene_panel
from .drawing import SidebarPanel, draw_problem, draw_progress, is_narrow, is_running


class WILDSEG3D_PT_photos(SidebarPanel, bpy.types.Panel):
    """Photos in, a reconstruction out: the steps unfold as they become possible"""

    bl_label = "WildSeg3D"

    def draw_header_preset(self, context: bpy.types.Context) -> None:
        """Help, wherever the artist is."""
        self.layout.operator("wildseg3d.guide", text="", icon="HELP", emboss=False)

    def draw(self, context: bpy.types.Context) -> None:
        """The last error, then the card of an empty panel or the first two steps."""
        layout = self.layout
        settings = context.scene.wildseg3d
        draw_problem(layout, context)
        if is_running("key_frames", "open_scene"):
            draw_progress(layout)
        elif not len(settings.chosen) and lookup.active_root(context.scene) is None:
            photos_section.draw_card(layout, context)
        else:
            for name, step in _STEPS:
                header, body = layout.panel_prop(settings, name)
                _draw_header(header, context, name, step, body is not None)
                if body is not None:
                    step.draw(body, context)


class _Step:
    """A step of the panel: what its header says, and what it holds."""

    def __init__(
        self,
        summary: Callable[[bpy.types.Context, bool], str],
        draw: Callable[[bpy.types.UILayout, bpy.types.Context], None],
        asks: Callable[[bpy.types.Context], bool] = lambda context: False,
    ) -> None:
        self.summary = summary
        self.draw = draw
        self.asks = asks  # whether there is something in it that the artist should read


_STEPS = (
    ("show_photos", _Step(photos_section.summary, photos_section.draw_photos, photos_section.has_tips)),
    ("show_reconstruct", _Step(reconstruct_section.summary, reconstruct_section.draw_reconstruct)),
)
"""By the property that says whether a step is unfolded."""


def _draw_header(
    header: bpy.types.UILayout, context: bpy.types.Context, name: str, step: _Step, unfolded: bool
) -> None:
    row = header.row()
    row.label(text=context.scene.wildseg3d.bl_rna.properties[name].name)
    asks = not unfolded and step.asks(context)
    icon = "INFO" if asks else "NONE"
    if is_narrow(context):
        row.label(text="", icon=icon)
        return
    end = row.row()
    end.alignment = "RIGHT"
    end.active = asks
    end.label(text=step.summary(context, unfolded), icon=icon)


_CLASSES = (
    *photos_section.CLASSES,
    WILDSEG3D_PT_photos,
    *object_panel.CLASSES,
    *scene_panel.CLASSES,
)


def register() -> None:
    """Called by the add-on."""
    for cls in _CLASSES:
        bpy.utils.register_class(cls)


def unregister() -> None:
    """Called by the add-on."""
    for cls in reversed(_CLASSES):
        bpy.utils.unregister_class(cls)
