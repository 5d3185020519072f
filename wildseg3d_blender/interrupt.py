# SPDX-License-Identifier: GPL-3.0-or-later
"""An interrupt (SIGINT, Ctrl-C) as ``Cancelled``, where it is safe and nowhere else."""

from __future__ import annotations

import signal
from types import FrameType, TracebackType
from typing import Self

from .errors import Cancelled


class CancelOnInterrupt:
    """Within the ``with`` block an interrupt raises Cancelled. Main thread only.

    It raises at the next Python instruction, and inside those native calls that look for signals; but not
    while a module is being imported, because a native library whose loading was broken off can never be
    loaded again in that process. ``asked`` then tells the work's next progress call to stop.

    Where native code calls back into Python, to read a path or a number, it may take Cancelled for a fault
    of its arguments. So whatever error ends the block once an interrupt was asked for is Cancelled.
    """

    def __init__(self) -> None:
        self.asked = False
        self._active = False

    def __enter__(self) -> Self:
        self._active = True
        signal.signal(signal.SIGINT, self._interrupted)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        # The handler stays, asleep: outside the block nobody expects Cancelled, nor a KeyboardInterrupt.
        self._active = False
        if self.asked and isinstance(error, Exception) and not isinstance(error, Cancelled):
            raise Cancelled from error

    def _interrupted(self, signum: int, frame: FrameType | None) -> None:
        self.asked = True
        if self._active and not _inside_import(frame):
            self._active = False
            raise Cancelled


def _inside_import(frame: FrameType | None) -> bool:
    while frame is not None:
        if frame.f_code.co_filename == "<frozen importlib._bootstrap>":
            return True
        frame = frame.f_back
    return False
