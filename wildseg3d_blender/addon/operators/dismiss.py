# SPDX-License-Identifier: GPL-3.0-or-later
"""Hiding the message that the panel shows."""

from __future__ import annotations

import bpy

from .. import problems
from ..scene import viewing


class WILDSEG3D_OT_dismiss(bpy.types.Operator):
    """Hide this message"""

    bl_idname = "wildseg3d.dismiss"
    bl_label = "Dismiss"
    bl_options = {"INTERNAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Forget the error."""
        problems.dismiss()
        viewing.redraw_sidebars()
        return {"FINISHED"}


CLASSES = (WILDSEG3D_OT_dismiss,)
