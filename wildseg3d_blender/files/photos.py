# SPDX-License-Identifier: GPL-3.0-or-later
"""Which files are photos and which are videos, by their names; needs nothing but the standard library."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from ..errors import PhotoError

READABLE_SUFFIXES = frozenset(
    f".{ending}"
    for ending in "jpg jpeg jpe jfif mpo png tif tiff webp avif bmp jp2 tga ppm pgm".split()  # noqa: SIM905
)
"""File names taken from a folder. A file named one by one may have any name."""

UNREADABLE_SUFFIXES = frozenset(
    f".{ending}"
    for ending in "heic heif jxl dng cr2 cr3 crw nef nrw arw srw raf orf rw2 pef raw exr hdr psd".split()  # noqa: SIM905
)
"""Photos all the same, so they are reported instead of being passed over in silence."""

VIDEO_SUFFIXES = frozenset(
    f".{ending}"
    for ending in "mp4 m4v mov avi mkv webm mpg mpeg mts m2ts 3gp ogv wmv".split()  # noqa: SIM905
)
"""Named one by one, a video stands for key frames of it; in a folder of photos it is passed over."""

CHOOSE = "wildseg3d.photos_add"
"""The operator that mends a wrong choice of photos."""


def is_video(path: Path) -> bool:
    """Whether the name is a video's."""
    return path.suffix.lower() in VIDEO_SUFFIXES


def find_photos(paths: Sequence[Path]) -> list[Path]:
    """Photo files among ``paths``; a folder stands for the photos directly in it, in natural order.

    Photos in formats that cannot be read (raw, HEIC) are listed too, so that reading them can say so.

    Returns:
        Absolute paths, each once.

    Raises:
        PhotoError: nothing was given, a path does not exist, or no photo was found.
    """
    if not paths:
        raise PhotoError(
            "No photos were given: choose a folder of photos, or at least two photos.", fix=CHOOSE
        )
    found: dict[Path, None] = {}
    for given in paths:
        path = Path(given).absolute()
        try:
            found.update(dict.fromkeys(_photos_in(path) if path.is_dir() else [path]))
        except OSError as error:
            raise PhotoError(
                f"The folder {path} cannot be opened ({error.strerror or error}): check its permissions."
            ) from error
        if not path.exists():
            raise PhotoError(f"There is no file or folder at {path}: choose the photos again.", fix=CHOOSE)
    if not found:
        raise PhotoError(_nothing_in(Path(paths[0]).absolute()), fix=CHOOSE)
    return list(found)


def _nothing_in(folder: Path) -> str:
    """The sentence for a folder without photos; it names a video in it, or the folder with the most."""
    try:
        videos = sorted(filter(is_video, folder.iterdir()), key=_natural_order)
        if videos:
            return f"No photos in {folder}, but the video {videos[0].name}: choose that file instead."
        inside = {path: len(_photos_in(path)) for path in folder.iterdir() if path.is_dir()}
    except OSError:
        inside = {}
    best = max(inside, key=lambda path: inside[path], default=folder)
    if inside.get(best):
        return f"No photos in {folder}, but {inside[best]} in its folder {best.name}: choose that one."
    return (
        f"No photos in {folder}: choose the folder that holds the JPEG, PNG, TIFF or WebP files themselves "
        "(folders inside it are not searched)."
    )


def _photos_in(folder: Path) -> list[Path]:
    suffixes = READABLE_SUFFIXES | UNREADABLE_SUFFIXES
    files = (
        path
        for path in folder.iterdir()
        # macOS leaves a "._name.jpg" without a picture beside every photo on foreign disks.
        if path.suffix.lower() in suffixes and not path.name.startswith(".") and path.is_file()
    )
    return sorted(files, key=_natural_order)


def _natural_order(path: Path) -> tuple[list[tuple[int, str]], str]:
    """Sort key that puts IMG_9 before IMG_10."""
    parts = re.findall(r"[0-9]+|[^0-9]+", path.stem.casefold())
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in parts], path.name
