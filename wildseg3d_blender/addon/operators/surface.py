# SPDX-License-Identifier: GPL-3.0-or-later
"""Meshes out of points."""

from __future__ import annotations

import math
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import bpy

from ...errors import WildSegError
from ..scene import lookup, surfaces, view_surfaces, viewing
from ..scene.surface_mesh import Faces
from ..scene.surfaces import Plan
from .base import has_root, idle, object_mode, report_error, reporting

TICK = 0.05
"""Seconds between looks at whether it is done."""


class WILDSEG3D_OT_make_surface(bpy.types.Operator):
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

    _made_by: Plan
    _faces: Future[Faces]
    _timer: Any = None

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

    @reporting
    def execute(self, context: bpy.types.Context) -> set[str]:
        """Make it, select it, hide the points."""
        plan = self._plan(context)
        self._finish(context, plan, plan.compute())
        return {"FINISHED"}

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """As ``execute``, but computed on a thread, so that Blender stays usable."""
        try:
            self._made_by = self._plan(context)
        except WildSegError as error:
            report_error(self, error)
            return {"CANCELLED"}
        threads = ThreadPoolExecutor(1, "wildseg3d surface")
        self._faces = threads.submit(self._made_by.compute)
        threads.shutdown(wait=False)
        manager = context.window_manager
        self._timer = manager.event_timer_add(TICK, window=context.window)
        manager.modal_handler_add(self)
        context.workspace.status_text_set("Making the surface   Esc: cancel")
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Wait for the thread; Esc forgets about it."""
        if event.type == "ESC" and event.value == "PRESS":
            self.cancel(context)
            return {"CANCELLED"}
        if event.type != "TIMER" or not self._faces.done():
            return {"PASS_THROUGH"}
        self.cancel(context)
        try:
            self._finish(context, self._made_by, self._faces.result())
        except WildSegError as error:
            report_error(self, error)
            return {"CANCELLED"}
        return {"FINISHED"}

    def cancel(self, context: bpy.types.Context) -> None:
        """Stop waiting; Blender calls this too when it ends the operator itself."""
        if self._timer is not None:
            context.window_manager.event_timer_remove(self._timer)
            self._timer = None
        context.workspace.status_text_set(None)

    def draw(self, context: bpy.types.Context) -> None:
        """What the chosen kind asks for."""
        layout = self.layout
        layout.use_property_split = True
        layout.row().prop(self, "kind", expand=True)
        for name in ("step", "hole", "steepest") if self.kind == "VIEWS" else ("detail",):
            layout.prop(self, name)

    def _plan(self, context: bpy.types.Context) -> Plan:
        root = lookup.require_root(context.scene)
        if self.kind == "MERGED":
            return surfaces.plan_merged(root, self.object, detail=self.detail)
        steepest = math.degrees(self.steepest)
        return surfaces.plan_photos(root, self.object, step=self.step, hole=self.hole, steepest=steepest)

    def _finish(self, context: bpy.types.Context, plan: Plan, faces: Faces) -> None:
        made = surfaces.finish(plan, faces)
        select_only(context, made)
        viewing.redraw()
        self.report({"INFO"}, f"{made.name}: {len(made.data.polygons):,} faces")


def select_only(context: bpy.types.Context, item: bpy.types.Object) -> None:
    """Make ``item`` the one that is selected and active."""
    for other in context.view_layer.objects:
        other.select_set(False)
    item.select_set(True)
    context.view_layer.objects.active = item


CLASSES = (WILDSEG3D_OT_make_surface,)
