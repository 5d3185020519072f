# SPDX-License-Identifier: GPL-3.0-or-later
"""Locks on open files; the system lets go when the file is closed or the process ends, however it ends."""

from __future__ import annotations

import sys
from typing import IO, Any

if sys.platform == "win32":
    import msvcrt

    def lock(file: IO[Any]) -> None:
        """Lock the byte at the file's position; OSError where another open file has it locked."""
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def lock(file: IO[Any]) -> None:
        """Lock the file as a whole; OSError where another open file has it locked."""
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
