# SPDX-License-Identifier: GPL-3.0-or-later
"""Progress and cancellation, in one callable that long work is given.

Work calls ``progress(stage, fraction, text)`` often (at least every half second where it can). The call
raises ``Cancelled`` when the user asked to stop, so work needs no other check.
"""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Called with a stable stage name, the fraction in [0, 1] of the whole job, and a text for people."""

    def __call__(self, stage: str, fraction: float, text: str = "") -> None: ...


def silent(stage: str, fraction: float, text: str = "") -> None:
    """A progress that nobody watches and nobody cancels."""


def span(progress: Progress, start: float, end: float) -> Progress:
    """A progress whose 0..1 fills ``start``..``end`` of ``progress``."""

    def inner(stage: str, fraction: float, text: str = "") -> None:
        progress(stage, start + (end - start) * min(max(fraction, 0.0), 1.0), text)

    return inner
