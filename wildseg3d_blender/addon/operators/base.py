# SPDX-License-Identifier: GPL-3.0-or-later
"""What operators share: errors as reports, and work for the worker that either blocks or runs modally."""

from __future__ import annotations

import functools
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any

import bpy

from ...errors import Cancelled, WildSegError
from .. import problems, runtime
from ..scene import lookup, viewing


@dataclass(frozen=True)
class Call:
    """A question to the worker; ``title`` names it for people."""

    title: str
    method: str
    params: dict[str, Any]


Work = Generator[Call, Any, str]
"""Yields calls, is sent their answers, and returns a sentence for the user. Keeps names across a yield,
never a reference into Blender's data: undo and reloading replace those."""


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
    if lookup.active_root(context.scene) is None:
        cls.poll_message_set("There is no reconstruction yet: choose a photos folder and press Reconstruct")
        return False
    return True


class WorkerOperator:
    """Mix-in for operators that wait for the worker.

    ``execute`` blocks (scripts, background mode); ``invoke`` runs modally, so that Blender stays usable, and
    Esc cancels. Both drive the same generator ``work``.
    """

    _work: Work | None = None
    _job: runtime.Job | None = None
    _timer: Any = None

    def work(self, context: bpy.types.Context) -> Work:
        """What to do; see ``Work``."""
        raise NotImplementedError

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Run to the end, then return."""
        manager = context.window_manager
        manager.progress_begin(0.0, 100.0)
        try:
            self._begin(context)
            while self._job is not None:
                while not self._job.wait(runtime.TICK):
                    manager.progress_update(100.0 * self._job.fraction)
                self._advance()
        except WildSegError as error:
            report_error(self, error)
            return {"CANCELLED"}
        finally:
            manager.progress_end()
            if self._job is not None:
                # Interrupted from the keyboard; asking a job that has ended to stop does nothing.
                self._job.cancel()
        return {"FINISHED"}

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Start and return to Blender at once."""
        if bpy.app.background or context.window is None:
            return self.execute(context)
        try:
            self._begin(context)
        except WildSegError as error:
            report_error(self, error)
            return {"CANCELLED"}
        if self._job is None:
            return {"FINISHED"}
        manager = context.window_manager
        self._timer = manager.event_timer_add(runtime.TICK, window=context.window)
        manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Look at the job now and then; everything else goes on to Blender."""
        job = self._job
        assert job is not None
        if event.type == "ESC" and event.value == "PRESS":
            job.cancel()
            return {"RUNNING_MODAL"}
        if event.type != "TIMER":
            return {"PASS_THROUGH"}
        runtime.poll()
        if not job.done:
            viewing.redraw_sidebars()
            self._show_status(f"{job.title}: {job.text} ({job.fraction:.0%})   Esc: Cancel")
            return {"PASS_THROUGH"}
        try:
            self._advance()
        except WildSegError as error:
            self._end(context)
            report_error(self, error)
            return {"CANCELLED"}
        except BaseException:
            self._end(context)
            raise
        if self._job is not None:
            return {"PASS_THROUGH"}
        self._end(context)
        return {"FINISHED"}

    def cancel(self, context: bpy.types.Context) -> None:
        """Blender ends the operator itself: its window closes, or another file is opened."""
        if self._job is not None:
            self._job.cancel()
        self._end(context)

    def _begin(self, context: bpy.types.Context) -> None:
        self._work = self.work(context)
        self._step(lambda work: next(work))

    def _advance(self) -> None:
        """Hand the answer of the call that ended to ``work``, an error included, and start its next call."""
        assert self._job is not None
        try:
            answer = self._job.result()
        except WildSegError as error:
            failure = error
            self._step(lambda work: work.throw(failure))
        else:
            self._step(lambda work: work.send(answer))

    def _step(self, resume: Callable[[Work], Call]) -> None:
        assert self._work is not None
        self._job = None
        try:
            call = resume(self._work)
        except StopIteration as stop:
            if stop.value:
                self.report({"INFO"}, stop.value)  # type: ignore[attr-defined]
            return
        self._job = runtime.start(call.title, call.method, call.params)

    def _show_status(self, text: str | None) -> None:
        workspace = bpy.context.workspace
        if workspace is not None:
            workspace.status_text_set(text)

    def _end(self, context: bpy.types.Context) -> None:
        if self._timer is not None:
            context.window_manager.event_timer_remove(self._timer)
            self._timer = None
        self._show_status(None)
        viewing.redraw()
