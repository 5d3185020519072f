# SPDX-License-Identifier: GPL-3.0-or-later
"""The sidebar: Photos, Reconstruct, Objects, Scene. Draws what is there; never changes anything."""

from __future__ import annotations

from typing import Any

import bpy

from ..errors import WildSegError
from . import choosing, object_panel, runtime, scene_panel
from .drawing import SidebarPanel, draw_action, draw_text
from .preferences import extension_package
from .scene import lookup


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


class WILDSEG3D_PT_photos(SidebarPanel, bpy.types.Panel):
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
        draw_action(layout, "reconstruct", "OUTLINER_OB_CAMERA")
        root = lookup.active_root(context.scene)
        if root is None and job is None:
            _draw_hint(layout, context)


class WILDSEG3D_PT_placed(SidebarPanel, bpy.types.Panel):
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
                draw_text(layout, context, f"{item.name} {item.reason}. {item.advice}")


class WILDSEG3D_PT_engine(SidebarPanel, bpy.types.Panel):
    """What computes, how thoroughly and where"""

    bl_label = "Engine"
    bl_parent_id = "WILDSEG3D_PT_photos"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: bpy.types.Context) -> None:
        """The choices, what they come to, and what is missing for them."""
        settings = context.scene.wildseg3d
        layout = self.layout
        column = layout.column()
        column.use_property_split = True
        column.use_property_decorate = False
        for name in ("engines", "quality", "device"):
            column.prop(settings, name)
        for label, choose in (("Photos", choosing.engine), ("Objects", choosing.segmenter)):
            try:
                layout.label(text=f"{label}: {choosing.TITLES[choose(context.scene)]}")
            except WildSegError as error:
                draw_text(layout, context, error.message, icon="ERROR")
                layout.operator(
                    "preferences.addon_show", text="Open Preferences"
                ).module = extension_package()
                break
        if runtime.runs_networks():
            layout.operator("wildseg3d.release_memory", icon="TRASH")


def _draw_hint(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    box = layout.box()
    box.label(text="Start here", icon="INFO")
    for text in (
        "1. Choose a folder with 5 to 20 photos of something that does not move.",
        "2. Press Reconstruct.",
        "3. Click on an object in a photo: a tint shows what you get. Press Segment: it becomes an object of "
        "its own.",
        "Walk around it and take a photo every 10 to 15 degrees, with plenty of overlap.",
    ):
        draw_text(box, context, text)
    box.operator("wildseg3d.open_scene", icon="FILE_FOLDER")


_CLASSES = (
    WILDSEG3D_UL_photos,
    WILDSEG3D_PT_photos,
    *object_panel.CLASSES,
    WILDSEG3D_PT_placed,
    *scene_panel.CLASSES,
    WILDSEG3D_PT_engine,
)


def register() -> None:
    """Called by the add-on."""
    for cls in _CLASSES:
        bpy.utils.register_class(cls)


def unregister() -> None:
    """Called by the add-on."""
    for cls in reversed(_CLASSES):
        bpy.utils.unregister_class(cls)
