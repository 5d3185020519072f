# SPDX-License-Identifier: GPL-3.0-or-later
"""New geometry for a scene folder that exists: all of it at once, or nothing."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .folder import GEOMETRY_FOLDERS, Scene, check_there, write_geometry
from .previews import FOLDER as PREVIEWS_FOLDER
from .states import FOLDER as STATES_FOLDER
from .states import replacing_scene

_NEW = ("scene.json", *GEOMETRY_FOLDERS, PREVIEWS_FOLDER, STATES_FOLDER)
"""What is not taken over into the draft."""


@contextlib.contextmanager
def rewriting_geometry(
    scene: Scene,
    *,
    pointmaps: Mapping[str, NDArray[np.float32]],
    confidence: Mapping[str, NDArray[np.float32]],
) -> Iterator[Scene]:
    """Give ``scene`` new cameras (those of its views), pointmaps and confidence; all else stays.

    Yields a draft: the scene as it will be, in a temporary folder of its own, where the block may replace
    objects and files of the pair graph. It takes the scene's place when the block ends well. No array of the
    old or the new scene may be mapped then: Windows does not move folders with open files.

    Raises:
        SceneError: the scene folder is gone or cannot be written.
    """
    check_there(scene)
    with replacing_scene(scene.folder) as folder:
        for path in sorted(scene.folder.rglob("*")):
            relative = path.relative_to(scene.folder)
            if relative.parts[0] in _NEW:
                continue
            if path.is_dir():
                (folder / relative).mkdir()
            else:
                link_or_copy(path, folder / relative)
        write_geometry(scene, folder, pointmaps, confidence)
        yield replace(scene, folder=folder)


def link_or_copy(file: Path, copy: Path) -> None:
    """The same file a second time: by a hard link, or by copying where the disk knows none."""
    try:
        copy.hardlink_to(file)
    except OSError:
        shutil.copyfile(file, copy)
