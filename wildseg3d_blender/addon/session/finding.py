# SPDX-License-Identifier: GPL-3.0-or-later
"""Finding a scene's objects before anybody clicks on them: quiet work that everything else goes before.

It is started again after each interruption until it is done, failed or called off. It rests while no
reconstruction in the file is of that scene folder: undone or deleted, it may come back.
"""

from __future__ import annotations

from pathlib import Path

import bpy

from ...errors import Cancelled, NeuralError, WildSegError
from ...scene.cache_header import FOLDER, fitting_header
from ...worker.messages import FindObjects
from ..scene import lookup
from . import choosing, preparing, previewing, runtime

METHOD = "find_objects"
TITLE = "Find Objects"

_wanted: list[Path] = []
_begun: Path | None = None
"""The scene folder that was begun with last."""

_found: dict[tuple[object, ...], int | None] = {}
"""What was found in the scene looked at last: the panel asks for each picture."""

_failed: dict[Path, str] = {}


def want(folder: Path) -> None:
    """Have the objects of a scene folder found when the worker is free."""
    _failed.pop(folder, None)
    if folder not in _wanted:
        _wanted.append(folder)


def call_off(folder: Path) -> None:
    """Stop looking for the objects of a scene folder."""
    if folder in _wanted:
        _wanted.remove(folder)
    if (job := _job()) is not None and folder == _begun:
        job.cancel()


def is_wanted(folder: Path) -> bool:
    """Whether they are being looked for, or will be when the worker is free."""
    return folder in _wanted


def found(folder: Path, segmenter: str) -> int | None:
    """How many objects this segmenter found in the scene as it is; None when it did not look for them."""
    try:
        stamps = [(folder / name).stat().st_mtime_ns for name in ("scene.json", f"{FOLDER}/cache.json")]
    except OSError:
        return None
    looked_at = (folder, segmenter, *stamps)
    if looked_at not in _found:
        header = fitting_header(folder, segmenter)
        _found.clear()
        _found[looked_at] = None if header is None else header["objects"]
    return _found[looked_at]


def failure(folder: Path) -> str:
    """Why looking for objects ended, in a sentence; empty when it did not fail."""
    return _failed.get(folder, "")


def note(folder: Path) -> None:
    """A scene folder's objects are there now. Previews may be answered differently."""
    if folder in _wanted:
        _wanted.remove(folder)
    previewing.forget_answers()


def forget() -> None:
    """Another file was opened."""
    _wanted.clear()
    _failed.clear()


def due() -> Path | None:
    """The scene folder whose objects are to be found next."""
    return next((folder for folder in _wanted if lookup.is_in_use(folder)), None)


def rest() -> None:
    """Break off where no reconstruction is of the scene folder any more."""
    if (job := _job()) is not None and _begun is not None and not lookup.is_in_use(_begun):
        job.cancel(gently=True)


def start(folder: Path) -> None:
    """Begin with a scene folder that is wanted. The worker must be idle."""
    global _begun

    def when_done(job: runtime.Job) -> None:
        try:
            job.result()
        except Cancelled:
            return  # made way for something else; it is still wanted
        except WildSegError as error:
            _fail(folder, error)
        else:
            note(folder)
            preparing.want(folder, asked.segmenter)

    try:
        asked = FindObjects(scene=str(folder), segmenter=choosing.segmenter(bpy.context.scene))
    except NeuralError as error:
        _fail(folder, error)
        return
    _begun = folder
    runtime.start_quiet(TITLE, METHOD, asked.to_json(), when_done)


def _job() -> runtime.Job | None:
    """The quiet job that looks for objects just now, or None."""
    quiet = runtime.quiet_job()
    return quiet if quiet is not None and quiet.method == METHOD else None


def _fail(folder: Path, error: WildSegError) -> None:
    _failed[folder] = error.message
    if folder in _wanted:
        _wanted.remove(folder)
