# SPDX-License-Identifier: GPL-3.0-or-later
"""Prompts -> separate objects."""

from __future__ import annotations

import bpy

from .. import conditions
from ..properties.objects import WHO_GETS_SHARED
from ..tasks import segmenting
from .base import Work, WorkerOperator, holds


class WILDSEG3D_OT_segment(WorkerOperator, bpy.types.Operator):
    """Cut every object whose prompts have changed out of the points"""

    bl_idname = "wildseg3d.segment"
    bl_label = "Segment"
    bl_options = {"REGISTER", "UNDO"}

    object: bpy.props.StringProperty(
        name="Object",
        description="Only this object of the list; when empty, all whose prompts have changed",
        options={"SKIP_SAVE"},
    )
    shared: bpy.props.EnumProperty(
        name="Shared Points",
        description="Who gets points that other objects want too",
        items=((segmenting.AS_SET, "As Set", "As each object is set"), *WHO_GETS_SHARED),
        default=segmenting.AS_SET,
        options={"SKIP_SAVE"},
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return holds(cls, lambda: segmenting.check(conditions.root_at_work()))

    def draw(self, context: bpy.types.Context) -> None:
        """Shows nothing to edit after the fact: "Adjust Last Operation" would block."""
        self.layout.label(text="Change prompts and press Segment to refine.")

    def work(self, context: bpy.types.Context) -> Work:
        return segmenting.segmenting(conditions.root_at_work(), self.object, self.shared)


CLASSES = (WILDSEG3D_OT_segment,)
