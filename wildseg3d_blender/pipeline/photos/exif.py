# SPDX-License-Identifier: GPL-3.0-or-later
"""What EXIF says of a photo: which way is up, and the focal length."""

from __future__ import annotations

import math
import struct
from typing import Any

from PIL import ExifTags, Image

_FILM_DIAGONAL_MM = math.hypot(36.0, 24.0)
# What Pillow raises on malformed EXIF; the photo itself is fine then.
_EXIF_ERRORS = (OSError, SyntaxError, ValueError, KeyError, TypeError, struct.error)

TURN = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
"""EXIF orientation -> what turns the picture upright."""


def orientation(image: Image.Image) -> int:
    """1 to 8, see ``TURN``; 1, upright, where nothing is said."""
    try:
        return int(_number(image.getexif().get(ExifTags.Base.Orientation)))
    except _EXIF_ERRORS:
        return 1


def upright_size(image: Image.Image) -> tuple[int, int]:
    """(width, height) of the picture the right way up."""
    return (image.height, image.width) if orientation(image) in (5, 6, 7, 8) else image.size


def camera_and_lens(image: Image.Image) -> str:
    """What took the picture, and how far it was zoomed in; "" where nothing is said.

    Pictures of one camera at one zoom have one shape, unless somebody cut them.
    """
    try:
        exif = image.getexif()
        lens = exif.get_ifd(ExifTags.IFD.Exif)
        said = [exif.get(ExifTags.Base.Make), exif.get(ExifTags.Base.Model)]
        said += [lens.get(ExifTags.Base.FocalLength), lens.get(ExifTags.Base.FocalLengthIn35mmFilm)]
        return " ".join(str(word).strip() for word in said if word)
    except _EXIF_ERRORS:
        return ""


def focal_pixels(image: Image.Image) -> float | None:
    """Focal length in pixels from EXIF, or None where it is absent or cannot be meant.

    FocalLengthIn35mmFilm compares image diagonals (CIPA DCG-001); otherwise FocalLength in mm times the
    resolution of the focal plane.
    """
    try:
        exif = image.getexif().get_ifd(ExifTags.IFD.Exif)
    except _EXIF_ERRORS:
        return None
    taken_width = _number(exif.get(ExifTags.Base.ExifImageWidth))
    taken_height = _number(exif.get(ExifTags.Base.ExifImageHeight))
    shrink = 1.0
    if taken_width > 0 and taken_height > 0:
        shrink = max(image.size) / max(taken_width, taken_height)
        # Another aspect ratio means a crop: the field of view is no longer the one EXIF speaks of.
        if abs(min(image.size) / min(taken_width, taken_height) / shrink - 1.0) > 0.02:
            return None
    film = _number(exif.get(ExifTags.Base.FocalLengthIn35mmFilm))
    millimetres = _number(exif.get(ExifTags.Base.FocalLength))
    per_unit = _number(exif.get(ExifTags.Base.FocalPlaneXResolution))
    unit = int(_number(exif.get(ExifTags.Base.FocalPlaneResolutionUnit))) or 2
    unit_mm = {2: 25.4, 3: 10.0, 4: 1.0, 5: 0.001}.get(unit)
    if film:
        focal = film * math.hypot(*image.size) / _FILM_DIAGONAL_MM
    elif millimetres and per_unit and unit_mm:
        focal = millimetres * per_unit / unit_mm * shrink
    else:
        return None
    return focal if 0.3 <= focal / max(image.size) <= 20.0 else None


def _number(value: Any) -> float:
    """An EXIF value as a finite float; 0, EXIF's own word for unknown, where it is none."""
    try:
        number = float(value)
    except (TypeError, ValueError, ZeroDivisionError):
        return 0.0
    return number if math.isfinite(number) else 0.0
