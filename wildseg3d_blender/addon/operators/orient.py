# SPDX-License-Identifier: GPL-3.0-or-later
"""Ground and scale of a reconstruction."""

from __future__ import annotations

import bpy
import numpy as np

from ...errors import SceneError
from ..scene import lookup, orientation, surfaces
from .base import has_root, reporting
from .surface_clicks import Place, SurfaceClicks


class WILDSEG3D_OT_set_ground(SurfaceClicks, bpy.types.Operator):
    """Lay the scene on z = 0: click on three places of the ground, far apart. In Edit Mode, the selected \
points are the ground"""

    bl_idname = "wildseg3d.set_ground"
    bl_label = "Set Ground"
    bl_options = {"REGISTER", "UNDO"}

    wanted = 3
    asks = "Click on the ground, at places far apart"

    object: bpy.props.StringProperty(
        name="Object",
        description="Name in the list of an object that is flat; when empty, the points that belong to none",
        options={"SKIP_SAVE"},
    )
    places: bpy.props.FloatVectorProperty(
        name="Places",
        description="Three places of the ground in Blender's world: x, y, z of one after another. "
        "When not given, the ground is fitted to points",
        size=9,
        options={"HIDDEN", "SKIP_SAVE"},
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return has_root(cls, context)

    @classmethod
    def description(cls, context: bpy.types.Context, properties: bpy.types.OperatorProperties) -> str:
        """A tooltip for each of the panel's two buttons."""
        if properties.is_property_set("object"):
            of = properties.object or "the points that belong to no object"
            return f"Lay the scene on z = 0 by the largest plane in {of}"
        return cls.__doc__ or ""

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Ask for three clicks, unless points are selected in Edit Mode."""
        return self.execute(context) if context.mode == "EDIT_MESH" else self.begin_clicks(context)

    def picked(self, context: bpy.types.Context, places: list[Place]) -> set[str]:
        """Three were clicked."""
        self.places = np.concatenate([place for place, _ in places])
        return self.execute(context)

    @reporting
    def execute(self, context: bpy.types.Context) -> set[str]:
        """Turn and lift the root."""
        root = lookup.require_root(context.scene)
        if self.properties.is_property_set("places"):
            orientation.set_ground(root, np.array(self.places).reshape(3, 3))
        elif context.mode == "EDIT_MESH" and not self.object:
            orientation.set_ground(root, orientation.points_of(context.object, only_selected=True))
        else:
            points = orientation.points_of(surfaces.points_of(root, self.object))
            orientation.set_ground(root, points, any_way_up=bool(self.object))
        return {"FINISHED"}


class WILDSEG3D_OT_set_distance(SurfaceClicks, bpy.types.Operator):
    """Scale the scene by a length that you know: click on two places, or select two Empties first, and type \
how far apart they are"""

    bl_idname = "wildseg3d.set_distance"
    bl_label = "Set Distance"
    bl_options = {"REGISTER", "UNDO"}

    wanted = 2
    asks = "Click on two places whose distance you know"

    length: bpy.props.FloatProperty(
        name="Distance",
        description="How far apart the two places are in reality",
        subtype="DISTANCE",
        unit="LENGTH",
        default=1.0,
        min=1e-6,
        soft_max=100.0,
        options={"SKIP_SAVE"},
    )
    first: bpy.props.FloatVectorProperty(
        name="First", description="In Blender's world", subtype="XYZ", options={"HIDDEN", "SKIP_SAVE"}
    )
    second: bpy.props.FloatVectorProperty(
        name="Second", description="In Blender's world", subtype="XYZ", options={"HIDDEN", "SKIP_SAVE"}
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return has_root(cls, context)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Ask for the places, then for their distance."""
        if not self.properties.is_property_set("first") and not self._take_empties(context):
            return self.begin_clicks(context)
        self.length = float(np.linalg.norm(np.subtract(self.first, self.second)))
        return context.window_manager.invoke_props_dialog(self)

    def picked(self, context: bpy.types.Context, places: list[Place]) -> set[str]:
        """Both were clicked: the dialog needs an operator of its own."""
        (first, _), (second, _) = places
        bpy.ops.wildseg3d.set_distance("INVOKE_DEFAULT", first=first, second=second)
        return {"CANCELLED"}  # that one is the undo step

    def draw(self, context: bpy.types.Context) -> None:
        """Only the length: the places were shown."""
        self.layout.use_property_split = True
        self.layout.prop(self, "length")

    @reporting
    def execute(self, context: bpy.types.Context) -> set[str]:
        """Scale the root."""
        root = lookup.require_root(context.scene)
        if not self.properties.is_property_set("first") and not self._take_empties(context):
            raise SceneError("Select the two Empties whose distance you know, or click on two places.")
        orientation.set_distance(root, np.array(self.first), np.array(self.second), self.length)
        return {"FINISHED"}

    def _take_empties(self, context: bpy.types.Context) -> bool:
        """Whether exactly two Empties are selected; they are then the places."""
        found = [item for item in context.selected_objects if item.type == "EMPTY"]
        found = [item for item in found if item.wildseg3d.role != "ROOT"]
        if len(found) != 2:
            return False
        self.first, self.second = (item.matrix_world.translation for item in found)
        return True


CLASSES = (WILDSEG3D_OT_set_ground, WILDSEG3D_OT_set_distance)
