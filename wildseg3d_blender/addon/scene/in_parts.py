# SPDX-License-Identifier: GPL-3.0-or-later
"""Long computing that says how far it is, and that can be left off between two of its parts."""

from __future__ import annotations

import time
from collections.abc import Generator
from typing import Any, TypeVar

from .steps import Aside, Pause, Steps

Result = TypeVar("Result")

Parts = Generator[float, None, Result]
"""Touches nothing of Blender's; yields how far it is, in [0, 1], and returns what it computed."""

TURN = 0.1
"""Seconds after which no further part is begun before progress is shown and Esc is heard."""


def scaled(parts: Parts[Result], start: float, end: float) -> Parts[Result]:
    """``parts`` as a piece of something longer, from ``start`` to ``end`` of it."""
    try:
        while True:
            yield start + (end - start) * next(parts)
    except StopIteration as stop:
        result: Result = stop.value
        return result


def beside(parts: Parts[Result], text: str) -> Steps[Result]:
    """Do the parts beside Blender; ``text`` says what is done."""
    while True:
        fraction, found = yield Aside(lambda: _turn(parts), text)
        if found:
            result: Result = found[0]
            return result
        yield Pause(fraction, text)


def _turn(parts: Parts[Any]) -> tuple[float, list[Any]]:
    """One part or more: how far they are now, and the result in a list once there is one."""
    ends = time.monotonic() + TURN
    try:
        fraction = next(parts)
        while time.monotonic() < ends:
            fraction = next(parts)
    except StopIteration as stop:
        return 1.0, [stop.value]
    return fraction, []
