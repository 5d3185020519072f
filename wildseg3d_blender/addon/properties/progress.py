# SPDX-License-Identifier: GPL-3.0-or-later
"""How far work is, as properties that panels draw as bars.

Not ``UILayout.progress``: Blender tells buttons without a property from one another by their order alone, so
a bar that the mouse rests on when the work ends is drawn on, full, where a label of the panel comes next.
"""

from __future__ import annotations

import math
from typing import Any

import bpy

from ..session import runtime


def _of_job(self: Any) -> float:
    return _percent(runtime.current_job())


def _of_quiet_job(self: Any) -> float:
    return _percent(runtime.quiet_job())


def _percent(job: Any | None) -> float:
    # Rounded down, for "100%, a few seconds left" is hard to believe.
    return 0.0 if job is None else float(math.floor(100.0 * job.fraction))


def _leave(self: Any, value: float) -> None:
    """Blender draws a property that cannot be set in grey."""


class WildSeg3DProgress(bpy.types.PropertyGroup):
    """Of this Blender session: kept in no file."""

    job: bpy.props.FloatProperty(
        name="Progress",
        description="How much of it is done",
        subtype="PERCENTAGE",
        max=100.0,
        precision=0,
        get=_of_job,
        set=_leave,
    )
    quiet_job: bpy.props.FloatProperty(
        name="Finding objects",
        description="How much of it is done, in the background",
        subtype="PERCENTAGE",
        max=100.0,
        precision=0,
        get=_of_quiet_job,
        set=_leave,
    )


def register() -> None:
    """Called by the add-on."""
    bpy.utils.register_class(WildSeg3DProgress)
    bpy.types.WindowManager.wildseg3d = bpy.props.PointerProperty(type=WildSeg3DProgress)


def unregister() -> None:
    """Called by the add-on."""
    del bpy.types.WindowManager.wildseg3d
    bpy.utils.unregister_class(WildSeg3DProgress)
