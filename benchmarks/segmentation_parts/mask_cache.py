# SPDX-License-Identifier: GPL-3.0-or-later
"""The mask cache in figures: time to build it, objects it covers, milliseconds per lookup."""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.segmentation_parts.grabcut import GrabCutTransfer
from wildseg3d_blender.pipeline.evaluation import first_click, iou, read_truth
from wildseg3d_blender.pipeline.photos.masks import mask_to_photo
from wildseg3d_blender.pipeline.segmentation.graphcut import GraphCutSegmenter
from wildseg3d_blender.pipeline.segmentation.mask_cache.building import build_mask_cache
from wildseg3d_blender.pipeline.segmentation.mask_cache.cache import FOLDER, MaskCache, read_mask_cache
from wildseg3d_blender.pipeline.segmentation.mask_cache.group_mapping import matching_objects
from wildseg3d_blender.pipeline.segmentation.pixel_prompts import pixel_prompts
from wildseg3d_blender.prompts import Click
from wildseg3d_blender.scene.folder import Scene

LOOKUPS = 100
PLAIN = 10
"""Prompts that are answered the plain way too, which takes a hundred times as long."""


@dataclass(frozen=True)
class Coverage:
    """How well a cache covers one true object: the best mean IoU of any cached one, and of the answer to a
    click in the middle of the object, mean over the views that were not clicked."""

    best: float
    answer: float
    certain: float


class Stages:
    """A progress that adds up wall and CPU seconds by what was being done between two calls."""

    def __init__(self) -> None:
        self.seconds: dict[str, tuple[float, float]] = {}
        self.longest_silence = 0.0
        self._last = ("starting", time.perf_counter(), time.process_time())

    def __call__(self, stage: str, fraction: float, text: str = "") -> None:
        doing, wall, cpu = self._last
        self._last = (self._name(stage, text), time.perf_counter(), time.process_time())
        before = self.seconds.get(doing, (0.0, 0.0))
        self.seconds[doing] = (before[0] + self._last[1] - wall, before[1] + self._last[2] - cpu)
        self.longest_silence = max(self.longest_silence, self._last[1] - wall)

    def _name(self, stage: str, text: str) -> str:
        """The stage, with proposals split into what they say they do."""
        return text.lower() if stage == "proposals" else stage

    def total(self) -> tuple[float, float]:
        """Wall and CPU seconds of all stages."""
        wall, cpu = np.sum(list(self.seconds.values()), axis=0)
        return float(wall), float(cpu)


def print_cache_figures(scene: Scene, segmenter: GraphCutSegmenter, masks: Mapping[str, Path]) -> list[float]:
    """Build the cache of a scene and print what it is worth; returns the best IoU of every true object.

    Args:
        segmenter: of that scene; only asked for its name, since preparing one is part of what is measured.
        masks: object name -> the folder of its true masks.
    """
    stages = Stages()
    build_mask_cache(scene, GraphCutSegmenter(scene, stages), stages)
    stages("done", 1.0)
    cache = read_mask_cache(scene, segmenter.name)
    assert cache is not None
    size = sum(file.stat().st_size for file in (scene.folder / FOLDER).iterdir()) / 1e6
    wall, cpu = stages.total()
    print(
        f"{scene.folder.name}: {len(cache)} objects found in {len(scene.views)} views and cached in "
        f"{wall:.1f} s ({cpu:.1f} s of CPU time), {size:.1f} MB; a cancellation waits "
        f"{stages.longest_silence:.2f} s at most"
    )
    for stage, (stage_wall, stage_cpu) in stages.seconds.items():
        print(f"  {stage.ljust(28)} {stage_wall:6.2f} s, CPU {stage_cpu:6.2f} s")
    _print_lookups(scene, cache)
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


def _print_lookups(scene: Scene, cache: MaskCache) -> None:
    clicks = answered_clicks(scene, cache)
    if not clicks:
        print("  no click on this scene has a cached answer")
        return
    wall, cpu = zip(*(_lookup(scene, cache, click) for click in clicks), strict=True)
    plain = GrabCutTransfer(scene)
    started = time.perf_counter()
    for click in clicks[:PLAIN]:
        plain([click], None)
    plain_wall = (time.perf_counter() - started) / len(clicks[:PLAIN])
    print(
        f"  {len(clicks)} prompts to masks and points: median {1e3 * statistics.median(wall):.1f} ms, "
        f"slowest {1e3 * max(wall):.1f} ms "
        f"(CPU {1e3 * statistics.median(cpu):.1f} and {1e3 * max(cpu):.1f} ms); "
        f"the plain way, GrabCut carried over by 3D: {1e3 * plain_wall:.0f} ms "
        f"(CPU {1e3 * statistics.median(plain.seconds):.0f} ms, median of {len(plain.seconds)})",
        flush=True,
    )


def answered_clicks(scene: Scene, cache: MaskCache) -> list[Click]:
    """Up to ``LOOKUPS`` clicks at random places that have a cached answer."""
    rng = np.random.default_rng(0)
    clicks: list[Click] = []
    for _ in range(20 * LOOKUPS):
        view = scene.views[int(rng.integers(len(scene.views)))]
        x, y = rng.random(2) * view.size
        click = Click(view.name, float(x), float(y))
        if matching_objects(cache, pixel_prompts(scene, [click])).items:
            clicks.append(click)
        if len(clicks) == LOOKUPS:
            break
    return clicks


def lookup_seconds(scene: Scene, cache: MaskCache) -> list[float]:
    """CPU seconds from a prompt to masks in all views and its points, for prompts at random places."""
    return [_lookup(scene, cache, click)[1] for click in answered_clicks(scene, cache)]


def _lookup(scene: Scene, cache: MaskCache, click: Click) -> tuple[float, float]:
    """Wall and CPU seconds from a prompt to masks in all views and its points' flat indices."""
    wall, cpu = time.perf_counter(), time.process_time()
    item = matching_objects(cache, pixel_prompts(scene, [click])).items[0]
    masks, points = cache.masks_of(item), cache.points_of(item)
    indices = {name: np.flatnonzero(mask) for name, mask in points.items()}
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    assert len(masks) == len(indices) == len(scene.views)
    return wall, cpu


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
