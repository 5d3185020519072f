# SPDX-License-Identifier: GPL-3.0-or-later
"""Folders that are replaced whole or not at all, whatever crashes in between."""

from __future__ import annotations

import contextlib
import shutil
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

from ..errors import SceneError
from ..wording import reason


def remove(folder: Path) -> None:
    """Delete a folder, as far as that goes."""
    shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def replacing_folder(folder: Path, put_aside: Callable[[Path], None] = remove) -> Iterator[Path]:
    """Give a temporary folder beside ``folder`` that takes its place when the block ends well.

    Args:
        put_aside: given the old folder, under another name, once the new one is in its place.
    """
    partial = folder.with_name(f".{folder.name}.partial-{uuid.uuid4().hex[:8]}")
    try:
        partial.mkdir(parents=True)
        yield partial
        swap_in(partial, folder, put_aside)
    except OSError as error:
        raise SceneError(
            f"Could not write {folder} ({reason(error)}): check the free space and the permissions there; "
            "what was there before is unchanged."
        ) from error
    finally:
        remove(partial)


def swap_in(new: Path, folder: Path, put_aside: Callable[[Path], None] = remove) -> None:
    """Let the folder ``new`` take the place of ``folder``; for ``put_aside`` see ``replacing_folder``.

    Raises:
        OSError: it cannot; both are where they were.
    """
    previous = previous_folder(folder)
    try:
        if folder.exists():
            remove(previous)
            folder.replace(previous)
        new.replace(folder)
    finally:
        # Whatever broke off the swap, a cancellation too: the old folder is back before anyone looks for it.
        with contextlib.suppress(OSError):
            finish_interrupted_swap(folder)
    if previous.exists():
        put_aside(previous)


def previous_folder(folder: Path) -> Path:
    """Where the old folder waits during a replacement."""
    return folder.with_name(f".{folder.name}.previous")


def finish_interrupted_swap(folder: Path) -> None:
    """Put the old folder back when a crash fell between the two renames of a replacement."""
    previous = previous_folder(folder)
    if previous.exists() and not folder.exists():
        previous.replace(folder)
