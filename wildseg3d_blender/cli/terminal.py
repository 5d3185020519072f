# SPDX-License-Identifier: GPL-3.0-or-later
"""Progress for people at a terminal: a bar that redraws itself, or plain lines where nobody watches."""

from __future__ import annotations

import shutil
import time
from typing import TextIO

from ..progress import Progress

BAR_WIDTH = 24
LINE_EVERY = 5.0
"""Seconds between two plain lines of one stage."""


def terminal_progress(stream: TextIO) -> Progress:
    """A bar where ``stream`` is a terminal, lines otherwise."""
    return ProgressBar(stream) if stream.isatty() else ProgressLines(stream)


class ProgressBar:
    """One line, drawn over itself: bar, percentage, what is done, and the time left once it can be told."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._started = time.monotonic()
        self._drawn = -1.0

    def __call__(self, stage: str, fraction: float, text: str = "") -> None:
        now = time.monotonic()
        if now - self._drawn < 0.1 and fraction < 1.0:
            return
        self._drawn = now
        filled = round(BAR_WIDTH * fraction)
        line = f"[{'#' * filled}{'.' * (BAR_WIDTH - filled)}] {fraction:4.0%} {text or stage}"
        elapsed = now - self._started
        if fraction > 0.05 and elapsed > 2.0:
            line += f", {elapsed / fraction - elapsed:.0f} s left"
        width = shutil.get_terminal_size().columns - 1
        end = "\n" if fraction >= 1.0 else ""
        self._stream.write("\r" + line[:width].ljust(width) + end)
        self._stream.flush()


class ProgressLines:
    """A line when a stage begins, and now and then in a long one."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._stage = ""
        self._written = -LINE_EVERY

    def __call__(self, stage: str, fraction: float, text: str = "") -> None:
        now = time.monotonic()
        if stage == self._stage and now - self._written < LINE_EVERY:
            return
        self._stage, self._written = stage, now
        self._stream.write(f"{fraction:4.0%} {stage}: {text or '...'}\n")
        self._stream.flush()
