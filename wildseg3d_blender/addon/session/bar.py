# SPDX-License-Identifier: GPL-3.0-or-later
"""One progress bar, from 0 to 1, for work that several jobs do one after the other."""

from __future__ import annotations

from dataclasses import dataclass, field


class Bar:
    """Tells one bar from another: jobs of the same work have the same."""


@dataclass(frozen=True)
class Part:
    """What one job fills of a bar: from ``start`` to ``end``, all of a bar of its own by default."""

    bar: Bar = field(default_factory=Bar)
    start: float = 0.0
    end: float = 1.0

    def at(self, fraction: float) -> float:
        """How full the bar is when ``fraction`` of the job is done; both in [0, 1]."""
        return self.start + (self.end - self.start) * fraction
