# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be known of photos before they are reconstructed: unreadable, twice there, cut, small, blurred."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from ...errors import PhotoError
from ...progress import Progress, silent, span
from ...scene.folder import SkippedPhoto
from .key_frames import sharpness_of
from .reading import Photo, read_image, usable_photos

BLURRED = 0.25
"""A photo with less than this share of the usual sharpness is blurred. Sharp photos of one scene keep above a
third, smearing over two thousandths of the picture falls below a tenth."""

SMALL = 0.5
"""A photo whose longer side is shorter than this share of the usual one is small."""

CUT = 0.02
"""A photo whose sides' ratio differs by more than this share from others of its camera was cut."""

# Enough for sharpness, and JPEGs are quickly read at this size.
_LONGER_SIDE = 960
# Of fewer photos nobody can say what is usual; the panel knows.
_FEWEST = 4


def check_photos(files: Sequence[Path], *, progress: Progress = silent) -> list[SkippedPhoto]:
    """The photos among ``files`` that cannot be used or had better be replaced, and why. Reads them all.

    Args:
        files: photo files, no folders.
    """
    photos, doubtful = usable_photos(files, progress=span(progress, 0.0, 0.5))
    sharpness, readable = [], []
    for number, photo in enumerate(photos):
        progress("photos", 0.5 + 0.5 * number / len(photos), f"Looking at {photo.path.name}")
        try:
            image = read_image(photo, longer_side=_LONGER_SIDE)
        except PhotoError:
            continue  # it changed under our eyes; reconstructing will say so
        readable.append(photo)
        sharpness.append(sharpness_of(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)))
    if len(readable) >= _FEWEST:
        doubtful += _unlike_the_others(readable, np.array(sharpness))
    return doubtful


def _unlike_the_others(photos: Sequence[Photo], sharpness: np.ndarray) -> list[SkippedPhoto]:
    sides = np.array([max(photo.size) for photo in photos])
    usual_side, usual_sharpness = float(np.median(sides)), float(np.median(sharpness))
    shapes = _usual_shapes(photos)
    found = []
    for photo, side, sharp in zip(photos, sides, sharpness, strict=True):
        usual_shape = shapes.get(photo.camera)
        if usual_shape is not None and abs(_shape(photo) / usual_shape - 1.0) > CUT:
            size = f"{photo.size[0]}×{photo.size[1]}"
            reason = f"has another shape ({size}) than the others of its camera, so it seems to be cropped"
            found.append(SkippedPhoto(photo.path, reason, "Use photos as they came from the camera."))
        elif side < SMALL * usual_side:
            size = f"{photo.size[0]}×{photo.size[1]}"
            reason = f"is small ({size}) beside the others, whose longer side has {usual_side:.0f} pixels"
            found.append(SkippedPhoto(photo.path, reason, "Use photos as they came from the camera."))
        elif sharp < BLURRED * usual_sharpness:
            reason = f"looks blurred: it has {sharp / usual_sharpness:.0%} of the others' fine detail"
            found.append(SkippedPhoto(photo.path, reason, "Take it again, or leave it out."))
    return found


def _usual_shapes(photos: Sequence[Photo]) -> dict[str, float]:
    """By camera, where EXIF names one for enough photos: the usual ratio of their sides."""
    by_camera: dict[str, list[float]] = {}
    for photo in photos:
        if photo.camera:
            by_camera.setdefault(photo.camera, []).append(_shape(photo))
    return {name: float(np.median(found)) for name, found in by_camera.items() if len(found) >= _FEWEST}


def _shape(photo: Photo) -> float:
    """The longer side over the shorter, so that it is the same upright and across."""
    return max(photo.size) / min(photo.size)
