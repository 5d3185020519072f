# SPDX-License-Identifier: GPL-3.0-or-later
"""Measuring segmentation against true masks, with clicks simulated the way the literature does.

Truth masks are images named after the photo (``photo stem + .png``), at photo size, white on the object.
Everything here is compared in photo pixels: view masks are carried over with soft edges.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from ..errors import PromptError, SceneError
from ..progress import Progress, silent, span
from ..prompts import Box, Click, prompt_to_json
from ..scene_folder import Scene, View
from .segmentation import Masks, Segmenter, create_segmenter

Mask = NDArray[np.bool_]


def iou(a: Mask, b: Mask) -> float:
    """Intersection over union of two masks of one shape; 1 when both are empty."""
    union = int((a | b).sum())
    return float((a & b).sum() / union) if union else 1.0


def mask_to_photo(view: View, mask: Mask) -> Mask:
    """Carry a view mask (H, W) over to the photo's own pixels: (photo H, photo W) bool, upright.

    The mask is smoothed by about half a view pixel and sampled between pixels, so that its outline in the
    larger photo is a curve and not a staircase. Photo pixels that the view does not show are False.
    """
    return soft_mask_to_photo(view, mask) > 0.5


def soft_mask_to_photo(view: View, mask: Mask) -> NDArray[np.float32]:
    """``mask_to_photo`` before its threshold: (photo H, photo W) float32 in [0, 1]."""
    soft = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), 0.7)
    width, height = view.photo_size
    # The lens map is smooth: worked out on a coarse grid of photo pixels and interpolated between.
    step = 8
    columns, rows = width // step + 2, height // step + 2
    corner = np.stack(np.meshgrid(np.arange(columns), np.arange(rows)), axis=-1) * float(step)
    coarse = view.warp.to_view(corner + 0.5).astype(np.float32) - np.float32(0.5)
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    source = cv2.remap(coarse, x / step, y / step, cv2.INTER_LINEAR)
    return cv2.remap(
        soft, source[..., 0], source[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=0
    )


def read_truth(scene: Scene, masks_dir: Path) -> dict[str, Mask]:
    """The true masks there are: view name -> (photo H, photo W) bool.

    Raises:
        SceneError: the folder is missing or has no mask for any view, a mask cannot be read, or its size is
            not the photo's.
    """
    masks_dir = Path(masks_dir)
    if not masks_dir.is_dir():
        raise SceneError(f"There is no folder {masks_dir}: give the folder that holds the true masks.")
    truth = {}
    for view in scene.views:
        file = masks_dir / f"{view.photo.stem}.png"
        if not file.is_file():
            continue
        try:
            with Image.open(file) as opened:
                grey = np.asarray(ImageOps.exif_transpose(opened).convert("L"))
        except OSError as error:
            raise SceneError(f"The mask {file} cannot be read ({error}): save it as a PNG again.") from error
        width, height = view.photo_size
        if grey.shape != (height, width):
            raise SceneError(
                f"The mask {file} is {grey.shape[1]}x{grey.shape[0]} pixels but its photo is "
                f"{width}x{height}: masks must have their photo's size, upright."
            )
        truth[view.name] = grey > 127
    if not truth:
        wanted = ", ".join(f"{view.photo.stem}.png" for view in scene.views[:3])
        raise SceneError(
            f"{masks_dir} has no mask for a photo of this scene: name them after their photos ({wanted}...)."
        )
    return truth


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


def evaluate(
    scene: Scene,
    masks_dir: Path,
    view: str,
    *,
    clicks: Sequence[int] = (1, 3, 5),
    segmenter: Segmenter | str = "graphcut",
    progress: Progress = silent,
) -> dict[str, Any]:
    """Simulate an artist who clicks in one view only, and measure every view that has truth.

    The first click goes to the pixel deepest inside the true mask; each further one to the centre of the
    largest error region in the clicked view, positive or negative. When no error is left, the last masks
    stand for the remaining rounds.

    Returns:
        ``view``, ``rounds`` (one per entry of ``clicks``: ``clicks``, ``iou_clicked``, ``iou_others`` by
        view, ``mean_iou_others`` or None without another view, ``prompts`` in photo pixels, and ``seconds``
        of that round's last solve).

    Raises:
        SceneError: no usable truth (see ``read_truth``), none for ``view``, or an unknown view.
        PromptError: the true mask of the clicked view is empty, or ``clicks`` is not ascending from 1.
    """
    wanted = sorted({int(count) for count in clicks})
    if not wanted or wanted[0] < 1:
        raise PromptError("The numbers of clicks must be 1 or more, for example 1 3 5.")
    clicked = scene.view(view)
    truth = read_truth(scene, masks_dir)
    check_clicked_truth(truth, clicked, masks_dir)
    if isinstance(segmenter, str):
        segmenter = create_segmenter(segmenter, scene, span(progress, 0.0, 0.5))
    prompts: list[Click] = [_click(clicked, *first_click(truth[clicked.name]), True)]
    masks: Masks | None = None
    rounds = []
    seconds = 0.0
    for count in range(1, wanted[-1] + 1):
        progress("evaluate", 0.5 + 0.5 * (count - 1) / wanted[-1], f"Click {count}")
        if len(prompts) == count:
            started = time.perf_counter()
            masks = segmenter.segment(prompts, previous=masks, progress=silent)
            seconds = time.perf_counter() - started
        assert masks is not None
        if count in wanted:
            result = compare(scene, masks, truth, clicked.name)
            rounds.append(
                {
                    "clicks": count,
                    **result,
                    "prompts": [_on_photo(clicked, prompt) for prompt in prompts],
                    "seconds": round(seconds, 3),
                }
            )
        error = next_click(truth[clicked.name], mask_to_photo(clicked, masks[clicked.name]))
        if error is not None and len(prompts) == count:
            addition = _click(clicked, *error)
            if not _taken(prompts, addition):
                prompts.append(addition)
    return {"view": clicked.name, "rounds": rounds}


def compare(scene: Scene, masks: Masks, truth: Mapping[str, Mask], clicked: str) -> dict[str, Any]:
    """IoU in photo pixels: ``iou_clicked``, ``iou_others`` by view and ``mean_iou_others``."""
    scores = {name: iou(mask_to_photo(scene.view(name), masks[name]), mask) for name, mask in truth.items()}
    others = {name: score for name, score in scores.items() if name != clicked}
    return {
        "iou_clicked": scores[clicked],
        "iou_others": others,
        "mean_iou_others": float(np.mean(list(others.values()))) if others else None,
    }


def truth_box(view: View, truth: Mask) -> Box:
    """The tight box around a true mask, in view pixels."""
    rows, columns = np.flatnonzero(truth.any(1)), np.flatnonzero(truth.any(0))
    corners = np.array([[columns[0], rows[0]], [columns[-1] + 1, rows[-1] + 1]], dtype=np.float64)
    (x0, y0), (x1, y1) = np.clip(view.warp.to_view(corners), 0, np.asarray(view.size))
    return Box(view.name, float(x0), float(y0), float(x1), float(y1))


def check_clicked_truth(truth: Mapping[str, Mask], clicked: View, masks_dir: Path) -> None:
    """SceneError or PromptError unless the clicked view has a true mask with something in it."""
    if clicked.name not in truth:
        known = ", ".join(sorted(truth))
        raise SceneError(f"{masks_dir} has no mask for {clicked.photo.name}; it has masks for {known}.")
    if not truth[clicked.name].any():
        raise PromptError(
            f"The true mask of {clicked.photo.name} is empty: click in a view that shows the object."
        )


def _click(view: View, x: float, y: float, positive: bool) -> Click:
    """A click at a photo pixel, moved by a hair where the view ends a fraction of a pixel earlier."""
    pixel = view.warp.to_view(np.array([x, y]))
    inside = np.clip(pixel, 0.5, np.asarray(view.size) - 0.5)
    return Click(view.name, float(inside[0]), float(inside[1]), positive)


def _on_photo(view: View, click: Click) -> dict[str, Any]:
    """A click as JSON in photo pixels, as the command line takes it."""
    x, y = view.warp.to_photo(np.array([click.x, click.y]))
    return prompt_to_json(replace(click, x=round(float(x), 2), y=round(float(y), 2)))


def _taken(prompts: Sequence[Click], click: Click) -> bool:
    """Whether a click falls on the pixel of an earlier one, where it could say nothing new."""
    return any(int(p.x) == int(click.x) and int(p.y) == int(click.y) for p in prompts)
