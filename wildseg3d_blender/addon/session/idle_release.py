# SPDX-License-Identifier: GPL-3.0-or-later
"""Memory that networks hold goes back to the computer when nobody has needed them for a while."""

from __future__ import annotations

import bpy

from .. import preferences
from ..scene import viewing
from . import runtime

LOOK_EVERY = 10.0
"""Seconds."""


def look(context: bpy.types.Context) -> None:
    """Give the memory back if it is time to."""
    minutes = preferences.release_after(context)
    if minutes and runtime.release_unused(60.0 * minutes):
        viewing.redraw_sidebars()


def _tick() -> float:
    look(bpy.context)
    return LOOK_EVERY


def register() -> None:
    """Called by the add-on."""
    if not bpy.app.background:
        bpy.app.timers.register(_tick, first_interval=LOOK_EVERY, persistent=True)


def unregister() -> None:
    """Called by the add-on."""
    if bpy.app.timers.is_registered(_tick):
        bpy.app.timers.unregister(_tick)
