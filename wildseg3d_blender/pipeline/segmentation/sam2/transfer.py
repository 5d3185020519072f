# SPDX-License-Identifier: GPL-3.0-or-later
"""What the masks of some views say about another one, by 3D: where the object is, and where it is not.

This is Multi-view Group Mapping's vote, taken before the network is asked, to prompt it, and again after, to
take from its answer what other views have as something else: a look-alike stands elsewhere in space.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from .grids import SURE
from .surfaces import Surfaces

Bools = NDArray[np.bool_]
Floats = NDArray[np.float32]

SPREAD = 2.0
"""Projected points are this many pixels apart at most where surfaces are seen from nearer."""

FEWEST = 12
"""Projected pixels from which a view is said to show the object."""

MOST_CLICKS = 3
"""Positive clicks put into a view, and as many negative ones."""

MISTAKE = 0.02
"""A region of the object's size times this in which answer and votes contradict is worth another click."""


@dataclass(frozen=True)
class Votes:
    """Per pixel of a view (H, W) float32: how many projected pixels say inside, and how many outside."""

    inside: Floats
    outside: Floats

    @property
    def shows_object(self) -> bool:
        """Whether enough of the object is seen."""
        return int((self.inside > self.outside).sum()) >= FEWEST

    def lean(self) -> Floats:
        """-1 outside to 1 inside, 0 where nothing is said; spread to the pixels next to those hit."""
        blurred = [cv2.GaussianBlur(votes, (0, 0), SPREAD) for votes in (self.inside, self.outside)]
        total = blurred[0] + blurred[1]
        said = total > 0.02
        return np.where(said, (blurred[0] - blurred[1]) / np.where(said, total, 1.0), 0.0).astype(np.float32)


def votes_on(surfaces: Surfaces, masks: Mapping[int, Bools], view: int, shape: tuple[int, ...]) -> Votes:
    """What the masks (H, W) of other views, by number, say about the pixels of ``view``."""
    pixels = shape[0] * shape[1]
    inside, outside = np.zeros(pixels, np.float32), np.zeros(pixels, np.float32)
    for other, mask in masks.items():
        if other == view:
            continue
        source, target = surfaces.pairs(other, view)
        within = mask.ravel()[source]
        inside += np.bincount(target[within], minlength=pixels)
        outside += np.bincount(target[~within], minlength=pixels)
    return Votes(inside.reshape(shape), outside.reshape(shape))


def guess(lean: Floats, prior: Floats | None = None) -> Floats:
    """Logits (H, W) to prompt a network with; ``prior`` ones where the votes say nothing, else outside."""
    unsaid = np.full_like(lean, -SURE) if prior is None else prior
    return np.where(lean == 0.0, unsaid, SURE * lean).astype(np.float32)


def clicks_for(lean: Floats) -> tuple[Floats, NDArray[np.int32]]:
    """Clicks well inside what the votes say is the object: points (p, 2) in view pixels, labels (p,) of 1."""
    left = lean > 0.5
    points = []
    for _ in range(MOST_CLICKS):
        spot = deepest(left)
        if spot is None:
            break
        points.append(spot[0])
        cv2_point = (int(spot[0][0]), int(spot[0][1]))
        taken = cv2.circle(np.zeros(left.shape, np.uint8), cv2_point, max(int(2 * spot[1]), 2), 1, -1)
        left = left & (taken == 0)
    return np.array(points, np.float32).reshape(-1, 2), np.ones(len(points), np.int32)


def contradictions(mask: Bools, lean: Floats, object_area: int) -> tuple[Floats, NDArray[np.int32]]:
    """Clicks where an answer contradicts the votes: the middle of what it lacks, and of what it has too much.

    Returns:
        Points (p, 2) in view pixels and labels (p,), at most two; none where both agree.
    """
    points, labels = [], []
    for region, label in (((lean > 0.5) & ~mask, 1), ((lean < -0.5) & mask, 0)):
        spot = deepest(_largest(region))
        if spot is not None and int(_largest(region).sum()) > max(MISTAKE * object_area, FEWEST):
            points.append(spot[0])
            labels.append(label)
    return np.array(points, np.float32).reshape(-1, 2), np.array(labels, np.int32)


def agreement(mask: Bools, lean: Floats) -> float:
    """Intersection over union of an answer with the votes, over pixels that have a vote; 1 without any."""
    said = np.abs(lean) > 0.5
    has, should = mask & said, (lean > 0.5)
    either = int((has | should).sum())
    return 1.0 if either == 0 else int((has & should).sum()) / either


def outvoted(mask: Bools, lean: Floats, keep: Bools | None = None) -> Bools:
    """Pixels of the connected parts of ``mask`` that other views mostly have as something else.

    Args:
        keep: pixels (H, W) whose parts stay: the artist clicked there.
    """
    count, parts = cv2.connectedComponents(mask.astype(np.uint8), connectivity=4)
    labels = parts.ravel()
    against = np.bincount(labels, (lean < -0.5).ravel(), count)
    in_favour = np.bincount(labels, (lean > 0.5).ravel(), count)
    bad = (against >= FEWEST) & (against > in_favour)
    bad[0] = False
    if keep is not None:
        bad[np.unique(parts[keep & mask])] = False
    return bad[parts]


def deepest(region: Bools) -> tuple[tuple[float, float], float] | None:
    """The pixel (x, y) of a region farthest from its edge, and how far; None for an empty region."""
    if not region.any():
        return None
    distance = cv2.distanceTransform(np.pad(region.astype(np.uint8), 1), cv2.DIST_L2, 3)[1:-1, 1:-1]
    row, column = np.unravel_index(int(distance.argmax()), distance.shape)
    return (float(column) + 0.5, float(row) + 0.5), float(distance[row, column])


def _largest(region: Bools) -> Bools:
    count, parts, stats, _ = cv2.connectedComponentsWithStats(region.astype(np.uint8), connectivity=4)
    if count < 2:
        return region
    return parts == 1 + int(stats[1:, cv2.CC_STAT_AREA].argmax())
