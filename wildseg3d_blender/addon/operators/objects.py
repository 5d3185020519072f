# SPDX-License-Identifier: GPL-3.0-or-later
"""The list of objects: adding, deleting, putting back, merging, copying. Thin over ``scene.objects``."""

from __future__ import annotations

import bpy

from .. import conditions
from ..scene import groups, lookup, objects, selecting
from .base import has_root, holds, idle, object_mode, reporting


class _OfOne:
    """Mix-in of what is done with an object of the list."""

    bl_options = {"REGISTER", "UNDO"}

    name: bpy.props.StringProperty(
        name="Object", description="Name in the list; the active one when empty", options={"SKIP_SAVE"}
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if not (has_root(cls, context) and idle(cls) and object_mode(cls, context)):
            return False
        if not lookup.require_root(context.scene).wildseg3d.groups:
            cls.poll_message_set("There are no objects")  # type: ignore[attr-defined]
            return False
        return True


class OfCutOut(_OfOne):
    """Mix-in of what is done with one that is cut out."""

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if not super().poll(context):
            return False
        # A menu speaks of one object; a script may name any, whichever is active.
        if not holds(cls, conditions.spoken_of_is_cut_out):
            return False
        items = lookup.require_root(context.scene).wildseg3d.groups
        if not any(groups.mesh_object(item) is not None for item in items):
            cls.poll_message_set("No object is cut out yet: press Segment first")  # type: ignore[attr-defined]
            return False
        return True


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
        if context.mode == "OBJECT":
            # The outline of the object before, which shines through photos, is not what is worked on now.
            selecting.clear(context.view_layer)
        return {"FINISHED"}


class WILDSEG3D_OT_object_remove(_OfOne, bpy.types.Operator):
    """Delete the object from the list, with its prompts. Its points go back to the scene, or to the objects \
they were taken from"""

    bl_idname = "wildseg3d.object_remove"
    bl_label = "Delete Object"

    @reporting
    def execute(self, context: bpy.types.Context) -> set[str]:
        """Give the points back and remove it from the list."""
        if waits := objects.delete(lookup.require_root(context.scene), self.name):
            self.report({"WARNING"}, waits)
        return {"FINISHED"}


class WILDSEG3D_OT_object_put_back(OfCutOut, bpy.types.Operator):
    """Give the object's points back to the scene, or to the objects they were taken from. It stays in the \
list with its prompts, so that Segment can cut it out again"""

    bl_idname = "wildseg3d.object_put_back"
    bl_label = "Merge Back"

    @reporting
    def execute(self, context: bpy.types.Context) -> set[str]:
        """Give the points back."""
        objects.put_back(lookup.require_root(context.scene), self.name)
        return {"FINISHED"}


class WILDSEG3D_OT_object_merge(_OfOne, bpy.types.Operator):
    """Make two objects one: the other gets this one's points and prompts"""

    bl_idname = "wildseg3d.object_merge"
    bl_label = "Merge Into"

    into: bpy.props.StringProperty(
        name="Into",
        description="The object that it becomes part of; the active one when empty",
        options={"SKIP_SAVE"},
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        if not super().poll(context):
            return False
        if len(lookup.require_root(context.scene).wildseg3d.groups) < 2:
            cls.poll_message_set("There is only one object: nothing to merge it with")
            return False
        return True

    @reporting
    def execute(self, context: bpy.types.Context) -> set[str]:
        """Merge them."""
        root = lookup.require_root(context.scene)
        name, into = (groups.require(root, given).name for given in (self.name, self.into))
        if objects.merge(root, name, into):
            selecting.select_mesh(root)
        else:
            self.report({"INFO"}, f"{into} has the prompts of {name} now: press Segment to cut it out.")
        return {"FINISHED"}


class WILDSEG3D_OT_object_duplicate(OfCutOut, bpy.types.Operator):
    """Copy what the object shows as a plain mesh with materials of its own, which WildSeg3D never changes"""

    bl_idname = "wildseg3d.object_duplicate"
    bl_label = "Duplicate as Mesh"

    @reporting
    def execute(self, context: bpy.types.Context) -> set[str]:
        """Copy and select the copy."""
        root = lookup.require_root(context.scene)
        selecting.only(context.view_layer, objects.duplicate_as_mesh(context, root, self.name))
        return {"FINISHED"}


CLASSES = (
    WILDSEG3D_OT_object_add,
    WILDSEG3D_OT_object_remove,
    WILDSEG3D_OT_object_put_back,
    WILDSEG3D_OT_object_merge,
    WILDSEG3D_OT_object_duplicate,
)
