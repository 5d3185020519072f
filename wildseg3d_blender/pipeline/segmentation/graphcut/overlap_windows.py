# SPDX-License-Identifier: GPL-3.0-or-later
"""What the overlap network sees of a mask: the window around it, and what is known of every pixel there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

SIDE = 96
"""Pixels of a window's sides."""

ROOM, LEAST_SIZE = 1.8, 16
"""How much longer a window is than its mask, so that what goes on beyond shows; and the smallest size of a
mask, in pixels, that still fills one."""

CHANNELS = 8
"""Red, green, blue, mask, click, depth, whether that is known, whether the picture reaches there."""

CLICK_SPREAD = 4.0
"""Standard deviation, in pixels of the window, of the spot that shows the click."""

DEPTH_RANGE = 0.2
"""Log of depth over that of the mask that is shown as 1, and what is farther as well."""

LEVELS, FINEST = 4, 1.4
"""Halvings of a picture, and how many of its pixels may fall on one of a window."""


@dataclass(frozen=True)
class Change:
    """How a window to learn from differs from the plain one: sizes as factors, moves as shares of it."""

    size: float = 1.0
    stretch: float = 1.0
    right: float = 0.0
    down: float = 0.0
    degrees: float = 0.0
    mirrored: bool = False


@dataclass(frozen=True)
class _Level:
    image: NDArray[np.uint8]
    depth: NDArray[np.float32]
    measured: NDArray[np.float32]

    def halved(self) -> _Level:
        height, width = self.depth.shape
        planes = (self.image, self.depth, self.measured)
        size = (max(width // 2, 1), max(height // 2, 1))
        return _Level(*(cv2.resize(plane, size, interpolation=cv2.INTER_AREA) for plane in planes))


class Windows:
    """A picture ready to cut windows from, at several resolutions.

    Args:
        image: (H, W, 3) uint8 RGB.
        depth: (H, W) float32 along the camera's z.
        measured: (H, W) bool, where there is depth.
    """

    def __init__(
        self,
        image: NDArray[np.uint8],
        depth: NDArray[np.float32],
        measured: NDArray[np.bool_],
    ) -> None:
        known = measured.astype(np.float32)
        logarithm = np.log(np.where(measured, depth, 1.0)).astype(np.float32)
        levels = [_Level(image, logarithm, known)]
        for _ in range(1, LEVELS):
            levels.append(levels[-1].halved())
        self.levels: Sequence[_Level] = levels

    def around(
        self,
        mask: NDArray[np.bool_],
        click: tuple[int, int] | None = None,
        change: Change = Change(),
    ) -> NDArray[np.float32]:
        """The window (8, 96, 96) float32 around a mask (H, W) bool with at least one pixel.

        Args:
            mask: of the guess.
            click: (row, column) of the pixel that was clicked in this picture.
            change: what is different in a window to learn from.
        """
        rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
        size = max(rows[-1] + 1 - rows[0], columns[-1] + 1 - columns[0], LEAST_SIZE) * ROOM * change.size
        middle = np.array([columns[0] + columns[-1] + 1, rows[0] + rows[-1] + 1]) / 2
        middle = middle + size * np.array([change.right, change.down])
        turned = _turned(change) * (SIDE / size)
        moved = SIDE / 2 - turned @ middle
        coarser = np.log2(max(size / SIDE / FINEST, 1.0))
        number = min(int(coarser + 0.01), LEVELS - 1)
        shown = _Shown(self.levels[number], turned, moved, 2.0**number)
        return shown.window(mask, click)


@dataclass(frozen=True)
class _Shown:
    """One level of a picture, moved into a window: a pixel of the picture goes to ``turned @ it + moved``."""

    level: _Level
    turned: NDArray[np.float64]
    moved: NDArray[np.float64]
    pixel: float

    def window(self, mask: NDArray[np.bool_], click: tuple[int, int] | None) -> NDArray[np.float32]:
        level, found = self.level, np.zeros((CHANNELS, SIDE, SIDE), dtype=np.float32)
        height, width = level.depth.shape
        share = mask.astype(np.float32)
        if mask.shape != (height, width):
            share = cv2.resize(share, (width, height), interpolation=cv2.INTER_AREA)
        found[7] = reaches = self._warped(np.ones((height, width), dtype=np.float32))
        found[:3] = self._warped(level.image).transpose(2, 0, 1) / np.float32(255.0) - 0.5 * reaches
        found[3] = inside = self._warped(share)
        if click is not None:
            found[4] = self._spot(click)
        known = self._warped(level.measured)
        both = (inside > 0.5) & (known > 0.5)
        if both.any():
            depth = self._warped(level.depth) / np.maximum(known, 1e-3)
            nearer = np.clip((depth - np.median(depth[both])) / DEPTH_RANGE, -1.0, 1.0)
            found[5], found[6] = nearer * (known > 0.3), known
        return found

    def _warped(self, plane: NDArray[np.float32] | NDArray[np.uint8]) -> NDArray[np.float32]:
        """A plane of the level, or several, as the window shows it."""
        # Pixels' centres are at halves, and at whole numbers for OpenCV.
        linear = self.turned * self.pixel
        move = np.column_stack([linear, self.moved + linear @ [0.5, 0.5] - 0.5])
        return cv2.warpAffine(plane, move, (SIDE, SIDE), flags=cv2.INTER_LINEAR).astype(np.float32)

    def _spot(self, click: tuple[int, int]) -> NDArray[np.float64]:
        x, y = self.turned @ (click[1] + 0.5, click[0] + 0.5) + self.moved
        along = np.arange(SIDE) + 0.5
        across = np.exp(-((along - x) ** 2) / (2 * CLICK_SPREAD**2))
        return np.outer(np.exp(-((along - y) ** 2) / (2 * CLICK_SPREAD**2)), across)


def _turned(change: Change) -> NDArray[np.float64]:
    angle = np.deg2rad(change.degrees)
    cosine, sine = np.cos(angle), np.sin(angle)
    turned = np.array([[cosine * change.stretch, sine], [-sine, cosine / change.stretch]])
    return turned * [[-1.0], [1.0]] if change.mirrored else turned
