# SPDX-License-Identifier: GPL-3.0-or-later
"""Folders that are replaced whole or not at all, whatever crashes in between."""

from __future__ import annotations

import contextlib
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

from .errors import SceneError


@contextlib.contextmanager
def replacing_folder(folder: Path) -> Iterator[Path]:
    """Give a temporary folder beside ``folder`` that takes its place when the block ends well."""
    partial = folder.with_name(f".{folder.name}.partial-{uuid.uuid4().hex[:8]}")
    try:
        partial.mkdir(parents=True)
        yield partial
        previous = previous_folder(folder)
        if folder.exists():
            shutil.rmtree(previous, ignore_errors=True)
            folder.replace(previous)
        partial.replace(folder)
        shutil.rmtree(previous, ignore_errors=True)
    except OSError as error:
        raise SceneError(
            f"Could not write {folder} ({error.strerror or error}): check the free space and the "
            "permissions there; what was there before is unchanged."
        ) from error
    finally:
        # Whatever broke off the swap, a cancellation too: the old folder is back before anyone looks for it.
        with contextlib.suppress(OSError):
            finish_interrupted_swap(folder)
        shutil.rmtree(partial, ignore_errors=True)


def previous_folder(folder: Path) -> Path:
    """Where the old folder waits during a replacement."""
    return folder.with_name(f".{folder.name}.previous")


def finish_interrupted_swap(folder: Path) -> None:
    """Put the old folder back when a crash fell between the two renames of a replacement."""
    previous = previous_folder(folder)
    if previous.exists() and not folder.exists():
        previous.replace(folder)
