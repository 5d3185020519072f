# SPDX-License-Identifier: GPL-3.0-or-later
"""Prompts given in photo pixels, the pixels people and scripts read off a photo, as view-pixel prompts."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from ..errors import PromptError
from ..prompts import Box, Click
from ..scene.folder import View

RIM = 2.0
"""View pixels that a photo's very edge may fall outside its undistorted view and still count as inside."""


def click_on_photo(view: View, x: float, y: float, positive: bool = True) -> Click:
    """A click at photo pixel (x, y) of ``view``; PromptError when it lies outside the photo or its view."""
    _check_inside(view, x, y)
    pixel = view.warp.to_view(np.array([x, y]))
    size = np.asarray(view.size, dtype=np.float64)
    if (pixel < -RIM).any() or (pixel > size + RIM).any():
        raise PromptError(
            f"Pixel ({x:g}, {y:g}) of {view.photo.name} is on the rim that is lost when the lens distortion "
            "is removed: choose one further inside."
        )
    inside = np.clip(pixel, 0.5, size - 0.5)
    return Click(view.name, float(inside[0]), float(inside[1]), positive)


def box_on_photo(view: View, x0: float, y0: float, x1: float, y1: float) -> Box:
    """The box between two opposite corners in photo pixels, in any order, cut at the view's border.

    Raises:
        PromptError: a corner lies outside the photo, or nothing is left of the box.
    """
    for x, y in ((x0, y0), (x1, y1)):
        _check_inside(view, x, y)
    corners = view.warp.to_view(_rectangle(x0, y0, x1, y1))
    low = np.clip(corners.min(axis=0), 0.0, view.size)
    high = np.clip(corners.max(axis=0), 0.0, view.size)
    if (high - low < 1.0).any():
        raise PromptError(
            f"The box ({x0:g}, {y0:g}) to ({x1:g}, {y1:g}) on {view.photo.name} is empty: give two opposite "
            "corners that leave some room between them."
        )
    return Box(view.name, float(low[0]), float(low[1]), float(high[0]), float(high[1]))


def _rectangle(x0: float, y0: float, x1: float, y1: float) -> NDArray[np.float64]:
    """Corners and the middles between them, (9, 2): a lens bends edges outwards or inwards."""
    xs, ys = (x0, (x0 + x1) / 2, x1), (y0, (y0 + y1) / 2, y1)
    return np.array([(x, y) for x in xs for y in ys])


def _check_inside(view: View, x: float, y: float) -> None:
    width, height = view.photo_size
    if not (math.isfinite(x) and math.isfinite(y) and 0 <= x <= width and 0 <= y <= height):
        raise PromptError(
            f"Pixel ({x:g}, {y:g}) is outside {view.photo.name}, which is {width}x{height} pixels: "
            "count from its top left corner."
        )
