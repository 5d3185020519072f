# SPDX-License-Identifier: GPL-3.0-or-later
"""The list of objects: adding, removing."""

from __future__ import annotations

import bpy

from ...errors import SceneError
from ...scene_objects import object_folder, remove_object
from ..scene import groups, lookup, splitting
from .base import has_root, idle, object_mode, reporting


class WILDSEG3D_OT_object_add(bpy.types.Operator):
    """Start another object: the prompts that follow speak about it"""

    bl_idname = "wildseg3d.object_add"
    bl_label = "New Object"
    bl_options = {"REGISTER", "UNDO"}

    name: bpy.props.StringProperty(name="Name", default=groups.DEFAULT_NAME)

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return has_root(cls, context)

    @reporting
    def execute(self, context: bpy.types.Context) -> set[str]:
        """Add it to the list."""
        groups.add(lookup.require_root(context.scene), self.name.strip() or groups.DEFAULT_NAME)
        return {"FINISHED"}


class WILDSEG3D_OT_object_remove(bpy.types.Operator):
    """Give the active object's points back, to the objects they were taken from or to the rest, and forget \
its prompts"""

    bl_idname = "wildseg3d.object_remove"
    bl_label = "Merge Back"
    bl_options = {"REGISTER", "UNDO"}

    name: bpy.props.StringProperty(
        name="Object", description="Name in the list; the active one when empty", options={"SKIP_SAVE"}
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if not (has_root(cls, context) and idle(cls) and object_mode(cls, context)):
            return False
        if not lookup.require_root(context.scene).wildseg3d.groups:
            cls.poll_message_set("There are no objects")
            return False
        return True

    @reporting
    def execute(self, context: bpy.types.Context) -> set[str]:
        """Merge back and remove from the list."""
        root = lookup.require_root(context.scene)
        name = self.name or groups.ensure(root).name
        if groups.find(root, name) is None:
            raise SceneError(f"There is no object named {name!r} in the list.")
        splitting.merge_back(root, name)
        groups.remove(root, name)
        try:
            scene = lookup.open_scene(root)
            if object_folder(scene, name) is not None:
                remove_object(scene, name)
            splitting.settle(scene, root)
        except SceneError as error:
            # In Blender it is removed all the same; only what others get of it has to wait.
            self.report({"WARNING"}, error.message)
        return {"FINISHED"}


CLASSES = (WILDSEG3D_OT_object_add, WILDSEG3D_OT_object_remove)
