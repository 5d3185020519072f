# SPDX-License-Identifier: GPL-3.0-or-later
"""Driving long work: what it asks of the worker, its steps in Blender itself, and what it has to say."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any

import bpy

from ...errors import Cancelled, WildSegError
from ..scene.steps import Aside, Step
from ..session import runtime
from ..session.bar import Bar, Part


@dataclass(frozen=True)
class Call:
    """A question to the worker; ``title`` names it for people.

    ``until`` says how full the bar of the whole work is, in [0, 1], once it is answered: about as the time
    goes, so that what follows fills the rest.
    """

    title: str
    method: str
    params: dict[str, Any]
    until: float = 1.0


@dataclass(frozen=True)
class Warn:
    """A sentence about something that is not as the artist may think."""

    text: str


Work = Generator[Call | Step | Warn, Any, str]
"""Yields calls for the worker, steps of Blender's own (see ``scene.steps``) and warnings, is sent answers,
and returns a sentence for the artist. Keeps names across a yield, never a reference into Blender's data: undo
and reloading replace those."""


class Run:
    """Work being done. ``title`` names Blender's own part of it; ``warn`` is given its warnings.

    ``method`` is what the panel knows that part by, until the worker is asked for something.

    Whoever drives it calls ``begin``, then ``go_on`` as long as it is ``running``, and ``stop`` at the end,
    whatever ended it.

    Attributes:
        text: what the work returned, once it is done.
    """

    def __init__(self, work: Work, title: str, warn: Callable[[str], None], method: str = "") -> None:
        self.text = ""
        self._work: Work | None = work
        self._title = title
        self._warn = warn
        self._method = method
        self._job: runtime.Job | None = None
        self._own: runtime.OwnJob | None = None
        self._aside: Future[Any] | None = None
        self._bar, self._filled = Bar(), 0.0

    @property
    def job(self) -> runtime.Job | runtime.OwnJob | None:
        """What is being done now; None before and after."""
        return self._job or self._own

    @property
    def running(self) -> bool:
        """Whether there is something left to do."""
        return self.job is not None

    @property
    def waits(self) -> bool:
        """Whether the worker has to answer before it goes on."""
        return self._job is not None

    def begin(self) -> None:
        """Do what comes before the first step. Raises the WildSegError that ended the work."""
        self._advance(lambda: None)

    def go_on(self, seconds: float) -> None:
        """Take in the worker's answer if it is there, or do Blender's own steps for about so long.

        Raises:
            WildSegError: it ended the work.
        """
        if self._job is None:
            self._turn(seconds)
        elif self._job.done:
            self._advance(self._job.result)

    def stop(self) -> None:
        """End what still runs: after an error, from the keyboard, or because Blender says so."""
        if self._job is not None:
            self._job.cancel()  # does nothing to one that has ended
            self._job = None
        self._end_own()
        if self._work is not None:
            self._work.close()
            self._work = None

    def _advance(self, answer: Callable[[], Any]) -> None:
        """Hand the answer to what was asked to the work, an error included, and take up its next step."""
        work = self._work
        assert work is not None
        self._job = None
        try:
            try:
                value = answer()
            except WildSegError as error:
                step = work.throw(error)
            else:
                step = work.send(value)
            while isinstance(step, Warn):
                self._warn(step.text)
                step = work.send(None)
        except StopIteration as stop:
            self.stop()
            self.text = stop.value
            return
        if isinstance(step, Call):
            self._end_own()
            self._method = step.method
            part = Part(self._bar, self._filled, step.until)
            self._job, self._filled = runtime.start(step.title, step.method, step.params, part), step.until
            return
        if self._own is None:
            part = Part(self._bar, self._filled)
            self._own = runtime.start_own(self._title, self._method, part)
        self._own.text = step.text or self._own.text
        if isinstance(step, Aside):
            self._aside = _on_a_thread(step.compute)
        elif step.fraction is not None:
            self._own.reach(step.fraction)

    def _turn(self, seconds: float) -> None:
        """Take Blender's own steps, one after the other, until they have taken ``seconds``."""
        ends = time.monotonic() + seconds
        while self._own is not None:
            if self._own.cancelled:
                self._advance(_cancelled)
            elif self._aside is None:
                self._advance(lambda: None)
            elif _done_within(self._aside, ends - time.monotonic()):
                answer, self._aside = self._aside.result, None
                self._advance(answer)
            if time.monotonic() > ends:
                return

    def _end_own(self) -> None:
        if self._own is not None:
            self._own.end()
        self._own = self._aside = None


def to_the_end(work: Work, title: str, warn: Callable[[str], None]) -> str:
    """Do all of it at once; returns the sentence that it returns.

    Raises:
        WildSegError: it ended the work.
    """
    manager = bpy.context.window_manager
    manager.progress_begin(0.0, 100.0)
    run = Run(work, title, warn)
    try:
        run.begin()
        while (job := run.job) is not None:
            if run.waits and not job.wait(runtime.TICK):
                manager.progress_update(100.0 * job.fraction)
            run.go_on(float("inf"))
    finally:
        manager.progress_end()
        run.stop()
    return run.text


def _on_a_thread(compute: Callable[[], Any]) -> Future[Any]:
    """Start ``compute`` on a thread that ends with it."""
    threads = ThreadPoolExecutor(max_workers=1, thread_name_prefix="wildseg3d")
    try:
        return threads.submit(compute)
    finally:
        threads.shutdown(wait=False)


def _done_within(aside: Future[Any], seconds: float) -> bool:
    """Whether it is done after at most ``seconds``, which may be endless."""
    return bool(wait([aside], None if seconds == float("inf") else max(0.0, seconds)).done)


def _cancelled() -> None:
    raise Cancelled
