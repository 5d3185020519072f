# SPDX-License-Identifier: GPL-3.0-or-later
"""The sidebar: Photos, Reconstruct, Objects. Draws what is there; never changes anything."""

from __future__ import annotations

from typing import Any

import bpy

from . import finding, previewing, runtime
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


class WILDSEG3D_UL_photos(bpy.types.UIList):
    """Photos that were placed, then those that were not."""

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
        if item.placed:
            row.label(text=item.name, icon="CHECKMARK")
            row.operator("wildseg3d.look", text="", icon="VIEW_CAMERA", emboss=False).view = item.name
        else:
            row.label(text=item.name, icon="ERROR")


class _Panel:
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "WildSeg3D"


class WILDSEG3D_PT_photos(_Panel, bpy.types.Panel):
    """Photos in, a reconstruction out"""

    bl_label = "WildSeg3D"

    def draw(self, context: bpy.types.Context) -> None:
        """Folder, Reconstruct or its progress, and a hint where nothing was done yet."""
        layout = self.layout
        settings = context.scene.wildseg3d
        job = runtime.current_job()
        column = layout.column()
        column.enabled = job is None
        column.prop(settings, "photos", text="", placeholder="Folder with photos")
        _draw_action(layout, "reconstruct", "OUTLINER_OB_CAMERA")
        root = lookup.active_root(context.scene)
        if root is None and job is None:
            _draw_hint(layout, context)


class WILDSEG3D_PT_placed(_Panel, bpy.types.Panel):
    """Which photos were placed, and why others were not"""

    bl_label = "Photos"
    bl_parent_id = "WILDSEG3D_PT_photos"
    bl_options = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return lookup.active_root(context.scene) is not None

    def draw(self, context: bpy.types.Context) -> None:
        """The list, and the reason for the one that is selected."""
        root = lookup.require_root(context.scene)
        settings = root.wildseg3d
        layout = self.layout
        placed = sum(item.placed for item in settings.photos)
        layout.label(text=f"{placed} of {len(settings.photos)} placed")
        layout.template_list("WILDSEG3D_UL_photos", "", settings, "photos", settings, "active_photo", rows=4)
        if 0 <= settings.active_photo < len(settings.photos):
            item = settings.photos[settings.active_photo]
            if not item.placed:
                _draw_text(layout, context, f"{item.name} {item.reason}. {item.advice}")


class WILDSEG3D_PT_objects(_Panel, bpy.types.Panel):
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
            _draw_text(box, context, "The scene folder is gone. Where is it now?", icon="ERROR")
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
        _draw_action(layout, "segment", "MOD_EXPLODE")
        _draw_refine(layout, settings)
        _draw_finding(layout, context, root)


class WILDSEG3D_PT_shared(_Panel, bpy.types.Panel):
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


class WILDSEG3D_PT_display(_Panel, bpy.types.Panel):
    """How the points are drawn"""

    bl_label = "Points"
    bl_parent_id = "WILDSEG3D_PT_photos"
    bl_options = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return lookup.active_root(context.scene) is not None

    def draw(self, context: bpy.types.Context) -> None:
        """The sliders."""
        settings = lookup.require_root(context.scene).wildseg3d
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        for name in ("point_size", "hide_uncertain", "share"):
            layout.prop(settings, name)
        layout.prop(settings, "folder", text="Kept in")


def _draw_action(layout: bpy.types.UILayout, name: str, icon: str) -> None:
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
        _draw_text(column, context, problem, icon="ERROR")
        return
    preview = previewing.answer()
    line = column.row()
    line.active = False
    line.label(text=_preview_state(context, root, preview))
    for warning in preview.warnings if preview is not None else ():
        _draw_text(column, context, warning, icon="ERROR")


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
        _draw_text(layout, context, failure, icon="ERROR")
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
        _draw_action(layout, "realign", "CON_TRACKTO")
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


def _draw_hint(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    box = layout.box()
    box.label(text="Start here", icon="INFO")
    for text in (
        "1. Choose a folder with 5 to 20 photos of something that does not move.",
        "2. Press Reconstruct.",
        "3. Click on an object in a photo and press Segment: it becomes an object of its own.",
        "Walk around it and take a photo every 10 to 15 degrees, with plenty of overlap.",
    ):
        _draw_text(box, context, text)
    box.operator("wildseg3d.open_scene", icon="FILE_FOLDER")


def _draw_text(layout: bpy.types.UILayout, context: bpy.types.Context, text: str, icon: str = "NONE") -> None:
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


_CLASSES = (
    WILDSEG3D_UL_objects,
    WILDSEG3D_UL_parts,
    WILDSEG3D_UL_photos,
    WILDSEG3D_PT_photos,
    WILDSEG3D_PT_objects,
    WILDSEG3D_PT_shared,
    WILDSEG3D_PT_placed,
    WILDSEG3D_PT_display,
)


def register() -> None:
    """Called by the add-on."""
    for cls in _CLASSES:
        bpy.utils.register_class(cls)


def unregister() -> None:
    """Called by the add-on."""
    for cls in reversed(_CLASSES):
        bpy.utils.unregister_class(cls)
