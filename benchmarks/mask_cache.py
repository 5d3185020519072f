# SPDX-License-Identifier: GPL-3.0-or-later
"""The mask cache in figures: time to build it, objects it covers, milliseconds per lookup."""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from wildseg3d_blender.pipeline.evaluation import first_click, iou, mask_to_photo, read_truth
from wildseg3d_blender.pipeline.segmentation.build_cache import build_mask_cache
from wildseg3d_blender.pipeline.segmentation.graphcut import GraphCutSegmenter
from wildseg3d_blender.pipeline.segmentation.group_mapping import matching_objects
from wildseg3d_blender.pipeline.segmentation.mask_cache import FOLDER, MaskCache, read_mask_cache
from wildseg3d_blender.pipeline.segmentation.pixel_prompts import pixel_prompts
from wildseg3d_blender.progress import silent
from wildseg3d_blender.prompts import Click
from wildseg3d_blender.scene_folder import Scene

LOOKUPS = 100


@dataclass(frozen=True)
class Coverage:
    """How well a cache covers one true object: the best mean IoU of any cached one, and of the answer to a
    click in the middle of the object, mean over the views that were not clicked."""

    best: float
    answer: float
    certain: float


def print_cache_figures(scene: Scene, segmenter: GraphCutSegmenter, masks: Mapping[str, Path]) -> list[float]:
    """Build the cache of a scene and print what it is worth; returns the best IoU of every true object.

    Args:
        masks: object name -> the folder of its true masks.
    """
    wall, cpu = time.perf_counter(), time.process_time()
    build_mask_cache(scene, segmenter, silent)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    cache = read_mask_cache(scene, segmenter.name)
    assert cache is not None
    size = sum(file.stat().st_size for file in (scene.folder / FOLDER).iterdir()) / 1e6
    lookups = lookup_seconds(scene, cache)
    print(
        f"{scene.folder.name}: {len(cache)} objects cached in {wall:.1f} s ({cpu:.1f} s of CPU time), "
        f"{size:.1f} MB; prompt to masks and points in {1e3 * statistics.median(lookups):.1f} ms CPU, "
        f"median of {len(lookups)} (slowest {1e3 * max(lookups):.0f} ms)"
    )
    found = []
    for name, folder in masks.items():
        covered = coverage(scene, cache, folder)
        found.append(covered.best)
        print(
            f"  {name.ljust(10)} best cached {covered.best:.2f}, answer to one click {covered.answer:.2f}, "
            f"certain in {100 * covered.certain:.0f} % of the views",
            flush=True,
        )
    return found


def lookup_seconds(scene: Scene, cache: MaskCache) -> list[float]:
    """CPU seconds from a prompt to masks in all views and the points' flat indices, on any object."""
    rng = np.random.default_rng(0)
    seconds: list[float] = []
    while len(seconds) < LOOKUPS and len(cache):
        view = scene.views[int(rng.integers(len(scene.views)))]
        x, y = rng.random(2) * view.size
        started = time.process_time()
        answers = matching_objects(cache, pixel_prompts(scene, [Click(view.name, float(x), float(y))]))
        if answers.items:
            masks, points = cache.masks_of(answers.items[0]), cache.points_of(answers.items[0])
            indices = {name: np.flatnonzero(mask) for name, mask in points.items()}
            seconds.append(time.process_time() - started)
            assert len(masks) == len(indices) == len(scene.views)
    return seconds


def coverage(scene: Scene, cache: MaskCache, folder: Path) -> Coverage:
    """What a cache knows of the object whose true masks lie in ``folder``, in photo pixels."""
    truth = {name: mask for name, mask in read_truth(scene, folder).items() if mask.any()}
    scores: dict[int, dict[str, float]] = {}

    def by_view(item: int) -> dict[str, float]:
        if item not in scores:
            found = cache.masks_of(item)
            scores[item] = {
                name: iou(mask_to_photo(scene.view(name), found[name]), mask) for name, mask in truth.items()
            }
        return scores[item]

    answers, certain = [], []
    candidates: set[int] = set()
    for name, mask in truth.items():
        x, y = scene.view(name).warp.to_view(np.array(first_click(mask)))
        found = matching_objects(cache, pixel_prompts(scene, [Click(name, float(x), float(y))]))
        candidates.update(found.items)
        certain.append(found.certain)
        others = [by_view(found.items[0])[other] for other in truth if other != name] if found.items else []
        answers.append(float(np.mean(others)) if others else 0.0)
    best = max((float(np.mean(list(by_view(item).values()))) for item in candidates), default=0.0)
    return Coverage(best, float(np.mean(answers)), float(np.mean(certain)))
