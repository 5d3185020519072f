# SPDX-License-Identifier: GPL-3.0-or-later
"""Previews: masks shown before an object is cut out, on their way from the worker to Blender.

    previews/<folder>/masks.npy    uint8 (n,), the masks of all views in the scene's order, eight pixels to
                                   the byte, each view starting with a whole byte

Written whole or not at all. Only the latest few are kept: read one as soon as it is there.
"""

from __future__ import annotations

import shutil
import time
import uuid
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .atomic_folder import replacing_folder
from .errors import SceneError
from .scene_folder import Scene, check_there
from .scene_objects import ViewMasks

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
    packed = [np.packbits(np.asarray(masks[view.name], dtype=bool)) for view in scene.views]
    with replacing_folder(folder) as partial:
        np.save(partial / "masks.npy", np.concatenate(packed))
    for old in sorted(path for path in folder.parent.iterdir() if path.name != folder.name)[: -KEPT + 1]:
        shutil.rmtree(old, ignore_errors=True)
    return folder


def read_preview(scene: Scene, folder: Path | str) -> dict[str, NDArray[np.bool_]]:
    """The masks of a preview, view name -> (H, W) bool; nothing stays mapped.

    Raises:
        SceneError: it is gone, or belongs to a scene with other views.
    """
    sizes = [view.size[0] * view.size[1] for view in scene.views]
    starts = np.cumsum([0] + [(size + 7) // 8 for size in sizes])
    try:
        packed = np.load(Path(folder) / "masks.npy", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise SceneError(f"The preview in {folder} is gone: place a prompt to see a new one.") from error
    if packed.dtype != np.uint8 or packed.shape != (starts[-1],):
        raise SceneError(
            f"The preview in {folder} belongs to another scene: place a prompt to see a new one."
        )
    return {
        view.name: np.unpackbits(packed[start : start + (size + 7) // 8], count=size)
        .view(np.bool_)
        .reshape(view.size[::-1])
        for view, size, start in zip(scene.views, sizes, starts[:-1], strict=True)
    }
