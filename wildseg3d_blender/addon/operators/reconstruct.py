# SPDX-License-Identifier: GPL-3.0-or-later
"""Photos -> a reconstruction in the scene; and stopping what runs."""

from __future__ import annotations

from pathlib import Path

import bpy

from ...reconstruct_settings import IMAGE_SIZE
from .. import photo_list
from ..session import runtime
from ..tasks.reconstructing import reconstructing
from .base import Work, WorkerOperator, idle, object_mode


class WILDSEG3D_OT_reconstruct(WorkerOperator, bpy.types.Operator):
    """Turn the photos of a folder into cameras and coloured points"""

    bl_idname = "wildseg3d.reconstruct"
    bl_label = "Reconstruct"
    bl_options = {"REGISTER", "UNDO"}

    directory: bpy.props.StringProperty(
        name="Photos",
        description="Folder with the photos; the panel's when empty",
        subtype="DIR_PATH",
        options={"SKIP_SAVE"},
    )
    files: bpy.props.CollectionProperty(
        name="Files",
        description="Only these photos of the folder; all when empty",
        type=bpy.types.OperatorFileListElement,
        options={"SKIP_SAVE", "HIDDEN"},
    )
    scene_folder: bpy.props.StringProperty(
        name="Scene Folder",
        description="Where to keep the reconstruction; beside the .blend when empty",
        subtype="DIR_PATH",
        options={"SKIP_SAVE"},
    )
    engine: bpy.props.EnumProperty(
        name="Engine",
        items=(
            ("AS_SET", "As Set", "What the panel says"),
            ("stereo", "Stereo", "Needs overlapping photos with texture; nothing to download"),
            ("dust3r", "DUSt3R", "A network. It is installed in the add-on's preferences"),
            ("mixed", "Mixed", "Stereo, and DUSt3R for the photos that stereo cannot place"),
        ),
        default="AS_SET",
        options={"SKIP_SAVE"},
    )
    image_size: bpy.props.IntProperty(
        name="Image Size",
        description="Longer side of the depth maps, in pixels: more is finer and slower. Else the panel's",
        default=IMAGE_SIZE.default,
        min=IMAGE_SIZE.lowest,
        max=IMAGE_SIZE.highest,
        options={"SKIP_SAVE"},
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return idle(cls) and object_mode(cls, context)

    def draw(self, context: bpy.types.Context) -> None:
        """Shows nothing to edit after the fact: "Adjust Last Operation" would start all over, blocking."""
        self.layout.label(text="Press Reconstruct in the sidebar to do it again.")

    def work(self, context: bpy.types.Context) -> Work:
        given = bpy.path.abspath(self.scene_folder)
        return reconstructing(
            self._source(context),
            Path(given).absolute() if given else None,
            engine="" if self.engine == "AS_SET" else self.engine,
            image_size=self.image_size if self.properties.is_property_set("image_size") else 0,
        )

    def _source(self, context: bpy.types.Context) -> photo_list.Source:
        if not self.directory:
            return photo_list.source(context.scene)
        folder = photo_list.of_folder(self.directory)
        if names := [item.name for item in self.files if item.name]:
            return photo_list.of_files(str(folder.folder / name) for name in names)
        return folder


class WILDSEG3D_OT_cancel(bpy.types.Operator):
    """Stop what is running. Nothing that was there before is changed"""

    bl_idname = "wildseg3d.cancel"
    bl_label = "Cancel"
    bl_options = {"INTERNAL"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if runtime.current_job() is None:
            cls.poll_message_set("Nothing is running")
            return False
        return True

    def execute(self, context: bpy.types.Context) -> set[str]:
        runtime.cancel()
        return {"FINISHED"}


CLASSES = (WILDSEG3D_OT_reconstruct, WILDSEG3D_OT_cancel)
