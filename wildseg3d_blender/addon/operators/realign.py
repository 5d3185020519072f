# SPDX-License-Identifier: GPL-3.0-or-later
"""Aligning the reconstruction again so that objects cut out of it fit best."""

from __future__ import annotations

import bpy

from .. import conditions
from ..scene import groups
from ..tasks import refining
from .base import Work, WorkerOperator, holds


class WILDSEG3D_OT_realign(WorkerOperator, bpy.types.Operator):
    """Align the scene again for objects of it"""

    bl_idname = "wildseg3d.realign"
    bl_label = "Refine Alignment"
    bl_description = (
        "Line the photos up again so that this object fits best: where they disagree, its points count most. "
        "What you moved, renamed or painted stays as it is; the points and the cameras shift a little"
    )
    bl_options = {"REGISTER", "UNDO"}

    fit: bpy.props.EnumProperty(
        name="Fit",
        description="What has to fit best",
        items=(
            ("OBJECT", "This Object", "The object that is active in the list fits best"),
            ("ALL", "All Objects", "All objects that were segmented fit best"),
            ("NONE", "Whole Scene Alike", "Go back to the alignment that no object was preferred in"),
        ),
        default="OBJECT",
        options={"SKIP_SAVE"},
    )
    object: bpy.props.StringProperty(
        name="Object",
        description="With Fit at This Object: that of this name; when empty, the active one of the list",
        options={"SKIP_SAVE"},
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return holds(cls, lambda: refining.check(conditions.root_at_work()))

    def draw(self, context: bpy.types.Context) -> None:
        """Shows nothing to edit after the fact: "Adjust Last Operation" would block."""
        self.layout.label(text="Choose in the sidebar what has to fit best.")

    def work(self, context: bpy.types.Context) -> Work:
        root = conditions.root_at_work()
        if self.fit == "OBJECT":
            names = [groups.require(root, self.object).name]
        else:
            names = refining.cut_out(root) if self.fit == "ALL" else []
        return refining.refining(root, names)


CLASSES = (WILDSEG3D_OT_realign,)
