# SPDX-License-Identifier: GPL-3.0-or-later
"""Masks in the pixels of the photos themselves, instead of their views'."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from ...scene.folder import View


def mask_to_photo(view: View, mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Carry a view mask (H, W) over to the photo's own pixels: (photo H, photo W) bool, upright.

    The mask is smoothed by about half a view pixel and sampled between pixels, so that its outline in the
    larger photo is a curve and not a staircase. Photo pixels that the view does not show are False.
    """
    return soft_mask_to_photo(view, mask) > 0.5


def soft_mask_to_photo(view: View, mask: NDArray[np.bool_]) -> NDArray[np.float32]:
    """``mask_to_photo`` before its threshold: (photo H, photo W) float32 in [0, 1]."""
    soft = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 0.7)
    width, height = view.photo_size
    # The lens map is smooth: worked out on a coarse grid of photo pixels and interpolated between.
    step = 8
    columns, rows = width // step + 2, height // step + 2
    corner = np.stack(np.meshgrid(np.arange(columns), np.arange(rows)), axis=-1) * float(step)
    coarse = view.warp.to_view(corner + 0.5).astype(np.float32) - np.float32(0.5)
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    source = cv2.remap(coarse, x / step, y / step, cv2.INTER_LINEAR)
    return cv2.remap(
        soft, source[..., 0], source[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=0
    )
