# SPDX-License-Identifier: GPL-3.0-or-later
"""Taking up the tool that places prompts, and putting it away."""

from __future__ import annotations

import bpy

from ...errors import SceneError
from .. import background, preferences
from ..scene import groups, lookup, viewing
from ..session import finding, runtime
from ..viewport import tools
from .base import has_root, object_mode, reporting
from .look import look_through_camera


class WILDSEG3D_OT_prompt_place(bpy.types.Operator):
    """Click on the object in a photo or in the scene; Ctrl-click what must stay out; drag a box; Esc ends"""

    bl_idname = "wildseg3d.prompt_place"
    bl_label = "Place Prompts"
    bl_options = {"INTERNAL"}

    positive: bpy.props.BoolProperty(name="Part of the Object", default=True, options={"SKIP_SAVE"})
    object: bpy.props.StringProperty(name="Object", options={"SKIP_SAVE"})

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return has_root(cls, context) and object_mode(cls, context)

    @reporting
    def execute(self, context: bpy.types.Context) -> set[str]:
        """Take up the tool; before the first prompt of all, go into a photo's camera too."""
        if context.area is None or context.area.type != "VIEW_3D":
            raise SceneError("Do this in a 3D view.")
        root = lookup.require_root(context.scene)
        lookup.open_scene(root)
        if self.object:
            groups.ensure(root, self.object)
        if not lookup.prompts(root):
            _enter_camera(context, root)
        _prepare(context, root)
        tools.activate(context, meaning="PART" if self.positive else "NOT_PART")
        viewing.redraw()
        return {"FINISHED"}


class WILDSEG3D_OT_prompt_end(bpy.types.Operator):
    """Stop placing prompts"""

    bl_idname = "wildseg3d.prompt_end"
    bl_label = "Stop Placing Prompts"
    bl_options = {"INTERNAL"}

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return tools.is_active(context)

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Put the tool away."""
        tools.put_away()
        viewing.redraw()
        return {"FINISHED"}


def _prepare(context: bpy.types.Context, root: bpy.types.Object) -> None:
    """Have the worker started and the scene's objects known, or looked for, before the first click."""
    idle = runtime.worker_pid() is None and not bpy.app.background
    if idle and preferences.finds_objects(context):
        finding.want(lookup.scene_folder(root))
        background.wake()


def _enter_camera(context: bpy.types.Context, root: bpy.types.Object) -> None:
    """Look through the scene's camera if it is a photo's, else through that of the middle photo."""
    found = lookup.cameras(root)
    if not found:
        raise SceneError("The cameras were deleted: undo that, or open the scene folder again.")
    camera = context.scene.camera
    if camera not in found:
        camera = found[len(found) // 2]
    if context.scene.camera != camera or not viewing.looks_through(context):
        look_through_camera(context, root, camera)


CLASSES = (WILDSEG3D_OT_prompt_place, WILDSEG3D_OT_prompt_end)
