# SPDX-License-Identifier: GPL-3.0-or-later
"""Single pictures of a page: a photo as the view shows it, tinted with masks, with dots for clicks."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from wildseg3d_blender.pipeline.evaluation import Mask
from wildseg3d_blender.prompts import Click
from wildseg3d_blender.scene.folder import Scene, View

Picture = NDArray[np.uint8]
Colour = tuple[int, int, int]

FINER = 2
"""Picture pixels along a view pixel."""

POSITIVE, NEGATIVE, TINT = (40, 220, 70), (235, 45, 45), (70, 140, 255)
STRENGTH = 0.55
DOT = 6


def tinted(
    scene: Scene, view: View, masks: Sequence[tuple[Mask, Colour]], clicks: Sequence[Click]
) -> Picture:
    """The view, ``FINER`` times as large, with masks in their colours, outlines drawn, and clicks as dots.

    Args:
        masks: (H, W) bool on the view's grid; later ones cover earlier ones.
        clicks: those in this view are drawn, green on the object and red off it.
    """
    width, height = view.size[0] * FINER, view.size[1] * FINER
    small = np.ascontiguousarray(scene.colours(view))
    picture = cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC).astype(np.float32)
    # Grey where nothing was found, so that colour means an object.
    grey = picture.mean(axis=-1, keepdims=True)
    picture = 0.35 * picture + 0.65 * (0.6 * grey + 25)
    colours = cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC).astype(np.float32)
    outlines = np.zeros((height, width), dtype=np.uint8)
    for mask, colour in masks:
        inside = cv2.resize(mask.astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR) > 0.5
        picture[inside] = (1 - STRENGTH) * colours[inside] + STRENGTH * np.array(colour, dtype=np.float32)
        edge, _ = cv2.findContours(inside.astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
        outlines[inside] = 0
        cv2.drawContours(outlines, edge, -1, 255, 1)
    picture[outlines > 0] = 255
    drawn = np.clip(np.rint(picture), 0, 255).astype(np.uint8)
    for click in clicks:
        if click.view == view.name:
            _dot(drawn, click)
    return drawn


def _dot(picture: Picture, click: Click) -> None:
    centre = (int(click.x * FINER), int(click.y * FINER))
    cv2.circle(picture, centre, DOT + 3, (255, 255, 255), -1, cv2.LINE_AA)
    cv2.circle(picture, centre, DOT + 1, POSITIVE if click.positive else NEGATIVE, -1, cv2.LINE_AA)
