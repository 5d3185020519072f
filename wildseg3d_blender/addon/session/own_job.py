# SPDX-License-Identifier: GPL-3.0-or-later
"""Blender's own part of a job, beside those of the worker."""

from __future__ import annotations

from .bar import Part


class OwnJob:
    """Blender's own part of a job, done in steps on its main thread. Made by ``runtime.start_own``.

    Whoever does it calls ``reach``, writes ``text``, looks at ``cancelled`` and calls ``end``. ``method`` is
    the worker's that it follows on; before it asked for any, the operator's name, or empty.
    """

    def __init__(self, title: str, method: str, part: Part) -> None:
        self.title = title
        self.method = method
        self.bar = part.bar
        self.fraction = part.start
        self.text = ""
        self.cancelled = False
        self.done = False
        self._part = part

    def reach(self, fraction: float) -> None:
        """So much of this part is done, in [0, 1]; ``fraction`` is then that of the whole bar."""
        self.fraction = self._part.at(fraction)

    def cancel(self, *, gently: bool = False) -> None:
        """Ask for an end."""
        self.cancelled = True

    def wait(self, timeout: float) -> bool:
        """Waiting does not bring it on; returns ``done``."""
        return self.done

    def end(self) -> None:
        """The work is over, done or not."""
        self.done = True
