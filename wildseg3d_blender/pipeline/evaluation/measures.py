# SPDX-License-Identifier: GPL-3.0-or-later
"""Masks against true masks, in photo pixels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...scene.folder import Scene
from ..photos.masks import mask_to_photo
from ..segmentation import Masks

Mask = NDArray[np.bool_]


def iou(a: Mask, b: Mask) -> float:
    """Intersection over union of two masks of one shape; 1 when both are empty."""
    union = int((a | b).sum())
    return float((a & b).sum() / union) if union else 1.0


def accuracy(a: Mask, b: Mask) -> float:
    """Share of the pixels that two masks of one shape agree on."""
    return float((a == b).mean())


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
