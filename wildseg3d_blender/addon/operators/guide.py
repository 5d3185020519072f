# SPDX-License-Identifier: GPL-3.0-or-later
"""The guide that comes with the extension, in the browser."""

from __future__ import annotations

from pathlib import Path

import bpy

from ...errors import WildSegError
from .base import reporting

DOCS = Path(__file__).absolute().parents[3] / "docs"
"""Holds a page in the built extension, the document that it is made of in a checkout."""


class WILDSEG3D_OT_guide(bpy.types.Operator):
    """Read how it all works, with pictures, in your browser. Comes with the extension: no internet needed"""

    bl_idname = "wildseg3d.guide"
    bl_label = "Guide"
    bl_options = {"INTERNAL"}

    @reporting
    def execute(self, context: bpy.types.Context) -> set[str]:
        """Show it."""
        pages = (DOCS / "guide.html", DOCS / "guide.md")
        file = next((page for page in pages if page.is_file()), None)
        if file is None:
            raise WildSegError(f"The guide is not in {DOCS}: install the extension again.")
        bpy.ops.wm.url_open(url=file.as_uri())
        return {"FINISHED"}


CLASSES = (WILDSEG3D_OT_guide,)
