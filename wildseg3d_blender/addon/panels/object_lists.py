# SPDX-License-Identifier: GPL-3.0-or-later
"""The lines of the list of objects and of an object's parts, and the menu of what is done more rarely."""

from __future__ import annotations

from typing import Any

import bpy

from ..conditions import SPEAKS_OF
from ..scene import groups, lookup, parts
from .drawing import is_narrow


class WILDSEG3D_UL_objects(bpy.types.UIList):
    """Objects: colour, name, number of prompts, visibility."""

    def draw_item(
        self,
        context: bpy.types.Context,
        layout: bpy.types.UILayout,
        data: Any,
        item: Any,
        icon: int,
        active_data: Any,
        active_property: str,
        index: int = 0,
        flt_flag: int = 0,
    ) -> None:
        """One line."""
        mesh = groups.mesh_object(item)
        narrow = is_narrow(context)
        line = layout.row(align=narrow)
        colour = line.row()
        colour.ui_units_x = 0.5 if narrow else 0.8
        colour.prop(item, "colour", text="")
        row = line.row(align=True)
        name = row.row(align=True)
        name.active = mesh is not None  # one that is not cut out yet is grey
        name.prop(item, "name", text="", emboss=False)
        if not narrow:
            shown = row.row(align=True)
            shown.alignment = "RIGHT"
            shown.active = False
            shown.label(text=str(len(lookup.prompts(data.id_data, item.name))))
        if mesh is not None:
            row.prop(item, "visible", text="", emboss=False, icon="HIDE_OFF" if item.visible else "HIDE_ON")
        else:
            row.label(text="", icon="BLANK1")


class WILDSEG3D_MT_objects(bpy.types.Menu):
    """What is done with an object more rarely"""

    bl_label = "Object"

    def draw(self, context: bpy.types.Context) -> None:
        """For the active object of the list."""
        layout = self.layout
        root = lookup.active_root(context.scene)
        item = None if root is None else groups.active(root)
        if item is not None:
            layout.context_pointer_set(SPEAKS_OF, item)
        layout.label(text="There are no objects" if item is None else item.name, translate=False)
        layout.separator()
        layout.operator("wildseg3d.isolate", icon="SOLO_OFF")
        layout.operator("wildseg3d.make_surface", icon="MESH_GRID").object = "" if item is None else item.name
        layout.operator("wildseg3d.object_duplicate", icon="DUPLICATE")
        layout.operator("wildseg3d.object_export", text="Export…", icon="EXPORT")
        layout.separator()
        layout.operator("wildseg3d.object_put_back", icon="LOOP_BACK")
        layout.menu("WILDSEG3D_MT_merge", icon="AUTOMERGE_ON")
        layout.operator("wildseg3d.object_remove", icon="X")


class WILDSEG3D_MT_merge(bpy.types.Menu):
    """Make the object part of another: that one gets its points and its prompts"""

    bl_label = "Merge Into"

    def draw(self, context: bpy.types.Context) -> None:
        """The other objects."""
        root = lookup.active_root(context.scene)
        item = None if root is None else groups.active(root)
        if root is None or item is None or len(root.wildseg3d.groups) < 2:
            self.layout.label(text="There is no other object")
            return
        for other in root.wildseg3d.groups:
            if other != item:
                entry = self.layout.operator("wildseg3d.object_merge", text=other.name, translate=False)
                entry.name, entry.into = item.name, other.name


class WILDSEG3D_UL_parts(bpy.types.UIList):
    """Parts of an object: the object itself, then what is added or taken away."""

    def draw_item(
        self,
        context: bpy.types.Context,
        layout: bpy.types.UILayout,
        data: Any,
        item: Any,
        icon: int,
        active_data: Any,
        active_property: str,
        index: int = 0,
        flt_flag: int = 0,
    ) -> None:
        """One line."""
        row = layout.row(align=True)
        sign = "SELECT_SUBTRACT" if item.subtract else "SELECT_EXTEND"
        row.label(
            text=parts.label(data, item),
            icon="DOT" if item.number == parts.WHOLE else sign,
            translate=False,
        )
        if not is_narrow(context):
            shown = row.row(align=True)
            shown.alignment = "RIGHT"
            shown.active = False
            shown.label(text=str(len(lookup.prompts(data.id_data, data.name, item.number))))
        if item.number != parts.WHOLE:
            row.operator("wildseg3d.part_remove", text="", icon="X", emboss=False).part = item.number
        else:
            row.label(text="", icon="BLANK1")


def draw_context_menu(self: Any, context: bpy.types.Context) -> None:
    """Added to the menu that a right click on a list opens; ours only."""
    chosen = getattr(context, "ui_list", None)
    if chosen is not None and chosen.bl_idname == "WILDSEG3D_UL_objects":
        self.layout.separator()
        self.layout.menu_contents("WILDSEG3D_MT_objects")


CLASSES = (WILDSEG3D_UL_objects, WILDSEG3D_UL_parts, WILDSEG3D_MT_objects, WILDSEG3D_MT_merge)
