# SPDX-License-Identifier: GPL-3.0-or-later
"""One process at a time in a folder; the system lets go when the process ends, however it ends."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from ..errors import NeuralError
from ..files.locks import lock


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
            lock(file)
        except OSError as error:
            raise NeuralError(
                f"Another program is at work in {folder}: wait for it, or end that Blender."
            ) from error
        yield
