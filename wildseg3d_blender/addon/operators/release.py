# SPDX-License-Identifier: GPL-3.0-or-later
"""Giving back the memory that networks hold."""

from __future__ import annotations

import bpy

from ..scene import viewing
from ..session import runtime


class WILDSEG3D_OT_release_memory(bpy.types.Operator):
    """Give back the memory that networks hold, on the graphics card and elsewhere. They are loaded again \
when they are needed"""

    bl_idname = "wildseg3d.release_memory"
    bl_label = "Release GPU Memory"
    bl_options = {"INTERNAL"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if not runtime.runs_networks():
            cls.poll_message_set("No network is loaded")
            return False
        running = runtime.current_job() or runtime.quiet_job()
        if running is not None:
            cls.poll_message_set(f"{running.title} is still running: wait for it or cancel it")
        return running is None

    def execute(self, context: bpy.types.Context) -> set[str]:
        runtime.close()
        viewing.redraw_sidebars()
        return {"FINISHED"}


CLASSES = (WILDSEG3D_OT_release_memory,)
