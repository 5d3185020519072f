# SPDX-License-Identifier: GPL-3.0-or-later
"""What the panels' drawing shares."""

from __future__ import annotations

import bpy

from . import runtime


class SidebarPanel:
    """Mix-in: a panel in the sidebar's own tab."""

    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "WildSeg3D"


def draw_action(layout: bpy.types.UILayout, name: str, icon: str) -> None:
    """The button of an operator that waits for the worker; while it does, its progress and Cancel."""
    job = runtime.current_job()
    if job is None or job.method != name:
        row = layout.row()
        row.scale_y = 1.4
        row.operator(f"wildseg3d.{name}", icon=icon)
        return
    column = layout.column(align=True)
    column.progress(factor=job.fraction, text=f"{job.text} {job.fraction:.0%}")
    column.operator("wildseg3d.cancel", icon="X", text=f"Cancel {job.title} (Esc)")


def draw_text(layout: bpy.types.UILayout, context: bpy.types.Context, text: str, icon: str = "NONE") -> None:
    """A text over as many lines as the sidebar's width asks for: labels cut theirs off instead."""
    scale = context.preferences.system.ui_scale
    width = context.region.width / scale if context.region is not None else 240
    letters = max(20, int((width - 50) / 6.2))
    column = layout.column(align=True)
    column.scale_y = 0.8
    line = ""
    for word in text.split():
        if line and len(line) + 1 + len(word) > letters:
            column.label(text=line, icon=icon)
            line, icon = word, "BLANK1" if icon != "NONE" else "NONE"
        else:
            line = f"{line} {word}".strip()
    column.label(text=line, icon=icon)
