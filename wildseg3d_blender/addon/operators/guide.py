# SPDX-License-Identifier: GPL-3.0-or-later
"""The guide that comes with the extension, in the browser."""

from __future__ import annotations

from pathlib import Path

import bpy

from ...errors import WildSegError
from ...guide import GUIDE, to_html
from .base import reporting


class WILDSEG3D_OT_guide(bpy.types.Operator):
    """Read how it all works, with pictures, in your browser. Comes with the extension: no internet needed"""

    bl_idname = "wildseg3d.guide"
    bl_label = "Guide"
    bl_options = {"INTERNAL"}

    @reporting
    def execute(self, context: bpy.types.Context) -> set[str]:
        """Make a page of it and show that."""
        try:
            page = Path(bpy.app.tempdir, "wildseg3d-guide.html")
            page.write_text(to_html(GUIDE.read_text("utf-8"), GUIDE.parent.as_uri()), encoding="utf-8")
        except OSError as error:
            raise WildSegError(
                f"The guide cannot be shown ({error}): install the extension again, or read docs/guide.md."
            ) from error
        bpy.ops.wm.url_open(url=page.as_uri())
        return {"FINISHED"}


CLASSES = (WILDSEG3D_OT_guide,)
