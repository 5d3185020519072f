# SPDX-License-Identifier: GPL-3.0-or-later
"""Room on the disk: what a folder takes, and whether enough is left."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from ..errors import DiskSpaceError


def bytes_of(*folders: Path) -> int:
    """Bytes that deleting ``folders`` frees: a file with several names among them counts once."""
    seen: dict[tuple[int, int], int] = {}
    for path in _files(folders):
        try:
            status = path.lstat()
        except OSError:
            continue  # gone while we looked: an installer is at work there
        seen[status.st_dev, status.st_ino] = status.st_size
    return sum(seen.values())


def free_bytes(folder: Path) -> int:
    """Bytes left where ``folder`` is or will be."""
    existing = next(path for path in (folder.absolute(), *folder.absolute().parents) if path.exists())
    return shutil.disk_usage(existing).free


def check_space(folder: Path, needed: int, what: str) -> None:
    """See to it that ``needed`` bytes fit into ``folder``.

    Raises:
        DiskSpaceError: they do not; the sentence names both sizes.
    """
    free = free_bytes(folder)
    if free < needed:
        raise DiskSpaceError(
            f"{what} needs {readable(needed)} in {folder}, and only {readable(free)} is free there: "
            "free some space, or choose a folder on another disk. Nothing was installed."
        )


def readable(count: int) -> str:
    """A size for people: 1.3 GB."""
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count} bytes"


def _files(folders: Iterable[Path]) -> Iterable[Path]:
    for folder in folders:
        if folder.is_file():
            yield folder
        for root, _, names in os.walk(folder):
            yield from (Path(root, name) for name in names)
