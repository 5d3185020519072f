# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a file is still the one that was read."""

from __future__ import annotations

from pathlib import Path

Stamp = tuple[int, int] | None


def stamp_of(file: Path) -> Stamp:
    """When a file was changed and which one it is, so that one written anew differs; None if missing."""
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_ino
