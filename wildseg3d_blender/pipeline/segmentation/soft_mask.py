# SPDX-License-Identifier: GPL-3.0-or-later
"""The soft mask S of Dynamic Global Aligning, made of a hard one."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

SOFT_EDGE = 0.004
"""Spread of a soft mask's edge, as a share of the view's longer side: as far as outlines are usually off."""


def softened(mask: NDArray[np.bool_] | NDArray[np.float32]) -> NDArray[np.float32]:
    """``mask`` (H, W) with a soft edge, float32 in [0, 1]."""
    sigma = max(1.0, SOFT_EDGE * max(mask.shape))
    return np.clip(cv2.GaussianBlur(mask.astype(np.float32), (0, 0), sigma), 0.0, 1.0)
