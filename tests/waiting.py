# SPDX-License-Identifier: GPL-3.0-or-later
"""Waiting for what other threads and processes do, on machines that may be slow and do much else."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path

PATIENCE = 300.0
"""Seconds that anything may take before a test gives up: many times what it needs."""


def wait_until(condition: Callable[[], bool]) -> None:
    """Return as soon as ``condition`` holds; fail when it does not come to that."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.005)


def ended(pid: int) -> bool:
    """Whether a process has ended, even where nobody has collected what it left."""
    try:
        os.kill(pid, 0)
        # In some containers nobody waits for orphans, and they stay in the list.
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] == "Z"
    except ProcessLookupError:
        return True
    except FileNotFoundError:  # it has just gone, or this is no Linux
        return False


def kill_worker_once_busy() -> threading.Thread:
    """Have Blender's worker, a new one, killed from another thread as soon as it reports progress."""
    from wildseg3d_blender.addon.session import runtime

    runtime.close()

    def kill() -> None:
        wait_until(lambda: (job := runtime.current_job()) is not None and job.fraction > 0)
        pid = runtime.worker_pid()
        assert pid is not None
        os.kill(pid, signal.SIGKILL)

    thread = threading.Thread(target=kill)
    thread.start()
    return thread
