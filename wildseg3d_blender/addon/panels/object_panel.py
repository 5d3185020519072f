# SPDX-License-Identifier: GPL-3.0-or-later
"""The Objects panel: the list, prompts, parts, the preview, Segment. Draws what is there; changes nothing."""

from __future__ import annotations

import os
from typing import Any

import bpy

from ...errors import NeuralError, SceneError
from ...wording import counted
from ..scene import groups, lookup, parts
from ..session import choosing, finding, previewing, runtime, warned
from ..session.preview_answers import Preview
from . import object_lists
from .drawing import (
    SidebarPanel,
    beside_list,
    draw_action,
    draw_progress,
    draw_text,
    fits,
    is_narrow,
    is_running,
    row_of,
)

_read: dict[tuple[str, str, int], str] = {}
"""What was wrong with the scene folder last drawn: reading it anew for each picture would be slow."""


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
        if sum(item.wildseg3d.role == "ROOT" for item in context.scene.objects) > 1:
            layout.prop(context.scene.wildseg3d, "root", text="", icon="EMPTY_ARROWS")
        if unusable := _out_of_reach(root) or _protected(root):
            box = layout.box()
            draw_text(box, context, unusable, icon="ERROR", inset=1)
            box.prop(settings, "folder", text="")

        row = layout.row(align=True)
        row.operator("wildseg3d.look", text="", icon="TRIA_LEFT").step = -1
        camera = context.scene.camera
        shown = camera.wildseg3d.view if camera is not None else ""
        named = row.row(align=True)
        icon = "NONE" if is_narrow(context) else "VIEW_CAMERA"
        named.operator("wildseg3d.look", text=shown or "Look Through", icon=icon).view = shown
        row.operator("wildseg3d.look", text="", icon="TRIA_RIGHT").step = 1

        _draw_list(layout, context, root)
        row = row_of(layout, context, ("Add Prompt", "Exclude"), icons=1)
        row.operator("wildseg3d.prompt_place", text="Add Prompt", icon="ADD").positive = True
        less = row.row(align=True)
        less.operator("wildseg3d.prompt_place", text="Exclude", icon="REMOVE").positive = False
        less.operator("wildseg3d.prompt_remove", text="", icon="LOOP_BACK")
        _draw_parts(layout, context, groups.active(root))
        _draw_preview(layout, context, root, explained=bool(unusable))
        if is_running("realign", "make_surface"):  # their own panels may be closed, and Segment has to wait
            draw_progress(layout)
        else:
            draw_action(layout, "segment", "MOD_EXPLODE")
        _draw_finding(layout, context, root)


class WILDSEG3D_PT_refine(SidebarPanel, bpy.types.Panel):
    """Who gets points that several objects want, and aligning the photos again for an object"""

    bl_label = "Refine"
    bl_parent_id = "WILDSEG3D_PT_objects"
    bl_options = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        root = lookup.active_root(context.scene)
        return root is not None and groups.active(root) is not None

    def draw(self, context: bpy.types.Context) -> None:
        """For the active object."""
        layout = self.layout
        root = lookup.require_root(context.scene)
        layout.label(text="Shared Points")
        layout.column().prop(groups.active(root), "shared", expand=True)
        layout.separator()
        column = layout.column(align=True)
        row = column.row(align=True)
        row.operator("wildseg3d.realign", icon="CON_TRACKTO")
        row.operator_menu_enum("wildseg3d.realign", "fit", text="", icon="DOWNARROW_HLT")
        if aligned_for := root.wildseg3d.aligned_for:
            draw_text(column, context, f"Aligned for {aligned_for}", icon="CHECKMARK")


def draw_select_menu(self: Any, context: bpy.types.Context) -> None:
    """Added to the 3D view's Select menu while there is a reconstruction."""
    if lookup.active_root(context.scene) is not None:
        self.layout.separator()
        self.layout.operator("wildseg3d.select_under_cursor", text="WildSeg3D Object by Click")


def _out_of_reach(root: bpy.types.Object) -> str:
    """Why the scene folder cannot be used, in a sentence; empty when it can."""
    folder = lookup.scene_folder(root)
    try:
        stamp = (folder / "scene.json").stat().st_mtime_ns
    except OSError:
        return f"The scene folder {folder.name} is not in {folder.parent}. Where is it now?"
    known = (root.name, str(folder), stamp)
    if known not in _read:
        _read.clear()
        try:
            lookup.open_scene(root)
        except SceneError as error:
            _read[known] = error.message
        else:
            _read[known] = ""
    return _read[known]


def _protected(root: bpy.types.Object) -> str:
    """A sentence where nothing may be written into the scene folder; empty where that is allowed.

    Said before the first click: its preview would be the first thing to fail.
    """
    folder = lookup.scene_folder(root)
    if os.access(folder, os.W_OK):
        return ""
    return (
        f"The scene folder {folder.name} is protected from writing: no preview, no object can be made. "
        "Allow writing there, or name a copy of it here."
    )


def _draw_list(layout: bpy.types.UILayout, context: bpy.types.Context, root: bpy.types.Object) -> None:
    """The objects, and what is done with them."""
    settings = root.wildseg3d
    column, side = beside_list(layout, context)
    with lookup.remembering():
        column.template_list("WILDSEG3D_UL_objects", "", settings, "groups", settings, "row", rows=4)
    side.operator("wildseg3d.object_add", text="", icon="ADD")
    side.operator("wildseg3d.object_remove", text="", icon="REMOVE")
    side.separator()
    side.menu("WILDSEG3D_MT_objects", text="", icon="DOWNARROW_HLT")


def _draw_parts(layout: bpy.types.UILayout, context: bpy.types.Context, item: Any | None) -> None:
    """What the active object is made of, where that is more than itself; and the way to more."""
    column = layout.column(align=True)
    if item is not None and len(item.parts) > 1:
        column.template_list(
            "WILDSEG3D_UL_parts", "", item, "parts", item, "active_part", rows=min(len(item.parts), 4)
        )
    row = row_of(column, context, ("Add Part", "Take Away"))
    row.operator("wildseg3d.part_add", text="Add Part", icon="SELECT_EXTEND").subtract = False
    row.operator("wildseg3d.part_add", text="Take Away", icon="SELECT_SUBTRACT").subtract = True


def _draw_preview(
    layout: bpy.types.UILayout, context: bpy.types.Context, root: bpy.types.Object, *, explained: bool
) -> None:
    """The toggle, Smaller and Larger, and one line that says what the preview is doing.

    Args:
        explained: why there is none is told already.
    """
    column = layout.column(align=True)
    row = row_of(column, context, ("Smaller", "Larger"), icons=1)
    icon = "HIDE_OFF" if context.scene.wildseg3d.preview else "HIDE_ON"
    less = row.row(align=True)
    less.prop(context.scene.wildseg3d, "preview", text="", icon=icon)
    less.operator("wildseg3d.smaller", icon="TRIA_DOWN")
    row.operator("wildseg3d.larger", icon="TRIA_UP")
    if problem := previewing.problem():
        if not explained:
            draw_text(column, context, problem, icon="ERROR")
        return
    preview = previewing.answer()
    draw_text(column, context, _preview_state(context, root, preview), dim=True)
    for warning in _warnings(groups.active(root), preview):
        draw_text(column, context, warning, icon="ERROR")


def _warnings(item: Any | None, preview: Preview | None) -> tuple[str, ...]:
    """What is not as the artist may think: about the preview, or about the object as it was cut out."""
    asked = previewing.current()
    if item is not None and asked is not None and asked.applied:
        return warned.of(asked.about, item.applied)
    return () if preview is None else preview.warnings


def _preview_state(context: bpy.types.Context, root: bpy.types.Object, preview: Preview | None) -> str:
    item, asked = groups.active(root), previewing.current()
    if item is None or not lookup.prompts(root, item.name):
        return "Click on an object in a photo"
    part = parts.shown(item)
    if part is not None and part.number != parts.WHOLE and not lookup.prompts(root, item.name, part.number):
        return f"Click on what is to be {'taken away' if part.subtract else 'added'}"
    if not context.scene.wildseg3d.preview:
        return "Preview is off"
    if asked is not None and asked.applied:
        return "Segmented; prompts refine it"
    if preview is not None:
        found = "known object" if preview.cached else "found for these prompts"
        place = parts.place_of_active(item)
        return f"Preview: {found}{'' if place is None else _steps(preview.steps[place])}"
    if previewing.refining():
        return "Preview: refining…"
    quiet = runtime.quiet_job()
    if quiet is not None and quiet.method == previewing.METHOD:
        return f"Preview: {quiet.text} {quiet.fraction:.0%}"
    return "Preview: waiting"


def _draw_finding(layout: bpy.types.UILayout, context: bpy.types.Context, root: bpy.types.Object) -> None:
    """How far finding objects is, quietly; or the button that starts it."""
    folder = lookup.scene_folder(root)
    if (count := finding.found(folder, _segmenter(context))) is not None:
        row = layout.row()
        row.active = False
        texts = (f"{counted(count, 'object')} ready to click", f"{count} ready", str(count))
        text = next((text for text in texts if fits(context, text, icons=1)), texts[-1])
        row.label(text=text, icon="CHECKMARK")
        row.operator("wildseg3d.find_objects", text="", icon="FILE_REFRESH", emboss=False)
    elif finding.is_wanted(folder):
        quiet = runtime.quiet_job()
        row = layout.row(align=True)
        if quiet is not None and quiet.method == finding.METHOD:
            row.prop(context.window_manager.wildseg3d, "quiet_job", slider=True)
        else:
            row.label(text="Finding objects: waiting")
        row.operator("wildseg3d.find_objects", text="", icon="X").stop = True
    elif failure := finding.failure(folder):
        draw_text(layout, context, failure, icon="ERROR")
        layout.operator("wildseg3d.find_objects", text="Find Objects Again", icon="VIEWZOOM")
    else:
        if text := choosing.finding_text(context.scene, sum(item.placed for item in root.wildseg3d.photos)):
            draw_text(layout, context, f"Finding objects: {text}", dim=True)
        layout.operator("wildseg3d.find_objects", icon="VIEWZOOM")


def _segmenter(context: bpy.types.Context) -> str:
    """The one that would be asked; "" where something is missing for it, which is said elsewhere."""
    try:
        return choosing.segmenter(context.scene)
    except NeuralError:
        return ""


def _steps(steps: int) -> str:
    """How far the active part is from the best answer."""
    return f", {abs(steps)}× {'larger' if steps > 0 else 'smaller'}" if steps else ""


CLASSES = (
    *object_lists.CLASSES,
    WILDSEG3D_PT_objects,
    WILDSEG3D_PT_refine,
)


def register() -> None:
    """Called by the add-on."""
    bpy.types.UI_MT_list_item_context_menu.append(object_lists.draw_context_menu)
    bpy.types.VIEW3D_MT_select_object.append(draw_select_menu)


def unregister() -> None:
    """Called by the add-on."""
    bpy.types.VIEW3D_MT_select_object.remove(draw_select_menu)
    bpy.types.UI_MT_list_item_context_menu.remove(object_lists.draw_context_menu)
