# SPDX-License-Identifier: GPL-3.0-or-later
"""The timer on Blender's main thread: takes in what the worker says and gives it quiet work when it is free.

What the artist waits for goes first, then the preview, then looking at photos, then finding objects.
Without a window nothing starts by itself.
"""

from __future__ import annotations

import bpy

from . import finding, photo_checking, previewing, runtime
from .scene import viewing

BUSY_TICK = 0.02
"""Seconds between two looks while a preview is on its way, so that it seems to follow the click."""

REDRAW_EVERY = 3
"""Ticks between two pictures of a quiet job's progress."""

_ticks = 0


def step(scene: bpy.types.Scene) -> None:
    """Take in answers, and start what quiet work is due."""
    runtime.poll()
    previewing.refresh(scene)
    quiet = runtime.quiet_job()
    if runtime.current_job() is not None:
        return
    if previewing.due():
        if quiet is None:
            previewing.start()
        elif quiet.method == finding.METHOD:
            quiet.cancel(gently=True)
    elif quiet is None and photo_checking.due(scene):
        photo_checking.start(scene)
    elif quiet is None and (folder := finding.due()) is not None:
        finding.start(folder)


def hurry(scene: bpy.types.Scene) -> None:
    """The artist just changed a prompt and waits to see what it does."""
    previewing.touch(settled=True)
    if not bpy.app.background:
        step(scene)
        wake()


def wake() -> None:
    """Something changed: look soon, not only at the next idle tick."""
    if not bpy.app.background:
        unregister()
        bpy.app.timers.register(_tick, first_interval=BUSY_TICK, persistent=True)


def _tick() -> float:
    global _ticks
    quiet_before = runtime.quiet_job()
    # No scene, for a moment, while Blender opens a file.
    if bpy.context.scene is not None:
        step(bpy.context.scene)
    quiet = runtime.quiet_job()
    _ticks += 1
    if quiet is not quiet_before or (quiet is not None and _ticks % REDRAW_EVERY == 0):
        viewing.redraw_sidebars()
    previewed = quiet is not None and quiet.method == previewing.METHOD
    return BUSY_TICK if previewed or previewing.due() else runtime.TICK


def register() -> None:
    """Called by the add-on."""
    if not bpy.app.background:
        bpy.app.timers.register(_tick, first_interval=runtime.TICK, persistent=True)


def unregister() -> None:
    """Called by the add-on."""
    if bpy.app.timers.is_registered(_tick):
        bpy.app.timers.unregister(_tick)
