# SPDX-License-Identifier: GPL-3.0-or-later
"""Previews: masks shown before an object is cut out, on their way from the worker to Blender.

    previews/<folder>/masks.npy    the masks of all views, see ``packed_views``

Written whole or not at all. Only the latest few are kept: read one as soon as it is there.
"""

from __future__ import annotations

import shutil
import time
import uuid
from pathlib import Path

import numpy as np

from ..errors import SceneError
from ..files.atomic_folder import replacing_folder
from .folder import Scene, check_there
from .packed_views import PackedViews, ViewMasks, pack_views, read_packed

FOLDER = "previews"

KEPT = 4
"""So many previews stay, for a Blender that reads one while the next is being written."""


def write_preview(scene: Scene, masks: ViewMasks) -> Path:
    """Write masks for Blender to show; returns their folder. Older previews are removed.

    Raises:
        SceneError: the scene folder is gone or cannot be written.
    """
    check_there(scene)
    # Names sort by age; two Blenders on one scene never meet.
    folder = scene.folder / FOLDER / f"{time.time_ns():020d}-{uuid.uuid4().hex[:8]}"
    packed = pack_views(scene, masks)
    with replacing_folder(folder) as partial:
        np.save(partial / "masks.npy", packed)
    for old in sorted(path for path in folder.parent.iterdir() if path.name != folder.name)[: -KEPT + 1]:
        shutil.rmtree(old, ignore_errors=True)
    return folder


def read_preview(scene: Scene, folder: Path | str) -> ViewMasks:
    """The masks of a preview, view name -> (H, W) bool; nothing stays mapped.

    Raises:
        SceneError: it is gone, or belongs to a scene with other views.
    """
    try:
        packed = read_packed(Path(folder) / "masks.npy")
    except ValueError as error:
        raise SceneError(f"The preview in {folder} is gone: place a prompt to see a new one.") from error
    try:
        return PackedViews(scene, packed)
    except ValueError as error:
        raise SceneError(
            f"The preview in {folder} is of another scene: place a prompt to see a new one."
        ) from error
