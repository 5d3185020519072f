# SPDX-License-Identifier: GPL-3.0-or-later
"""The simulated artist: where they click, and what they are answered."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from ...progress import silent
from ...prompts import Click, Prompt, one_group
from ...scene.folder import Scene, View
from ..photos.masks import mask_to_photo
from ..segment import SceneSession
from ..segmentation import Masks, Segmenter
from .measures import Mask

Ask = Callable[[Sequence[Prompt], Masks | None], tuple[Masks, bool]]
"""Prompts and the masks before the newest of them -> masks, and whether they came from the mask cache."""


@dataclass(frozen=True)
class Round:
    """One more click, and what came of it.

    Attributes:
        clicks: all clicks so far, in view pixels. Fewer than rounds when there was nothing left to click on.
        masks: the answer, by view.
        cached: whether it is a cached object as it is.
        seconds: wall time of this answer; 0 in a round without a click.
    """

    clicks: tuple[Click, ...]
    masks: Masks
    cached: bool
    seconds: float


def by_session(session: SceneSession) -> Ask:
    """What ships: the scene's mask cache where it is certain, solved where not."""

    def ask(prompts: Sequence[Prompt], previous: Masks | None) -> tuple[Masks, bool]:
        answer = session.preview(one_group(prompts))
        return answer.masks, answer.cached

    return ask


def by_segmenter(segmenter: Segmenter) -> Ask:
    """A segmenter alone, which starts every round from the last."""

    def ask(prompts: Sequence[Prompt], previous: Masks | None) -> tuple[Masks, bool]:
        return segmenter.segment(prompts, previous=previous, progress=silent), False

    return ask


def play(scene: Scene, truth: Mapping[str, Mask], clicked: str, ask: Ask) -> Iterator[Round]:
    """An artist who clicks in one view only, round after round, without end.

    The first click goes to the pixel deepest inside the true mask; each further one to the centre of the
    largest error region in the clicked view, positive or negative. When no error is left, or the centre was
    clicked on before, the last masks stand for the remaining rounds.
    """
    view, true_mask = scene.view(clicked), truth[clicked]
    clicks = [_click(view, *first_click(true_mask), True)]
    masks: Masks | None = None
    while True:
        started = time.perf_counter()
        masks, cached = ask(clicks, masks)
        latest = Round(tuple(clicks), masks, cached, time.perf_counter() - started)
        yield latest
        error = next_click(true_mask, mask_to_photo(view, masks[view.name]))
        addition = None if error is None else _click(view, *error)
        if addition is None or _taken(clicks, addition):
            break
        clicks.append(addition)
    while True:
        yield Round(latest.clicks, latest.masks, latest.cached, 0.0)


def first_click(truth: Mask) -> tuple[float, float]:
    """Photo pixel (x, y) farthest inside a true mask."""
    return _deepest(truth)


def next_click(truth: Mask, found: Mask) -> tuple[float, float, bool] | None:
    """Centre of the largest error region: photo pixel (x, y) and whether the object was missed there.

    None when the masks are equal.
    """
    best: tuple[int, Mask, bool] | None = None
    for error, positive in ((truth & ~found, True), (found & ~truth, False)):
        count, labels, stats, _ = cv2.connectedComponentsWithStats(error.astype(np.uint8), connectivity=8)
        if count < 2:
            continue
        largest = int(stats[1:, cv2.CC_STAT_AREA].argmax()) + 1
        area = int(stats[largest, cv2.CC_STAT_AREA])
        if best is None or area > best[0]:
            best = (area, labels == largest, positive)
    if best is None:
        return None
    return *_deepest(best[1]), best[2]


def _deepest(region: Mask) -> tuple[float, float]:
    """Centre (x, y) of the pixel farthest from the region's edge; the photo's frame counts as edge."""
    padded = np.pad(region.astype(np.uint8), 1)
    distance = cv2.distanceTransform(padded, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[1:-1, 1:-1]
    row, column = np.unravel_index(int(distance.argmax()), distance.shape)
    return float(column) + 0.5, float(row) + 0.5


def _click(view: View, x: float, y: float, positive: bool) -> Click:
    """A click at a photo pixel, moved by a hair where the view ends a fraction of a pixel earlier."""
    pixel = view.warp.to_view(np.array([x, y]))
    inside = np.clip(pixel, 0.5, np.asarray(view.size) - 0.5)
    return Click(view.name, float(inside[0]), float(inside[1]), positive)


def _taken(prompts: Sequence[Click], click: Click) -> bool:
    """Whether a click falls on the pixel of an earlier one, where it could say nothing new."""
    return any(int(p.x) == int(click.x) and int(p.y) == int(click.y) for p in prompts)
