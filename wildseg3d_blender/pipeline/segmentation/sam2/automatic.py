# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything in one image: masks around a grid of points, the good and different ones of them.

As SAM 2's automatic generator, on features that are there already. It differs in two ways: stability is
measured on the network's own mask grid rather than at full size, which is what made the original slow on a
CPU; and masks count as the same by their overlap, not by that of their bounding boxes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from ....progress import Progress

if TYPE_CHECKING:
    from .network import Features, Sam2Network

Floats = NDArray[np.float32]

COARSE = 64
"""Sides of the grid on which masks are compared."""


@dataclass(frozen=True)
class Search:
    """How thoroughly to look.

    Attributes:
        points: along each side of the image.
        quality: least IoU that the network expects of a mask.
        stability: least IoU between the masks cut at logits 1 above and 1 below.
        same: IoU from which two masks are one.
        smallest: least share of the image.
        at_once: points decoded together.
        tracked: carry what is found into other views by the network's memory; else by geometry, a decoding or
            two each, with memory only for what has none.
    """

    points: int = 32
    quality: float = 0.8
    stability: float = 0.95
    same: float = 0.7
    smallest: float = 0.0005
    at_once: int = 64
    tracked: bool = True


@dataclass(frozen=True)
class Found:
    """A mask on the network's grid, (h, w) float32 logits, and how good it looks in [0, 1]."""

    logits: Floats
    score: float


def automatic_masks(
    network: Sam2Network, features: Features, search: Search, progress: Progress
) -> list[Found]:
    """What there is in an image, best first. Stage 'proposals'."""
    from ...networks import torch_runtime

    places = (np.arange(search.points, dtype=np.float32) + 0.5) / search.points
    grid = np.stack(np.meshgrid(places, places), axis=-1).reshape(-1, 1, 2)
    found: list[Found] = []

    def decode(points: Sequence[NDArray[np.float32]]) -> list[list[Found]]:
        decoded = network.decode(
            features, np.stack(points), np.ones((len(points), 1), np.int32), several=True
        )
        return [_good(*one, search) for one in zip(decoded.logits, decoded.quality, strict=True)]

    for start, batch in torch_runtime.batches(list(grid), decode, search.at_once, "point of the search"):
        found = different([*found, *(one for per_point in batch for one in per_point)], search.same)
        progress("proposals", (start + len(batch)) / len(grid), "Looking for objects")
    return found


def stability(logits: Floats) -> NDArray[np.float64]:
    """IoU between the masks (..., h, w) cut at 1 and at -1; both are nested, so their areas' quotient."""
    inner, outer = ((logits > cut).sum((-2, -1)) for cut in (1.0, -1.0))
    return inner / np.maximum(outer, 1)


def different(found: Sequence[Found], same: float) -> list[Found]:
    """The masks without those that are nearly a better one, best first."""
    ordered = sorted(found, key=lambda one: -one.score)
    small = np.array([_coarse(one.logits) for one in ordered], np.float32).reshape(-1, COARSE**2)
    common = small @ small.T
    area = np.diagonal(common)
    iou = common / np.maximum(area[:, None] + area[None, :] - common, 1.0)
    kept: list[int] = []
    for k in range(len(ordered)):
        if not kept or iou[k, kept].max() < same:
            kept.append(k)
    return [ordered[k] for k in kept]


def _good(logits: Floats, quality: Floats, search: Search) -> list[Found]:
    steady = stability(logits)
    area = (logits > 0).mean((-2, -1))
    good = (quality > search.quality) & (steady >= search.stability) & (area > search.smallest)
    return [Found(logits[k], float(quality[k] * steady[k])) for k in np.flatnonzero(good)]


def _coarse(logits: Floats) -> NDArray[np.bool_]:
    mask = (logits > 0).astype(np.float32)
    small = cv2.resize(mask, (COARSE, COARSE), interpolation=cv2.INTER_AREA).ravel()
    # A mask too small for this grid must still be like itself.
    return small > min(0.5, 0.5 * float(small.max()))
