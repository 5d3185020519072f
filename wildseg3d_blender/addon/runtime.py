# SPDX-License-Identifier: GPL-3.0-or-later
"""The one worker of this Blender session, and the handlers that keep .blend files and it in step.

Jobs are asked for here, one at a time. A timer on the main thread takes in what the worker says; operators
only look at the job. Nothing here keeps a reference into Blender's data.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy

from ..errors import WildSegError
from .scene import location, lookup
from .worker_client import Request, WorkerClient

TICK = 0.1
"""Seconds between two looks at what the worker said."""


@dataclass
class Job:
    """What the worker is doing; ``title`` names it for people, ``method`` as in the protocol."""

    title: str
    method: str
    request: Request

    @property
    def fraction(self) -> float:
        """How far the whole job is, in [0, 1]."""
        return 0.0 if self.request.progress is None else self.request.progress.fraction

    @property
    def text(self) -> str:
        """What is being done just now."""
        if self.request.cancelled_at is not None:
            return "Stopping"
        report = self.request.progress
        return "Starting" if report is None else report.text or report.stage


@dataclass
class _State:
    client: WorkerClient | None = None
    job: Job | None = None


_state = _State()


def start(title: str, method: str, params: Mapping[str, Any]) -> Job:
    """Ask the worker for something; returns at once.

    Raises:
        WildSegError: another job is running, or the worker cannot be started.
    """
    if (running := current_job()) is not None:
        raise WildSegError(
            f"{running.title} is still running: wait for it or cancel it.", fix="wildseg3d.cancel"
        )
    if _state.client is None:
        _state.client = WorkerClient(extra_paths=wheel_folders())
    _state.job = Job(title, method, _state.client.request(method, params))
    if not bpy.app.background and not bpy.app.timers.is_registered(_drain):
        bpy.app.timers.register(_drain, persistent=True)
    return _state.job


def current_job() -> Job | None:
    """The job that is running, or None."""
    job = _state.job
    return None if job is None or job.request.done else job


def poll() -> None:
    """Take in what the worker said since the last time."""
    if _state.client is not None:
        _state.client.poll()


def cancel() -> bool:
    """Ask the running job to stop; False when there is none."""
    job = current_job()
    if job is None:
        return False
    job.request.cancel()
    return True


def worker_pid() -> int | None:
    """Process id of the worker while one runs."""
    return None if _state.client is None else _state.client.pid


def close() -> None:
    """End the worker process; the next job starts a fresh one."""
    if bpy.app.timers.is_registered(_drain):
        bpy.app.timers.unregister(_drain)
    if _state.client is not None:
        _state.client.close()
    _state.client = _state.job = None


def wheel_folders() -> list[Path]:
    """Where Blender unpacked the extensions' wheels, which its own Python has on ``sys.path``.

    The worker starts without what was added to that path, so it is told; of other add-ons' additions it
    had better not know.
    """
    extensions = Path(bpy.utils.user_resource("EXTENSIONS")).absolute()
    found = [Path(entry).absolute() for entry in sys.path if Path(entry).name == "site-packages"]
    return [entry for entry in found if entry.is_relative_to(extensions)]


def _drain() -> float | None:
    poll()
    return TICK if current_job() is not None else None


@bpy.app.handlers.persistent
def _on_load(*_: Any) -> None:
    """Another file was opened: what was being made belonged to the one before."""
    if cancel():
        # The modal operator that waited for it ended with the old file, so nobody else takes in the answer.
        job = _state.job
        if job is not None:
            job.request.wait(2.0)
    _state.job = None


@bpy.app.handlers.persistent
def _on_save_pre(target: Any = None, *_: Any) -> None:
    """Paths relative to the file being written, which may be another than the one that is open."""
    _remember_folders(target if isinstance(target, str) and target else bpy.data.filepath)


@bpy.app.handlers.persistent
def _on_save_post(*_: Any) -> None:
    """Paths relative to the file that is open now: after "Save Copy" it is still the old one."""
    _remember_folders(bpy.data.filepath)


def _remember_folders(blend: str) -> None:
    folders = _absolute_folders()
    for item in bpy.data.objects:
        if item.wildseg3d.role == "ROOT" and item.library is None:
            wanted = location.remembered(folders[item.name], blend)
            if item.wildseg3d.folder != wanted:
                item.wildseg3d.folder = wanted


def _absolute_folders() -> dict[str, Path]:
    return {
        item.name: lookup.scene_folder(item)
        for item in bpy.data.objects
        if item.wildseg3d.role == "ROOT" and item.library is None
    }


def _handlers() -> tuple[tuple[list[Any], Any], ...]:
    handlers = bpy.app.handlers
    return (
        (handlers.load_post, _on_load),
        (handlers.save_pre, _on_save_pre),
        (handlers.save_post, _on_save_post),
    )


def register() -> None:
    """Called by the add-on."""
    for handlers, handler in _handlers():
        handlers.append(handler)


def unregister() -> None:
    """Called by the add-on. Ends the worker."""
    close()
    for handlers, handler in _handlers():
        if handler in handlers:
            handlers.remove(handler)
