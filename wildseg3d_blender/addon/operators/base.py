# SPDX-License-Identifier: GPL-3.0-or-later
"""What operators share: errors as reports, and long work that either blocks or runs modally."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any

import bpy

from ...errors import Cancelled, WildSegError
from .. import problems, runtime, time_left
from ..scene import lookup, viewing
from ..scene.steps import Pause, Step


@dataclass(frozen=True)
class Call:
    """A question to the worker; ``title`` names it for people."""

    title: str
    method: str
    params: dict[str, Any]


Work = Generator[Call | Step, Any, str]
"""Yields calls for the worker and steps of Blender's own (see ``scene.steps``), is sent their answers, and
returns a sentence for the user. Keeps names across a yield, never a reference into Blender's data: undo and
reloading replace those."""

OWN_TICK = 0.01
"""Seconds between two turns at Blender's own steps."""

TURN = 0.03
"""Seconds of such a turn after which no further step is begun, so that Blender draws and takes input."""


def reporting(execute: Callable[..., set[str]]) -> Callable[..., set[str]]:
    """Turn a ``WildSegError`` into an error report; in a script Blender makes it a RuntimeError."""

    @functools.wraps(execute)
    def wrapped(self: Any, context: bpy.types.Context) -> set[str]:
        try:
            return execute(self, context)
        except WildSegError as error:
            report_error(self, error)
            return {"CANCELLED"}

    return wrapped


def report_error(operator: Any, error: WildSegError) -> None:
    """Show an error, in the panel too; a cancellation is no error."""
    problems.remember(error)
    operator.report({"INFO" if isinstance(error, Cancelled) else "ERROR"}, error.message)


def idle(cls: Any) -> bool:
    """For ``poll``: no job is running; otherwise the button says so."""
    job = runtime.current_job()
    if job is not None:
        cls.poll_message_set(f"{job.title} is still running: wait for it or cancel it")
    return job is None


def object_mode(cls: Any, context: bpy.types.Context) -> bool:
    """For ``poll``: Blender is in Object Mode; otherwise the button says so."""
    if context.mode != "OBJECT":
        cls.poll_message_set("Leave the current mode first: this needs Object Mode")
        return False
    return True


def has_root(cls: Any, context: bpy.types.Context) -> bool:
    """For ``poll``: there is a reconstruction; otherwise the button says what to do first."""
    root = lookup.active_root(context.scene)
    if root is None:
        cls.poll_message_set("There is no reconstruction yet: choose a photos folder and press Reconstruct")
        return False
    if root.library is not None:
        cls.poll_message_set(f"{root.name} is linked from another file: append it instead to work on it here")
        return False
    return True


class WorkerOperator:
    """Mix-in for operators that wait for the worker, or have much to do in Blender.

    ``execute`` blocks (scripts, background mode); ``invoke`` runs modally, so that Blender stays usable, and
    Esc cancels. Both drive the same generator ``work``.
    """

    _work: Work | None = None
    _job: runtime.Job | None = None
    _own: runtime.OwnJob | None = None
    _method: str = ""
    _aside: Future[Any] | None = None
    _timer: Any = None
    _tick: float = 0.0

    def work(self, context: bpy.types.Context) -> Work:
        """What to do; see ``Work``."""
        raise NotImplementedError

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Run to the end, then return."""
        manager = context.window_manager
        manager.progress_begin(0.0, 100.0)
        try:
            self._begin(context)
            while self._running:
                if self._job is None:
                    self._turn(float("inf"))
                elif self._job.wait(runtime.TICK):
                    self._advance(self._job.result)
                else:
                    manager.progress_update(100.0 * self._job.fraction)
        except WildSegError as error:
            report_error(self, error)
            return {"CANCELLED"}
        finally:
            manager.progress_end()
            self._stop()
        return {"FINISHED"}

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Start and return to Blender at once."""
        if bpy.app.background or context.window is None:
            return self.execute(context)
        try:
            self._begin(context)
        except WildSegError as error:
            self._stop()
            report_error(self, error)
            return {"CANCELLED"}
        if not self._running:
            return {"FINISHED"}
        self._set_timer(context)
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Go on now and then; everything else goes on to Blender."""
        job = self._job or self._own
        assert job is not None
        if event.type == "ESC" and event.value == "PRESS":
            job.cancel()
            return {"RUNNING_MODAL"}
        if event.type != "TIMER":
            return {"PASS_THROUGH"}
        runtime.poll()
        try:
            if self._job is None:
                self._turn(TURN)
            elif self._job.done:
                self._advance(self._job.result)
        except WildSegError as error:
            self._end(context)
            report_error(self, error)
            return {"CANCELLED"}
        except BaseException:
            self._end(context)
            raise
        if not self._running:
            self._end(context)
            return {"FINISHED"}
        self._set_timer(context)
        self._show_progress()
        return {"PASS_THROUGH"}

    def cancel(self, context: bpy.types.Context) -> None:
        """Blender ends the operator itself: its window closes, or another file is opened."""
        self._end(context)

    @property
    def _running(self) -> bool:
        return self._job is not None or self._own is not None

    def _begin(self, context: bpy.types.Context) -> None:
        self._work = self.work(context)
        self._advance(lambda: None)

    def _advance(self, answer: Callable[[], Any]) -> None:
        """Hand the answer to what was asked to ``work``, an error included, and take up its next step."""
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
        except StopIteration as stop:
            self._stop()
            if stop.value:
                self.report({"INFO"}, stop.value)  # type: ignore[attr-defined]
            return
        if isinstance(step, Call):
            self._end_own()
            self._method = step.method
            self._job = runtime.start(step.title, step.method, step.params)
            return
        if self._own is None:
            label = str(self.bl_label)  # type: ignore[attr-defined]
            self._own = runtime.start_own(label, self._method)
        self._own.text = step.text or self._own.text
        if isinstance(step, Pause):
            self._own.fraction = step.fraction
        else:
            self._aside = _on_a_thread(step.compute)

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

    def _stop(self) -> None:
        """End what still runs: after an error, from the keyboard, or because Blender says so."""
        if self._job is not None:
            self._job.cancel()  # does nothing to one that has ended
            self._job = None
        self._end_own()
        if self._work is not None:
            self._work.close()
            self._work = None

    def _end_own(self) -> None:
        if self._own is not None:
            self._own.end()
        self._own = self._aside = None

    def _show_progress(self) -> None:
        job = self._job or self._own
        if job is not None and self._tick == runtime.TICK:
            viewing.redraw_sidebars()
            done = ", ".join(filter(None, (f"{job.fraction:.0%}", time_left.text(job))))
            self._show_status(f"{job.title}: {job.text} ({done})   Esc: Cancel")

    def _show_status(self, text: str | None) -> None:
        workspace = bpy.context.workspace
        if workspace is not None:
            workspace.status_text_set(text)

    def _set_timer(self, context: bpy.types.Context) -> None:
        wanted = runtime.TICK if self._own is None else OWN_TICK
        if self._tick == wanted:
            return
        self._drop_timer(context)
        self._timer = context.window_manager.event_timer_add(wanted, window=context.window)
        self._tick = wanted

    def _drop_timer(self, context: bpy.types.Context) -> None:
        if self._timer is not None:
            context.window_manager.event_timer_remove(self._timer)
        self._timer, self._tick = None, 0.0

    def _end(self, context: bpy.types.Context) -> None:
        self._stop()
        self._drop_timer(context)
        self._show_status(None)
        viewing.redraw()


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
