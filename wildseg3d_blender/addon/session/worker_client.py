# SPDX-License-Identifier: GPL-3.0-or-later
"""Blender's end of the worker: starts the process, asks it things, and sees to it that none is left over.

Needs no Blender. Nothing here blocks unless it says so, and every callback runs inside ``poll`` or ``wait``,
on the thread that called it: in Blender a timer on the main thread calls ``poll`` a few times a second.

    client = WorkerClient()
    request = client.request("reconstruct", {"photos": [...], "folder": "..."})
    while not request.done:
        client.poll()               # a timer's tick
        ... request.progress ...    # the latest ProgressReport, or None
    request.result()                # the answer, or the error raised

The worker starts with the first request and again after it died or had to be killed.
"""

from __future__ import annotations

import atexit
import itertools
import queue
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ...errors import Cancelled, WildSegError, WorkerError
from ...worker import protocol
from ...worker.messages import EarlyPreview, Initialize, Initialized, ProgressReport
from .worker_process import WorkerProcess, environment, exit_reason

PATIENCE = 3.0
"""Seconds that a request cancelled gently gets before its worker is ended: what that worker has prepared
takes longer to prepare again."""

PACKAGE_ROOT = Path(__file__).absolute().parents[3]


class Request:
    """Something the worker was asked to do. Made by ``WorkerClient.request``."""

    def __init__(
        self,
        client: WorkerClient,
        id: int,
        method: str,
        on_progress: Callable[[ProgressReport], None] | None,
        on_early: Callable[[EarlyPreview], None] | None,
    ) -> None:
        self.id = id
        self.method = method
        self.progress: ProgressReport | None = None
        self.done = False
        self.cancelled_at: float | None = None
        self._patience = 0.0
        self._client = client
        self._on_progress = on_progress
        self._on_early = on_early
        self._result: Any = None
        self._error: WildSegError | None = None

    def wait(self, timeout: float | None = None) -> bool:
        """Block until done, or for ``timeout`` seconds; returns ``done``."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while not self.done and (deadline is None or time.monotonic() < deadline):
            self._client.poll(block=0.05)
        return self.done

    def result(self) -> Any:
        """The answer (a JSON object, see ``protocol``), once ``done``.

        Raises:
            WildSegError: the request failed; Cancelled when that was asked for, WorkerError when the worker
                died.
            RuntimeError: the request is still running.
        """
        if not self.done:
            raise RuntimeError(f"{self.method} is still running: poll or wait first")
        if self._error is not None:
            raise self._error
        return self._result

    def cancel(self, *, gently: bool = False) -> None:
        """Ask for an end; the request is done, one way or the other, within a second of polling.

        With ``gently`` the worker gets ``PATIENCE`` more before it is ended.
        """
        self._patience = PATIENCE if gently else 0.0
        self._client._cancel(self)

    def _report(self, report: ProgressReport) -> None:
        self.progress = report
        if self._on_progress is not None:
            self._on_progress(report)

    def _tell_early(self, answer: EarlyPreview) -> None:
        # Of what was cancelled nobody wants to know any more.
        if self._on_early is not None and self.cancelled_at is None:
            self._on_early(answer)

    def _finish(self, result: Any = None, error: WildSegError | None = None) -> None:
        self.done = True
        self._result = result
        self._error = error


class WorkerClient:
    """One worker process at most, and the requests it works on. Use it from one thread."""

    def __init__(
        self,
        *,
        python: str = sys.executable,
        extra_paths: Sequence[Path | str] = (),
        variables: Mapping[str, str] | None = None,
    ) -> None:
        """Start nothing yet.

        Args:
            python: the interpreter to run the worker with.
            extra_paths: folders to find libraries in, before the interpreter's own: inside Blender, the
                site-packages that it unpacks the extensions' wheels into.
            variables: environment variables for the worker, beside this process's.
        """
        self._command = [python, "-s", "-P", "-X", "utf8", "-m", "wildseg3d_blender.worker"]
        self._environment = {**environment([PACKAGE_ROOT, *extra_paths]), **(variables or {})}
        self._ids = itertools.count(1)
        self._pending: dict[int, Request] = {}
        self._worker: WorkerProcess | None = None

    @property
    def pid(self) -> int | None:
        """Process id of the worker, while there is one."""
        return None if self._worker is None else self._worker.process.pid

    def request(
        self,
        method: str,
        params: Mapping[str, Any],
        on_progress: Callable[[ProgressReport], None] | None = None,
        on_early: Callable[[EarlyPreview], None] | None = None,
    ) -> Request:
        """Ask the worker; starts one when there is none. Returns at once.

        ``on_early`` is called at most once, before the request is done, where a first answer was asked for.

        Raises:
            WorkerError: the worker cannot be started.
        """
        self.poll()
        if self._worker is not None and self._worker.told_to_end:
            self._bury(self._worker)  # what is asked of it now would end with it
        if self._worker is None:
            self._worker = WorkerProcess(self._command, self._environment)
            atexit.unregister(self.close)
            atexit.register(self.close)
            self._send("initialize", Initialize(protocol.PROTOCOL_VERSION).to_json())
        return self._send(method, params, on_progress, on_early)

    def poll(self, block: float = 0.0) -> None:
        """Take in what the worker said and move cancelled requests on; waits up to ``block`` seconds."""
        worker = self._worker
        if worker is None:
            return
        timeout = block
        while worker is self._worker:
            try:
                message = worker.messages.get(timeout=timeout) if timeout else worker.messages.get_nowait()
            except queue.Empty:
                break
            timeout = 0.0
            if message is None:
                self._bury(worker)
            else:
                self._take(message)
        self._enforce_cancel_deadlines()

    def close(self) -> None:
        """End the worker; requests still running are cancelled. Blocks for two seconds or so at most."""
        atexit.unregister(self.close)
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.end()
        self._fail_pending(Cancelled("WildSeg3D was closed."))

    def _send(
        self,
        method: str,
        params: Mapping[str, Any],
        on_progress: Callable[[ProgressReport], None] | None = None,
        on_early: Callable[[EarlyPreview], None] | None = None,
    ) -> Request:
        assert self._worker is not None
        request = Request(self, next(self._ids), method, on_progress, on_early)
        line = protocol.request(request.id, method, params)
        self._pending[request.id] = request
        self._worker.write(line)
        return request

    def _take(self, message: dict[str, Any]) -> None:
        if message.get("method") == "progress":
            report = ProgressReport.from_json(message.get("params"))
            if (request := self._pending.get(report.id)) is not None:
                request._report(report)
            return
        if message.get("method") == "early":
            answer = EarlyPreview.from_json(message.get("params"))
            if (request := self._pending.get(answer.id)) is not None:
                request._tell_early(answer)
            return
        request = self._pending.pop(message.get("id", 0), None)
        if request is None:
            return
        if "error" in message:
            request._finish(error=protocol.error_from_json(message["error"]))
        else:
            request._finish(message.get("result"))
        if request.method == "initialize":
            self._initialized(request)

    def _initialized(self, request: Request) -> None:
        assert self._worker is not None
        if request._error is None:
            self._worker.scratch = Path(Initialized.from_json(request.result()).scratch)
            return
        # Nothing else can go well with this worker; what was asked of it fails for the same reason.
        worker, self._worker = self._worker, None
        worker.end()
        self._fail_pending(request._error)

    def _cancel(self, request: Request) -> None:
        if request.done or request.cancelled_at is not None or self._worker is None:
            return
        request.cancelled_at = time.monotonic()
        self._worker.write(protocol.notification("cancel", {"id": request.id}))

    def _enforce_cancel_deadlines(self) -> None:
        if self._worker is None:
            return
        waited = max(
            (
                time.monotonic() - item.cancelled_at - item._patience
                for item in self._pending.values()
                if item.cancelled_at is not None
            ),
            default=0.0,
        )
        if waited >= protocol.KILL_AFTER:
            self._worker.told_to_end = True
            self._worker.process.kill()
        elif waited >= protocol.TERMINATE_AFTER:
            self._worker.told_to_end = True
            self._worker.process.terminate()

    def _bury(self, worker: WorkerProcess) -> None:
        """The worker is gone: say why to those who wait for it."""
        self._worker = None
        code, words = worker.reap()
        shown = f" Its last words:\n{words}" if words else ""
        died = WorkerError(
            f"The worker stopped unexpectedly ({exit_reason(code)}). Nothing on disk was lost; start again, "
            f"a new worker takes over.{shown}"
        )
        if any(request.cancelled_at is not None for request in self._pending.values()):
            died = WorkerError("The worker was stopped to cancel something else: start again.")
        for request in self._pending.values():
            request._finish(error=died if request.cancelled_at is None else Cancelled())
        self._pending.clear()

    def _fail_pending(self, error: WildSegError) -> None:
        for request in self._pending.values():
            request._finish(error=error)
        self._pending.clear()
