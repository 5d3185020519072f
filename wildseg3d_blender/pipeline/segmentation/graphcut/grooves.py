# SPDX-License-Identifier: GPL-3.0-or-later
"""Grooves: narrow valleys in the depth, as between things that stand side by side.

In one view a groove drowns in the noise of the depth. The same place on the surface is seen by other views
too, and their mean shows it: what is printed on a surface makes no groove in any.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from .matching import Match, sampled_pixels
from .view_data import ViewData

WIDTH = 0.0245
"""Share of the view's longer side: valleys up to this wide are grooves, wider ones are shapes."""

FILLED = 9
"""Pixels: missing depth is filled from a window this wide."""

SMOOTH = 1.0
"""Pixels by which depth and the mean of the views are smoothed."""

Floats = NDArray[np.float32]


def shared_grooves(views: Sequence[ViewData], matches: Sequence[Match]) -> list[Floats]:
    """How deep the groove at each pixel is, (H, W) float32 per view, in thousandths of the depth.

    The mean over all views that show the same point; where none is measured near, what the view itself
    says.
    """
    own = [_grooves(data) for data in views]
    total = [groove.ravel().astype(np.float64) for groove in own]
    seen = [np.ones(groove.size) for groove in own]
    for match in matches:
        total[match.view][match.own] += own[match.other].ravel()[match.theirs]
        seen[match.view][match.own] += 1.0
    result = []
    for data, groove, values, count in zip(views, own, total, seen, strict=True):
        sampled = sampled_pixels(data)
        mean, weight = np.zeros((2, groove.size), dtype=np.float32)
        mean[sampled] = values[sampled] / count[sampled]
        weight[sampled] = 1.0
        mean, weight = (
            cv2.GaussianBlur(part.reshape(groove.shape), (0, 0), SMOOTH) for part in (mean, weight)
        )
        result.append(np.where(weight > 0.02, mean / np.maximum(weight, 0.02), groove))
    return result


def _grooves(data: ViewData) -> Floats:
    """The same in one view alone: by how much the depth exceeds its opening."""
    if not data.measured.any():
        return np.zeros(data.depth.shape, dtype=np.float32)
    window = (FILLED, FILLED)
    share = cv2.blur(data.measured.astype(np.float32), window)
    # Depth is 0 where it is not measured.
    around = cv2.blur(data.depth, window) / np.maximum(share, 1e-6)
    far = np.float32(np.median(data.depth[data.measured]))
    filled = np.where(data.measured, data.depth, np.where(share > 0.05, around, far))
    depth = cv2.GaussianBlur(filled, (0, 0), SMOOTH)
    width = 2 * round(WIDTH * max(data.depth.shape) / 2) + 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (width, width))
    return 1000.0 * (depth - cv2.morphologyEx(depth, cv2.MORPH_OPEN, disc)) / depth
