# SPDX-License-Identifier: GPL-3.0-or-later
"""Looking through the photos' cameras."""

from __future__ import annotations

import bpy

from ...errors import SceneError
from ..scene import cameras, lookup, viewing
from .base import has_root, reporting


class WILDSEG3D_OT_look(bpy.types.Operator):
    """Look through the camera of a photo; the render frame takes that photo's shape"""

    bl_idname = "wildseg3d.look"
    bl_label = "Look Through Photo"
    # No undo step: undoing a click must not mean to walk back through all photos looked at since.
    bl_options = {"REGISTER"}

    view: bpy.props.StringProperty(
        name="Photo", description="Name of the photo; when empty, go by Step", options={"SKIP_SAVE"}
    )
    step: bpy.props.IntProperty(
        name="Step",
        description="How many photos further (or back) than the one looked through now",
        default=0,
        options={"SKIP_SAVE"},
    )

    @classmethod
    def poll(cls, context: bpy.types.Context) -> bool:
        return has_root(cls, context)

    @classmethod
    def description(cls, context: bpy.types.Context, properties: bpy.types.OperatorProperties) -> str:
        """A tooltip for each of the panel's three buttons."""
        if properties.step:
            return f"Look through the {'next' if properties.step > 0 else 'previous'} photo"
        return "Look through this photo"

    @reporting
    def execute(self, context: bpy.types.Context) -> set[str]:
        """Go there."""
        if self.view:
            look_through_view(context, self.view)
            return {"FINISHED"}
        root = lookup.require_root(context.scene)
        found = lookup.cameras(root)
        if not found:
            raise SceneError("The cameras were deleted: undo that, or open the scene folder again.")
        active = context.scene.camera
        at = found.index(active) if active in found else None
        # The first press only goes into the camera that is active already.
        step = self.step if viewing.looks_through(context) else 0
        look_through_camera(context, root, found[0 if at is None else (at + step) % len(found)])
        return {"FINISHED"}


def look_through_view(context: bpy.types.Context, name: str) -> None:
    """Look through the camera of the view (or photo) of that name. SceneError when there is none."""
    root = lookup.require_root(context.scene)
    look_through_camera(context, root, lookup.camera(root, lookup.open_scene(root).view(name).name))


def look_through_camera(context: bpy.types.Context, root: bpy.types.Object, camera: bpy.types.Object) -> None:
    """Look through a photo's camera; the render frame takes the shape of the photo."""
    view, image = lookup.open_scene(root).view(camera.wildseg3d.view), cameras.image_of(camera)
    size = tuple(image.size) if image is not None and image.size[0] else None
    cameras.fit_frame(context.scene, view, size)
    viewing.look_through(context, camera)


CLASSES = (WILDSEG3D_OT_look,)
