# SPDX-License-Identifier: GPL-3.0-or-later
"""Finding and reading photos: any common format, upright, 8-bit RGB, with the focal length EXIF knows."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Photo:
    """A photo that was opened once and found readable.

    Attributes:
        name: unique view name (see ``scene_folder.unique_view_names``).
        path: absolute.
        size: (width, height), upright.
        focal: focal length in photo pixels from EXIF, or None.
    """

    name: str
    path: Path
    size: tuple[int, int]
    focal: float | None = None
