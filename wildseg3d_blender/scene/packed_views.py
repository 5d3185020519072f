# SPDX-License-Identifier: GPL-3.0-or-later
"""A mask for every view of a scene as one array of bits: an eighth of the room, and one file to open."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..files.arrays import open_array
from .folder import Scene

ViewMasks = Mapping[str, NDArray[np.bool_]]
"""View name -> (H, W) bool, for every view of the scene."""


def pack_views(scene: Scene, masks: ViewMasks) -> NDArray[np.uint8]:
    """The masks of all views in the scene's order, (n,) uint8: row after row, eight pixels to the byte, the
    first in the highest bit; each view starts with a whole byte."""
    return np.concatenate([np.packbits(np.asarray(masks[view.name], dtype=bool)) for view in scene.views])


class PackedViews(Mapping[str, NDArray[np.bool_]]):
    """The masks of all views, kept as bits; each is unpacked whenever it is asked for: most never are."""

    def __init__(self, scene: Scene, packed: NDArray[np.uint8]) -> None:
        """The reverse of ``pack_views``; ValueError where the array is not one of this scene's views."""
        sizes = [view.size for view in scene.views]
        ends = np.cumsum([(width * height + 7) // 8 for width, height in sizes])
        if packed.dtype != np.uint8 or packed.shape != (ends[-1],):
            raise ValueError(f"an array of {packed.dtype} {packed.shape} holds no masks of these views")
        parts = np.split(packed, ends[:-1])
        self._packed = {
            view.name: (part, size) for view, part, size in zip(scene.views, parts, sizes, strict=True)
        }

    def __getitem__(self, name: str) -> NDArray[np.bool_]:
        """The mask of one view, (H, W) bool."""
        part, (width, height) = self._packed[name]
        return np.unpackbits(part, count=width * height).view(np.bool_).reshape(height, width)

    def __contains__(self, name: object) -> bool:
        return name in self._packed

    def __iter__(self) -> Iterator[str]:
        """The views' names, in the scene's order."""
        return iter(self._packed)

    def __len__(self) -> int:
        """How many views."""
        return len(self._packed)


def read_packed(file: Path) -> NDArray[np.uint8]:
    """An array file, in memory: nothing stays mapped. ValueError when it is missing or damaged."""
    try:
        packed: NDArray[np.uint8] = open_array(file, mapped=False)
    except (OSError, ValueError, EOFError) as error:
        raise ValueError(f"{file.name} is missing or damaged") from error
    return packed
