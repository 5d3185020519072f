# SPDX-License-Identifier: GPL-3.0-or-later
"""Work in steps or parts (see ``addon.scene.steps`` and ``in_parts``), taken one by one or all at once."""

from __future__ import annotations

from typing import Any


def advance(work: Any, count: int) -> bool:
    """Take ``count`` steps; False when the work ended before."""
    from wildseg3d_blender.addon.scene.steps import Aside

    answer = None
    try:
        for _ in range(count):
            step = work.send(answer)
            answer = step.compute() if isinstance(step, Aside) else None
    except StopIteration:
        return False
    return True


def whole(parts: Any) -> Any:
    """Do all parts at once; returns what they computed."""
    try:
        while True:
            next(parts)
    except StopIteration as stop:
        return stop.value
