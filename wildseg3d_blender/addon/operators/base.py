# SPDX-License-Identifier: GPL-3.0-or-later
"""What operators share: errors as reports, polls that say why, and tasks that either block or run modally."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from typing import Any

import bpy

from ...errors import Cancelled, WildSegError
from .. import conditions, problems
from ..scene import viewing
from ..session import runtime, time_left
from ..tasks.driving import Run, Work, to_the_end

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


def holds(cls: Any, *checks: Callable[[], object]) -> bool:
    """For ``poll``: none of ``checks`` raises a WildSegError; else the button says what the first says."""
    try:
        for check in checks:
            check()
    except WildSegError as error:
        cls.poll_message_set(error.message.removesuffix("."))
        return False
    return True


def idle(cls: Any) -> bool:
    """For ``poll``: no job is running; otherwise the button says so."""
    return holds(cls, conditions.idle)


def object_mode(cls: Any, context: bpy.types.Context) -> bool:
    """For ``poll``: Blender is in Object Mode; otherwise the button says so."""
    return holds(cls, conditions.object_mode)


def has_root(cls: Any, context: bpy.types.Context) -> bool:
    """For ``poll``: there is a reconstruction; otherwise the button says what to do first."""
    return holds(cls, conditions.root_at_work)


class WorkerOperator:
    """Mix-in for operators whose task waits for the worker, or has much to do in Blender.

    ``execute`` blocks (scripts, background mode); ``invoke`` runs modally, so that Blender stays usable, and
    Esc cancels. Both drive the same generator ``work``.
    """

    _run: Run | None = None
    _timer: Any = None
    _tick: float = 0.0
    _shown: float = 0.0

    def work(self, context: bpy.types.Context) -> Work:
        """What to do; see ``Work``."""
        raise NotImplementedError

    def execute(self, context: bpy.types.Context) -> set[str]:
        """Run to the end, then return."""
        try:
            self._say(to_the_end(self.work(context), self._label, self._warn))
        except WildSegError as error:
            report_error(self, error)
            return {"CANCELLED"}
        return {"FINISHED"}

    def invoke(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Start and return to Blender at once."""
        if bpy.app.background or context.window is None:
            return self.execute(context)
        result = self._step(context, lambda: self._begin(context))
        if result == {"RUNNING_MODAL"}:
            context.window_manager.modal_handler_add(self)
        return result

    def modal(self, context: bpy.types.Context, event: bpy.types.Event) -> set[str]:
        """Go on now and then; everything else goes on to Blender."""
        run = self._run
        assert run is not None and run.job is not None
        if event.type == "ESC" and event.value == "PRESS":
            run.job.cancel()
            return {"RUNNING_MODAL"}
        if event.type != "TIMER":
            return {"PASS_THROUGH"}
        runtime.poll()
        result = self._step(context, lambda: run.go_on(TURN))
        if result != {"RUNNING_MODAL"}:
            return result
        self._show_progress(run)
        return {"PASS_THROUGH"}

    def cancel(self, context: bpy.types.Context) -> None:
        """Blender ends the operator itself: its window closes, or another file is opened."""
        self._end(context)

    @property
    def _label(self) -> str:
        return str(self.bl_label)  # type: ignore[attr-defined]

    @property
    def _name(self) -> str:
        """As in ``bpy.ops.wildseg3d``; an instance's ``bl_idname`` is written with _OT_."""
        idname = str(self.bl_idname).lower()  # type: ignore[attr-defined]
        return idname.replace("_ot_", ".").rpartition(".")[2]

    def _begin(self, context: bpy.types.Context) -> None:
        self._run = Run(self.work(context), self._label, self._warn, self._name)
        self._run.begin()

    def _step(self, context: bpy.types.Context, step: Callable[[], None]) -> set[str]:
        """Take a step of the work: RUNNING_MODAL as long as more is to come. An error ends all of it."""
        try:
            step()
        except WildSegError as error:
            self._end(context)
            report_error(self, error)
            return {"CANCELLED"}
        except BaseException:
            self._end(context)
            raise
        run = self._run
        assert run is not None
        if run.running:
            self._set_timer(context, run)
            return {"RUNNING_MODAL"}
        self._end(context)
        self._say(run.text)
        return {"FINISHED"}

    def _say(self, text: str) -> None:
        if text:
            self.report({"INFO"}, text)  # type: ignore[attr-defined]

    def _warn(self, text: str) -> None:
        self.report({"WARNING"}, text)  # type: ignore[attr-defined]

    def _show_progress(self, run: Run) -> None:
        job, now = run.job, time.monotonic()
        if job is not None and now - self._shown >= runtime.TICK:
            self._shown = now
            viewing.redraw_sidebars()
            self._show_status(f"{job.title}: {job.text} ({time_left.text(job)})   Esc: Cancel")

    def _show_status(self, text: str | None) -> None:
        workspace = bpy.context.workspace
        if workspace is not None:
            workspace.status_text_set(text)

    def _set_timer(self, context: bpy.types.Context, run: Run) -> None:
        wanted = runtime.TICK if run.waits else OWN_TICK
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
        if self._run is not None:
            self._run.stop()
        self._drop_timer(context)
        self._show_status(None)
        viewing.redraw()
