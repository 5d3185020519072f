# SPDX-License-Identifier: GPL-3.0-or-later
"""Removing the scene folders of files that were never saved."""

from __future__ import annotations

import bpy

from ...errors import SceneError, WildSegError
from ...neural.space import readable
from ...scene import never_saved
from ...wording import counted
from .. import unsaved_scenes
from .base import reporting


class WILDSEG3D_OT_remove_unsaved_scenes(bpy.types.Operator):
    """Delete the scenes that were reconstructed in files nobody saved. What this session made stays until
    Blender is started again: undo may need it"""

    bl_idname = "wildseg3d.remove_unsaved_scenes"
    bl_label = "Remove Scenes Never Saved"
    bl_options = {"INTERNAL"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if unsaved_scenes.drawn_left_over(context):
            return True
        cls.poll_message_set("There are none but those of this session, which undo may need")
        return False

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Ask before."""
        found = unsaved_scenes.left_over(context)
        return set(
            context.window_manager.invoke_confirm(
                self,
                event,
                title=f"Delete {counted(len(found), 'scene')}, {readable(unsaved_scenes.size(found))}?",
                message="Their files were never saved. A file brought back by File > Recover would miss its "
                "scene",
                confirm_text="Delete",
                icon="WARNING",
            )
        )

    @reporting
    def execute(self, context: bpy.types.Context) -> set[str]:
        removed, freed, failures = 0, 0, []
        for folder in unsaved_scenes.left_over(context):
            taken = unsaved_scenes.size([folder])
            try:
                never_saved.remove(folder)
            except SceneError as error:
                failures.append(error.message)
            else:
                removed, freed = removed + 1, freed + taken
        done = f"{counted(removed, 'scene')} removed, {readable(freed)} free again."
        if failures:
            raise WildSegError(" ".join([*failures, done]))
        self.report({"INFO"}, done)
        return {"FINISHED"}


CLASSES = (WILDSEG3D_OT_remove_unsaved_scenes,)
