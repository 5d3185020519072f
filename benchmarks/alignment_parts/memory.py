# SPDX-License-Identifier: GPL-3.0-or-later
"""The peak memory of this process from a moment on: what imports took is not the work's."""

from __future__ import annotations

import resource
import sys
from pathlib import Path

STATUS = Path("/proc/self/status")
# Writing 5 here makes the kernel forget the peak so far (Linux 4.0).
CLEAR = Path("/proc/self/clear_refs")


class PeakMemory:
    """Starts to watch when made. Megabytes of resident memory, mapped files included.

    Attributes:
        before_mb: resident memory at the start.
    """

    def __init__(self) -> None:
        if STATUS.exists():
            CLEAR.write_text("5")
            self.before_mb = _from_status("VmRSS")
        else:
            self.before_mb = _highest_ever()

    def peak_mb(self) -> float:
        """The highest resident memory since the start; elsewhere than on Linux, since the process began."""
        return _from_status("VmHWM") if STATUS.exists() else _highest_ever()


def _from_status(field: str) -> float:
    for line in STATUS.read_text().splitlines():
        name, _, value = line.partition(":")
        if name == field:
            return float(value.split()[0]) / 1024
    raise KeyError(field)


def _highest_ever() -> float:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**20 if sys.platform == "darwin" else 2**10)
