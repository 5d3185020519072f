# SPDX-License-Identifier: GPL-3.0-or-later
"""A page of pictures per scene: the stored masks, then three rounds of refinement in three views each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from wildseg3d_blender.pipeline.evaluation import (
    Ask,
    Mask,
    first_click,
    iou,
    next_click,
    read_truth,
)
from wildseg3d_blender.pipeline.photos.masks import mask_to_photo
from wildseg3d_blender.pipeline.segmentation import Masks
from wildseg3d_blender.pipeline.segmentation.mask_cache.cache import MaskCache
from wildseg3d_blender.prompts import Click
from wildseg3d_blender.scene.folder import Scene, View

from .tiles import TINT, Colour, Picture, tinted

ROUNDS, SHOWN = 3, 3
WIDTH, GAP, HEAD = 620, 10, 40
BACKGROUND, INK = (24, 26, 31), (235, 237, 240)

SHARED = 0.1
"""An object is shown beside others when it shares at most this much of itself with them."""


@dataclass(frozen=True)
class PageRound:
    """A round of the page's artist, who clicks in any of the views shown."""

    clicks: tuple[Click, ...]
    masks: Masks
    cached: bool


def write_page(
    scene: Scene, cache: MaskCache, objects: Mapping[str, Path], clicked: str, ask: Ask, file: Path
) -> str:
    """Write the page of a scene as a PNG; returns the name of the object that is refined.

    It is the one whose mask is worst after the first click: of the others there would be little to show.

    Args:
        objects: name -> folder of true masks.
        clicked: the view of the first click.
        ask: what answers prompts.
    """
    truths = {
        name: {view: mask for view, mask in read_truth(scene, folder).items() if mask.any()}
        for name, folder in objects.items()
    }
    views = _views_to_show(scene, truths, clicked)
    starts = {name: _refined(scene, truth, views, ask, 1) for name, truth in truths.items()}
    worst = min(truths, key=lambda name: _mean_iou(scene, starts[name][-1].masks, truths[name]))
    rounds = _refined(scene, truths[worst], views, ask, ROUNDS)
    rows = [("stored masks, best first, those that do not overlap", _stored(scene, cache, views))]
    for number, played in enumerate(rounds, start=1):
        tiles = [tinted(scene, view, [(played.masks[view.name], TINT)], played.clicks) for view in views]
        score = _mean_iou(scene, played.masks, truths[worst])
        source = "from the mask cache" if played.cached else "solved"
        given = f"{len(played.clicks)} prompt{'s' * (len(played.clicks) > 1)}"
        words = f"{worst}, round {number}: {given}, {source}, mean IoU {score:.3f}"
        rows.append((words, tiles))
    _page(scene.folder.name, rows, [view.name for view in views]).save(file)
    return worst


def distinct_objects(cache: MaskCache) -> list[int]:
    """Cached objects, best first, each sharing at most ``SHARED`` of itself with those taken before."""
    taken: list[int] = []
    for item in range(len(cache)):
        if cache.area[item] > 0 and cache.overlap[item, taken].sum() <= SHARED * cache.area[item]:
            taken.append(item)
    return taken


def palette(count: int) -> list[Colour]:
    """Colours that differ, also from one to the next."""
    hues = (np.arange(count) * 0.381966 * 180) % 180
    values = np.stack([hues, np.full(count, 210), np.where(np.arange(count) % 2, 255, 205)], axis=-1)
    rgb = cv2.cvtColor(values.astype(np.uint8)[None], cv2.COLOR_HSV2RGB)[0] if count else values
    return [(int(r), int(g), int(b)) for r, g, b in rgb]


def _stored(scene: Scene, cache: MaskCache, views: Sequence[View]) -> list[Picture]:
    items = distinct_objects(cache)
    colours = palette(len(items))
    masks = [cache.masks_of(item) for item in items]
    # The smallest last, so that none is covered whole.
    order = sorted(range(len(items)), key=lambda k: -float(cache.area[items[k]]))
    return [tinted(scene, view, [(masks[k][view.name], colours[k]) for k in order], ()) for view in views]


def _views_to_show(scene: Scene, truths: Mapping[str, Mapping[str, Mask]], clicked: str) -> list[View]:
    """The clicked view, and of those where most objects have truth, the first and the last of the others."""
    count = {view.name: sum(view.name in truth for truth in truths.values()) for view in scene.views}
    best = [view for view in scene.views if count[view.name] == max(count.values()) and view.name != clicked]
    others = best if len(best) >= SHOWN - 1 else [view for view in scene.views if view.name != clicked]
    ends = [others[0], others[-1]] if len(others) > 1 else others
    return [scene.view(clicked), *ends]


def _refined(
    scene: Scene, truth: Mapping[str, Mask], views: Sequence[View], ask: Ask, rounds: int
) -> list[PageRound]:
    """An artist who looks at the views shown and clicks where the largest error is, in any of them."""
    seen = [view for view in views if view.name in truth]
    first = seen[0] if seen else scene.view(next(iter(truth)))
    clicks = [_click(first, *first_click(truth[first.name]), True)]
    played: list[PageRound] = []
    while len(played) < rounds:
        masks, cached = ask(clicks, played[-1].masks if played else None)
        played.append(PageRound(tuple(clicks), masks, cached))
        addition = _largest_error(seen, truth, masks)
        if addition is None:
            break
        clicks.append(addition)
    return played


def _largest_error(views: Sequence[View], truth: Mapping[str, Mask], masks: Masks) -> Click | None:
    """A click where, of all views, the largest share of a photo is wrong in one piece."""
    best: tuple[float, Click] | None = None
    for view in views:
        found = mask_to_photo(view, masks[view.name])
        error = next_click(truth[view.name], found)
        if error is None:
            continue
        wrong = truth[view.name] & ~found if error[2] else found & ~truth[view.name]
        _, labels = cv2.connectedComponents(wrong.astype(np.uint8), connectivity=8)
        share = float((labels == labels[int(error[1]), int(error[0])]).mean())
        if best is None or share > best[0]:
            best = (share, _click(view, *error))
    return None if best is None else best[1]


def _click(view: View, x: float, y: float, positive: bool) -> Click:
    pixel = np.clip(view.warp.to_view(np.array([x, y])), 0.5, np.asarray(view.size) - 0.5)
    return Click(view.name, float(pixel[0]), float(pixel[1]), positive)


def _mean_iou(scene: Scene, masks: Masks, truth: Mapping[str, Mask]) -> float:
    return float(
        np.mean([iou(mask_to_photo(scene.view(name), masks[name]), mask) for name, mask in truth.items()])
    )


def _page(title: str, rows: Sequence[tuple[str, Sequence[Picture]]], names: Sequence[str]) -> Image.Image:
    columns = len(names)
    heights = [max(round(tile.shape[0] * WIDTH / tile.shape[1]) for tile in tiles) for _, tiles in rows]
    size = (columns * (WIDTH + GAP) + GAP, 2 * HEAD + sum(height + HEAD + GAP for height in heights))
    page = Image.new("RGB", size, BACKGROUND)
    draw = ImageDraw.Draw(page)
    draw.text((GAP, 8), title, font=ImageFont.load_default(26), fill=INK)
    for column, name in enumerate(names):
        draw.text((GAP + column * (WIDTH + GAP), HEAD + 8), name, font=ImageFont.load_default(18), fill=INK)
    top = 2 * HEAD
    for (words, tiles), height in zip(rows, heights, strict=True):
        draw.text((GAP, top + 8), words, font=ImageFont.load_default(20), fill=INK)
        for column, tile in enumerate(tiles):
            fitted = Image.fromarray(tile).resize(
                (WIDTH, round(tile.shape[0] * WIDTH / tile.shape[1])), Image.Resampling.LANCZOS
            )
            page.paste(fitted, (GAP + column * (WIDTH + GAP), top + HEAD))
        top += height + HEAD + GAP
    return page
