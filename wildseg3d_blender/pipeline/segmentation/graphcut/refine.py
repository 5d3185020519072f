# SPDX-License-Identifier: GPL-3.0-or-later
"""Pixel-sharp outlines: a second cut, over the pixels of a narrow band around each view's outline."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from .prompt_seeds import PixelClick
from .view_data import ViewData

BAND = 5
"""How far from the superpixels' outline the true one may lie, in pixels."""

Mask = NDArray[np.bool_]


def refine(data: ViewData, mask: Mask, clicks: Sequence[PixelClick] = ()) -> Mask:
    """Move a mask's outline to the image's edges.

    Args:
        mask: (H, W) bool, right but for a few pixels.
        clicks: this view's clicks, which the result obeys.
    """
    if int(mask.sum()) < 20:
        return mask.copy()
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * BAND + 1, 2 * BAND + 1))
    solid = mask.astype(np.uint8)
    inner = cv2.erode(solid, kernel, borderValue=1)
    outer = cv2.dilate(solid, kernel)
    rows, columns = np.flatnonzero(outer.any(1)), np.flatnonzero(outer.any(0))
    margin = 4 * BAND
    window = (
        slice(max(rows[0] - margin, 0), rows[-1] + margin + 1),
        slice(max(columns[0] - margin, 0), columns[-1] + margin + 1),
    )
    state = np.where(solid > 0, cv2.GC_PR_FGD, cv2.GC_PR_BGD).astype(np.uint8)
    state[inner > 0] = cv2.GC_FGD
    state[outer == 0] = cv2.GC_BGD
    for click in clicks:
        state[max(click.row - 1, 0) : click.row + 2, max(click.column - 1, 0) : click.column + 2] = (
            cv2.GC_FGD if click.positive else cv2.GC_BGD
        )
    cut = np.ascontiguousarray(state[window])
    image = np.ascontiguousarray(data.image[window])
    if (cut == cv2.GC_FGD).sum() < 10 or (cut == cv2.GC_BGD).sum() < 10:
        return mask.copy()
    cv2.setRNGSeed(0)
    cv2.grabCut(image, cut, None, np.zeros((1, 65)), np.zeros((1, 65)), 1, cv2.GC_INIT_WITH_MASK)
    result = np.zeros_like(solid)
    result[window] = cut & 1
    return result > 0
