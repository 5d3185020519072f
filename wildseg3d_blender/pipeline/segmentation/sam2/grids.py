# SPDX-License-Identifier: GPL-3.0-or-later
"""Between the network's square mask grid and a view's pixel grid; windows of a view to look at closely."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

SURE = 10.0
"""Logit of a pixel known to be inside; its negative for one outside (as SAM 2 takes given masks)."""

NOWHERE = -32.0
"""Logit where nothing was looked at."""

SMALL_OBJECT = 0.2
"""An object whose longer side is less of the view's is decoded again in a window around it."""

AROUND = 2.5
"""The window's side over the object's: SAM 2 wants to see what is around."""


@dataclass(frozen=True)
class Window:
    """A rectangle of a view in view pixels; x1 and y1 are outside."""

    x0: int
    y0: int
    x1: int
    y1: int

    @property
    def size(self) -> tuple[int, int]:
        """(width, height)."""
        return self.x1 - self.x0, self.y1 - self.y0

    def relative(self, pixels: NDArray[np.floating]) -> Floats:
        """View pixels (..., 2) as shares of the window."""
        return ((pixels - (self.x0, self.y0)) / self.size).astype(np.float32)

    def holds(self, x: float, y: float) -> bool:
        """Whether a view pixel lies inside or on its edge."""
        return self.x0 <= x <= self.x1 and self.y0 <= y <= self.y1


def whole(size: tuple[int, int]) -> Window:
    """All of a view of that (width, height)."""
    return Window(0, 0, *size)


def onto_view(logits: Floats, window: Window, size: tuple[int, int]) -> Floats:
    """Logits (h, w) that span a window, on the grid of its view of ``size`` (width, height)."""
    inside = cv2.resize(logits, window.size, interpolation=cv2.INTER_LINEAR)
    if window == whole(size):
        return inside
    placed = np.full(size[::-1], NOWHERE, np.float32)
    placed[window.y0 : window.y1, window.x0 : window.x1] = inside
    return placed


def onto_network(logits: Floats, window: Window, side: int) -> Floats:
    """A window of a view's logits (H, W) on the network's mask grid, (side, side)."""
    cut = logits[window.y0 : window.y1, window.x0 : window.x1]
    shrinking = cut.shape[0] > side or cut.shape[1] > side
    return cv2.resize(
        np.ascontiguousarray(cut),
        (side, side),
        interpolation=cv2.INTER_AREA if shrinking else cv2.INTER_LINEAR,
    )


def as_logits(mask: NDArray[np.bool_]) -> Floats:
    """A mask (H, W) as logits."""
    return np.where(mask, np.float32(SURE), np.float32(-SURE))


def as_soft(logits: Floats) -> Floats:
    """Sigmoid: how likely each pixel belongs, in [0, 1]."""
    return (0.5 + 0.5 * np.tanh(0.5 * logits)).astype(np.float32)  # the form that cannot overflow


def closer_window(mask: NDArray[np.bool_]) -> Window | None:
    """The window in which a small object should be looked at again; None where it is large or absent."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if len(rows) == 0:
        return None
    height, width = mask.shape
    extent = max(rows[-1] - rows[0], columns[-1] - columns[0]) + 1
    if extent >= SMALL_OBJECT * max(height, width):
        return None
    # Rounded up, so that a mask that changes a little is looked at in the same window, encoded once.
    step = 16
    side = int(np.ceil(AROUND * extent / step)) * step
    side = min(max(side, 2 * step), height, width)
    middle = (columns[0] + columns[-1] + 1) / 2, (rows[0] + rows[-1] + 1) / 2
    x0, y0 = (
        int(np.clip(round((m - side / 2) / step) * step, 0, limit - side))
        for m, limit in zip(middle, (width, height), strict=True)
    )
    return Window(x0, y0, x0 + side, y0 + side)
