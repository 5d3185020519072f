# SPDX-License-Identifier: GPL-3.0-or-later
"""Many masks of many views in little room: each cut to its bounding box, eight pixels to the byte."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class PackedMasks:
    """k objects with a mask in each of v views.

    Attributes:
        shapes: (H, W) of each view.
        boxes: (k, v, 4) int32 row0, row1, column0, column1 of the cut; all 0 where the mask is empty.
        starts: (k, v) int64 first byte of the cut in ``bits``; its rows are joined before packing.
        bits: (n,) uint8, may be memory-mapped.
    """

    shapes: tuple[tuple[int, int], ...]
    boxes: NDArray[np.int32]
    starts: NDArray[np.int64]
    bits: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.boxes)

    def cut(self, item: int, view: int) -> tuple[tuple[slice, slice], Bools]:
        """Where an object's mask lies in a view, and the mask there."""
        row0, row1, column0, column1 = (int(x) for x in self.boxes[item, view])
        height, width = row1 - row0, column1 - column0
        start = int(self.starts[item, view])
        packed = self.bits[start : start + (height * width + 7) // 8]
        inside = np.unpackbits(packed, count=height * width).view(np.bool_).reshape(height, width)
        return (slice(row0, row1), slice(column0, column1)), inside

    def mask(self, item: int, view: int) -> Bools:
        """An object's mask in a view, (H, W) bool."""
        mask = np.zeros(self.shapes[view], dtype=bool)
        window, inside = self.cut(item, view)
        mask[window] = inside
        return mask

    def holding(self, view: int, row: int, column: int) -> Bools:
        """Which objects' masks have this pixel, (k,) bool."""
        row0, row1, column0, column1 = self.boxes[:, view].T
        found = (row >= row0) & (row < row1) & (column >= column0) & (column < column1)
        near = np.flatnonzero(found)
        place = (row - row0[near]).astype(np.int64) * (column1 - column0)[near] + column - column0[near]
        byte = self.bits[self.starts[near, view] + place // 8]
        found[near] = (byte >> (7 - place % 8)) & 1
        return found


class MaskPacker:
    """Packs masks one object after the other."""

    def __init__(self, shapes: Sequence[tuple[int, int]]) -> None:
        self._shapes = tuple(shapes)
        self._boxes: list[NDArray[np.int32]] = []
        self._starts: list[list[int]] = []
        self._bits: list[NDArray[np.uint8]] = []
        self._size = 0

    def add(self, masks: Sequence[Bools]) -> None:
        """The next object: its mask (H, W) in every view."""
        boxes = np.stack([_tight_box(mask) for mask in masks])
        self.add_cuts([mask[a:b, c:d] for mask, (a, b, c, d) in zip(masks, boxes, strict=True)], boxes)

    def add_cuts(self, cuts: Sequence[Bools], boxes: NDArray[np.int32]) -> None:
        """The next object: in every view what lies in its box of ``boxes`` (v, 4)."""
        starts = []
        for cut in cuts:
            packed = np.packbits(cut)
            starts.append(self._size)
            self._bits.append(packed)
            self._size += len(packed)
        self._boxes.append(boxes)
        self._starts.append(starts)

    def packed(self) -> PackedMasks:
        """All that was added."""
        views = len(self._shapes)
        return PackedMasks(
            self._shapes,
            np.reshape(self._boxes, (-1, views, 4)).astype(np.int32),
            np.reshape(self._starts, (-1, views)).astype(np.int64),
            np.concatenate(self._bits) if self._bits else np.zeros(0, dtype=np.uint8),
        )


def _tight_box(mask: Bools) -> NDArray[np.int32]:
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if len(rows) == 0:
        return np.zeros(4, dtype=np.int32)
    return np.array([rows[0], rows[-1] + 1, columns[0], columns[-1] + 1], dtype=np.int32)
