# SPDX-License-Identifier: GPL-3.0-or-later
"""A scene folder that exists already -> a reconstruction in the scene."""

from __future__ import annotations

from pathlib import Path

import bpy

from ..scene import importing, lookup
from .base import idle, object_mode, reporting
from .reconstruct import finish_import


class WILDSEG3D_OT_open_scene(bpy.types.Operator):
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

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return idle(cls) and object_mode(cls, context)

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Ask for the file, unless it was given."""
        if self.properties.is_property_set("filepath") or self.properties.is_property_set("directory"):
            return self.execute(context)
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    @reporting
    def execute(self, context: bpy.types.Context) -> set[str]:
        """Import and show."""
        given = Path(bpy.path.abspath(self.filepath or self.directory))
        folder = given.parent if given.suffix.lower() == ".json" or given.is_file() else given
        root = importing.import_scene(context.scene, folder)
        finish_import(context, root)
        self.report(
            {"INFO"},
            f"{len(lookup.cameras(root))} photos, {len(root.wildseg3d.groups)} objects from {folder.name}.",
        )
        return {"FINISHED"}


CLASSES = (WILDSEG3D_OT_open_scene,)
