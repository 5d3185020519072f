# SPDX-License-Identifier: GPL-3.0-or-later
"""The panel's first step: the card of an empty panel, the photos, and why some are of no use."""

from __future__ import annotations

from typing import Any

import bpy

from ...wording import counted
from ..scene import lookup
from ..session import choosing, photo_checking, runtime
from . import photo_icons
from .drawing import beside_list, draw_text, fits

FEWEST = 3
"""Photos below which the panel warns: two make a scene only if they overlap just right."""

FEW = 8

PICTURE = 4.5
"""Height of the selected photo's picture, in buttons."""

CHOOSE_ICON = "IMAGE_DATA"


class _PhotoLines(bpy.types.UIList):
    """A line a photo: its picture, its name, and at the end what is to be said or done about it."""

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
        picture = photo_icons.icon_of(item.path)
        if picture:
            row.label(text=item.name, icon_value=picture)
        else:
            row.label(text=item.name, icon="IMAGE_DATA")
        self._draw_end(context, row, item)

    def _draw_end(self, context: bpy.types.Context, row: bpy.types.UILayout, item: Any) -> None:
        raise NotImplementedError


class WILDSEG3D_UL_photos(_PhotoLines):
    """Photos that were placed, then those that were not."""

    def _draw_end(self, context: bpy.types.Context, row: bpy.types.UILayout, item: Any) -> None:
        if item.placed:
            row.operator("wildseg3d.look", text="", icon="VIEW_CAMERA", emboss=False).view = item.name
        else:
            row.label(text="", icon="ERROR")


class WILDSEG3D_UL_chosen(_PhotoLines):
    """Photos that wait to be reconstructed."""

    def _draw_end(self, context: bpy.types.Context, row: bpy.types.UILayout, item: Any) -> None:
        if item.path in (photo_checking.doubtful(context.scene) or {}):
            row.label(text="", icon="ERROR")


def draw_card(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """What an empty panel says: what to do, the button for it, and how to take photos that work."""
    box = layout.box()
    box.label(text="Photos Become a 3D Scene", icon="OUTLINER_OB_CAMERA")
    draw_text(
        box,
        context,
        "Choose photos of something that keeps still. You get cameras and coloured points. Then click a "
        "thing in a photo, and it is an object of its own.",
        inset=1,
    )
    _draw_choose(box)
    draw_text(
        box, context, "Several photos, a folder or a video. Or drop files on the 3D view.", inset=1, dim=True
    )

    box = layout.box()
    box.label(text="Photos That Work", icon="INFO")
    for text in (
        "Walk around it: one every 10 to 15 degrees, 8 to 30 in all.",
        "Every part in three photos or more, sharp, in even light.",
        "Patterns help. Glass, mirrors and bare walls do not.",
    ):
        draw_text(box, context, text, icon="DOT", inset=1)
    column = layout.column(align=True)
    column.operator("wildseg3d.guide", icon="HELP")
    column.operator("wildseg3d.open_scene", text="Open Scene Folder…", icon="FILE_FOLDER")


def summary(context: bpy.types.Context, unfolded: bool) -> str:
    """The step in a few words, for its header."""
    settings, root = context.scene.wildseg3d, lookup.active_root(context.scene)
    if len(settings.chosen):
        return counted(len(settings.chosen), "photo")
    if root is None:
        return ""
    photos = root.wildseg3d.photos
    placed = f"{sum(item.placed for item in photos)} of {len(photos)} placed"
    if unfolded or not has_tips(context):
        return placed
    tips = counted(len(root.wildseg3d.tips.splitlines()), "tip")
    longer = f"{placed}, {tips}"
    return longer if fits(context, f"Photos {longer}", icons=2) else tips


def has_tips(context: bpy.types.Context) -> bool:
    """Whether the photos shown are those of a reconstruction that could be better, with a word on how."""
    root = lookup.active_root(context.scene)
    return not len(context.scene.wildseg3d.chosen) and root is not None and bool(root.wildseg3d.tips)


def draw_photos(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """The photos that wait, else those of the reconstruction at work."""
    settings, root = context.scene.wildseg3d, lookup.active_root(context.scene)
    if len(settings.chosen):
        _draw_chosen(layout, context, settings)
    elif root is not None:
        _draw_reconstructed(layout, context, root.wildseg3d)


def _draw_chosen(layout: bpy.types.UILayout, context: bpy.types.Context, settings: Any) -> None:
    column, side = beside_list(layout, context)
    column.template_list("WILDSEG3D_UL_chosen", "", settings, "chosen", settings, "active_chosen", rows=5)
    side.operator("wildseg3d.photos_add", text="", icon="ADD").add = True
    side.operator("wildseg3d.photo_remove", text="", icon="REMOVE").index = -1
    side.separator()
    side.operator("wildseg3d.photos_again", text="", icon="FILE_REFRESH")
    side.operator("wildseg3d.photos_clear", text="", icon="TRASH")
    doubtful = photo_checking.doubtful(context.scene)
    if 0 <= settings.active_chosen < len(settings.chosen):
        item = settings.chosen[settings.active_chosen]
        found = (doubtful or {}).get(item.path)
        _draw_selected(layout, context, item, f"{found.reason}. {found.advice}" if found else "")
    _draw_warnings(layout, context, len(settings.chosen), doubtful)


def _draw_warnings(
    layout: bpy.types.UILayout, context: bpy.types.Context, count: int, doubtful: Any | None
) -> None:
    """What is known of all of them before anything was computed."""
    if count < FEWEST:
        more = "Two photos seldom make a scene" if count == 2 else "One photo makes no scene"
        draw_text(layout, context, f"{more}: add some, taken from other places.", icon="ERROR")
    elif count < FEW:
        draw_text(layout, context, "Few photos show one side; 8 to 30 show it all.", icon="INFO")
    if not doubtful:
        # Always a line, so that the button below does not move away from the mouse.
        line = layout.row()
        line.active = False
        line.label(text=_looking() if doubtful is None else _fine(count))
    else:
        one = len(doubtful) == 1
        marked = "One photo is marked: select it" if one else f"{len(doubtful)} photos are marked: select one"
        draw_text(layout, context, f"{marked} to read what is wrong.", icon="ERROR")


def _fine(count: int) -> str:
    blurred = ", none is blurred" if count >= photo_checking.FEWEST_COMPARED else ""
    return f"All can be read{blurred}"


def _looking() -> str:
    quiet = runtime.quiet_job()
    if quiet is None or quiet.method != photo_checking.METHOD:
        return "Not looked at yet"
    return f"Looking at the photos: {quiet.fraction:.0%}"


def _draw_reconstructed(layout: bpy.types.UILayout, context: bpy.types.Context, settings: Any) -> None:
    for line in settings.tips.splitlines():
        draw_text(layout.box(), context, line, icon="INFO", inset=1)
    root = lookup.require_root(context.scene)
    if choosing.offers_dust3r(root):
        if text := choosing.adding_text(context.scene, root):
            draw_text(layout, context, text, dim=True)
        again = layout.operator("wildseg3d.reconstruct", text="Add with DUSt3R", icon="FILE_REFRESH")
        again.engine = "mixed"
    column, side = beside_list(layout, context)
    column.template_list("WILDSEG3D_UL_photos", "", settings, "photos", settings, "active_photo", rows=5)
    side.operator("wildseg3d.photos_add", text="", icon="ADD").add = True
    side.separator()
    side.operator("wildseg3d.photos_again", text="", icon="FILE_REFRESH")
    side.operator("wildseg3d.photos_add", text="", icon="FILE_FOLDER").add = False
    if 0 <= settings.active_photo < len(settings.photos):
        item = settings.photos[settings.active_photo]
        _draw_selected(layout, context, item, "" if item.placed else f"{item.reason}. {item.advice}")


def _draw_selected(layout: bpy.types.UILayout, context: bpy.types.Context, item: Any, problem: str) -> None:
    """The selected photo, larger, and what is wrong with it."""
    if picture := photo_icons.icon_of(item.path):
        layout.template_icon(icon_value=picture, scale=PICTURE)
    if problem:
        draw_text(layout, context, f"{item.name} {problem}", icon="ERROR")


def _draw_choose(layout: bpy.types.UILayout) -> None:
    row = layout.row()
    row.scale_y = 1.8
    row.operator("wildseg3d.photos_add", text="Choose Photos…", icon=CHOOSE_ICON).add = False


CLASSES = (WILDSEG3D_UL_photos, WILDSEG3D_UL_chosen)
