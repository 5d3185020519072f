# SPDX-License-Identifier: GPL-3.0-or-later
"""The last error, kept where the panel can show it with the button that mends it, until it is dismissed."""

from __future__ import annotations

from typing import Any

import bpy

from ..errors import Cancelled, WildSegError

_last: list[WildSegError] = []


def remember(error: WildSegError) -> None:
    """Keep ``error`` for the panel; a cancellation is none."""
    if not isinstance(error, Cancelled):
        _last[:] = [error]


def last() -> WildSegError | None:
    """The last error that was neither dismissed nor followed by another try."""
    return _last[0] if _last else None


def dismiss() -> None:
    """Nothing is wrong any more, or nobody wants to read it."""
    _last.clear()


@bpy.app.handlers.persistent
def _on_load(*_: Any) -> None:
    """Another file was opened: the error spoke of the one before."""
    dismiss()


def register() -> None:
    """Called by the add-on."""
    bpy.app.handlers.load_post.append(_on_load)


def unregister() -> None:
    """Called by the add-on."""
    dismiss()
    if _on_load in bpy.app.handlers.load_post:
        bpy.app.handlers.load_post.remove(_on_load)
