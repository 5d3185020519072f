# SPDX-License-Identifier: GPL-3.0-or-later
"""One process at a time in a folder; the system lets go when the process ends, however it ends."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from ..errors import NeuralError


@contextlib.contextmanager
def exclusive(folder: Path) -> Iterator[None]:
    """Hold ``folder`` for the block, making it where it is missing.

    Raises:
        NeuralError: another process holds it, or it cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / ".lock").open("a")
    except OSError as error:
        raise NeuralError(f"{folder} cannot be written ({error.strerror}): choose another folder.") from error
    with file:
        try:
            _lock(file)
        except OSError as error:
            raise NeuralError(
                f"Another program is at work in {folder}: wait for it, or end that Blender."
            ) from error
        yield


if sys.platform == "win32":
    import msvcrt

    def _lock(file: IO[str]) -> None:
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(file: IO[str]) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
