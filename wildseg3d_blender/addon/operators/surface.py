# SPDX-License-Identifier: GPL-3.0-or-later
"""Meshes out of points."""

from __future__ import annotations

import bpy

from ...wording import counted
from .. import conditions
from ..properties.surfaces import SurfaceSettings
from ..scene import lookup, selecting, surfaces, viewing
from ..scene.steps import object_named
from .base import Work, WorkerOperator, has_root, holds, idle, object_mode


class WILDSEG3D_OT_make_surface(SurfaceSettings, WorkerOperator, bpy.types.Operator):
    """Make a mesh of an object's points, or of the points that belong to no object"""

    bl_idname = "wildseg3d.make_surface"
    bl_label = "Make Surface"
    bl_options = {"REGISTER", "UNDO"}

    object: bpy.props.StringProperty(
        name="Object",
        description="Name in the list; when empty, the points that belong to no object",
        options={"SKIP_SAVE"},
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        possible = has_root(cls, context) and idle(cls) and object_mode(cls, context)
        return possible and holds(cls, conditions.spoken_of_is_cut_out)

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
        root = lookup.require_root(context.scene)
        name = yield from surfaces.making(root.name, self.object, surfaces.read(self))
        made = object_named(name)
        selecting.only(bpy.context.view_layer, made)
        viewing.show_uncovered(made)
        return f"{made.name}: {counted(len(made.data.polygons), 'face')}"


CLASSES = (WILDSEG3D_OT_make_surface,)
