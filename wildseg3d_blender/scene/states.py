# SPDX-License-Identifier: GPL-3.0-or-later
"""What a scene folder was before it was aligned again or reconstructed anew, so that undo can have it back.

    states/<state>/    a whole scene folder, as it was when it made way

A state is named after views, cameras and settings. Going to another one is a few renames, whatever its size.
Aligning again shares by hard links what it leaves alone, so such a state costs about its pointmaps.
Only a folder that has ``states`` keeps any: ``keep_from_now_on`` makes it for those who undo. It may be
removed; undo then goes back in Blender alone.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import time
import uuid
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from ..errors import SceneError
from ..files.atomic_folder import replacing_folder, swap_in
from .cache_header import scene_stamp

FOLDER = "states"

KEPT = 4
"""States that are kept beside the present one, the latest: each may be as large as a scene."""

_LENGTH = 20
"""Digits of a stamp that name a state: paths on Windows must not grow long."""


def state_of(scene_folder: Path) -> str:
    """The name of the state that a scene folder is in; "" where there is no scene."""
    try:
        return scene_stamp(scene_folder)[:_LENGTH]
    except OSError:
        return ""


def keep_from_now_on(scene_folder: Path) -> None:
    """Have the states of the scene at that place kept, if there is one.

    Raises:
        SceneError: nothing can be written there.
    """
    if not state_of(scene_folder):
        return
    try:
        (scene_folder / FOLDER).mkdir(exist_ok=True)
    except OSError as error:
        raise SceneError(
            f"{scene_folder} cannot be written ({error.strerror}): check the permissions there."
        ) from error


@contextlib.contextmanager
def replacing_scene(scene_folder: Path) -> Iterator[Path]:
    """As ``replacing_folder``, but the state that makes way is kept where states are.

    What the block writes must hold no ``states``: those of before move over.
    """
    with replacing_folder(scene_folder, put_aside=partial(_put_aside, scene_folder)) as folder:
        yield folder


def is_kept(scene_folder: Path, state: str) -> bool:
    """Whether the scene folder can go (back) to that state."""
    return state.isalnum() and (scene_folder / FOLDER / state / "scene.json").is_file()


def go_to(scene_folder: Path, state: str) -> None:
    """Put the scene folder into a state that is kept.

    Raises:
        SceneError: the folder cannot be moved; it is as it was then.
    """
    place = scene_folder / FOLDER / state
    taken = scene_folder.with_name(f".{scene_folder.name}.state-{uuid.uuid4().hex[:8]}")
    try:
        place.replace(taken)
        try:
            swap_in(taken, scene_folder, partial(_put_aside, scene_folder))
        except OSError:
            taken.replace(place)
            raise
    except OSError as error:
        raise SceneError(
            f"{scene_folder} could not be put back to what it was ({error.strerror}): close other programs "
            "that use it, or check the permissions there."
        ) from error


def _put_aside(scene_folder: Path, old: Path) -> None:
    """Keep ``old``, which ``scene_folder`` took the place of, and what it kept itself, if it keeps any."""
    with contextlib.suppress(OSError):  # the scene itself is in its place: undo then has less to go back to
        (old / FOLDER).replace(scene_folder / FOLDER)
        now = time.time_ns()
        os.utime(old, ns=(now, now))  # some file systems' own clock is too coarse to tell two apart
        old.replace(scene_folder / FOLDER / state_of(old))
        _forget_oldest(scene_folder / FOLDER)
    shutil.rmtree(old, ignore_errors=True)


def _forget_oldest(states: Path) -> None:
    latest = sorted(os.scandir(states), key=lambda entry: entry.stat().st_mtime_ns, reverse=True)
    for entry in latest[KEPT:]:
        shutil.rmtree(entry.path, ignore_errors=True)
