# SPDX-License-Identifier: GPL-3.0-or-later
"""The Objects panel: the list, prompts, parts, the preview, Segment. Draws what is there; changes nothing."""

from __future__ import annotations

from typing import Any

import bpy

from . import finding, previewing, runtime
from .drawing import SidebarPanel, draw_action, draw_text
from .scene import groups, lookup, parts


class WILDSEG3D_UL_objects(bpy.types.UIList):
    """Objects: name, number of prompts, visibility."""

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
        row = layout.row(align=True)
        row.prop(
            item, "name", text="", emboss=False, icon="OUTLINER_OB_POINTCLOUD" if mesh else "RADIOBUT_OFF"
        )
        count = len(lookup.prompts(data.id_data, item.name))
        counted = row.row()
        counted.alignment = "RIGHT"
        counted.label(text=_prompts(count))
        if mesh is not None:
            row.prop(mesh, "hide_viewport", text="", emboss=False)


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
        row.label(text=parts.label(data, item), icon="DOT" if item.number == parts.WHOLE else sign)
        counted = row.row()
        counted.alignment = "RIGHT"
        counted.label(text=_prompts(len(lookup.prompts(data.id_data, data.name, item.number))))
        if item.number != parts.WHOLE:
            row.operator("wildseg3d.part_remove", text="", icon="X", emboss=False).part = item.number


class WILDSEG3D_PT_objects(SidebarPanel, bpy.types.Panel):
    """Objects out of the scene"""

    bl_label = "Objects"
    bl_parent_id = "WILDSEG3D_PT_photos"

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return lookup.active_root(context.scene) is not None

    def draw(self, context: bpy.types.Context) -> None:
        """Photo to look through, the list, prompts, Segment."""
        layout = self.layout
        root = lookup.require_root(context.scene)
        settings = root.wildseg3d
        if not lookup.scene_folder(root).is_dir():
            box = layout.box()
            draw_text(box, context, "The scene folder is gone. Where is it now?", icon="ERROR")
            box.prop(settings, "folder", text="")

        row = layout.row(align=True)
        row.operator("wildseg3d.look", text="", icon="TRIA_LEFT").step = -1
        camera = context.scene.camera
        shown = camera.wildseg3d.view if camera is not None else ""
        named = row.row(align=True)
        named.operator("wildseg3d.look", text=shown or "Look Through", icon="VIEW_CAMERA").view = shown
        row.operator("wildseg3d.look", text="", icon="TRIA_RIGHT").step = 1

        row = layout.row()
        row.template_list("WILDSEG3D_UL_objects", "", settings, "groups", settings, "active_group", rows=3)
        side = row.column(align=True)
        side.operator("wildseg3d.object_add", text="", icon="ADD")
        side.operator("wildseg3d.object_remove", text="", icon="REMOVE")

        row = layout.row(align=True)
        add = row.operator("wildseg3d.prompt_place", text="Add Prompt", icon="ADD")
        add.positive = True
        row.operator("wildseg3d.prompt_place", text="Exclude", icon="REMOVE").positive = False
        row.operator("wildseg3d.prompt_remove", text="", icon="LOOP_BACK")
        _draw_parts(layout, root, groups.active(root))
        _draw_preview(layout, context, root)
        draw_action(layout, "segment", "MOD_EXPLODE")
        _draw_refine(layout, settings)
        _draw_finding(layout, context, root)


class WILDSEG3D_PT_shared(SidebarPanel, bpy.types.Panel):
    """Who gets points that several objects want"""

    bl_label = "Shared Points"
    bl_parent_id = "WILDSEG3D_PT_objects"
    bl_options = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        root = lookup.active_root(context.scene)
        return root is not None and groups.active(root) is not None

    def draw(self, context: bpy.types.Context) -> None:
        """The choice, for the active object."""
        item = groups.active(lookup.require_root(context.scene))
        self.layout.column().prop(item, "shared", expand=True)


def _draw_parts(layout: bpy.types.UILayout, root: bpy.types.Object, item: Any | None) -> None:
    """What the active object is made of, where that is more than itself; and the way to more."""
    column = layout.column(align=True)
    if item is not None and len(item.parts) > 1:
        column.template_list(
            "WILDSEG3D_UL_parts", "", item, "parts", item, "active_part", rows=min(len(item.parts), 4)
        )
    row = column.row(align=True)
    row.operator("wildseg3d.part_add", text="Add Part", icon="SELECT_EXTEND").subtract = False
    row.operator("wildseg3d.part_add", text="Take Away", icon="SELECT_SUBTRACT").subtract = True


def _draw_preview(layout: bpy.types.UILayout, context: bpy.types.Context, root: bpy.types.Object) -> None:
    """The toggle, Smaller and Larger, and one line that says what the preview is doing."""
    column = layout.column(align=True)
    row = column.row(align=True)
    icon = "HIDE_OFF" if context.scene.wildseg3d.preview else "HIDE_ON"
    row.prop(context.scene.wildseg3d, "preview", text="", icon=icon)
    row.operator("wildseg3d.smaller", icon="TRIA_DOWN")
    row.operator("wildseg3d.larger", icon="TRIA_UP")
    if problem := previewing.problem():
        draw_text(column, context, problem, icon="ERROR")
        return
    preview = previewing.answer()
    line = column.row()
    line.active = False
    line.label(text=_preview_state(context, root, preview))
    for warning in preview.warnings if preview is not None else ():
        draw_text(column, context, warning, icon="ERROR")


def _preview_state(
    context: bpy.types.Context, root: bpy.types.Object, preview: previewing.Preview | None
) -> str:
    item, asked = groups.active(root), previewing.current()
    if item is None or not lookup.prompts(root, item.name):
        return "Click on an object in a photo"
    if not context.scene.wildseg3d.preview:
        return "Preview is off"
    if asked is not None and asked.applied:
        return "Segmented; prompts refine it"
    if preview is not None:
        found = "known object" if preview.cached else "found for these prompts"
        return f"Preview: {found}{_steps(parts.active_size(item))}"
    quiet = runtime.quiet_job()
    if quiet is not None and quiet.method == previewing.METHOD:
        return f"Preview: {quiet.text} {quiet.fraction:.0%}"
    return "Preview: waiting"


def _draw_finding(layout: bpy.types.UILayout, context: bpy.types.Context, root: bpy.types.Object) -> None:
    """How far finding objects is, quietly; or the button that starts it."""
    folder = lookup.scene_folder(root)
    if finding.is_wanted(folder):
        quiet = runtime.quiet_job()
        row = layout.row(align=True)
        if quiet is not None and quiet.method == finding.METHOD:
            row.progress(factor=quiet.fraction, text=f"Finding objects {quiet.fraction:.0%}")
        else:
            row.label(text="Finding objects: waiting")
        row.operator("wildseg3d.find_objects", text="", icon="X").stop = True
    elif failure := finding.failure(folder):
        draw_text(layout, context, failure, icon="ERROR")
        layout.operator("wildseg3d.find_objects", text="Find Objects Again", icon="VIEWZOOM")
    elif (count := finding.found(folder)) is not None or finding.is_done(folder):
        row = layout.row()
        row.active = False
        which = "Objects" if count is None else f"{count} objects"
        row.label(text=f"{which} found in advance", icon="CHECKMARK")
        row.operator("wildseg3d.find_objects", text="", icon="FILE_REFRESH", emboss=False)
    else:
        layout.operator("wildseg3d.find_objects", icon="VIEWZOOM")


def _draw_refine(layout: bpy.types.UILayout, settings: Any) -> None:
    """Refine Alignment with its choice of what has to fit, or its progress; and what it was done for."""
    job = runtime.current_job()
    if job is not None and job.method == "realign":
        draw_action(layout, "realign", "CON_TRACKTO")
        return
    column = layout.column(align=True)
    row = column.row(align=True)
    row.operator("wildseg3d.realign", icon="CON_TRACKTO")
    row.operator_menu_enum("wildseg3d.realign", "fit", text="", icon="DOWNARROW_HLT")
    if settings.aligned_for:
        column.label(text=f"Aligned for {settings.aligned_for}", icon="CHECKMARK")


def _steps(size: int) -> str:
    """How far the active part is from the best answer."""
    return f", {abs(size)}× {'larger' if size > 0 else 'smaller'}" if size else ""


def _prompts(count: int) -> str:
    return f"{count} prompt{'' if count == 1 else 's'}"


CLASSES = (WILDSEG3D_UL_objects, WILDSEG3D_UL_parts, WILDSEG3D_PT_objects, WILDSEG3D_PT_shared)
