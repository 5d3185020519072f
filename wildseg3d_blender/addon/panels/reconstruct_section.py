# SPDX-License-Identifier: GPL-3.0-or-later
"""The panel's second step: engine, quality, what is seldom needed, the button, and its progress."""

from __future__ import annotations

import bpy

from ...errors import WildSegError
from .. import preferences
from ..preferences import extension_package
from ..scene import lookup
from ..session import choosing, runtime
from .drawing import draw_action, draw_text, is_tight

ADVANCED = (
    ("image_size", "min_confidence"),
    ("alpha_p", "alpha_n", "iterations"),
)
"""Settings that belong together, in the order shown."""


def draw_reconstruct(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """The choices, what they come to, and the button."""
    settings = context.scene.wildseg3d
    idle = runtime.current_job() is None
    column = layout.column()
    column.enabled = idle
    column.use_property_split = True
    column.use_property_decorate = False
    column.prop(settings, "engines")
    used = _draw_engines(column, context)
    if used == "dust3r":
        column.prop(settings, "quality")
    if text := choosing.estimate_text(context.scene):
        draw_text(column, context, text, dim=True)
    if preferences.finds_objects(context) and (text := choosing.finding_text(context.scene)):
        draw_text(column, context, f"Then finding objects: {text}", dim=True)
    if idle and not bpy.data.filepath and not preferences.scenes_folder(context):
        # Afterwards it is too late: the scene folder stays where it was made.
        draw_text(column, context, "Save the .blend first, and the scene is kept beside it.", dim=True)
    draw_action(layout, "reconstruct", "OUTLINER_OB_CAMERA", _label(context))

    header, body = layout.panel_prop(settings, "show_advanced")
    header.label(text="Advanced")
    if body is None:
        return
    body.enabled = idle
    body.use_property_split = not is_tight(context)
    body.use_property_decorate = False
    for names in ADVANCED:
        column = body.column(align=True)
        for name in names:
            column.prop(settings, name)
    body.prop(settings, "device")
    if runtime.runs_networks():
        body.operator("wildseg3d.release_memory", icon="TRASH")


def summary(context: bpy.types.Context, unfolded: bool) -> str:
    """The step in a few words, for its header; unfolded it shows the same itself."""
    if unfolded:
        return ""
    try:
        return _title(choosing.engine(context.scene))
    except WildSegError:
        return ""


def _title(engine: str) -> str:
    title = choosing.TITLES[engine]
    return title[:1].upper() + title[1:]


def _label(context: bpy.types.Context) -> str:
    again = lookup.active_root(context.scene) is not None and not len(context.scene.wildseg3d.chosen)
    return "Reconstruct Again" if again else "Reconstruct"


def _draw_engines(layout: bpy.types.UILayout, context: bpy.types.Context) -> str:
    """What the choice comes to, or what is missing for it; returns the engine, "" where one is missing."""
    engine = ""
    try:
        engine = choosing.engine(context.scene)
        text = f"{_title(engine)}, {choosing.TITLES[choosing.segmenter(context.scene)]}"
    except WildSegError as error:
        draw_text(layout, context, error.message, icon="ERROR")
        layout.operator("preferences.addon_show", text="Open Preferences").module = extension_package()
    else:
        row = layout.row()
        row.active = False
        row.alignment = "RIGHT"
        row.label(text=text)
    return engine
