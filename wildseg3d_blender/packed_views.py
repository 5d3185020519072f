# SPDX-License-Identifier: GPL-3.0-or-later
"""A mask for every view of a scene as one array of bits: an eighth of the room, and one file to open."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from .array_files import open_array
from .scene_folder import Scene

ViewMasks = Mapping[str, NDArray[np.bool_]]
"""View name -> (H, W) bool, for every view of the scene."""


def pack_views(scene: Scene, masks: ViewMasks) -> NDArray[np.uint8]:
    """The masks of all views in the scene's order, (n,) uint8: row after row, eight pixels to the byte, the
    first in the highest bit; each view starts with a whole byte."""
    return np.concatenate([np.packbits(np.asarray(masks[view.name], dtype=bool)) for view in scene.views])


def unpack_views(scene: Scene, packed: NDArray[np.uint8]) -> dict[str, NDArray[np.bool_]]:
    """The reverse of ``pack_views``; ValueError where the array is not one of this scene's views."""
    sizes = [view.size[0] * view.size[1] for view in scene.views]
    ends = np.cumsum([(size + 7) // 8 for size in sizes])
    if packed.dtype != np.uint8 or packed.shape != (ends[-1],):
        raise ValueError(f"an array of {packed.dtype} {packed.shape} holds no masks of these views")
    parts = np.split(packed, ends[:-1])
    return {
        view.name: np.unpackbits(part, count=size).view(np.bool_).reshape(view.size[::-1])
        for view, size, part in zip(scene.views, sizes, parts, strict=True)
    }


def read_packed(file: Path) -> NDArray[np.uint8]:
    """An array file, in memory: nothing stays mapped. ValueError when it is missing or damaged."""
    try:
        packed: NDArray[np.uint8] = open_array(file, mapped=False)
    except (OSError, ValueError, EOFError) as error:
        raise ValueError(f"{file.name} is missing or damaged") from error
    return packed
