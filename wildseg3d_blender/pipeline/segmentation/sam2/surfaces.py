# SPDX-License-Identifier: GPL-3.0-or-later
"""Which pixels of which views show the same surface, by the scene's geometry."""

from __future__ import annotations

from collections import OrderedDict

import numpy as np
from numpy.typing import NDArray

from ....scene.folder import Scene
from ..sightlines import Sightlines

Pixels = NDArray[np.int64]
Pairs = tuple[Pixels, Pixels]

SAMPLED = 1500
"""Pixels of a view that stand for all."""

MOST_BYTES = 256 << 20
"""Of pixel pairs that are kept."""


class Surfaces:
    """A scene's geometry, asked view by view."""

    def __init__(self, scene: Scene) -> None:
        self._lines = Sightlines(scene)
        self._pairs: OrderedDict[tuple[int, int], Pairs] = OrderedDict()
        self._bytes = 0

    @property
    def measured(self) -> list[NDArray[np.bool_]]:
        """Per view (H, W) bool."""
        return self._lines.measured

    def pairs(self, source: int, target: int) -> Pairs:
        """Flat pixels (n,) of one view, and those of the other that see the same points.

        Without pixels at outlines, whose depth is a mixture of front and back.
        """
        key = source, target
        if key not in self._pairs:
            self._pairs[key] = self._seen(source, np.flatnonzero(self._lines.solid[source]), target)
            self._bytes += _size(self._pairs[key])
            while self._bytes > MOST_BYTES and len(self._pairs) > 1:
                self._bytes -= _size(self._pairs.popitem(last=False)[1])
        self._pairs.move_to_end(key)
        return self._pairs[key]

    def overlaps(self) -> NDArray[np.float64]:
        """(N, N): the share of the row view's pixels whose point the column view sees too; 0 with itself."""
        count = len(self.measured)
        shares = np.zeros((count, count))
        for i in range(count):
            pixels = np.flatnonzero(self.measured[i])
            if len(pixels) == 0:
                continue
            pixels = pixels[np.linspace(0, len(pixels) - 1, min(SAMPLED, len(pixels))).astype(np.int64)]
            for j in range(count):
                if i != j:
                    shares[i, j] = len(self._seen(i, pixels, j)[0]) / len(pixels)
        return shares

    def _seen(self, source: int, pixels: Pixels, target: int) -> Pairs:
        """Those of the flat pixels whose point the other view sees, and where."""
        place, same, _ = self._lines.look(target, self._lines.points(source, pixels))
        return pixels[same], place[same].astype(np.int64)


def _size(pairs: Pairs) -> int:
    return pairs[0].nbytes + pairs[1].nbytes
