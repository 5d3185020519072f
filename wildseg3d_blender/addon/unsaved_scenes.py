# SPDX-License-Identifier: GPL-3.0-or-later
"""Scene folders of files that were never saved: which of them no file needs, and which one does after all."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import bpy

from ..neural.space import bytes_of
from ..scene import never_saved
from .scene import location, lookup

LOOKS_AGAIN_AFTER = 2.0
"""Seconds after which those that are drawn are looked for again: another Blender may have quit."""


class _Looked(NamedTuple):
    folder: Path
    changed: int
    needed: frozenset[Path]
    at: float
    found: tuple[Path, ...]


_looked: _Looked | None = None


def left_over(context: bpy.types.Context) -> list[Path]:
    """Those that neither a saved file, nor a Blender that is running, nor undo in this one may need."""
    return never_saved.find(location.unsaved_folder(context), _of_this_file())


def drawn_left_over(context: bpy.types.Context) -> tuple[Path, ...]:
    """As ``left_over``, two seconds old at most: looking opens a file for each at every move of the mouse."""
    global _looked
    folder, needed, now = location.unsaved_folder(context), frozenset(_of_this_file()), time.monotonic()
    try:
        changed = folder.stat().st_mtime_ns
    except OSError:
        return ()
    before = _looked
    if before is not None and before[:3] == (folder, changed, needed) and now - before.at < LOOKS_AGAIN_AFTER:
        return before.found
    found = tuple(never_saved.find(folder, needed))
    _looked = _Looked(folder, changed, needed, now, found)
    return found


def keep_those_of_this_file() -> None:
    """The open file is saved, or was: whatever it shows is kept from now on."""
    for folder in _of_this_file():
        never_saved.keep(folder)


def size(folders: Iterable[Path]) -> int:
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
