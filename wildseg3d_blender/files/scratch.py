# SPDX-License-Identifier: GPL-3.0-or-later
"""Temporary files that are gone when the process is, however it ends."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """A folder that all of this process's temporary files go to, removed with what is left in it.

    Work that was cancelled may leave a native call behind that still holds its files, so cleaning up after
    itself is not enough.
    """
    previous = tempfile.tempdir
    with tempfile.TemporaryDirectory(prefix="wildseg3d-", ignore_cleanup_errors=True) as folder:
        tempfile.tempdir = folder
        try:
            yield Path(folder)
        finally:
            tempfile.tempdir = previous
