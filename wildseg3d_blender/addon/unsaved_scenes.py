# SPDX-License-Identifier: GPL-3.0-or-later
"""Scene folders of files that were never saved: which of them no file needs, and which one does after all."""

from __future__ import annotations

import contextlib
from functools import lru_cache
from pathlib import Path

import bpy

from ..neural.space import bytes_of
from ..scene import never_saved
from .scene import location, lookup


def left_over(context: bpy.types.Context) -> list[Path]:
    """Those that neither a saved file, nor a Blender that is running, nor undo in this one may need."""
    return never_saved.find(location.unsaved_folder(context), _of_this_file())


def keep_those_of_this_file() -> None:
    """The open file is saved, or was: whatever it shows is kept from now on."""
    for folder in _of_this_file():
        never_saved.keep(folder)


def size(folders: list[Path]) -> int:
    """Bytes that they take. Nobody writes to such folders, so each is looked through once."""
    taken = 0
    for folder in folders:
        with contextlib.suppress(OSError):  # another Blender may just be removing it
            taken += _size(folder, folder.stat().st_mtime_ns)
    return taken


@lru_cache(maxsize=256)
def _size(folder: Path, changed: int) -> int:
    return bytes_of(folder)


def _of_this_file() -> set[Path]:
    roots = [item for item in bpy.data.objects if item.wildseg3d.role == "ROOT"]
    return {lookup.scene_folder(root) for root in roots}


def register() -> None:
    """Called by the add-on."""


def unregister() -> None:
    """Called by the add-on. Where Blender goes on without it, nobody sees any more what is saved."""
    if not bpy.app.background:
        # Blender unregisters add-ons when it quits as well, and then comes to no timer any more.
        bpy.app.timers.register(never_saved.keep_all, first_interval=0.0)
