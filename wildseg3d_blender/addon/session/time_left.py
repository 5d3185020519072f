# SPDX-License-Identifier: GPL-3.0-or-later
"""How long a job will still take, from its own pace; says nothing before that means something."""

from __future__ import annotations

import math
import time
import weakref
from typing import Protocol

from .bar import Bar

FIRST_WORD_AFTER = 5.0
"""Seconds a job must have run, and ..."""

FIRST_WORD_AT = 0.05
"""... the share of it that must be done, before a guess is worth saying."""

SMOOTHING = 8.0
"""Seconds over which the pace and the guess are smoothed: stages differ in pace."""

LATELY = 0.3
"""How much the pace of late counts, beside that of the whole job so far: a stage may stand still a while."""


class Progressing(Protocol):
    """A job that knows how full its bar is, in [0, 1]."""

    @property
    def bar(self) -> Bar: ...

    @property
    def fraction(self) -> float: ...


class TimeLeft:
    """The guess for one bar, told now and then how full it is.

    The pace is between that of the whole bar so far and that of late.
    """

    def __init__(self, now: float) -> None:
        self._started = self._latest = now
        self._fraction = self._pace = self._weight = 0.0
        self._left: float | None = None

    def update(self, now: float, fraction: float) -> float | None:
        """Seconds left, or None while nobody can know; ``now`` in seconds, ``fraction`` in [0, 1]."""
        passed = now - self._latest
        if passed <= 0.0:
            return self._left
        share = 1.0 - math.exp(-passed / SMOOTHING)
        self._pace += share * (max(fraction - self._fraction, 0.0) / passed - self._pace)
        self._weight += share * (1.0 - self._weight)
        self._latest, self._fraction = now, fraction
        elapsed = now - self._started
        if elapsed < FIRST_WORD_AFTER or fraction < FIRST_WORD_AT:
            return None
        left = (1.0 - fraction) / (LATELY * self._pace / self._weight + (1.0 - LATELY) * fraction / elapsed)
        expected = left if self._left is None else max(self._left - passed, 0.0)
        self._left = expected + share * (left - expected)
        return self._left


_guesses: weakref.WeakKeyDictionary[Bar, TimeLeft] = weakref.WeakKeyDictionary()


def text(job: Progressing) -> str:
    """How full the bar of ``job`` is and the time left, in words."""
    # Rounded down, for "100%, a few seconds left" is hard to believe.
    done, left = f"{math.floor(100 * job.fraction)}%", remaining(job)
    return f"{done}, {left}" if left else done


def remaining(job: Progressing) -> str:
    """The time left, in words; "" while nobody can know. Ask often: each time the pace is noted."""
    now = time.monotonic()
    if job.bar not in _guesses:
        _guesses[job.bar] = TimeLeft(now)
    left = _guesses[job.bar].update(now, job.fraction)
    return "" if left is None or job.fraction >= 1.0 else words(left)


def words(seconds: float) -> str:
    """A length of time as exactly as a guess deserves."""
    if seconds < 5:
        return "a few seconds left"
    if seconds < 55:
        step = 5 if seconds < 30 else 10
        return f"about {step * math.ceil(seconds / step)} s left"
    if seconds < 90:
        return "about a minute left"
    return f"about {round(seconds / 60)} min left"
