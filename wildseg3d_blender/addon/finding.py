# SPDX-License-Identifier: GPL-3.0-or-later
"""Finding a scene's objects before anybody clicks on them: quiet work that everything else goes before.

It is started again after each interruption until it is done, failed or called off.
"""

from __future__ import annotations

from pathlib import Path

import bpy

from ..errors import Cancelled, NeuralError, WildSegError
from ..worker.protocol import FindObjects, FoundObjects
from . import choosing, previewing, runtime

METHOD = "find_objects"
TITLE = "Find Objects"

_wanted: list[Path] = []
_found: dict[Path, int] = {}
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
    quiet = runtime.quiet_job()
    if quiet is not None and quiet.method == METHOD:
        quiet.cancel()


def is_wanted(folder: Path) -> bool:
    """Whether they are being looked for, or will be when the worker is free."""
    return folder in _wanted


def found(folder: Path) -> int | None:
    """How many objects were found in this Blender session; None when none were looked for."""
    return _found.get(folder)


def is_done(folder: Path) -> bool:
    """Whether a scene folder has found objects, perhaps by an older version, which would not count."""
    return (folder / "mask_cache" / "cache.json").is_file()


def failure(folder: Path) -> str:
    """Why looking for objects ended, in a sentence; empty when it did not fail."""
    return _failed.get(folder, "")


def note(folder: Path, count: int) -> None:
    """Keep in mind that a scene folder's objects are there. Previews may now be answered differently."""
    if folder in _wanted:
        _wanted.remove(folder)
    _found[folder] = count
    previewing.forget_answers()


def forget() -> None:
    """Another file was opened."""
    _wanted.clear()
    _failed.clear()


def due() -> Path | None:
    """The scene folder whose objects are to be found next."""
    return _wanted[0] if _wanted else None


def start(folder: Path) -> None:
    """Begin with a scene folder that is wanted. The worker must be idle."""

    def when_done(job: runtime.Job) -> None:
        try:
            answer = FoundObjects.from_json(job.result())
        except Cancelled:
            return  # made way for something else; it is still wanted
        except WildSegError as error:
            _fail(folder, error)
        else:
            note(folder, answer.count)

    try:
        asked = FindObjects(scene=str(folder), segmenter=choosing.segmenter(bpy.context.scene))
    except NeuralError as error:
        _fail(folder, error)
        return
    runtime.start_quiet(TITLE, METHOD, asked.to_json(), when_done)


def _fail(folder: Path, error: WildSegError) -> None:
    _failed[folder] = error.message
    if folder in _wanted:
        _wanted.remove(folder)
