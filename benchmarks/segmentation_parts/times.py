# SPDX-License-Identifier: GPL-3.0-or-later
"""How long the segmenter's answers take, in CPU seconds of all threads."""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from wildseg3d_blender.pipeline.evaluation import by_segmenter, play, read_truth, truth_box
from wildseg3d_blender.pipeline.segmentation import Masks, Segmenter
from wildseg3d_blender.progress import silent
from wildseg3d_blender.prompts import Prompt
from wildseg3d_blender.scene.folder import Scene


def answer_times(
    scene: Scene, segmenter: Segmenter, objects: Mapping[str, Path], clicked: str, repeats: int
) -> dict[str, Any]:
    """Median and slowest CPU seconds of a first click, of the correction after it and of a box.

    The same answer is asked ``repeats`` times on every object and its fastest counts: what else the machine
    does must not. The median is over the objects.
    """
    seconds: dict[str, list[float]] = {"first click": [], "correction": [], "box": []}
    for masks in objects.values():
        truth = {name: mask for name, mask in read_truth(scene, masks).items() if mask.any()}
        view = clicked if clicked in truth else next(iter(truth))
        rounds = play(scene, truth, view, by_segmenter(segmenter))
        first, second = next(rounds), next(rounds)
        box = truth_box(scene.view(view), truth[view])
        asked: dict[str, tuple[Sequence[Prompt], Masks | None]] = {
            "first click": (first.clicks, None),
            "correction": (second.clicks, first.masks),
            "box": ([box], None),
        }
        for name, (prompts, previous) in asked.items():
            seconds[name].append(min(_cpu(segmenter, prompts, previous, repeats)))
    return {name: {"median": statistics.median(of), "slowest": max(of)} for name, of in seconds.items()}


def _cpu(
    segmenter: Segmenter, prompts: Sequence[Prompt], previous: Masks | None, repeats: int
) -> list[float]:
    taken = []
    for _ in range(repeats):
        started = time.process_time()
        segmenter.segment(prompts, previous=previous, progress=silent)
        taken.append(time.process_time() - started)
    return taken
