# SPDX-License-Identifier: GPL-3.0-or-later
"""Photos -> SIFT features in a COLMAP database.

COLMAP never sees the artist's files: it reads plain grey copies with plain names, upright, uncompressed and
of working size, so formats, EXIF turns and unusual paths cannot matter to it. Keypoints and cameras in the
database are in *working pixels*: photo pixels times one scale per photo (see ``working_scale``).
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pycolmap
from PIL import Image

from ....progress import Progress, span
from ...photos.reading import Photo, read_image
from .native import NativeWorkspace, Steps

WORKING_SIDE = 1200
"""Longer side of the working image. Larger finds little more and takes much longer."""

_FOCAL_GUESS = 1.2  # times the longer side: about 30 mm on film, what phones and zooms at rest have
# A first guess of one core's pace, for a progress bar that moves; measured pace takes over at once.
_SECONDS_PER_PHOTO = 1.5


@dataclass(frozen=True)
class FeatureDatabase:
    """Where features and matches lie. Image id ``i + 1`` is photo ``i``."""

    path: Path
    images: Path
    photos: tuple[Photo, ...]


def working_scale(photo: Photo) -> float:
    """Working pixels per photo pixel, the same in x and y."""
    return min(1.0, WORKING_SIDE / max(photo.size))


def file_name(index: int) -> str:
    """What COLMAP knows photo ``index`` by."""
    return f"{index:06d}.pgm"


def threads() -> int:
    """Native threads to use: enough for speed, one core left for the user on larger machines."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return cores if cores <= 2 else min(cores - 1, 8)


def build_database(
    photos: Sequence[Photo], workspace: NativeWorkspace, progress: Progress
) -> FeatureDatabase:
    """Working copies, cameras (one per group of photos of one size and focal length) and features."""
    database = FeatureDatabase(workspace.folder / "colmap.db", workspace.folder / "images", tuple(photos))
    database.images.mkdir()
    sizes = []
    for index, photo in enumerate(photos):
        progress("features", 0.15 * index / len(photos), f"Reading {photo.path.name}")
        grey = Image.fromarray(read_image(photo, longer_side=WORKING_SIDE)).convert("L")
        grey.save(database.images / file_name(index))
        sizes.append(grey.size)
    _write_cameras(database)
    _extract(database, workspace, span(progress, 0.15, 1.0))
    _to_working_pixels(database, sizes)
    return database


def _write_cameras(database: FeatureDatabase) -> None:
    """One camera per group of photos of one size and focal length; images in the order of the photos.

    Written here and not by the extractor, whose threads would number the images in any order, and the
    numbers decide the order of mapping.
    """
    groups: dict[tuple[tuple[int, int], int | None], pycolmap.Camera] = {}
    with pycolmap.Database.open(database.path) as db:
        for index, photo in enumerate(database.photos):
            key = photo.size, None if photo.focal is None else round(photo.focal)
            if key not in groups:
                camera = _camera_guess(photo)
                camera.camera_id = db.write_camera(camera)
                rig = pycolmap.Rig()
                rig.add_ref_sensor(camera.sensor_id)
                rig.rig_id = db.write_rig(rig)
                if rig.rig_id != camera.camera_id:
                    raise AssertionError("rigs and cameras are numbered alike in a new database")
                groups[key] = camera
            camera_id = groups[key].camera_id
            image = pycolmap.Image(name=file_name(index), camera_id=camera_id)
            image.image_id = db.write_image(image)
            frame = pycolmap.Frame()
            frame.rig_id = camera_id
            frame.add_data_id(image.data_id)
            db.write_frame(frame)


def _camera_guess(photo: Photo) -> pycolmap.Camera:
    """A camera in working pixels with the focal length of EXIF, or a common one."""
    scale = working_scale(photo)
    width, height = photo.size[0] * scale, photo.size[1] * scale
    focal = _FOCAL_GUESS * max(width, height) if photo.focal is None else photo.focal * scale
    return pycolmap.Camera(
        model=pycolmap.CameraModelId.SIMPLE_RADIAL,
        width=round(width),
        height=round(height),
        params=[focal, width / 2, height / 2, 0.0],
        has_prior_focal_length=photo.focal is not None,
    )


def _extract(database: FeatureDatabase, workspace: NativeWorkspace, progress: Progress) -> None:
    options = pycolmap.FeatureExtractionOptions()
    options.use_gpu = False
    options.num_threads = threads()
    options.max_image_size = WORKING_SIDE
    options.sift.max_num_features = 8192
    count = len(database.photos)
    steps = Steps(count, _SECONDS_PER_PHOTO / threads())

    def tick() -> None:
        done, fraction = steps.now()
        progress("features", fraction, f"Finding features: photo {min(done + 1, count)} of {count}")

    # The extractor does not look at its token within a call, so a call gets a few photos only.
    step = 2 * threads()
    for start in range(0, count, step):
        names = [file_name(index) for index in range(start, min(start + step, count))]
        with steps.taking(len(names)):
            workspace.run(
                pycolmap.extract_features,
                database.path,
                database.images,
                image_names=names,
                extraction_options=options,
                device=pycolmap.Device.cpu,
                tick=tick,
            )


def _to_working_pixels(database: FeatureDatabase, sizes: Sequence[tuple[int, int]]) -> None:
    """Undo the rounding of the working copies' sides: without it x and y scales differ by up to 0.1 %."""
    with pycolmap.Database.open(database.path) as db:
        for index, (photo, size) in enumerate(zip(database.photos, sizes, strict=True)):
            exact = np.array(photo.size) * working_scale(photo)
            keypoints = db.read_keypoints(index + 1)
            keypoints[:, :2] *= (exact / size).astype(np.float32)
            db.update_keypoints(index + 1, keypoints)
