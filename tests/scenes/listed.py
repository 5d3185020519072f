# SPDX-License-Identifier: GPL-3.0-or-later
"""The ray-cast scene with a mask cache of known objects, so that a test knows what prompts mean."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from tests.scenes.ball_and_box import BALL, BOX, Truth, write_object_scene
from wildseg3d_blender.pipeline.segmentation.mask_cache.building import build_mask_cache
from wildseg3d_blender.pipeline.segmentation.proposals import Proposal
from wildseg3d_blender.progress import Progress
from wildseg3d_blender.prompts import Click
from wildseg3d_blender.scene.folder import Scene, read_scene

Masks = dict[str, NDArray[np.bool_]]
Made = tuple[Scene, dict[str, Truth]]


class Listed:
    """Proposes what it was given, best first; ``asked`` counts how often it was asked."""

    name = "graphcut"

    def __init__(self, objects: Sequence[Masks], scores: Sequence[float]) -> None:
        self._objects, self._scores = objects, scores
        self.asked = 0

    def proposals(self, progress: Progress) -> Iterator[Proposal]:
        self.asked += 1
        progress("proposals", 0.0, "Finding objects")
        for number, (masks, score) in enumerate(zip(self._objects, self._scores, strict=True)):
            progress("proposals", number / len(self._objects), "Sharpening outlines")
            yield Proposal(masks, score)


def shown(truths: dict[str, Truth], *things: int) -> Masks:
    """Where the views show one of ``things``."""
    return {name: np.isin(truth.shows, things) for name, truth in truths.items()}


def core(truths: dict[str, Truth], thing: int) -> Masks:
    """The inner part of a thing: less than three quarters of its pixels."""
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (15, 15))
    whole = shown(truths, thing)
    return {name: cv2.erode(mask.astype(np.uint8), kernel) > 0 for name, mask in whole.items()}


def known_objects(truths: dict[str, Truth]) -> Listed:
    """Ball and box, the ball's inner part, and both together; the ball and the box are the best by far."""
    both = shown(truths, BALL, BOX)
    objects = [shown(truths, BALL), shown(truths, BOX), core(truths, BALL), both]
    return Listed(objects, [1.0, 1.0, 0.1, 0.05])


def write_listed_scene(folder: Path) -> Made:
    """The scene of ``ball_and_box`` with ``known_objects`` in its cache."""
    scene, truths = write_object_scene(folder)
    build_mask_cache(scene, known_objects(truths))
    return scene, truths


def copied(made: Made, folder: Path) -> Made:
    """The scene and its cache a second time, in ``folder``, for a test to write into."""
    shutil.copytree(made[0].folder, folder)
    return read_scene(folder), made[1]


def middle_click(truths: dict[str, Truth], thing: int, view: str = "v2", *, positive: bool = True) -> Click:
    """A click in the middle of a thing."""
    rows, columns = np.nonzero(truths[view].shows == thing)
    return Click(view, float(np.median(columns)) + 0.5, float(np.median(rows)) + 0.5, positive)


def same(masks: Masks, others: Masks) -> bool:
    """Whether masks are the same in every view."""
    return masks.keys() == others.keys() and all(np.array_equal(masks[name], others[name]) for name in masks)
