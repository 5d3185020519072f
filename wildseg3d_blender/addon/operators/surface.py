# SPDX-License-Identifier: GPL-3.0-or-later
"""Meshes out of points."""

from __future__ import annotations

import math

import bpy

from ..scene import lookup, surfaces, view_surfaces, viewing
from ..scene.steps import object_named
from .base import Work, WorkerOperator, has_root, idle, object_mode


class WILDSEG3D_OT_make_surface(WorkerOperator, bpy.types.Operator):
    """Make a mesh of an object's points, or of the points that belong to no object"""

    bl_idname = "wildseg3d.make_surface"
    bl_label = "Make Surface"
    bl_options = {"REGISTER", "UNDO"}

    kind: bpy.props.EnumProperty(
        name="Kind",
        items=(
            ("VIEWS", "Photos", "What the photos show, cut where a thing ends before another. Sharpest"),
            ("MERGED", "Closed", "One closed mesh that all photos agree on; the back is made up"),
        ),
        default="VIEWS",
    )
    object: bpy.props.StringProperty(
        name="Object",
        description="Name in the list; when empty, the points that belong to no object",
        options={"SKIP_SAVE"},
    )
    step: bpy.props.IntProperty(
        name="Every Pixel",
        description="A vertex every how many pixels of the photo: 1 is finest",
        default=2,
        min=1,
        soft_max=8,
    )
    hole: bpy.props.IntProperty(
        name="Holes",
        description="Close gaps where nothing was measured up to this many pixels wide",
        default=16,
        min=0,
        soft_max=50,
    )
    steepest: bpy.props.FloatProperty(
        name="Steepest",
        description="Cut the surface where a photo sees it at more than this angle: at the edges of things "
        "that lie in front of others",
        subtype="ANGLE",
        default=math.radians(view_surfaces.STEEPEST),
        min=math.radians(30),
        max=math.radians(89),
    )
    detail: bpy.props.IntProperty(
        name="Detail",
        description="Voxels along the longest side. Twice as many take eight times as long",
        default=96,
        min=8,
        soft_max=192,
        max=512,
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return has_root(cls, context) and idle(cls) and object_mode(cls, context)

    @classmethod
    def description(cls, context: bpy.types.Context, properties: bpy.types.OperatorProperties) -> str:
        """A tooltip for each of the panel's buttons."""
        of = properties.object or "what belongs to no object"
        if properties.kind == "MERGED":
            return f"Make one closed mesh of {of} that all photos agree on; its back is made up"
        return f"Make a mesh of {of} as the photos show it, cut where a thing ends before another. Sharpest"

    def draw(self, context: bpy.types.Context) -> None:
        """What the chosen kind asks for."""
        layout = self.layout
        layout.use_property_split = True
        layout.row().prop(self, "kind", expand=True)
        for name in ("step", "hole", "steepest") if self.kind == "VIEWS" else ("detail",):
            layout.prop(self, name)

    def work(self, context: bpy.types.Context) -> Work:
        """Make it, select it, hide the points."""
        name = yield from surfaces.making(lookup.require_root(context.scene).name, self.object, self._kind())
        made = object_named(name)
        select_only(bpy.context, made)
        viewing.redraw()
        return f"{made.name}: {len(made.data.polygons):,} faces"

    def _kind(self) -> surfaces.Photos | surfaces.Closed:
        if self.kind == "MERGED":
            return surfaces.Closed(self.detail)
        return surfaces.Photos(self.step, self.hole, math.degrees(self.steepest))


def select_only(context: bpy.types.Context, item: bpy.types.Object) -> None:
    """Make ``item`` the one that is selected and active."""
    for other in context.view_layer.objects:
        other.select_set(False)
    item.select_set(True)
    context.view_layer.objects.active = item


CLASSES = (WILDSEG3D_OT_make_surface,)
