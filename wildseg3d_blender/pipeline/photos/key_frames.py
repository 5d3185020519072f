# SPDX-License-Identifier: GPL-3.0-or-later
"""Which frames of a video to reconstruct from: sharp ones, evenly spread over what the camera travelled.

Travel is image motion: how far what is seen has moved in the picture since the first frame, as a share of the
picture's diagonal, added up. Neighbours at equal travel overlap about equally, however fast the camera went.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

MOST_APART = 0.12
"""Travel between two key frames beyond which they overlap too little: what a camera that circles its subject
makes in about 20 degrees inside a room, and in half as many where things behind it are far away."""

LEAST_APART = 0.01
"""Travel below which a frame shows nothing new."""

_TRACKED_SIDE = 320
_SHARPNESS_SIDE = 960
_POINTS = 200
# As many of an anchor's points must still be found; fewer say little about all of the picture.
_FEWEST_FOUND = 0.4
# Shaking hands move the picture to and fro by less than this; only what goes beyond adds up.
_STRIDE = 0.03
# A frame with this share of the usual sharpness is blurred: nothing can be tracked in it.
_BLURRED = 0.5
_MOST_PASSED_OVER = 5
# Within this share of the way to a neighbour a sharp frame is taken: the nearest of those that are about as
# sharp as the sharpest.
_WINDOW = 0.35
_ABOUT_AS_SHARP = 0.9


@dataclass(frozen=True)
class Measured:
    """Frames that were looked at, F of them.

    Attributes:
        numbers: (F,) int64, their numbers in the video, ascending.
        travel: (F,) float64, never falling.
        sharpness: (F,) float64, variance of the Laplacian; to be compared with neighbours' only.
    """

    numbers: NDArray[np.int64]
    travel: NDArray[np.float64]
    sharpness: NDArray[np.float64]


def measure(frames: Iterable[tuple[int, NDArray[np.uint8]]]) -> Measured:
    """Travel and sharpness of ``frames``: pairs of a frame's number and its pixels, (H, W, 3) or (H, W)."""
    numbers, travel, sharpness = [], [], []
    tracker, recent, passed_over = _Tracker(), deque[float](maxlen=15), 0
    for number, frame in frames:
        grey = frame if frame.ndim == 2 else cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY)
        sharp = sharpness_of(grey)
        blurred = bool(recent) and sharp < _BLURRED * float(np.median(recent))
        # Where sharpness stays low, the camera has come to something plain.
        passed_over = passed_over + 1 if blurred else 0
        numbers.append(number)
        sharpness.append(sharp)
        if blurred and passed_over <= _MOST_PASSED_OVER:
            travel.append(np.nan)
            continue
        recent.append(sharp)
        travel.append(tracker.follow(_shrunk(grey, _TRACKED_SIDE)))
    return Measured(np.array(numbers, np.int64), _filled(travel), np.array(sharpness, np.float64))


def choose(measured: Measured, count: int) -> NDArray[np.int64]:
    """Numbers of the key frames, ascending: about ``count``.

    More, up to twice as many, where neighbours would overlap too little; fewer where the camera hardly
    moved. Each is a sharp one among the frames around its place.
    """
    if not len(measured.numbers):
        return measured.numbers
    reached = measured.travel - measured.travel[0]
    total = float(reached[-1])
    steps = min(max(count - 1, int(np.ceil(total / MOST_APART))), 2 * count)
    steps = max(1, min(steps, int(total / LEAST_APART), len(reached) - 1))
    apart = total / steps
    chosen: list[int] = []
    for place in np.arange(steps + 1) * apart:
        off = np.abs(reached - place)
        off[: chosen[-1] + 1 if chosen else 0] = np.inf
        near = np.flatnonzero(off <= _WINDOW * apart)
        if len(near):
            sharp = measured.sharpness[near] >= _ABOUT_AS_SHARP * measured.sharpness[near].max()
            chosen.append(int(near[sharp][np.argmin(off[near[sharp]])]))
        elif off.min() <= apart:
            chosen.append(int(np.argmin(off)))
    return measured.numbers[np.array(chosen, np.int64)]


def sharpness_of(grey: NDArray[np.uint8]) -> float:
    """Variance of the Laplacian of (H, W) grey values, at a size where pixel noise does not count."""
    return float(cv2.Laplacian(_shrunk(grey, _SHARPNESS_SIDE), cv2.CV_32F).var())


class _Tracker:
    """Follows points from an anchor frame until they have moved a stride or are lost, then anchors anew."""

    def __init__(self) -> None:
        self._image: NDArray[np.uint8] | None = None
        self._anchor = self._points = np.zeros((0, 1, 2), np.float32)
        self._anchored = 0
        self._base = self._reached = 0.0

    def follow(self, image: NDArray[np.uint8]) -> float:
        """Travel at ``image``, the next frame (H, W) uint8."""
        before, self._image = self._image, image
        if before is None:
            self._drop_anchor(image)
            return 0.0
        if len(self._points):
            moved, found, _ = cv2.calcOpticalFlowPyrLK(
                before, image, self._points, None, winSize=(15, 15), maxLevel=4
            )
            kept = (found.ravel() == 1) & _inside(moved, image.shape)
            self._points, self._anchor = moved[kept], self._anchor[kept]
        if len(self._points) < max(8, _FEWEST_FOUND * self._anchored):
            # A cut, or a swing too fast to follow: nothing is known to be shared with the frame before.
            seen = self._off(image) if len(self._points) >= 8 else MOST_APART
            self._base = max(self._reached, self._base + seen)
            self._drop_anchor(image)
        else:
            off = self._off(image)
            self._reached = max(self._reached, self._base + off)
            if off > _STRIDE:
                self._base = self._reached
                self._drop_anchor(image)
        self._reached = max(self._reached, self._base)
        return self._reached

    def _off(self, image: NDArray[np.uint8]) -> float:
        """How far the points are from where they were anchored, as a share of the diagonal.

        Three quarters of them are nearer: what the camera circles hardly moves, and some are tracked wrongly.
        """
        moved = np.linalg.norm(self._points - self._anchor, axis=-1)
        return float(np.quantile(moved, 0.75)) / float(np.hypot(image.shape[0], image.shape[1]))

    def _drop_anchor(self, image: NDArray[np.uint8]) -> None:
        found = cv2.goodFeaturesToTrack(image, _POINTS, 0.01, 8)
        self._anchor = np.zeros((0, 1, 2), np.float32) if found is None else found
        self._points, self._anchored = self._anchor, len(self._anchor)


def _inside(points: NDArray[np.float32], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    x, y = points[:, 0, 0], points[:, 0, 1]
    inside: NDArray[np.bool_] = (x >= 0) & (y >= 0) & (x < shape[1]) & (y < shape[0])
    return inside


def _filled(travel: list[float]) -> NDArray[np.float64]:
    """Travel with that of frames passed over taken from their neighbours."""
    values = np.array(travel, np.float64)
    known = np.flatnonzero(np.isfinite(values))
    if len(known):
        values = np.interp(np.arange(len(values)), known, values[known])
    return values


def _shrunk(grey: NDArray[np.uint8], longer_side: int) -> NDArray[np.uint8]:
    scale = longer_side / max(grey.shape)
    if scale >= 1.0:
        return grey
    size = max(round(grey.shape[1] * scale), 1), max(round(grey.shape[0] * scale), 1)
    shrunk: NDArray[np.uint8] = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
    return shrunk
