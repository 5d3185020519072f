# SPDX-License-Identifier: GPL-3.0-or-later
"""Masks against true masks, in photo pixels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from ...scene.folder import Scene, View
from ..segmentation import Masks

Mask = NDArray[np.bool_]


def iou(a: Mask, b: Mask) -> float:
    """Intersection over union of two masks of one shape; 1 when both are empty."""
    union = int((a | b).sum())
    return float((a & b).sum() / union) if union else 1.0


def accuracy(a: Mask, b: Mask) -> float:
    """Share of the pixels that two masks of one shape agree on."""
    return float((a == b).mean())


def mask_to_photo(view: View, mask: Mask) -> Mask:
    """Carry a view mask (H, W) over to the photo's own pixels: (photo H, photo W) bool, upright.

    The mask is smoothed by about half a view pixel and sampled between pixels, so that its outline in the
    larger photo is a curve and not a staircase. Photo pixels that the view does not show are False.
    """
    return soft_mask_to_photo(view, mask) > 0.5


def soft_mask_to_photo(view: View, mask: Mask) -> NDArray[np.float32]:
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


def compare(scene: Scene, masks: Masks, truth: Mapping[str, Mask], clicked: str) -> dict[str, Any]:
    """Masks of every view against the true ones.

    Returns:
        ``iou_clicked``, ``iou_others`` by view, ``mean_iou_others`` (None without another view), and the same
        three for ``accuracy``.
    """
    found = {name: mask_to_photo(scene.view(name), masks[name]) for name in truth}
    result: dict[str, Any] = {}
    for measure in (iou, accuracy):
        name = measure.__name__
        scores = {view: measure(found[view], mask) for view, mask in truth.items()}
        others = {view: score for view, score in scores.items() if view != clicked}
        result[f"{name}_clicked"] = scores[clicked]
        result[f"{name}_others"] = others
        result[f"mean_{name}_others"] = float(np.mean(list(others.values()))) if others else None
    return result
