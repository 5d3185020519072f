# SPDX-License-Identifier: GPL-3.0-or-later
"""A small video whose camera is known: it slides past a wall with a board in front; some frames blurred."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

SIZE = (320, 240)
FOCAL = 300.0
WALL_DEPTH, BOARD_DEPTH = 6.0, 3.0


def frames_along(
    positions: Sequence[float], *, blurred: Collection[int] = (), seed: int = 3
) -> list[NDArray[np.uint8]]:
    """A frame (H, W, 3) BGR at each camera position along x; ``blurred`` frames are smeared sideways."""
    rng = np.random.default_rng(seed)
    wall, board = _texture(rng, 900, 1600), _texture(rng, 130, 160)
    frames = []
    for number, x in enumerate(positions):
        frame = _seen(wall, x, WALL_DEPTH, left=-700.0, top=-300.0)
        inside = _seen(np.full_like(board, 255), x, BOARD_DEPTH, left=90.0, top=60.0)[..., :1] > 127
        frame = np.where(inside, _seen(board, x, BOARD_DEPTH, left=90.0, top=60.0), frame)
        if number in blurred:
            frame = cv2.blur(frame, (11, 3))
        frames.append(frame.astype(np.uint8))
    return frames


def write_video(file: Path, frames: Sequence[NDArray[np.uint8]], *, code: str = "mp4v") -> Path:
    """Write ``frames`` at 30 a second; returns ``file``."""
    size = frames[0].shape[1::-1]
    writer = cv2.VideoWriter(str(file), cv2.VideoWriter_fourcc(*code), 30.0, size)
    assert writer.isOpened()
    for frame in frames:
        writer.write(frame)
    writer.release()
    return file


def _seen(plane: NDArray[np.uint8], x: float, depth: float, *, left: float, top: float) -> NDArray[np.uint8]:
    """A plane facing the camera, in the picture of the camera at ``x``."""
    shift = np.array([[1.0, 0.0, left - FOCAL * x / depth], [0.0, 1.0, top]])
    seen: NDArray[np.uint8] = cv2.warpAffine(plane, shift, SIZE, flags=cv2.INTER_LINEAR)
    return seen


def _texture(rng: np.random.Generator, height: int, width: int) -> NDArray[np.uint8]:
    coarse = rng.integers(0, 256, (height // 6, width // 6, 3)).astype(np.uint8)
    texture: NDArray[np.uint8] = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    return texture
