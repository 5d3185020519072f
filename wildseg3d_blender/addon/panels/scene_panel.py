# SPDX-License-Identifier: GPL-3.0-or-later
"""The Scene panel: what is shown, surfaces, ground and scale. Draws what is there; changes nothing."""

from __future__ import annotations

import bpy

from ..scene import groups, lookup, surfaces, visibility
from .drawing import SidebarPanel, is_tight, row_of


class WILDSEG3D_PT_scene(SidebarPanel, bpy.types.Panel):
    """What is shown of the reconstruction, and where its ground is and how large it is"""

    bl_label = "Scene"
    bl_parent_id = "WILDSEG3D_PT_photos"
    bl_options = {"DEFAULT_CLOSED"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return lookup.active_root(context.scene) is not None

    def draw(self, context: bpy.types.Context) -> None:
        """What is shown; then the sections."""
        root = lookup.require_root(context.scene)
        layout = self.layout
        _draw_shown(layout, context, root)
        for name, title, draw in (
            ("wildseg3d_surfaces", "Surfaces", _draw_surfaces),
            ("wildseg3d_orientation", "Ground and Scale", _draw_orientation),
            ("wildseg3d_points", "Points", _draw_points),
        ):
            header, body = layout.panel(name)
            header.label(text=title)
            if body is not None:
                draw(body, context, root)
        column = layout.column()
        column.use_property_split = True
        column.use_property_decorate = False
        column.prop(root.wildseg3d, "folder", text="Kept in")


def _draw_shown(layout: bpy.types.UILayout, context: bpy.types.Context, root: bpy.types.Object) -> None:
    row = row_of(layout, context, ("Select by Click", "Hide Cameras"))
    row.operator("wildseg3d.select_under_cursor", icon="RESTRICT_SELECT_OFF")
    bare = not visibility.cameras_are_seen(context.scene, root)
    row.operator("wildseg3d.hide_cameras", icon="HIDE_ON" if bare else "HIDE_OFF", depress=bare)
    row = row_of(layout, context, ("Isolate", "Hide Rest"))
    isolated = visibility.is_isolated(root)
    row.operator("wildseg3d.isolate", icon="SOLO_ON" if isolated else "SOLO_OFF", depress=isolated)
    rest = _rest(root)
    hidden = rest is not None and not visibility.is_seen(root, rest)
    row.operator("wildseg3d.hide_rest", icon="HIDE_ON" if hidden else "HIDE_OFF", depress=hidden)


def _draw_surfaces(layout: bpy.types.UILayout, context: bpy.types.Context, root: bpy.types.Object) -> None:
    """A row for the scene and one for the active object: make either kind, see points or surface."""
    column = layout.column(align=True)
    targets = [("", "Scene", _rest(root))]
    active = groups.active(root)
    if active is not None:
        targets.append((active.name, active.name, groups.mesh_object(active)))
    for name, label, source in targets:
        named = column if is_tight(context) else column.split(factor=0.36, align=True)
        named.label(text=label, translate=False)
        row = named.row(align=True)
        row.enabled = source is not None
        for kind, text in (("VIEWS", "Open"), ("MERGED", "Closed")):
            button = row.operator("wildseg3d.make_surface", text=text)
            button.kind, button.object = kind, name
        if source is None or not (made := lookup.surfaces(root, source)):
            continue
        surface = any(visibility.is_shown(item) for item in made)
        for shows, icon in ((False, "POINTCLOUD_DATA"), (True, "MESH_DATA")):
            button = row.operator("wildseg3d.show_as", text="", icon=icon, depress=surface == shows)
            button.object, button.surface = name, shows
        if (old := surfaces.outdated(root, name, source)) is not None:
            button = column.operator(
                "wildseg3d.make_surface", text="Points Changed: Update Surface", icon="FILE_REFRESH"
            )
            button.object = name
            surfaces.write(button, surfaces.read(old.wildseg3d.made_with))


def _draw_orientation(layout: bpy.types.UILayout, context: bpy.types.Context, root: bpy.types.Object) -> None:
    column = layout.column(align=True)
    column.operator("wildseg3d.set_ground", text="Ground by 3 Clicks", icon="AXIS_TOP")
    active = groups.active(root)
    texts = ["From Scene", *([f"From {active.name}"] if active is not None else ())]
    fitted = row_of(column, context, texts)
    fitted.operator_context = "EXEC_DEFAULT"
    fitted.operator("wildseg3d.set_ground", text="From Scene").object = ""
    if active is not None and groups.mesh_object(active) is not None:
        fitted.operator(
            "wildseg3d.set_ground", text=f"From {active.name}", translate=False
        ).object = active.name
    fitted.operator_context = "INVOKE_DEFAULT"  # it holds for the whole panel, not for the row
    layout.operator("wildseg3d.set_distance", icon="DRIVER_DISTANCE")


def _draw_points(layout: bpy.types.UILayout, context: bpy.types.Context, root: bpy.types.Object) -> None:
    layout.use_property_split = not is_tight(context)
    layout.use_property_decorate = False
    for name in ("point_size", "hide_uncertain", "share"):
        layout.prop(root.wildseg3d, name)


def _rest(root: bpy.types.Object) -> bpy.types.Object | None:
    """The points that belong to no object; None where they were deleted."""
    return next((item for item in lookup.point_objects(root) if item.wildseg3d.role == "POINTS"), None)


CLASSES = (WILDSEG3D_PT_scene,)
