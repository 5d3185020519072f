# SPDX-License-Identifier: GPL-3.0-or-later
"""What the objects of a scene were before, so that undo can have them back.

    earlier/<version>/    an object as ``objects`` stores it, under the version it has

Every object there is now is kept there too, by hard links where the disk has them, before anything replaces
it. The folder may be removed: undo then goes back in Blender alone, and Segment makes the object anew.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ..errors import SceneError
from ..files.atomic_folder import replacing_folder
from ..wording import reason
from .folder import Scene, check_there, read_json
from .objects import (
    folder_for,
    name_in,
    object_folders,
    remove_object,
    rename_object,
    version_of,
    write_object_json,
)
from .rewriting import link_or_copy

FOLDER = "earlier"

KEPT = 128
"""Versions that are kept, the latest: more than a session's undo steps; one is some 0.5 MB."""


@dataclass(frozen=True)
class Stored:
    """An object on disk: where, its name and its version."""

    folder: Path
    name: str
    version: str


def stored(scene: Scene) -> list[Stored]:
    """The objects of a scene, without their arrays. Damaged ones are left out."""
    found = []
    for folder in object_folders(scene):
        name = name_in(folder)
        try:
            if name is not None:
                found.append(Stored(folder, name, version_of(folder)))
        except SceneError:
            continue  # whoever reads the object is told
    return found


def keep(scene: Scene) -> None:
    """Keep every object as it is now.

    Raises:
        SceneError: the scene folder is gone or cannot be written.
    """
    check_there(scene)
    for item in stored(scene):
        _keep(scene, item)
    _forget_oldest(scene)


def bring_back(scene: Scene, wanted: Mapping[str, str]) -> tuple[str, ...]:
    """Make the objects of a scene those that are ``wanted``; what others there were is kept.

    Args:
        wanted: name -> version; "" takes the object of that name as it is, if there is one.

    Returns:
        The names of those whose version is not known here (any more): they are not there now.

    Raises:
        SceneError: the scene folder is gone or cannot be written.
    """
    try:
        return _bring_back(scene, wanted)
    except OSError as error:
        raise SceneError(
            f"Cannot write to {scene.folder} ({reason(error)}), where the objects have to be as Blender "
            "shows them: check the free space and the permissions there."
        ) from error


def _bring_back(scene: Scene, wanted: Mapping[str, str]) -> tuple[str, ...]:
    keep(scene)
    there = {item.name: item for item in stored(scene)}
    right = {name for name, item in there.items() if wanted.get(name, None) in ("", item.version)}
    wrong = {name: item for name, item in there.items() if name not in right}
    missing = [name for name, version in wanted.items() if version and name not in right]
    for name in list(missing):
        renamed = next((old for old, item in wrong.items() if item.version == wanted[name]), None)
        if renamed is not None and name not in there:
            rename_object(scene, renamed, name)
            del wrong[renamed]
            missing.remove(name)
    for name in wrong:
        remove_object(scene, name)
    return tuple(name for name in missing if not _restore(scene, name, wanted[name]))


def _keep(scene: Scene, item: Stored) -> None:
    place = scene.folder / FOLDER / item.version
    if (place / "object.json").is_file():
        os.utime(place)
        return
    with replacing_folder(place) as partial:
        _copy_arrays(item.folder, partial)
        write_object_json(partial, {**read_json(item.folder / "object.json"), "version": item.version})


def _restore(scene: Scene, name: str, version: str) -> bool:
    """Put a version in its place under ``name``; False when it is not kept."""
    place = scene.folder / FOLDER / version
    if not version.isalnum() or not (place / "object.json").is_file():
        return False
    with replacing_folder(folder_for(scene, name)) as partial:
        _copy_arrays(place, partial)
        write_object_json(partial, {**read_json(place / "object.json"), "name": name})
    return True


def _copy_arrays(source: Path, target: Path) -> None:
    for file in sorted(source.rglob("*.npy")):
        copy = target / file.relative_to(source)
        copy.parent.mkdir(parents=True, exist_ok=True)
        link_or_copy(file, copy)


def _forget_oldest(scene: Scene) -> None:
    try:
        places = [entry for entry in os.scandir(scene.folder / FOLDER) if not entry.name.startswith(".")]
        latest = sorted(places, key=lambda entry: entry.stat().st_mtime_ns, reverse=True)
    except FileNotFoundError:
        return
    for entry in latest[KEPT:]:
        shutil.rmtree(entry.path, ignore_errors=True)
