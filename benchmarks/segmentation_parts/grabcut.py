# SPDX-License-Identifier: GPL-3.0-or-later
"""The plain way: GrabCut in the clicked view, moved to the other views by its 3D points."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from wildseg3d_blender.conventions import project
from wildseg3d_blender.pipeline.evaluation import Mask
from wildseg3d_blender.pipeline.segmentation import Masks
from wildseg3d_blender.pipeline.segmentation.sightlines import view_depth
from wildseg3d_blender.prompts import Box, Click, Prompt
from wildseg3d_blender.scene.folder import Scene, View


class GrabCutTransfer:
    """Answers prompts that are all in one view. ``seconds`` keeps the CPU time of every answer."""

    name = "GrabCut + 3D"

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self.seconds: list[float] = []

    def __call__(self, prompts: Sequence[Prompt], previous: Mapping[str, Mask] | None) -> tuple[Masks, bool]:
        started = time.process_time()
        view = self._scene.view(prompts[0].view)
        image = np.ascontiguousarray(self._scene.colours(view))
        box = next((prompt for prompt in prompts if isinstance(prompt, Box)), None)
        clicks = [prompt for prompt in prompts if isinstance(prompt, Click)]
        mask = _in_clicks(image, clicks) if box is None else _in_box(image, box)
        masks = {other.name: _carry(self._scene, view, mask, other) for other in self._scene.views}
        masks[view.name] = mask
        self.seconds.append(time.process_time() - started)
        return masks, False


def _in_clicks(image: NDArray[np.uint8], clicks: Sequence[Click]) -> Mask:
    height, width = image.shape[:2]
    state = np.full((height, width), cv2.GC_PR_BGD, dtype=np.uint8)
    for click in clicks:
        if click.positive:
            cv2.circle(state, (int(click.x), int(click.y)), width // 7, cv2.GC_PR_FGD, -1)
    state[[0, 1, 2, -3, -2, -1]] = cv2.GC_BGD
    state[:, [0, 1, 2, -3, -2, -1]] = cv2.GC_BGD
    for click in clicks:
        label = cv2.GC_FGD if click.positive else cv2.GC_BGD
        cv2.circle(state, (int(click.x), int(click.y)), 5, label, -1)
    mask = _grabcut(image, state)
    _, labels = cv2.connectedComponents(mask.astype(np.uint8))
    hit = [labels[int(click.y), int(click.x)] for click in clicks if click.positive]
    return mask & np.isin(labels, hit)


def _in_box(image: NDArray[np.uint8], box: Box) -> Mask:
    state = np.full(image.shape[:2], cv2.GC_BGD, dtype=np.uint8)
    state[int(box.y0) : round(box.y1), int(box.x0) : round(box.x1)] = cv2.GC_PR_FGD
    return _grabcut(image, state)


def _grabcut(image: NDArray[np.uint8], state: NDArray[np.uint8]) -> Mask:
    cv2.setRNGSeed(0)
    cv2.grabCut(image, state, None, np.zeros((1, 65)), np.zeros((1, 65)), 4, cv2.GC_INIT_WITH_MASK)
    return np.asarray((state & 1) > 0)


def _carry(scene: Scene, view: View, mask: Mask, other: View) -> Mask:
    """The mask's 3D points drawn into another view where nothing hides them, with small gaps closed."""
    points_world = np.asarray(scene.pointmap(view))[mask & (np.asarray(scene.confidence(view)) > 0)]
    pixel, z = project(points_world, other.K, other.cam_to_world)
    width, height = other.size
    with np.errstate(invalid="ignore"):
        inside = (pixel[:, 0] >= 0) & (pixel[:, 0] < width) & (pixel[:, 1] >= 0) & (pixel[:, 1] < height)
    column, row = pixel[inside].astype(np.int64).T
    depth, measured = view_depth(scene, other), np.asarray(scene.confidence(other)) > 0
    hidden = measured[row, column] & (depth[row, column] < 0.97 * z[inside])
    carried = np.zeros((height, width), dtype=np.uint8)
    carried[row[~hidden], column[~hidden]] = 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (9, 9))
    return np.asarray(cv2.morphologyEx(carried, cv2.MORPH_CLOSE, disc) > 0)
