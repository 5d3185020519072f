# SPDX-License-Identifier: GPL-3.0-or-later
"""The photographer: a walk around the table with the hands of a person."""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, radians, sin

import bpy
import numpy as np
from mathutils import Matrix, Vector
from numpy.typing import NDArray

from wildseg3d_blender.conventions import BLENDER_FROM_OPENCV

PHOTO_SIZE = (1080, 720)
FOCAL_35MM = 36.0
"""Focal length on a 36 mm wide sensor, in millimetres."""

PHOTO_COUNT = 11
ARC_DEGREES = 84.0


@dataclass(frozen=True)
class Shot:
    """One photo's camera: name, (4, 4) cam_to_world in OpenCV axes, and the focus distance in metres."""

    name: str
    cam_to_world: NDArray[np.float64]
    focus: float


def shots() -> list[Shot]:
    """The photographer's walk from left to right, always the same."""
    rng = np.random.default_rng(77)
    taken = []
    for index in range(PHOTO_COUNT):
        even = -ARC_DEGREES / 2 + ARC_DEGREES * index / (PHOTO_COUNT - 1)
        azimuth = radians(even + rng.uniform(-1.0, 1.0))
        elevation = radians(27.0 + rng.uniform(-3.0, 3.5))
        distance = 0.87 + rng.uniform(-0.035, 0.045)
        aim = Vector((0.035, 0.045, 0.045)) + Vector(rng.uniform(-0.014, 0.014, 3).tolist())
        offset = Vector((sin(azimuth) * cos(elevation), -cos(azimuth) * cos(elevation), sin(elevation)))
        place = aim + distance * offset
        turn = (-offset).to_track_quat("-Z", "Y").to_matrix() @ Matrix.Rotation(
            radians(rng.uniform(-2.6, 2.6)), 3, "Z"
        )
        blender = np.eye(4)
        blender[:3, :3], blender[:3, 3] = np.array(turn), np.array(place)
        taken.append(Shot(f"table_{index + 1:02d}", blender @ BLENDER_FROM_OPENCV, distance - 0.03))
    return taken


def intrinsics(width: int, height: int) -> NDArray[np.float64]:
    """K in pixels of a photo of that size."""
    focal = FOCAL_35MM / 36.0 * width
    return np.array([[focal, 0.0, width / 2], [0.0, focal, height / 2], [0.0, 0.0, 1.0]])


def add_camera() -> None:
    """The scene's camera: a 36 mm lens at f/8 on a full frame sensor."""
    data = bpy.data.cameras.new("camera")
    data.sensor_width, data.lens = 36.0, FOCAL_35MM
    data.clip_start, data.clip_end = 0.05, 50.0
    data.dof.aperture_fstop = 8.0
    thing = bpy.data.objects.new("camera", data)
    bpy.context.collection.objects.link(thing)
    bpy.context.scene.camera = thing


def aim_camera(shot: Shot) -> None:
    """Put the scene's camera where the shot was taken."""
    camera = bpy.context.scene.camera
    camera.matrix_world = Matrix((shot.cam_to_world @ BLENDER_FROM_OPENCV).tolist())
    camera.data.dof.focus_distance = shot.focus
