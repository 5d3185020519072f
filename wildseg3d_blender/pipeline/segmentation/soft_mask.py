# SPDX-License-Identifier: GPL-3.0-or-later
"""The soft mask S of Dynamic Global Aligning: of a hard mask, or of many objects' hard and soft masks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from ...errors import SceneError

SOFT_EDGE = 0.004
"""Spread of a soft mask's edge, as a share of the view's longer side: as far as outlines are usually off."""


def softened(mask: NDArray[np.bool_] | NDArray[np.float32]) -> NDArray[np.float32]:
    """``mask`` (H, W) with a soft edge, float32 in [0, 1]."""
    sigma = max(1.0, SOFT_EDGE * max(mask.shape))
    return np.clip(cv2.GaussianBlur(mask.astype(np.float32), (0, 0), sigma), 0.0, 1.0)


class SoftUnion:
    """How likely each pixel belongs to some object, gathered object by object.

    Kept as one uint8 map per view instead of one per object: Dynamic Global Aligning asks for nothing more,
    and a scene's worth of them is a few megabytes.
    """

    def __init__(self, views: Sequence[str], shapes: Sequence[tuple[int, int]]) -> None:
        self._maps = {
            name: np.zeros(shape, dtype=np.uint8) for name, shape in zip(views, shapes, strict=True)
        }
        self._hard = {name: np.zeros(shape, dtype=bool) for name, shape in zip(views, shapes, strict=True)}
        self._any_soft = False

    def add(
        self, masks: Mapping[str, NDArray[np.bool_]], soft: Mapping[str, NDArray[np.float32]] | None
    ) -> None:
        """The next object: its hard masks (H, W) bool, and where there are some its soft ones in [0, 1].

        Raises:
            SceneError: a soft mask is not of its view's size, or not in [0, 1].
        """
        soft = soft or {}
        self._any_soft |= len(soft) > 0
        for name, likely in self._maps.items():
            if name in soft:
                np.maximum(likely, _as_bytes(soft[name], name, likely.shape), out=likely)
            else:
                self._hard[name] |= masks[name]

    def packed(self) -> NDArray[np.uint8]:
        """All views' maps joined, row by row, (n,) uint8, 255 for certain; empty where no object was soft,
        since hard masks alone can be gathered at any time."""
        if not self._any_soft:
            return np.zeros(0, dtype=np.uint8)
        joined = [
            np.maximum(likely, np.round(255.0 * softened(self._hard[name])).astype(np.uint8)).ravel()
            for name, likely in self._maps.items()
        ]
        return np.concatenate(joined)


def unpacked(joined: NDArray[np.uint8], shapes: Sequence[tuple[int, int]]) -> list[NDArray[np.float32]]:
    """The reverse of ``SoftUnion.packed``: per view (H, W) float32 in [0, 1]."""
    ends = np.cumsum([height * width for height, width in shapes])
    parts = np.split(np.asarray(joined), ends[:-1])
    return [
        part.reshape(shape).astype(np.float32) / np.float32(255)
        for part, shape in zip(parts, shapes, strict=True)
    ]


def _as_bytes(soft: NDArray[np.float32], view: str, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    # The comparison is false for NaN too.
    if soft.shape != shape or not (soft.min() >= 0.0 and soft.max() <= 1.0):
        raise SceneError(
            f"The segmenter's soft mask of {view} is not a likelihood per pixel: find the objects again, "
            "with another segmenter if it stays so."
        )
    return np.round(255.0 * soft).astype(np.uint8)
