# SPDX-License-Identifier: GPL-3.0-or-later
"""Choosing an object by its looks, and seeing only what is worked on."""

from __future__ import annotations

import bpy

from ...errors import SceneError
from .. import conditions
from ..scene import groups, lookup, selecting, surfaces, viewing, visibility
from .base import has_root, holds, object_mode, reporting
from .surface_clicks import Place, SurfaceClicks, place_under


class WILDSEG3D_OT_select_under_cursor(SurfaceClicks, bpy.types.Operator):
    """Select the object that is clicked on, in the viewport and in the list; never what hides behind it"""

    bl_idname = "wildseg3d.select_under_cursor"
    bl_label = "Select by Click"
    bl_options = {"REGISTER", "UNDO"}

    asks = "Click on an object"

    object: bpy.props.StringProperty(
        name="Object", description="Name of the points that were clicked on", options={"HIDDEN", "SKIP_SAVE"}
    )
    here: bpy.props.BoolProperty(
        name="Here",
        description="Take what is under the mouse now, without asking for a click",
        options={"HIDDEN", "SKIP_SAVE"},
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return has_root(cls, context) and object_mode(cls, context)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Ask for a click, unless this is one."""
        if not self.here:
            return self.begin_clicks(context)
        try:
            return self.picked(context, [place_under(context, context.area, event.mouse_x, event.mouse_y)])
        except SceneError as error:
            self.report({"INFO"}, error.message)
            return {"CANCELLED"}

    def picked(self, context: bpy.types.Context, places: list[Place]) -> set[str]:
        """It was clicked."""
        self.object = places[0][1]
        viewing.redraw()
        return self.execute(context)

    @reporting
    def execute(self, context: bpy.types.Context) -> set[str]:
        """Select it, or the surface that is shown in its place."""
        root = lookup.require_root(context.scene)
        found = next((item for item in lookup.point_objects(root) if item.name == self.object), None)
        if found is None:
            raise SceneError(f"{root.name} has no points named {self.object!r}.")
        selecting.only(context.view_layer, visibility.stands_for(root, found))
        for index, item in enumerate(root.wildseg3d.groups):
            if item.object == found:
                root.wildseg3d.active_group = index
        return {"FINISHED"}


class WILDSEG3D_OT_isolate(bpy.types.Operator):
    """Show only this object of the reconstruction; press again to see everything as it was"""

    bl_idname = "wildseg3d.isolate"
    bl_label = "Isolate"
    bl_options = {"REGISTER", "UNDO"}

    object: bpy.props.StringProperty(
        name="Object", description="Name in the list; the active one when empty", options={"SKIP_SAVE"}
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return has_root(cls, context) and holds(cls, conditions.spoken_of_is_cut_out)

    @reporting
    def execute(self, context: bpy.types.Context) -> set[str]:
        """Hide the others, or bring them back."""
        root = lookup.require_root(context.scene)
        if not self.object and visibility.is_isolated(root):
            visibility.show_all(root)
            return {"FINISHED"}
        active = groups.active(root)
        name = self.object or ("" if active is None else active.name)
        if not name:
            raise SceneError("There is no object to isolate yet: click on one in a photo and press Segment.")
        alone = surfaces.points_of(root, name)
        visibility.isolate(root, alone)
        viewing.show_uncovered(alone, astray=0.02)
        return {"FINISHED"}


class WILDSEG3D_OT_hide_rest(bpy.types.Operator):
    """Hide what belongs to no object, points and surface; press again to see it as it was"""

    bl_idname = "wildseg3d.hide_rest"
    bl_label = "Hide Rest"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return has_root(cls, context)

    @reporting
    def execute(self, context: bpy.types.Context) -> set[str]:
        """Hide it, or bring it back."""
        root = lookup.require_root(context.scene)
        rest = lookup.points(root)
        visibility.set_seen(root, rest, not visibility.is_seen(root, rest))
        return {"FINISHED"}


class WILDSEG3D_OT_hide_cameras(bpy.types.Operator):
    """Hide the frames of the photos' cameras, all but the one looked through last; press again to see them. \
Photos can be gone through all the same"""

    bl_idname = "wildseg3d.hide_cameras"
    bl_label = "Hide Cameras"
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return has_root(cls, context)

    @reporting
    def execute(self, context: bpy.types.Context) -> set[str]:
        """Hide them, or bring them back."""
        root = lookup.require_root(context.scene)
        seen = visibility.cameras_are_seen(context.scene, root)
        visibility.set_cameras_seen(context.scene, root, not seen)
        return {"FINISHED"}


class WILDSEG3D_OT_show_as(bpy.types.Operator):
    """Show points, or the surface that was made of them"""

    bl_idname = "wildseg3d.show_as"
    bl_label = "Show As"
    bl_options = {"REGISTER", "UNDO"}

    object: bpy.props.StringProperty(
        name="Object",
        description="Name in the list; when empty, the points that belong to no object",
        options={"SKIP_SAVE"},
    )
    surface: bpy.props.BoolProperty(name="Surface", description="The surface, not the points")

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return has_root(cls, context)

    @classmethod
    def description(cls, context: bpy.types.Context, properties: bpy.types.OperatorProperties) -> str:
        """A tooltip for each of the panel's buttons."""
        return "Show the surface" if properties.surface else "Show the points"

    @reporting
    def execute(self, context: bpy.types.Context) -> set[str]:
        """Hide one, show the other."""
        root = lookup.require_root(context.scene)
        visibility.show_as(root, surfaces.points_of(root, self.object), self.surface)
        return {"FINISHED"}


CLASSES = (
    WILDSEG3D_OT_select_under_cursor,
    WILDSEG3D_OT_isolate,
    WILDSEG3D_OT_hide_rest,
    WILDSEG3D_OT_hide_cameras,
    WILDSEG3D_OT_show_as,
)
