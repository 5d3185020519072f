# SPDX-License-Identifier: GPL-3.0-or-later
"""Names of photos and objects as names of files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


def file_stem(name: str) -> str:
    """``name`` as a file stem that every file system takes; readable, not unique."""
    kept = "".join(c if c.isalnum() or c in " -_." else "_" for c in name).strip(" .")
    return kept[:80] or "unnamed"


def unique_view_names(photos: Sequence[Path]) -> list[str]:
    """A view name per photo: its stem, with a number where stems collide (ignoring case)."""
    taken: set[str] = set()
    names = []
    for photo in photos:
        stem = file_stem(photo.stem)
        name, number = stem, 2
        while name.casefold() in taken:
            name, number = f"{stem}_{number}", number + 1
        taken.add(name.casefold())
        names.append(name)
    return names
