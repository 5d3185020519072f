# SPDX-License-Identifier: GPL-3.0-or-later
"""The Prompts panel: what the artist said about the active object, photo by photo. Draws; changes nothing."""

from __future__ import annotations

from typing import Any

import bpy

from ..scene import groups, lookup, parts
from ..viewport import tools
from .drawing import SidebarPanel, draw_text, fits


class WILDSEG3D_PT_prompts(SidebarPanel, bpy.types.Panel):
    """The clicks and boxes of the active object"""

    bl_label = "Prompts"
    bl_parent_id = "WILDSEG3D_PT_objects"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        root = lookup.active_root(context.scene)
        return root is not None and groups.active(root) is not None

    def draw(self, context: bpy.types.Context) -> None:
        """A line a prompt, by part; the keys while they are being placed; whether thumbnails are shown."""
        layout = self.layout
        root = lookup.require_root(context.scene)
        item = groups.active(root)
        if item is None:
            return
        of_each = [(part, lookup.prompts(root, item.name, part.number)) for part in item.parts]
        column = layout.column(align=True)
        whole = all(fits(context, _text(prompt), icons=1) for _, prompts in of_each for prompt in prompts)
        for part, prompts in of_each:
            if len(of_each) > 1 and prompts:
                column.label(text=parts.label(item, part), translate=False)
            for prompt in prompts:
                _draw_prompt(column, prompt, _text(prompt) if whole else prompt.wildseg3d.view)
        if not any(prompts for _, prompts in of_each):
            draw_text(layout, context, "None yet: press Add Prompt and click on the object.")
        layout.prop(context.scene.wildseg3d, "thumbnails")
        if tools.is_active(context):
            _draw_keys(layout, context)


def _draw_keys(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """Folded: the tool's header has them too, where it is wide enough."""
    header, body = layout.panel("wildseg3d_keys", default_closed=True)
    header.label(text="Keys")
    if body is None:
        return
    tools.draw_hints(body.column(align=True), context)


def _draw_prompt(layout: bpy.types.UILayout, prompt: bpy.types.Object, text: str) -> None:
    row = layout.row(align=True)
    show = row.operator(
        "wildseg3d.prompt_show",
        text=text,
        icon=_icon(prompt.wildseg3d),
        depress=prompt.select_get(),
        translate=False,
    )
    show.name = prompt.name
    row.operator("wildseg3d.prompt_remove", text="", icon="X").name = prompt.name


def _text(prompt: bpy.types.Object) -> str:
    return f"{prompt.wildseg3d.view}: {_kind(prompt.wildseg3d)}"


def _kind(settings: Any) -> str:
    """What a prompt (its ``Object.wildseg3d``) says, in a word."""
    if settings.is_box:
        return "box"
    return "part of it" if settings.positive else "not part of it"


def _icon(settings: Any) -> str:
    if settings.is_box:
        return "SELECT_SET"
    return "ADD" if settings.positive else "REMOVE"


_CLASSES = (WILDSEG3D_PT_prompts,)


def register() -> None:
    """Called by the add-on."""
    for cls in _CLASSES:
        bpy.utils.register_class(cls)


def unregister() -> None:
    """Called by the add-on."""
    for cls in reversed(_CLASSES):
        bpy.utils.unregister_class(cls)
