# SPDX-License-Identifier: GPL-3.0-or-later
"""Having the worker look at the photos that were chosen, before anybody presses Reconstruct. Quiet work."""

from __future__ import annotations

import bpy

from ...errors import Cancelled, WildSegError
from ...worker.messages import CheckedPhotos, CheckPhotos, DoubtfulPhoto
from .. import photo_list
from . import runtime

METHOD = "check_photos"
TITLE = "Check Photos"

FEWEST_COMPARED = 4
"""Photos below which none is called blurred: nobody can say what is usual among them."""

_Photos = tuple[str, ...]

_checked: dict[_Photos, dict[str, DoubtfulPhoto]] = {}
"""The last photos that were looked at, and what was found, by path."""


def doubtful(scene: bpy.types.Scene) -> dict[str, DoubtfulPhoto] | None:
    """By path, the chosen photos that something is wrong with; None while nobody has looked."""
    return _checked.get(_photos(scene))


def due(scene: bpy.types.Scene) -> bool:
    """Whether there are photos that nobody has looked at."""
    return bool(scene.wildseg3d.chosen) and _photos(scene) not in _checked


def start(scene: bpy.types.Scene) -> None:
    """Begin to look at them. The worker must be idle."""
    photos = _photos(scene)

    def when_done(job: runtime.Job) -> None:
        try:
            answer = CheckedPhotos.from_json(job.result())
        except Cancelled:
            return  # made way for something else; it is still due
        except WildSegError:
            # Reconstruct meets the same and says so; here nobody asked.
            _note(photos, CheckedPhotos(()))
        else:
            _note(photos, answer)

    runtime.start_quiet(TITLE, METHOD, CheckPhotos(photos).to_json(), when_done)


def forget() -> None:
    """Photos may have changed on disk."""
    _checked.clear()


def _note(photos: _Photos, answer: CheckedPhotos) -> None:
    _checked.clear()
    _checked[photos] = {item.photo: item for item in answer.doubtful}


def _photos(scene: bpy.types.Scene) -> _Photos:
    return tuple(photo_list.chosen(scene))
