# SPDX-License-Identifier: GPL-3.0-or-later
"""The pictures that prompts show: white with a dark rim, tinted by the Empty's colour."""

from __future__ import annotations

import bpy
import numpy as np
from numpy.typing import NDArray

SIDE = 128
NAMES = {(False, True): "+", (False, False): "-", (True, True): "box", (True, False): "box out"}
"""(is a box, is positive) -> what the prompt is called."""


def image(is_box: bool, positive: bool) -> bpy.types.Image:
    """The picture of a kind of prompt, made when the file has none; packed, so it travels with the .blend."""
    name = f"WildSeg3D {NAMES[(is_box, positive)]}"
    found = bpy.data.images.get(name)
    if found is not None and found.library is None:
        return found
    pixels = _frame() if is_box else _disc(positive)
    made = bpy.data.images.new(name, SIDE, SIDE, alpha=True)
    made.pixels.foreach_set(np.ascontiguousarray(pixels[::-1], np.float32).ravel())
    made.update()
    made.pack()
    return made


def _disc(plus: bool) -> NDArray[np.float32]:
    """A filled disc with a dark plus or minus in it, (SIDE, SIDE, 4)."""
    y, x = (np.mgrid[:SIDE, :SIDE] + 0.5) / SIDE * 2 - 1
    bar = (np.abs(y) < 0.14) & (np.abs(x) < 0.56)
    if plus:
        bar |= (np.abs(x) < 0.14) & (np.abs(y) < 0.56)
    radius = np.hypot(x, y)
    bright = np.clip((0.86 - radius) * SIDE / 2, 0, 1) * ~bar
    alpha = np.clip((1.0 - radius) * SIDE / 2, 0, 1)
    return np.dstack([bright, bright, bright, alpha]).astype(np.float32)


def _frame() -> NDArray[np.float32]:
    """A faint frame that is open inside, (SIDE, SIDE, 4).

    It is as wide as the box is large, and as strong for each object: what is drawn over it tells them apart.
    """
    y, x = np.abs((np.mgrid[:SIDE, :SIDE] + 0.5) / SIDE * 2 - 1)
    edge = np.maximum(x, y)
    alpha = np.where(edge > 0.98, 0.25, 0.02)
    return np.dstack([np.ones((SIDE, SIDE, 3)), alpha]).astype(np.float32)
