# SPDX-License-Identifier: GPL-3.0-or-later
"""Running an installer or a check as a process of its own: what it says, line by line, and cancelling it."""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from ..errors import NeuralError

TICK = 0.2
"""Seconds between two calls of ``watch``."""

KEPT_LINES = 400


@dataclass(frozen=True)
class Finished:
    """A process that ended: its exit code and the last lines of what it wrote."""

    code: int
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        """The lines as one text."""
        return "\n".join(self.lines)


def run(
    command: Sequence[str | Path],
    *,
    folder: Path,
    variables: Mapping[str, str],
    watch: Callable[[str], None],
    leash: bool = False,
) -> Finished:
    """Run ``command`` to its end.

    Args:
        folder: its current folder.
        variables: added to this process's environment, of which everything about Python is left out.
        watch: called several times a second with the newest line; an exception it raises (``Cancelled``)
            ends the process and its children, and goes on to the caller.
        leash: its input stays open as long as this process lives, and ends with it, however that ends; a
            program that minds its input then leaves no orphan. Otherwise there is no input.

    Raises:
        NeuralError: it cannot be started.
    """
    process = _started([str(word) for word in command], folder, variables, leash)
    assert process.stdout is not None
    lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
    reader = threading.Thread(target=_read, args=(process.stdout, lines), daemon=True)
    reader.start()
    kept: list[str] = []
    try:
        while (line := _next(lines)) is not None:
            if line:
                kept = [*kept[-KEPT_LINES:], line]
            watch(line)
        return Finished(process.wait(), tuple(kept))
    except BaseException:
        _kill(process)
        raise
    finally:
        if process.stdin is not None:
            process.stdin.close()


def _started(
    command: list[str], folder: Path, variables: Mapping[str, str], leash: bool
) -> subprocess.Popen[str]:
    try:
        return subprocess.Popen(
            command,
            stdin=subprocess.PIPE if leash else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env={**clean_environment(), **variables},
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
            creationflags=_CREATION_FLAGS,
        )
    except OSError as error:
        raise NeuralError(
            f"{command[0]} cannot be started ({error.strerror}): it may be of another system or damaged; "
            "uninstall the neural environment and install it again."
        ) from error


def clean_environment() -> dict[str, str]:
    """This process's environment without what leads Python or uv into some other environment."""
    led = ("VIRTUAL_ENV", "CONDA_PREFIX", "UV_PYTHON", "UV_PROJECT_ENVIRONMENT")
    return {
        name: value for name, value in os.environ.items() if not name.startswith("PYTHON") and name not in led
    }


def _next(lines: queue.SimpleQueue[str | None]) -> str | None:
    """The next line, "" when there is none for a tick, None at the end."""
    try:
        return lines.get(timeout=TICK)
    except queue.Empty:
        return ""


def _read(stream: IO[str], lines: queue.SimpleQueue[str | None]) -> None:
    with stream:
        for line in stream:
            if stripped := line.rstrip():
                lines.put(stripped)
    lines.put(None)


def _kill(process: subprocess.Popen[str]) -> None:
    if sys.platform == "win32":
        process.kill()
    else:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()


if sys.platform == "win32":
    _CREATION_FLAGS = subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP
else:
    _CREATION_FLAGS = 0
