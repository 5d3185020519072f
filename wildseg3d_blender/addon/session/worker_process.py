# SPDX-License-Identifier: GPL-3.0-or-later
"""The worker's process with its pipes, its reading thread and its log: started, written to, ended, buried."""

from __future__ import annotations

import contextlib
import os
import queue
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from ...errors import WorkerError
from ...worker import protocol

STDERR_TAIL = 4000
"""Bytes of the dead worker's last words that are shown."""

CLOSE_AFTER = 1.5
"""Seconds the worker has to end by itself when the client closes; then it is killed."""


class WorkerProcess:
    """One process with its pipes, its reading thread and its log.

    Attributes:
        scratch: the worker's folder of temporary files, once it said which.
        told_to_end: whether it was sent a signal that ends it, if it has not ended yet.
    """

    def __init__(self, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self.messages: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        self.scratch: Path | None = None
        self.told_to_end = False
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - closed by reap
        try:
            self.process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._log,
                # On Windows a folder that is some process's current one cannot be removed.
                cwd=tempfile.gettempdir(),
                env=environment,
                # Its own session: Ctrl-C in the terminal that Blender was started from is Blender's.
                start_new_session=True,
                creationflags=_CREATION_FLAGS,
            )
        except OSError as error:
            self._log.close()
            raise WorkerError(
                f"The worker could not be started with {command[0]} ({error.strerror}): "
                "reinstall Blender or the extension."
            ) from error
        assert self.process.stdin is not None and self.process.stdout is not None
        self._stdin: IO[bytes] = self.process.stdin
        self._reader = threading.Thread(
            target=_read, args=(self.process.stdout, self.messages), name="wildseg3d-worker", daemon=True
        )
        self._reader.start()

    def write(self, line: bytes) -> None:
        """Send a line. A dead worker cannot take it; the reading thread reports that death."""
        with contextlib.suppress(OSError):
            self._stdin.write(line)
            self._stdin.flush()

    def end(self) -> None:
        """Close its input, which ends it, and kill it when that takes too long."""
        self._close_input()
        try:
            self.process.wait(CLOSE_AFTER)
        except subprocess.TimeoutExpired:
            self.process.kill()
        self.reap()

    def reap(self) -> tuple[int, str]:
        """Wait for the process that ended, free everything, and return exit code and the end of its log."""
        self._close_input()
        try:
            code = self.process.wait(CLOSE_AFTER)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait()
        self._reader.join(CLOSE_AFTER)
        with self._log as log:
            words = last_words(log)
        if self.scratch is not None:
            shutil.rmtree(self.scratch, ignore_errors=True)
        return code, words

    def _close_input(self) -> None:
        with contextlib.suppress(OSError):
            self._stdin.close()


def _read(stream: IO[bytes], messages: queue.SimpleQueue[dict[str, Any] | None]) -> None:
    """The reading thread: lines to messages until the pipe ends, which is told by None."""
    with stream:
        for line in stream:
            try:
                messages.put(protocol.decode(line))
            except protocol.ProtocolError as error:
                # The worker guards its stdout, so this is a bug; better seen than silently dropped.
                print(f"WildSeg3D: {error}", file=sys.stderr)
    messages.put(None)


def last_words(log: IO[bytes]) -> str:
    """The end of a log; where Python crashed, the beginning of what it says of that, however long it is."""
    size = log.seek(0, os.SEEK_END)
    log.seek(max(0, size - 16 * STDERR_TAIL))
    text = log.read()
    crash = text.rfind(b"Fatal Python error")
    shown = text[crash:][:STDERR_TAIL] if crash >= 0 else text[-STDERR_TAIL:]
    return shown.decode("utf-8", errors="replace").strip()


def environment(paths: Sequence[Path | str]) -> dict[str, str]:
    """This process's environment, with Python led to ``paths`` and to nothing the user set up for others."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    environment["PYTHONPATH"] = os.pathsep.join(str(path) for path in paths)
    # Two BLAS threads on a busy machine are several times slower than one on small matrices.
    environment.setdefault("OPENBLAS_NUM_THREADS", "1")
    return environment


def exit_reason(code: int) -> str:
    """Why a process ended with that code, in a few words."""
    if code < 0:
        return f"signal {-code}" + (", perhaps out of memory" if code == -9 else "")
    return f"exit code {code}"


if sys.platform == "win32":
    # Blender has no console on Windows; without this each worker would open one.
    _CREATION_FLAGS = subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP
else:
    _CREATION_FLAGS = 0
