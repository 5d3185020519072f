# SPDX-License-Identifier: GPL-3.0-or-later
"""Installing and downloading for the neural engines, on a thread of its own: one thing at a time.

The thread runs ``neural``, which knows nothing of Blender; it only leaves its progress here, where operators
and the preferences look at it from the main thread.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path

import bpy

from ..errors import Cancelled, WildSegError
from ..neural.places import FOLDER_VARIABLE, default_folder, short_enough
from ..progress import Progress
from .preferences import extension_package, own

Work = Callable[[Progress], str]
"""What the thread runs; returns a sentence for the user, raises WildSegError."""


class Task:
    """Something the thread does. Made by ``start``."""

    def __init__(self, title: str, work: Work) -> None:
        self.title = title
        self.text = "Starting"
        self.fraction = 0.0
        self._work = work
        self._asked_to_stop = threading.Event()
        self._sentence = ""
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="wildseg3d-neural", daemon=True)
        self._thread.start()

    @property
    def done(self) -> bool:
        """Whether it ended."""
        return not self._thread.is_alive()

    @property
    def stopping(self) -> bool:
        """Whether it was asked to stop."""
        return self._asked_to_stop.is_set()

    def cancel(self) -> None:
        """Ask for an end; what was fetched is kept."""
        self._asked_to_stop.set()

    def wait(self, timeout: float | None = None) -> bool:
        """Block until done, or for ``timeout`` seconds; returns ``done``."""
        self._thread.join(timeout)
        return self.done

    def result(self) -> str:
        """The sentence for the user, once ``done``. Raises what the work raised."""
        if self._error is not None:
            raise self._error
        return self._sentence

    def _run(self) -> None:
        try:
            self._sentence = self._work(self._progress)
        except BaseException as error:  # noqa: BLE001 - raised again by ``result``, on the main thread
            self._error = error

    def _progress(self, stage: str, fraction: float, text: str = "") -> None:
        if self._asked_to_stop.is_set():
            raise Cancelled
        self.text, self.fraction = text or stage, fraction


_last: Task | None = None


def start(title: str, work: Work) -> Task:
    """Begin; returns at once.

    Raises:
        WildSegError: something else is being installed or downloaded.
    """
    global _last
    if (running := current()) is not None:
        raise WildSegError(f"{running.title} is still running: wait for it or cancel it.")
    _last = Task(title, work)
    return _last


def current() -> Task | None:
    """What is running, or None."""
    return None if _last is None or _last.done else _last


def neural_folder(context: bpy.types.Context) -> Path:
    """Where this Blender's neural environment belongs: the person's choice, or the extension's user folder.

    The latter is too deep for torch's files on Windows, and there is none in a checkout: then the user's
    program data.
    """
    preferences = own(context)
    if preferences is not None and preferences.neural_folder:
        return Path(bpy.path.abspath(preferences.neural_folder)).absolute()
    try:
        folder = Path(bpy.utils.extension_path_user(extension_package(), path="neural"))
    except ValueError:
        return default_folder()
    return folder if short_enough(folder) else default_folder()


def announce_folder(context: bpy.types.Context) -> None:
    """Tell the processes that this one starts where the environment is."""
    os.environ[FOLDER_VARIABLE] = str(neural_folder(context))


def register() -> None:
    """Called by the add-on."""
    announce_folder(bpy.context)


def unregister() -> None:
    """Called by the add-on. Ends what runs; what was fetched is kept."""
    if (running := current()) is not None:
        running.cancel()
        running.wait(5.0)
