# SPDX-License-Identifier: GPL-3.0-or-later
"""The worker's loop: requests in, one job at a time, progress and answers out.

Jobs run on the main thread, because an interrupt reaches only that one: Python code at its next
instruction, and those native calls that look for signals. A second thread reads, so that a cancel message
or the end of the input is noticed while a job computes.
"""

from __future__ import annotations

import contextlib
import logging
import os
import platform
import shutil
import signal
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from .. import __version__
from ..errors import Cancelled, WildSegError, WorkerError
from ..interrupt import CancelOnInterrupt
from ..progress import Progress
from . import protocol
from .jobs import Jobs
from .messages import (
    Cancel,
    CheckPhotos,
    EarlyPreview,
    FindObjects,
    Initialize,
    Initialized,
    KeyFrames,
    Prepare,
    Preview,
    ProgressReport,
    Realign,
    Reconstruct,
    Segment,
)
from .params import Params
from .protocol import ProtocolError

PROGRESS_EVERY = 0.05
"""Seconds between progress messages of one stage."""

ORPHAN_GRACE = 1.0
"""Seconds a job may use to stop by itself after the other side is gone."""

log = logging.getLogger(__name__)

Asked = TypeVar("Asked", bound=Params)


@dataclass(frozen=True)
class _Job:
    id: int
    run: Callable[[Progress], Params]


class Server:
    """Serves one client over a pair of byte streams; ``serve`` must be called on the main thread.

    ``scratch`` is this process's folder of temporary files.
    """

    def __init__(self, reader: BinaryIO, writer: BinaryIO, scratch: Path) -> None:
        self._reader = reader
        self._writer = writer
        self._scratch = scratch
        self._write_lock = threading.Lock()
        self._jobs = Jobs()
        self._initialized = False
        # Guarded by the condition: what waits, what runs, what was cancelled, whether all is over.
        self._changed = threading.Condition()
        self._waiting: deque[_Job] = deque()
        self._running: int | None = None
        self._cancelled: int | None = None
        self._ending = False
        self._left = threading.Event()

    def serve(self) -> None:
        """Answer requests until the input ends or a shutdown was asked for."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # until a job runs
        threading.Thread(target=self._read, name="reader", daemon=True).start()
        while (job := self._next_job()) is not None:
            self._send(self._answer(job))
        self._left.set()

    # The main thread: jobs.

    def _next_job(self) -> _Job | None:
        with self._changed:
            self._running = None
            self._changed.wait_for(lambda: self._waiting or self._ending)
            if self._ending:
                return None
            job = self._waiting.popleft()
            self._running = job.id
            self._cancelled = None
            return job

    def _answer(self, job: _Job) -> bytes:
        try:
            with CancelOnInterrupt():
                result = job.run(self._progress_of(job.id))
            return protocol.response(job.id, result.to_json())
        except WildSegError as error:
            return protocol.error_response(job.id, error)
        except MemoryError:
            return protocol.error_response(
                job.id,
                WorkerError("Not enough memory: use fewer photos or a smaller image size."),
            )
        except Exception as error:
            # A bug in a job must be answered and must not end the worker.
            log.exception("job %d failed", job.id)
            return protocol.error_response(job.id, error, traceback.format_exc())

    def _progress_of(self, id: int) -> Progress:
        last_stage = ""
        next_time = 0.0

        def progress(stage: str, fraction: float, text: str = "") -> None:
            nonlocal last_stage, next_time
            if self._cancelled == id or self._ending:
                raise Cancelled
            now = time.monotonic()
            if stage == last_stage and now < next_time and fraction < 1.0:
                return
            last_stage, next_time = stage, now + PROGRESS_EVERY
            report = ProgressReport(id, stage, min(max(float(fraction), 0.0), 1.0), text)
            self._send(protocol.notification("progress", report.to_json()))

        return progress

    # The reading thread: messages.

    def _read(self) -> None:
        for line in self._reader:
            if line.strip():
                self._receive(line)
        log.info("the input ended")
        self._end()
        _interrupt_main_thread()
        # The main thread leaves by itself unless a native call holds it; nothing may outlive Blender.
        if self._left.wait(ORPHAN_GRACE):
            return
        shutil.rmtree(self._scratch, ignore_errors=True)
        os._exit(1)

    def _receive(self, line: bytes) -> None:
        id: int | None = None
        try:
            message = protocol.decode(line)
            method, params = message.get("method"), message.get("params", {})
            if "id" not in message:
                if method == "cancel":
                    self._cancel(Cancel.from_json(params).id)
                return
            if type(message["id"]) is not int or not isinstance(method, str):
                raise ProtocolError(protocol.INVALID_REQUEST, "A request needs an integer id and a method.")
            id = message["id"]
            self._request(id, method, params)
        except (ProtocolError, WildSegError) as error:
            self._send(protocol.error_response(id, error))

    def _request(self, id: int, method: str, params: Any) -> None:
        if method == "initialize":
            self._send(protocol.response(id, self._initialize(Initialize.from_json(params)).to_json()))
            return
        if not self._initialized:
            raise ProtocolError(protocol.NOT_INITIALIZED, f"{method} came before initialize.")
        if method == "shutdown":
            self._send(protocol.response(id, None))
            self._end()
            return
        with self._changed:
            self._waiting.append(_Job(id, self._job(id, method, params)))
            self._changed.notify()

    def _job(self, id: int, method: str, params: Any) -> Callable[[Progress], Params]:
        jobs = self._jobs
        match method:
            case "reconstruct":
                return _bound(jobs.reconstruct, Reconstruct, params)
            case "key_frames":
                return _bound(jobs.key_frames, KeyFrames, params)
            case "check_photos":
                return _bound(jobs.check_photos, CheckPhotos, params)
            case "find_objects":
                return _bound(jobs.find_objects, FindObjects, params)
            case "prepare":
                return _bound(jobs.prepare, Prepare, params)
            case "preview":
                return _bound(partial(jobs.preview, early=partial(self._early, id)), Preview, params)
            case "segment":
                return _bound(jobs.segment, Segment, params)
            case "realign":
                return _bound(jobs.realign, Realign, params)
        raise ProtocolError(protocol.METHOD_NOT_FOUND, f"There is no method {method!r}.")

    def _early(self, id: int, folder: str) -> None:
        self._send(protocol.notification("early", EarlyPreview(id, folder).to_json()))

    def _initialize(self, params: Initialize) -> Initialized:
        if params.protocol_version != protocol.PROTOCOL_VERSION:
            raise WorkerError(
                f"Blender's side of WildSeg3D speaks protocol {params.protocol_version}, the worker "
                f"{protocol.PROTOCOL_VERSION}: restart Blender, so that both come from the same version."
            )
        self._initialized = True
        return Initialized(
            protocol_version=protocol.PROTOCOL_VERSION,
            version=__version__,
            python=platform.python_version(),
            pid=os.getpid(),
            scratch=str(self._scratch),
        )

    def _cancel(self, id: int) -> None:
        with self._changed:
            for job in self._waiting:
                if job.id == id:
                    self._waiting.remove(job)
                    break
            else:
                if self._running == id:
                    self._cancelled = id
                    self._interrupt_later(id)
                return
        self._send(protocol.error_response(id, Cancelled()))

    def _interrupt_later(self, id: int) -> None:
        def interrupt() -> None:
            with self._changed:
                if self._running == id and self._cancelled == id:
                    _interrupt_main_thread()

        timer = threading.Timer(protocol.INTERRUPT_AFTER, interrupt)
        timer.daemon = True
        timer.start()

    def _end(self) -> None:
        with self._changed:
            self._ending = True
            self._changed.notify()

    def _send(self, line: bytes) -> None:
        # When the other side is gone the reading thread sees that too, and ends the process.
        with self._write_lock, contextlib.suppress(OSError):
            self._writer.write(line)
            self._writer.flush()


def _bound(
    work: Callable[[Asked, Progress], Params], kind: type[Asked], data: Any
) -> Callable[[Progress], Params]:
    """``work`` on the message ``data``, which is checked now, before it waits for its turn."""
    return partial(work, kind.from_json(data))


def _interrupt_main_thread() -> None:
    if hasattr(signal, "pthread_kill"):
        # A real signal also ends system calls that wait.
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
    else:
        signal.raise_signal(signal.SIGINT)
