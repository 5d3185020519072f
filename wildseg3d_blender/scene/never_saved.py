# SPDX-License-Identifier: GPL-3.0-or-later
"""Scene folders that no saved .blend refers to, so that they can be told from those that one may need.

    .<folder>.unsaved    beside a scene folder made for a file without a name; b"1" while none was saved

Marked when it was reconstructed. The mark goes for good as soon as a .blend with the scene is saved or
opened, or somebody opens the folder. It lies beside the folder, which is replaced as a whole now and then and
goes back with undo. The process that made the scene holds the mark locked for as long as it lives: its file
or its undo steps may need the scene. What bears no mark, as folders of earlier versions, counts as needed.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import IO

from ..errors import SceneError
from ..files.locks import lock
from ..wording import reason

_ENDING = ".unsaved"
_NEVER, _SAVED = b"1", b"0"

_LOCKED_BYTE = 1 << 20
"""Beyond the content: on Windows nobody else could write what is locked."""

_held: dict[Path, IO[bytes]] = {}


def mark(folder: Path) -> None:
    """Note that the scene at ``folder`` was made for a file without a name, at work in this process."""
    place = _mark_of(folder)
    keep(folder)
    with contextlib.suppress(OSError):  # unmarked it counts as needed
        file = place.open("w+b")
        try:
            file.seek(_LOCKED_BYTE)
            lock(file)
            file.seek(0)
            file.write(_NEVER)
            file.flush()
        except OSError:
            file.close()
            place.unlink()
            raise
        _held[place] = file


def keep(folder: Path) -> None:
    """A saved file may refer to the scene at ``folder`` from now on, or somebody came back for it."""
    for place in {_mark_of(folder), _mark_of(folder.resolve())}:
        if (file := _held.pop(place, None)) is not None:
            file.close()
        with contextlib.suppress(OSError):
            # Where another process holds it, Windows lets it be written but not be deleted.
            with place.open("r+b") as mark_file:
                mark_file.write(_SAVED)
            place.unlink()


def keep_all() -> None:
    """As ``keep``, of all that this process marked."""
    for place in list(_held):
        keep(place.with_name(place.name[1 : -len(_ENDING)]))


def find(parent: Path, needed: Collection[Path]) -> list[Path]:
    """The scene folders in ``parent`` that no file needs, ``needed`` left out."""
    kept = {folder.resolve() for folder in needed}
    found = []
    for place in sorted(parent.glob(f".*{_ENDING}")):
        folder = place.with_name(place.name[1 : -len(_ENDING)])
        if not folder.is_dir() or folder.is_symlink() or folder.resolve() in kept:
            continue
        with contextlib.suppress(OSError), _locked(place) as never:
            if never:
                found.append(folder)
    return found


def remove(folder: Path) -> None:
    """Delete one of those that ``find`` found.

    Raises:
        SceneError: it cannot be deleted, or is needed by now.
    """
    place = _mark_of(folder)
    try:
        with _locked(place) as never:
            if not never:
                raise SceneError(f"{folder.name} was kept: a file was saved with it meanwhile.")
            shutil.rmtree(folder)
        place.unlink(missing_ok=True)
    except OSError as error:
        raise SceneError(f"{folder} could not be removed ({reason(error)}).") from error


@contextlib.contextmanager
def _locked(place: Path) -> Iterator[bool]:
    """Whether a mark says never saved, locked for the block; OSError where its process is alive."""
    with place.open("r+b") as file:
        file.seek(_LOCKED_BYTE)
        lock(file)
        file.seek(0)
        yield file.read(1) == _NEVER


def _mark_of(folder: Path) -> Path:
    return folder.absolute().with_name(f".{folder.name}{_ENDING}")
