# SPDX-License-Identifier: GPL-3.0-or-later
"""The one worker of this Blender session and what it is asked: one job at a time, and quiet work between.

A job is what the artist waits for; there is one at a time. A quiet job is what nobody asked for just now
(finding objects, previews): the next job stops it at once, and whoever started it starts it again later.
``poll`` takes in what the worker says; operators only look at the job. Nothing here keeps a reference into
Blender's data.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy

from ...errors import Cancelled, WildSegError
from ...worker.messages import EarlyPreview
from . import choosing
from .bar import Bar, Part
from .own_job import OwnJob
from .worker_client import Request, WorkerClient

TICK = 0.1
"""Seconds between two looks at what the worker said."""

STOPPED_WITHIN = 2.0
"""Seconds that dropped jobs get to end; the client sees to it that one is enough."""


class Job:
    """Something the worker is asked. Made by ``start`` and ``start_quiet``.

    ``title`` names it for people, ``method`` as in the protocol. It is sent once the worker is free for it.
    """

    def __init__(
        self,
        title: str,
        method: str,
        params: Mapping[str, Any],
        when_early: Callable[[EarlyPreview], None] | None = None,
        part: Part | None = None,
    ) -> None:
        self.title = title
        self.method = method
        self._part = part or Part()
        self._params = params
        self._when_early = when_early
        self._request: Request | None = None
        self._failure: WildSegError | None = None
        self._given_up = False

    @property
    def done(self) -> bool:
        """Whether there is an answer, or an error."""
        return self._failure is not None or (self._request is not None and self._request.done)

    @property
    def bar(self) -> Bar:
        """Shared with other jobs of the same work."""
        return self._part.bar

    @property
    def fraction(self) -> float:
        """How full the bar is, in [0, 1]."""
        report = None if self._request is None else self._request.progress
        return self._part.at(0.0 if report is None else report.fraction)

    @property
    def text(self) -> str:
        """What is being done just now."""
        if self._request is not None and self._request.cancelled_at is not None:
            return "Stopping"
        report = None if self._request is None else self._request.progress
        return "Starting" if report is None else report.text or report.stage

    def wait(self, timeout: float) -> bool:
        """Block until done, or for ``timeout`` seconds; returns ``done``."""
        deadline = time.monotonic() + timeout
        while not self.done and time.monotonic() < deadline:
            poll(block=0.05)
        return self.done

    def result(self) -> Any:
        """The answer (a JSON object), once ``done``. Raises the WildSegError that ended it instead."""
        if self._failure is not None:
            raise self._failure
        if self._request is None:
            raise RuntimeError(f"{self.method} was not sent yet: poll or wait first")
        return self._request.result()

    def cancel(self, *, gently: bool = False) -> None:
        """Ask for an end, and see to it within a second of polling; ``gently``: within four.

        What the worker holds on a graphics card then goes too, unless ``gently``: that only makes way.
        """
        self._given_up = not gently
        if self._request is not None:
            self._request.cancel(gently=gently)
        elif self._failure is None:
            self._failure = Cancelled()

    def _send(self) -> None:
        if self.done:
            return
        try:
            self._request = _client(self._params).request(
                self.method, self._params, on_early=self._when_early
            )
        except WildSegError as error:
            self._failure = error


@dataclass
class _State:
    client: WorkerClient | None = None
    setup: choosing.Setup | None = None
    used: float = 0.0
    job: Job | None = None
    own: OwnJob | None = None
    quiet: Job | None = None
    when_done: Callable[[Job], None] | None = None


_state = _State()


def start(title: str, method: str, params: Mapping[str, Any], part: Part | None = None) -> Job:
    """Ask the worker for something; returns at once. Quiet work makes way.

    Args:
        part: what it fills of a bar that it shares with other jobs; a bar of its own by default.

    Raises:
        WildSegError: another job is running, or the worker cannot be started.
    """
    if (running := current_job()) is not None:
        raise WildSegError(
            f"{running.title} is still running: wait for it or cancel it.", fix="wildseg3d.cancel"
        )
    job = _state.job = Job(title, method, params, part=part)
    if _state.quiet is None:
        job._send()
        if job._failure is not None:
            raise job._failure
    else:
        _state.quiet.cancel(gently=True)
    return job


def start_own(title: str, method: str, part: Part) -> OwnJob:
    """Note that the artist waits for work in Blender itself; the worker starts nothing meanwhile."""
    _state.own = OwnJob(title, method, part)
    return _state.own


def start_quiet(
    title: str,
    method: str,
    params: Mapping[str, Any],
    when_done: Callable[[Job], None],
    when_early: Callable[[EarlyPreview], None] | None = None,
) -> Job:
    """Ask for something that nobody waits for; ``when_done`` is called by ``poll`` once it ended.

    ``when_early`` is called by ``poll`` before that with a first answer, if there is one. A job that comes up
    meanwhile cancels it. Ask only when ``idle()``.
    """
    if not idle():
        raise RuntimeError("quiet work needs an idle worker")
    job = _state.quiet = Job(title, method, params, when_early)
    _state.when_done = when_done
    job._send()
    return job


def current_job() -> Job | OwnJob | None:
    """The job that the artist waits for, or None."""
    return next((job for job in (_state.job, _state.own) if job is not None and not job.done), None)


def quiet_job() -> Job | None:
    """The quiet work that is being done, or None."""
    return _state.quiet


def idle() -> bool:
    """Whether the worker has nothing to do."""
    return current_job() is None and _state.quiet is None


def poll(block: float = 0.0) -> None:
    """Take in what the worker said since the last time; waits up to ``block`` seconds for it."""
    if _state.client is not None:
        _state.client.poll(block)
    quiet, when_done = _state.quiet, _state.when_done
    if quiet is not None and quiet.done:
        _state.quiet = _state.when_done = None
        if when_done is not None:
            when_done(quiet)
    job = _state.job
    if job is not None and job._request is None and _state.quiet is None:
        job._send()
    if not idle():
        _state.used = time.monotonic()
    elif job is not None and job._given_up and _state.setup is not None and _state.setup.card:
        close()


def cancel() -> bool:
    """Ask the running job to stop; False when there is none."""
    job = current_job()
    if job is None:
        return False
    job.cancel()
    return True


def drop_jobs() -> None:
    """End all that runs and forget it. Blocks until it has ended, a second at most."""
    for job in (current_job(), _state.quiet):
        if job is not None:
            # Whoever waited for it is gone, so nobody else takes in the answer.
            job.cancel()
            job.wait(STOPPED_WITHIN)
    _state.job = _state.own = _state.quiet = _state.when_done = None


def worker_pid() -> int | None:
    """Process id of the worker while one runs."""
    return None if _state.client is None else _state.client.pid


def runs_networks() -> bool:
    """Whether there is a worker in the neural environment, which may hold a graphics card's memory."""
    return worker_pid() is not None and _state.setup is not None and _state.setup.device != ""


def release_unused(after: float) -> bool:
    """End a worker of networks that has had nothing to do for ``after`` seconds; whether there was one."""
    unused = runs_networks() and idle() and time.monotonic() - _state.used > after
    if unused:
        close()
    return unused


def close() -> None:
    """End the worker process; the next job starts a fresh one."""
    if _state.client is not None:
        _state.client.close()
    _state.client = _state.setup = _state.job = _state.own = _state.quiet = _state.when_done = None


def wheel_folders() -> list[Path]:
    """Where Blender unpacked the extensions' wheels, which its own Python has on ``sys.path``.

    The worker starts without what was added to that path, so it is told; of other add-ons' additions it
    had better not know.
    """
    extensions = Path(bpy.utils.user_resource("EXTENSIONS")).absolute()
    found = [Path(entry).absolute() for entry in sys.path if Path(entry).name == "site-packages"]
    return [entry for entry in found if entry.is_relative_to(extensions)]


def _client(params: Mapping[str, Any]) -> WorkerClient:
    """The client of a worker that can do what ``params`` ask; another kind of worker makes way."""
    paths = tuple(wheel_folders())
    wanted = choosing.setup_for(params, paths)
    if _state.client is not None and wanted in (None, _state.setup):
        return _state.client
    if _state.client is not None:
        _state.client.close()
    _state.setup = wanted or choosing.Setup(sys.executable, paths)
    _state.client = WorkerClient(
        python=_state.setup.python, extra_paths=_state.setup.paths, variables=_state.setup.variables
    )
    return _state.client


def register() -> None:
    """Called by the add-on. The worker starts with the first job."""


def unregister() -> None:
    """Called by the add-on. Ends the worker."""
    close()
