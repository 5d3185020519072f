# SPDX-License-Identifier: GPL-3.0-or-later
"""The toolbar's Object Prompt: its keymap says what the mouse and the keys do while it is active."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy

from ..scene import groups, lookup, parts
from ..session import previewing

IDNAME = "wildseg3d.object_prompt"
FALLBACK = "builtin.select_box"
"""The tool that follows when this one is put away."""

CLICK = "wildseg3d.prompt_click"
SELECT = "wildseg3d.select_under_cursor"

_HINTS: tuple[tuple[str, dict[str, bool], str], ...] = (
    (CLICK, {"invert": False, "another": False}, "prompt, drag: box"),
    (CLICK, {"invert": True, "another": False}, "the opposite"),
    (CLICK, {"another": True}, "new object"),
    (SELECT, {}, "select"),
    ("wildseg3d.look", {}, "other photos"),
    ("wildseg3d.segment", {}, "segment"),
    ("wildseg3d.prompt_end", {}, "done"),
)
"""Operator, with which settings (where that matters), and what it does."""


class ObjectPromptTool(bpy.types.WorkSpaceTool):
    """Click on an object, in a photo or anywhere in the scene: it is found in all photos"""

    bl_space_type = "VIEW_3D"
    bl_context_mode = "OBJECT"
    bl_idname = IDNAME
    bl_label = "Object Prompt"
    bl_description = (
        "Click on an object, in a photo or anywhere in the scene. Ctrl-click what must stay out. "
        "Drag a box around it, or drag a prompt to move it. Shift-click starts another object, "
        "Alt-click selects one that was cut out"
    )
    bl_icon = (Path(__file__).parents[1] / "icons" / "object_prompt").as_posix()
    bl_cursor = "CROSSHAIR"
    bl_keymap = (
        (CLICK, {"type": "LEFTMOUSE", "value": "PRESS"}, None),
        (CLICK, {"type": "LEFTMOUSE", "value": "PRESS", "ctrl": True}, {"properties": [("invert", True)]}),
        (CLICK, {"type": "LEFTMOUSE", "value": "PRESS", "shift": True}, {"properties": [("another", True)]}),
        (SELECT, {"type": "LEFTMOUSE", "value": "PRESS", "alt": True}, {"properties": [("here", True)]}),
        ("wildseg3d.look", {"type": "PAGE_UP", "value": "PRESS"}, {"properties": [("step", -1)]}),
        ("wildseg3d.look", {"type": "PAGE_DOWN", "value": "PRESS"}, {"properties": [("step", 1)]}),
        ("wildseg3d.segment", {"type": "RET", "value": "PRESS"}, None),
        ("wildseg3d.prompt_end", {"type": "ESC", "value": "PRESS"}, None),
    )

    @staticmethod
    def draw_settings(context: bpy.types.Context, layout: bpy.types.UILayout, tool: Any) -> None:
        """What a click means, which object it speaks about, and the keys."""
        root = lookup.active_root(context.scene)
        if root is None:
            layout.label(text="Reconstruct photos first", icon="INFO")
            return
        layout.row(align=True).prop(tool.operator_properties(CLICK), "meaning", expand=True)
        item = groups.active(root)
        layout.label(text=_subject(item), icon="OUTLINER_OB_POINTCLOUD")
        if previewing.refining():
            layout.label(text="Refining…", icon="SORTTIME")
        layout.prop(context.scene.wildseg3d, "thumbnails", text="", icon="IMAGE_REFERENCE")
        if context.region is not None and context.region.type == "TOOL_HEADER":
            draw_hints(layout, context)


@dataclass(frozen=True)
class Hint:
    """What keys do: entries of the tool's keymap, and a word or two."""

    entries: tuple[bpy.types.KeyMapItem, ...]
    what: str


def draw_hints(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """What the tool's keys do, as the artist's keymap has them now: Blender's pictures of keys, and words."""
    config = context.window_manager.keyconfigs.user
    keymap = None if config is None else config.keymaps.get(_keymap_name())
    for hint in [] if keymap is None else hints_of(keymap.keymap_items):
        row = layout.row(align=True)
        row.alignment = "LEFT"
        *others, last = hint.entries
        for entry in others:
            row.template_event_from_keymap_item(entry)
        row.template_event_from_keymap_item(last, text=hint.what)


def hints_of(entries: Iterable[bpy.types.KeyMapItem]) -> list[Hint]:
    """What those entries of the tool's keymap do that are not switched off."""
    entries = [entry for entry in entries if entry.active]
    hints = []
    for idname, settings, what in _HINTS:
        keys = tuple(
            entry
            for entry in entries
            if entry.idname == idname
            and all(getattr(entry.properties, name) == value for name, value in settings.items())
        )
        if keys:
            hints.append(Hint(keys, what))
    return hints


def is_active(context: bpy.types.Context) -> bool:
    """Whether the tool is the one at hand in 3D views."""
    if context.workspace is None or context.mode != "OBJECT":
        return False
    tool = context.workspace.tools.from_space_view3d_mode("OBJECT", create=False)
    return tool is not None and tool.idname == IDNAME


def activate(context: bpy.types.Context, *, meaning: str = "PART") -> None:
    """Take the tool up, in the 3D view at hand; ``meaning`` as in ``prompt_click``."""
    bpy.ops.wm.tool_set_by_id(name=IDNAME, space_type="VIEW_3D")
    tool = context.workspace.tools.from_space_view3d_mode("OBJECT", create=False)
    if tool is not None and tool.idname == IDNAME:
        tool.operator_properties(CLICK).meaning = meaning


def put_away() -> None:
    """Take up Blender's own tool in its place."""
    bpy.ops.wm.tool_set_by_id(name=FALLBACK, space_type="VIEW_3D")


def _subject(item: Any | None) -> str:
    """The object that the next click speaks about."""
    if item is None:
        return "New object"
    part = parts.active_label(item)
    return f"{item.name}: {part}" if part != item.name else part


def _keymap_name() -> str:
    return f"3D View Tool: Object, {ObjectPromptTool.bl_label}"


def register() -> None:
    """Called by the add-on."""
    bpy.utils.register_tool(ObjectPromptTool, separator=True)


def unregister() -> None:
    """Called by the add-on. Where the tool is at hand, Blender's own takes its place."""
    for window in bpy.context.window_manager.windows:
        for area in window.screen.areas:
            if area.type != "VIEW_3D":
                continue
            with bpy.context.temp_override(window=window, area=area):
                if is_active(bpy.context):
                    put_away()
    bpy.utils.unregister_tool(ObjectPromptTool)
