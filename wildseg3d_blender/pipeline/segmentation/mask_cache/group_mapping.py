# SPDX-License-Identifier: GPL-3.0-or-later
"""Multi-view Group Mapping: prompts in any views -> the cached object they mean. Nothing is solved."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ..pixel_prompts import PixelBox, PixelClick, PixelPrompts
from ..usual_size import unusual_size
from .cache import CLEARLY_LARGER, CONTAINED, MaskCache

CENTRE_WEIGHT = 0.6
"""People click the middle of what they mean: worth of a click in the very middle of a mask."""

SPREAD = 0.1
"""An answer worth this much less than another is e times less likely to be what was meant."""

CERTAIN = 0.9
"""Agreement from which the best answer is taken without solving.

Mean IoU in the views not clicked of first clicks in three views each, on three rendered scenes and two sets
of photos (table, garden, shelf, kermit, apple; 75 clicks): always solving .938, .843, .407, .808, .975; the
cached answer where the good ones agree this much, 27 % of the clicks, and else the solved one .938, .839,
.414, .808, .975. From 0.85 on, 40 % of the clicks, it were .932, .838, .414, .808, .975, from 0.8 on, 55 %,
.934, .830, .414, .808, .888. So what is taken from the cache is nearly as good as what would be solved.
"""

SIZE_WEIGHT = 0.1
"""What a size one nat less likely than the usual one takes off, beyond what the scores take off for it."""

BOX_FIT = 0.6
"""Intersection over union that an object's bounding box must reach with a drawn one."""

CERTAIN_IN_BOX, SURE_FIT = 0.95, 0.8
"""Agreement, and intersection over union of bounding boxes, from which a box is answered without solving.

People draw boxes closely, and solving makes more of them than of clicks. Of 78 boxes around things in five
rendered scenes 24 % are answered from the cache then, and answers, cached or else solved, have a mean IoU of
.635, as much as all solved; 54 % and .624 by agreement above 0.9 alone. On the five others it is 18 % and
.831, all solved .824, and 44 % and .829.
"""

BOX_WEIGHT = 1.0

LARGEST_DISTANCE_MAP = 96
"""Longer side to which a mask is reduced to find out how central a click is: sizes beyond say no more."""


@dataclass(frozen=True)
class Answers:
    """The cached objects that satisfy some prompts.

    Attributes:
        items: best first.
        agreement: in [0, 1], the intersection over union to be expected of the best one; 0 without any.
            What the later clicks ruled out counts as 0, as likely as it was before them.
        certain: whether the best one can be taken as it is, without solving.
    """

    items: tuple[int, ...]
    agreement: float
    certain: bool


def matching_objects(cache: MaskCache, prompts: PixelPrompts) -> Answers:
    """The cached objects that hold every positive click, no negative one, and fill every box; best first.

    What an object is worth: how good it looks by itself, and how central the first positive click is in it,
    or how well it fills the boxes. Any of them may be the one that is meant, the more likely the more it is
    worth. The best answer is the one that is most like what is meant on average, in intersection over union:
    one among several good ones that hardly differ comes before a single one that looks a little better.

    What only later clicks rule out stays among the likely ones for the agreement: a click that corrects the
    likeliest objects says that what is meant is like them but for a part, and hardly that it is one of those
    few that remain.
    """
    first = next((click for click in prompts.clicks if click.positive), None)
    meant = fitting_objects(cache, PixelPrompts(() if first is None else (first,), prompts.boxes))
    found = fitting_objects(cache, prompts)
    if len(found) == 0:
        return Answers((), 0.0, certain=False)
    worth = cache.scores.astype(np.float64)
    fits = [_box_fit(cache, box) for box in prompts.boxes]
    for fit in fits:
        worth += BOX_WEIGHT * fit
    if first is not None:
        worth[meant] += CENTRE_WEIGHT * np.array([_centredness(cache, int(item), first) for item in meant])
    pixels = sum(height * width for height, width in cache.masks.shapes)
    worth -= SIZE_WEIGHT * unusual_size(np.maximum(cache.area, 1.0) / pixels)
    likely = np.exp((worth[meant] - worth[meant].max()) / SPREAD)
    expected = cache.iou_of(found) @ (likely[np.isin(meant, found)] / likely.sum())
    order = np.argsort(-expected, kind="stable")
    best, agreement = int(found[order[0]]), float(expected[order[0]])
    certain = agreement > (CERTAIN_IN_BOX if fits else CERTAIN) and all(fit[best] > SURE_FIT for fit in fits)
    return Answers(tuple(int(item) for item in found[order]), agreement, certain)


def fitting_objects(cache: MaskCache, prompts: PixelPrompts) -> NDArray[np.int64]:
    """The cached objects that hold every positive click, no negative one, and fill every box, in no order."""
    fits = np.ones(len(cache), dtype=bool)
    for box in prompts.boxes:
        fits &= _box_fit(cache, box) > BOX_FIT
    for click in prompts.clicks:
        fits &= _holding(cache, click) == click.positive
    return np.flatnonzero(fits)


def _holding(cache: MaskCache, click: PixelClick) -> NDArray[np.bool_]:
    """Which objects have the pixel of a click, (k,)."""
    return cache.masks.holding(click.view, click.row, click.column)


def next_size(cache: MaskCache, prompts: PixelPrompts, item: int, *, larger: bool) -> int | None:
    """The next larger (or smaller) object that satisfies the prompts too and holds ``item`` (or is in it)."""
    area = cache.area
    others = fitting_objects(cache, prompts)
    others = others[others != item]
    inner, outer = (item, others) if larger else (others, item)
    nested = (cache.overlap[inner, outer] >= CONTAINED * area[inner]) & (
        area[outer] >= CLEARLY_LARGER * area[inner]
    )
    others = others[nested]
    if len(others) == 0:
        return None
    return int(others[area[others].argmin() if larger else area[others].argmax()])


def _box_fit(cache: MaskCache, box: PixelBox) -> NDArray[np.float64]:
    """Intersection over union of every object's bounding box with a drawn one, (k,)."""
    return box.overlap(*cache.masks.boxes[:, box.view].T.astype(np.float64))


def _centredness(cache: MaskCache, item: int, click: PixelClick) -> float:
    """How central a click is in an object's mask, in [0, 1]: its distance from the edge over the largest."""
    (rows, columns), inside = cache.masks.cut(item, click.view)
    step = -(-max(inside.shape) // LARGEST_DISTANCE_MAP)
    row, column = (click.row - rows.start) // step, (click.column - columns.start) // step
    padded = np.pad(inside[::step, ::step].view(np.uint8), 1)
    distance = step * float(cv2.distanceTransform(padded, cv2.DIST_L2, 3)[row + 1, column + 1])
    return min(distance / max(float(cache.radius[item, click.view]), 1.0), 1.0)
