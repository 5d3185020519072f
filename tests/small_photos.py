# SPDX-License-Identifier: GPL-3.0-or-later
"""Four of the sample photos, made small enough to reconstruct in a few seconds."""

from __future__ import annotations

from pathlib import Path

from PIL import Image

SAMPLE = Path(__file__).absolute().parents[1] / "samples" / "table" / "photos"
NAMES = ("table_04", "table_05", "table_06", "table_07")
SIZE = (432, 288)
IMAGE_SIZE = 216
"""The view grid to reconstruct them with."""


def write_small_photos(folder: Path) -> list[Path]:
    """Write the photos into ``folder``, EXIF and all; returns their paths."""
    paths = []
    for name in NAMES:
        with Image.open(SAMPLE / f"{name}.jpg") as photo:
            small = photo.resize(SIZE, Image.Resampling.LANCZOS)
            small.save(folder / f"{name}.jpg", quality=92, exif=photo.getexif())
        paths.append(folder / f"{name}.jpg")
    return paths
