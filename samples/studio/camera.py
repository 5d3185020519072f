# SPDX-License-Identifier: GPL-3.0-or-later
"""The photographer: a walk around a scene with the hands of a person, and the lens in them."""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, radians, sin

import bpy
import numpy as np
from mathutils import Matrix, Vector
from numpy.typing import NDArray

from wildseg3d_blender.conventions import BLENDER_FROM_OPENCV, pixel_centres
from wildseg3d_blender.photo_warp import PhotoWarp

SENSOR = 36.0
"""Width of the sensor in millimetres: full frame."""


@dataclass(frozen=True)
class Lens:
    """What the photos of a scene are taken with.

    Attributes:
        photo_size: (width, height) in pixels.
        focal: in millimetres.
        f_stop: how far it is stopped down.
        radial: first radial coefficient of its distortion (``PhotoWarp``), no unit.
        margin: the scene is rendered this much larger than the photo, so that there is something to distort.
    """

    photo_size: tuple[int, int]
    focal: float
    f_stop: float = 8.0
    radial: float = 0.0
    margin: float = 0.0

    def scaled(self, scale: float) -> Lens:
        """The same lens in front of a sensor with more or fewer pixels."""
        width, height = self.photo_size
        size = round(width * scale), round(height * scale)
        return Lens(size, self.focal, self.f_stop, self.radial, self.margin)

    @property
    def canvas_size(self) -> tuple[int, int]:
        """(width, height) of the pinhole picture that is rendered, in pixels of the photo."""
        width, height = self.photo_size
        return 2 * round(width * (1 + self.margin) / 2), 2 * round(height * (1 + self.margin) / 2)

    def intrinsics(self) -> NDArray[np.float64]:
        """(3, 3) K in pixels of the photo."""
        return self._pinhole(self.photo_size)

    def on_canvas(self, columns: int, rows: int) -> NDArray[np.float64]:
        """(rows, columns, 2): where each cell's centre of a grid over the photo lies on the canvas.

        The photo is cut into ``columns`` x ``rows`` cells; canvas pixels are the photo's.
        """
        width, height = self.photo_size
        warp = PhotoWarp(self.intrinsics(), self._pinhole(self.canvas_size), self.radial)
        return warp.to_view(pixel_centres(columns, rows) * (width / columns, height / rows))

    def _pinhole(self, size: tuple[int, int]) -> NDArray[np.float64]:
        focal = self.focal / SENSOR * self.photo_size[0]
        return np.array([[focal, 0.0, size[0] / 2], [0.0, focal, size[1] / 2], [0.0, 0.0, 1.0]])


@dataclass(frozen=True)
class Shot:
    """One photo's camera: name, (4, 4) cam_to_world in OpenCV axes, and the focus distance in metres."""

    name: str
    cam_to_world: NDArray[np.float64]
    focus: float


@dataclass(frozen=True)
class Walk:
    """A walk along an arc around what is photographed, always the same for the same numbers.

    Attributes:
        name: photos are called after it.
        seed: of the unsteady hands.
        count: photos.
        arc: degrees from the first to the last.
        aim: what the camera looks at. wander: metres by which it misses that, along each axis.
        elevation: degrees above the horizon. climbs: the lowest and highest change of it, degrees.
        distance: metres. steps: the nearest and farthest change of it, metres.
        nearer: the focus lies this much nearer than ``aim``, metres.
    """

    name: str
    seed: int
    count: int
    arc: float
    aim: tuple[float, float, float]
    wander: float
    elevation: float
    climbs: tuple[float, float]
    distance: float
    steps: tuple[float, float]
    nearer: float

    def shots(self) -> list[Shot]:
        """The photos from left to right."""
        rng = np.random.default_rng(self.seed)
        taken = []
        for index in range(self.count):
            even = -self.arc / 2 + self.arc * index / (self.count - 1)
            azimuth = radians(even + rng.uniform(-1.0, 1.0))
            elevation = radians(self.elevation + rng.uniform(*self.climbs))
            distance = self.distance + rng.uniform(*self.steps)
            aim = Vector(self.aim) + Vector(rng.uniform(-self.wander, self.wander, 3).tolist())
            offset = Vector((sin(azimuth) * cos(elevation), -cos(azimuth) * cos(elevation), sin(elevation)))
            place = aim + distance * offset
            turn = (-offset).to_track_quat("-Z", "Y").to_matrix() @ Matrix.Rotation(
                radians(rng.uniform(-2.6, 2.6)), 3, "Z"
            )
            blender = np.eye(4)
            blender[:3, :3], blender[:3, 3] = np.array(turn), np.array(place)
            pose = blender @ BLENDER_FROM_OPENCV
            taken.append(Shot(f"{self.name}_{index + 1:02d}", pose, distance - self.nearer))
        return taken


def add_camera(lens: Lens) -> None:
    """The scene's camera."""
    data = bpy.data.cameras.new("camera")
    data.sensor_width, data.lens = SENSOR * lens.canvas_size[0] / lens.photo_size[0], lens.focal
    data.clip_start, data.clip_end = 0.05, 50.0
    data.dof.aperture_fstop = lens.f_stop
    thing = bpy.data.objects.new("camera", data)
    bpy.context.collection.objects.link(thing)
    bpy.context.scene.camera = thing


def aim_camera(shot: Shot) -> None:
    """Put the scene's camera where the shot was taken."""
    camera = bpy.context.scene.camera
    camera.matrix_world = Matrix((shot.cam_to_world @ BLENDER_FROM_OPENCV).tolist())
    camera.data.dof.focus_distance = shot.focus
