# SPDX-License-Identifier: GPL-3.0-or-later
"""A view's camera in Blender: a 3D point lands on its pixel of the background image, exactly.

Blender keeps K in three places. Lens and shift belong to the camera. The aspect of the frame and of its
pixels belongs to the *scene*, so it can fit one photo size at a time: ``fit_frame`` sets it, and looking
through a camera by WildSeg3D's buttons calls it.
"""

from __future__ import annotations

from typing import NamedTuple

import bpy
import mathutils
import numpy as np

from ...conventions import BLENDER_FROM_OPENCV
from ...errors import SceneError
from ...scene.folder import Scene, View

SENSOR_WIDTH = 36.0
"""Millimetres. Only the ratio of lens to sensor counts; 36 makes the lens the familiar full-frame number."""


OPACITY = 0.9
"""Of photos. A tenth of the points shows through, so that objects moved away are seen; more of them, and the
photo has stains where none was measured."""


class Lens(NamedTuple):
    """``scale``: focal length in frame widths; the shifts are in frame widths too."""

    scale: float
    shift_x: float
    shift_y: float


def make(view: View, image: bpy.types.Image | None) -> bpy.types.Object:
    """A camera object, in no collection yet, placed in the root's space."""
    data = bpy.data.cameras.new(view.name)
    data.sensor_fit = "HORIZONTAL"
    data.sensor_width = SENSOR_WIDTH
    data.clip_start, data.clip_end = 0.001, 10000.0
    data.show_background_images = True
    if image is not None:
        background = data.background_images.new()
        background.image = image
        # Over the points: behind them it would show through where one of them is missing, and what is
        # clicked on is the photo.
        background.alpha = OPACITY
        background.display_depth = "FRONT"
        background.frame_method = "FIT"
    item = bpy.data.objects.new(view.name, data)
    item.wildseg3d.role = "CAMERA"
    item.wildseg3d.view = view.name
    _place(item, view)
    return item


def follow(item: bpy.types.Object, view: View) -> bool:
    """Bring a camera to where its view is now. One that the artist moved stays, and False is returned."""
    placed = np.array(item.wildseg3d.placed).reshape(4, 4)
    # From its own transform, not from matrix_local: that one is stale until Blender's next update.
    local = np.array(item.matrix_parent_inverse @ item.matrix_basis)
    # Cameras of files from before this was noted down have zeros there.
    if placed.any() and not np.allclose(local, placed, atol=1e-4):
        return False
    _place(item, view)
    return True


def _place(item: bpy.types.Object, view: View) -> None:
    item.data.lens, item.data.shift_x, item.data.shift_y = lens_and_shift(view)
    pose = (view.cam_to_world @ BLENDER_FROM_OPENCV).tolist()
    item.matrix_local = mathutils.Matrix(pose)
    item.wildseg3d.placed = np.ravel(pose)


def lens_of(item: bpy.types.Object) -> Lens:
    """The lens that a camera object has now."""
    data = item.data
    return Lens(data.lens / data.sensor_width, data.shift_x, data.shift_y)


def lens_and_shift(view: View) -> tuple[float, float, float]:
    """Blender's lens in millimetres and its two shifts in frame widths, for ``sensor_fit`` HORIZONTAL.

    The frame is one sensor wide, and shifts move it against the axis: its centre lies (W/2 - cx) pixels
    right of the axis. Down the frame, a pixel is fx / fy as tall as it is wide.
    """
    width, height = view.size
    lens = view.K[0, 0] * SENSOR_WIDTH / width
    shift_x = (width / 2 - view.K[0, 2]) / width
    shift_y = (view.K[1, 2] - height / 2) * pixel_aspect(view) / width
    return lens, shift_x, shift_y


def pixel_aspect(view: View) -> float:
    """Height of a pixel over its width, at depth one."""
    return float(view.K[0, 0] / view.K[1, 1])


def fit_frame(scene: bpy.types.Scene, view: View, image_size: tuple[int, int] | None = None) -> None:
    """Give the scene's render frame the aspect of ``view`` (and the size of its image, where known)."""
    render = scene.render
    render.resolution_x, render.resolution_y = image_size or view.size
    aspect = pixel_aspect(view)
    # Rounding in K must not show up as an odd pixel aspect in the render settings.
    if abs(aspect - 1.0) < 1e-6:
        aspect = 1.0
    render.pixel_aspect_x = max(1.0, 1.0 / aspect)
    render.pixel_aspect_y = max(1.0, aspect)


def image_of(camera: bpy.types.Object) -> bpy.types.Image | None:
    """The photo that a camera shows behind its picture, or None when that was taken away."""
    backgrounds = camera.data.background_images
    return backgrounds[0].image if len(backgrounds) else None


def load_image(scene: Scene, view: View) -> bpy.types.Image:
    """The undistorted photo as Blender's image. SceneError when it cannot be read."""
    path = scene.image_path(view)
    try:
        return bpy.data.images.load(str(path), check_existing=True)
    except RuntimeError as error:
        raise SceneError(
            f"{path} is missing or damaged: press Reconstruct to make the scene anew.",
            fix="wildseg3d.reconstruct",
        ) from error
