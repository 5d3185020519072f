# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a level is taken, and where a newcomer fits.

Seen from above, each thing is the union of its parts' convex outlines. A map of what is taken tells where
a newcomer fits; it slides towards its goal until the next step would overlap.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from .forms import Array
from .surroundings import Level
from .things import Thing

CELLS = 320
"""Of the map of a level along its longer side."""
STEPS = 60
"""From the level's edge to its middle."""


class Floorplan:
    """What of a level is taken."""

    def __init__(self, level: Level) -> None:
        self.level = level
        self.per_metre = CELLS / (2 * max(level.half))
        size = [round(2 * h * self.per_metre) for h in level.half]
        self.taken: NDArray[np.uint8] = np.zeros((size[1], size[0]), dtype=np.uint8)

    def _cells(self, outlines: list[Array], place: Array) -> list[NDArray[np.int32]]:
        corner = np.array(self.level.centre) - self.level.half
        return [np.rint((o + place - corner) * self.per_metre).astype(np.int32) for o in outlines]

    def fits(self, thing: Thing, place: Array, over: float = 0.0) -> bool:
        """Whether it is on the level, ``over`` metres beyond its edge at most, and touches nothing."""
        cells = self._cells(thing.outlines, place)
        height, width = self.taken.shape
        slack = over * self.per_metre
        low = np.min([c.min(0) for c in cells], axis=0)
        high = np.max([c.max(0) for c in cells], axis=0)
        if (low < -slack).any() or high[0] > width + slack or high[1] > height + slack:
            return False
        drawn = np.zeros_like(self.taken)
        for polygon in cells:
            cv2.fillConvexPoly(drawn, polygon, 1)
        return not bool((drawn & self.taken).any())

    def take(self, thing: Thing, place: Array) -> None:
        """Mark where it stands."""
        for polygon in self._cells(thing.outlines, place):
            cv2.fillConvexPoly(self.taken, polygon, 1)

    def slide(self, thing: Thing, start: Array, goal: Array) -> Array | None:
        """The last free place on the way from ``start`` to ``goal``, None if there is none."""
        last = None
        for t in np.linspace(0, 1, STEPS):
            place = start + t * (goal - start)
            if self.fits(thing, place):
                last = place
            elif last is not None:
                break
        return last
