# SPDX-License-Identifier: GPL-3.0-or-later
"""The timer on Blender's main thread: takes in what the worker says and gives it quiet work when it is free.

What the artist waits for goes first, then the preview, then looking at photos, then finding objects,
then getting ready for more.
Without a window nothing starts by itself.
"""

from __future__ import annotations

import time

import bpy

from .scene import viewing
from .session import finding, photo_checking, preparing, previewing, runtime
from .viewport import thumbnails

BUSY_TICK = 0.005
"""Seconds between two looks while a preview is on its way: as often as Blender looks at its own timers."""

REDRAW_EVERY = 0.1
"""Seconds between two pictures of a quiet job's progress."""

_drawn_at = 0.0
_looked: object = None
_woken = False


def step(scene: bpy.types.Scene) -> None:
    """Take in answers, and start what quiet work is due."""
    runtime.poll()
    previewing.refresh(scene)
    finding.rest()
    quiet = runtime.quiet_job()
    if runtime.current_job() is not None:
        return
    if previewing.due():
        if quiet is None:
            previewing.start()
        elif quiet.method != previewing.METHOD or previewing.outdated():
            quiet.cancel(gently=True)
    elif quiet is None and photo_checking.due(scene):
        photo_checking.start(scene)
    elif quiet is None and (folder := finding.due()) is not None:
        finding.start(folder)
    elif quiet is None and (folder := preparing.due()) is not None:
        preparing.start(folder)


def hurry(scene: bpy.types.Scene) -> None:
    """The artist just changed a prompt and waits to see what it does."""
    previewing.touch(settled=True)
    if not bpy.app.background:
        step(scene)
        wake()


def wake() -> None:
    """Something changed: look soon, not only at the next idle tick."""
    global _woken
    if not bpy.app.background and not _woken:
        unregister()
        bpy.app.timers.register(_tick, first_interval=BUSY_TICK, persistent=True)
        _woken = True


def _tick() -> float:
    global _drawn_at, _looked, _woken
    _woken = False
    quiet_before = runtime.quiet_job()
    # No scene, for a moment, while Blender opens a file.
    if bpy.context.scene is not None:
        step(bpy.context.scene)
    if (looks := previewing.looks()) != _looked:
        _looked = looks
        previewing.redraw()  # an outdated preview fades after a while, without anything else happening
    if unfinished := thumbnails.take_unfinished():
        viewing.redraw()
    quiet, now = runtime.quiet_job(), time.monotonic()
    if quiet is not quiet_before or (quiet is not None and now - _drawn_at >= REDRAW_EVERY):
        _drawn_at = now
        viewing.redraw_sidebars()
    previewed = quiet is not None and quiet.method == previewing.METHOD
    soon = previewed or previewing.due() or unfinished
    return BUSY_TICK if soon else runtime.TICK


def register() -> None:
    """Called by the add-on."""
    if not bpy.app.background:
        bpy.app.timers.register(_tick, first_interval=runtime.TICK, persistent=True)


def unregister() -> None:
    """Called by the add-on."""
    global _woken
    _woken = False
    if bpy.app.timers.is_registered(_tick):
        bpy.app.timers.unregister(_tick)
