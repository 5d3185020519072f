# SPDX-License-Identifier: GPL-3.0-or-later
"""What the panels' drawing shares."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import blf
import bpy

from ...errors import ReconstructionError
from ...files.photos import CHOOSE
from .. import problems
from ..preferences import extension_package
from ..session import runtime, time_left

FONT = 0
"""Blender's number of the interface's font."""

NARROW = 180
"""Width of the sidebar, in points of the interface, below which a line takes one text."""

TIGHT = 240
"""Width below which a list has its buttons above it, and a number its name in its own field."""

BUTTON, ICON = 30, 20
"""What a button takes beside its text, its icon and margins, and what one with an icon only takes; points."""

_FIXES = {
    CHOOSE: ("Choose Photos…", "IMAGE_DATA"),
    "wildseg3d.reconstruct": ("Reconstruct", "OUTLINER_OB_CAMERA"),
    "wildseg3d.open_scene": ("Open Scene Folder…", "FILE_FOLDER"),
    "wildseg3d.cancel": ("Cancel", "X"),
}
"""The button of each operator that mends an error. What the neural engines lack is mended in Preferences."""


class SidebarPanel:
    """Mix-in: a panel in the sidebar's own tab."""

    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "WildSeg3D"


def draw_action(layout: bpy.types.UILayout, name: str, icon: str, text: str = "") -> None:
    """The button of an operator that waits for the worker; while it does, its progress and Cancel."""
    if is_running(name):
        draw_progress(layout)
        return
    row = layout.row()
    row.scale_y = 1.4
    if text:
        row.operator(f"wildseg3d.{name}", icon=icon, text=text)
    else:
        row.operator(f"wildseg3d.{name}", icon=icon)


def is_running(*names: str) -> bool:
    """Whether one of these operators, named without "wildseg3d.", is at work."""
    job = runtime.current_job()
    return job is not None and job.method in names


def draw_progress(layout: bpy.types.UILayout) -> None:
    """How far the running job is, how long it takes, and Cancel."""
    job = runtime.current_job()
    if job is None:
        return
    column = layout.column(align=True)
    bar = column.row(align=True)
    bar.scale_y = 1.4
    bar.prop(bpy.context.window_manager.wildseg3d, "job", text="", slider=True)
    column.operator("wildseg3d.cancel", icon="X", text="Cancel (Esc)")
    draw_text(layout, bpy.context, job.text, dim=True)
    if left := time_left.remaining(job):
        draw_text(layout, bpy.context, left.capitalize(), dim=True)


def draw_problem(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """The last error, the button that mends it, and one that hides it."""
    error = problems.last()
    if error is None:
        return
    box = layout.box()
    row = box.row()
    column = row.column()
    column.alert = True
    draw_text(column, context, error.message, icon="ERROR", inset=3)
    row.operator("wildseg3d.dismiss", text="", icon="X", emboss=False)
    if error.fix in _FIXES:
        text, icon = _FIXES[error.fix]
        button = box.operator(error.fix, text=text, icon=icon)
        if isinstance(error, ReconstructionError) and error.fix == CHOOSE:
            # What was chosen can be read, there is only too little of it.
            button.add = True
    elif error.fix is not None and error.fix.startswith("wildseg3d.neural"):
        show = box.operator("preferences.addon_show", text="Open Preferences", icon="PREFERENCES")
        show.module = extension_package()


def draw_text(
    layout: bpy.types.UILayout,
    context: bpy.types.Context,
    text: str,
    icon: str = "NONE",
    *,
    inset: int = 0,
    dim: bool = False,
) -> None:
    """A text over as many lines as the sidebar's width asks for: labels cut theirs off instead.

    Args:
        inset: how many boxes or buttons beside it take from the width.
        dim: drawn in grey.
    """
    column = layout.column(align=True)
    column.scale_y = 0.8
    column.active = not dim
    for number, line in enumerate(wrapped(text, _width(context, icon, inset), _text_width(context))):
        column.label(text=line, icon=icon if number == 0 or icon == "NONE" else "BLANK1")


def row_of(
    layout: bpy.types.UILayout, context: bpy.types.Context, texts: Sequence[str], *, icons: int = 0
) -> bpy.types.UILayout:
    """A row for buttons with these texts, each with an icon; a column where the sidebar cuts them off.

    Args:
        icons: how many more buttons there are that are an icon only.
    """
    width_of, scale = _text_width(context), _scale(context)
    wanted = sum(width_of(text) + BUTTON * scale for text in texts) + ICON * scale * icons
    return layout.row(align=True) if wanted <= _width(context, "NONE", 0) else layout.column(align=True)


def beside_list(
    layout: bpy.types.UILayout, context: bpy.types.Context
) -> tuple[bpy.types.UILayout, bpy.types.UILayout]:
    """Where a list goes and where its buttons do: beside it, or above it where that cuts its names off."""
    if is_tight(context):
        column = layout.column(align=True)
        buttons = column.row(align=True)
        return column.column(align=True), buttons
    row = layout.row()
    return row.column(), row.column(align=True)


def fits(context: bpy.types.Context, text: str, *, icons: int) -> bool:
    """Whether a line has room for a text with an icon before it, beside so many buttons that are an icon."""
    wanted = _text_width(context)(text) + (BUTTON + ICON * icons) * _scale(context)
    return wanted <= _width(context, "NONE", 0)


def is_narrow(context: bpy.types.Context) -> bool:
    """Whether the sidebar has no room for two texts in a line."""
    return _is_below(context, NARROW)


def is_tight(context: bpy.types.Context) -> bool:
    """Whether the sidebar has no room for names beside anything."""
    return _is_below(context, TIGHT)


def _is_below(context: bpy.types.Context, points: float) -> bool:
    region = context.region
    return region is not None and region.width < points * _scale(context)


def wrapped(text: str, width: float, width_of: Callable[[str], float]) -> list[str]:
    """``text`` in lines of at most ``width``, one letter at least; ``width_of`` measures a line.

    Broken between words, and within those that are too long for a line, as paths are.
    """
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if width_of(longer) <= width:
            lines[-1] = longer
            continue
        pieces = _pieces(word, width, width_of)
        lines[-1:] = [lines[-1], *pieces] if lines[-1] else pieces
    return lines


def _pieces(word: str, width: float, width_of: Callable[[str], float]) -> list[str]:
    pieces = [""]
    for letter in word:
        if pieces[-1] and width_of(pieces[-1] + letter) > width:
            pieces.append("")
        pieces[-1] += letter
    return pieces


def _width(context: bpy.types.Context, icon: str, inset: int) -> float:
    """Pixels for a line of text: the sidebar without its tabs, margins, the icon and what is beside."""
    scale = _scale(context)
    region = context.region.width if context.region is not None else 240 * scale
    return region - scale * (60 + 20 * (icon != "NONE") + 14 * inset)


def _scale(context: bpy.types.Context) -> float:
    """Pixels in a point of the interface; it has no scale while there is no window."""
    return context.preferences.system.ui_scale or 1.0


def _text_width(context: bpy.types.Context) -> Callable[[str], float]:
    """Measures a text in pixels, in the interface's font."""
    points = context.preferences.ui_styles[0].widget.points
    blf.size(FONT, points * _scale(context))
    return lambda text: float(blf.dimensions(FONT, text)[0])
