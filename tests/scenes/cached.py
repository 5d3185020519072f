# SPDX-License-Identifier: GPL-3.0-or-later
"""The ray-cast scene with its objects found, and proposers that say what a test wants to have found."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
from numpy.typing import NDArray

from tests.scenes.ball_and_box import BALL, SIZE, Truth
from wildseg3d_blender.pipeline.evaluation import iou
from wildseg3d_blender.pipeline.segmentation.mask_cache.cache import MaskCache, read_mask_cache
from wildseg3d_blender.pipeline.segmentation.mask_cache.group_mapping import matching_objects
from wildseg3d_blender.pipeline.segmentation.pixel_prompts import pixel_prompts
from wildseg3d_blender.pipeline.segmentation.proposals import Proposal
from wildseg3d_blender.progress import Progress
from wildseg3d_blender.prompts import Prompt
from wildseg3d_blender.scene.folder import Scene

Made = tuple[Scene, dict[str, Truth]]


def cache_of(scene: Scene) -> MaskCache:
    cache = read_mask_cache(scene, "graphcut")
    assert cache is not None
    return cache


def middle(truth: Truth, thing: int) -> tuple[float, float]:
    rows, columns = np.nonzero(truth.shows == thing)
    return float(np.median(columns)) + 0.5, float(np.median(rows)) + 0.5


def mean_iou(masks: dict[str, NDArray[np.bool_]], truths: dict[str, Truth], thing: int) -> float:
    return float(np.mean([iou(masks[name], truth.shows == thing) for name, truth in truths.items()]))


def answers(cache: MaskCache, scene: Scene, *prompts: Prompt) -> tuple[int, ...]:
    return matching_objects(cache, pixel_prompts(scene, prompts)).items


class Known:
    """Proposes the ball, as it is and a little smaller, and far behind these the ball with the box."""

    name = "graphcut"

    def __init__(self, truths: dict[str, Truth]) -> None:
        self._shows = {name: truth.shows for name, truth in truths.items()}

    def proposals(self, progress: Progress) -> Iterator[Proposal]:
        ball = {name: shows == BALL for name, shows in self._shows.items()}
        smaller = {
            name: cv2.erode(mask.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
            for name, mask in ball.items()
        }
        yield Proposal(ball, 0.9)
        yield Proposal(smaller, 0.85)
        yield Proposal({name: shows > 0 for name, shows in self._shows.items()}, 0.1)


class InOneView:
    """Proposes what v2 shows of the ball, and nothing in the other views."""

    name = "graphcut"

    def __init__(self, truths: dict[str, Truth]) -> None:
        self._masks = {
            name: (truth.shows == BALL) if name == "v2" else np.zeros(SIZE[::-1], dtype=bool)
            for name, truth in truths.items()
        }

    def proposals(self, progress: Progress) -> Iterator[Proposal]:
        yield Proposal(self._masks, 1.0)
