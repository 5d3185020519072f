# SPDX-License-Identifier: GPL-3.0-or-later
"""The guide that comes with the extension, in the browser."""

from __future__ import annotations

import bpy

from ...errors import WildSegError
from ...guide import guide
from .base import reporting


class WILDSEG3D_OT_guide(bpy.types.Operator):
    """Read how it all works, with pictures, in your browser. Comes with the extension: no internet needed"""

    bl_idname = "wildseg3d.guide"
    bl_label = "Guide"
    bl_options = {"INTERNAL"}

    @reporting
    def execute(self, context: bpy.types.Context) -> set[str]:
        """Show it."""
        file = guide()
        if not file.is_file():
            raise WildSegError(f"The guide is not in {file.parent}: install the extension again.")
        bpy.ops.wm.url_open(url=file.as_uri())
        return {"FINISHED"}


CLASSES = (WILDSEG3D_OT_guide,)
