# SPDX-License-Identifier: GPL-3.0-or-later
"""Photos resampled onto the pinhole grid of their view."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from ...conventions import pixel_centres
from ...photo_warp import PhotoWarp


def undistort(
    photo: NDArray[np.uint8], warp: PhotoWarp, size: tuple[int, int], multiple: int = 1
) -> NDArray[np.uint8]:
    """Resample a photo (H, W, 3) uint8 onto ``multiple`` times the view grid of ``size`` (width, height)."""
    width, height = size[0] * multiple, size[1] * multiple
    photo_pixels = warp.to_photo(pixel_centres(width, height) / multiple)
    shrink = warp.photo_K[0, 0] / (warp.view_K[0, 0] * multiple)
    if shrink > 1.0:
        # Average before sampling, or fine texture turns into noise that no other view shares.
        full_height, full_width = photo.shape[:2]
        small = (max(1, round(full_width / shrink)), max(1, round(full_height / shrink)))
        photo = cv2.resize(photo, small, interpolation=cv2.INTER_AREA)
        photo_pixels = photo_pixels * (np.array(small) / (full_width, full_height))
    # cv2 counts pixel centres from 0, the project from 0.5.
    x, y = np.moveaxis(photo_pixels.astype(np.float32) - np.float32(0.5), -1, 0)
    return cv2.remap(photo, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
