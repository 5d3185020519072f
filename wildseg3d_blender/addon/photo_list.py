# SPDX-License-Identifier: GPL-3.0-or-later
"""The photos that were chosen and wait to be reconstructed, and those of the reconstruction at work."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import bpy

from ..errors import PhotoError
from ..files.photos import CHOOSE, find_photos
from .scene import lookup

FRAMES_OF = " frames"
"""Ends the name of a folder of key frames; what comes before is the video's name."""

WHOLE_DRIVE = "Photos"
"""Name of a reconstruction whose photos have no folder in common but the drive's root."""

ANY_PHOTOS = {"photos", "images", "pictures", "frames", "dcim", "jpg", "jpeg"}
"""Names of folders that say nothing about what the photos show."""


@dataclass(frozen=True)
class Source:
    """What Reconstruct works on.

    Attributes:
        paths: files, or one folder.
        folder: the folder the photos are in, that all have in common.
        whole: whether they are all that is in ``folder``, new ones included.
    """

    paths: tuple[Path, ...]
    folder: Path
    whole: bool

    @property
    def name(self) -> str:
        """For the reconstruction: the folder's, or that of the one around it where all are called alike."""
        folder = self.folder.parent if self.folder.name.lower() in ANY_PHOTOS else self.folder
        return folder.name.removesuffix(FRAMES_OF) or self.folder.name or WHOLE_DRIVE


def choose_folder(scene: bpy.types.Scene, folder: Path) -> None:
    """Take all photos of ``folder``, now and when it is reconstructed. PhotoError as from ``find_photos``."""
    files = find_photos([folder])
    _list(scene, files)
    scene.wildseg3d.whole_folder = str(folder)


def choose(scene: bpy.types.Scene, files: Sequence[Path]) -> None:
    """Take these photos and no others. Raises PhotoError when one is not there."""
    files = find_photos(files)
    _list(scene, files)
    scene.wildseg3d.whole_folder = ""


def add(scene: bpy.types.Scene, files: Sequence[Path]) -> None:
    """Take these photos too; where none were chosen, besides those of the reconstruction at work."""
    choose(scene, [*(Path(path) for path in chosen(scene) or reconstructed(scene)), *files])


def remove(scene: bpy.types.Scene, index: int) -> None:
    """Leave out a photo of those that were chosen, by its place in the list."""
    settings = scene.wildseg3d
    settings.chosen.remove(index)
    settings.whole_folder = ""
    settings.active_chosen = max(0, min(index, len(settings.chosen) - 1))


def clear(scene: bpy.types.Scene) -> None:
    """None are chosen any more."""
    scene.wildseg3d.chosen.clear()
    scene.wildseg3d.whole_folder = ""
    scene.wildseg3d.active_chosen = 0


def chosen(scene: bpy.types.Scene) -> list[str]:
    """Paths of the photos that wait to be reconstructed."""
    return [item.path for item in scene.wildseg3d.chosen]


def reconstructed(scene: bpy.types.Scene) -> list[str]:
    """Paths of the photos of the reconstruction at work, placed or not."""
    root = lookup.active_root(scene)
    return [] if root is None else [item.path for item in root.wildseg3d.photos if item.path]


def source(scene: bpy.types.Scene) -> Source:
    """What Reconstruct in the panel works on: what was chosen, else what the one at work was made from.

    Raises:
        PhotoError: there is neither.
    """
    settings, root = scene.wildseg3d, lookup.active_root(scene)
    if len(settings.chosen):
        if settings.whole_folder:
            return of_folder(settings.whole_folder)
        return of_files(chosen(scene))
    if root is not None and root.wildseg3d.photos_folder:
        return of_folder(root.wildseg3d.photos_folder)
    if files := reconstructed(scene):
        return of_files(files)
    if settings.photos:
        return of_folder(settings.photos)
    raise PhotoError("No photos: choose the folder that holds them.", fix=CHOOSE)


def of_folder(given: str) -> Source:
    """All photos of a folder; PhotoError when there is no such folder."""
    folder = Path(bpy.path.abspath(given)).absolute()
    if not folder.is_dir():
        raise PhotoError(f"There is no folder {folder}: choose the folder that holds the photos.", fix=CHOOSE)
    return Source((folder,), folder, whole=True)


def of_files(files: Iterable[str]) -> Source:
    """These photos."""
    paths = tuple(Path(bpy.path.abspath(file)).absolute() for file in files)
    return Source(paths, _common_folder(paths), whole=False)


def _common_folder(paths: Sequence[Path]) -> Path:
    try:
        return Path(os.path.commonpath([path.parent for path in paths]))
    except ValueError:  # on different drives
        return paths[0].parent


def _list(scene: bpy.types.Scene, files: Sequence[Path]) -> None:
    clear(scene)
    for file in files:
        item = scene.wildseg3d.chosen.add()
        item.name, item.path = file.name, str(file)
