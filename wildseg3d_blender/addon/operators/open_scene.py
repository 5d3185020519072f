# SPDX-License-Identifier: GPL-3.0-or-later
"""A scene folder that exists already -> a reconstruction in the scene."""

from __future__ import annotations

from pathlib import Path

import bpy

from ..tasks.opening import opening
from .base import Work, WorkerOperator, idle, object_mode


class WILDSEG3D_OT_open_scene(WorkerOperator, bpy.types.Operator):
    """Bring in a scene folder that was reconstructed before, its objects included"""

    bl_idname = "wildseg3d.open_scene"
    bl_label = "Open Scene Folder"
    bl_options = {"REGISTER", "UNDO"}

    directory: bpy.props.StringProperty(
        name="Scene Folder", description="The folder that holds scene.json", subtype="DIR_PATH"
    )
    filepath: bpy.props.StringProperty(
        name="File", description="The scene.json, or its folder", subtype="FILE_PATH", options={"SKIP_SAVE"}
    )
    filter_glob: bpy.props.StringProperty(default="scene.json", options={"HIDDEN"})

    _asking = False

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return idle(cls) and object_mode(cls, context)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Ask for the file, unless it was given."""
        if self.properties.is_property_set("filepath") or self.properties.is_property_set("directory"):
            return super().invoke(context, event)
        self._asking = True
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Import and show; from Blender's file browser without blocking."""
        if self._asking and context.window is not None:
            bpy.ops.wildseg3d.open_scene("INVOKE_DEFAULT", filepath=self.filepath or self.directory)
            return {"CANCELLED"}  # the import that has just begun is the one step to undo
        return super().execute(context)

    def work(self, context: bpy.types.Context) -> Work:
        given = Path(bpy.path.abspath(self.filepath or self.directory))
        folder = given.parent if given.suffix.lower() == ".json" or given.is_file() else given
        return opening(folder)


CLASSES = (WILDSEG3D_OT_open_scene,)
