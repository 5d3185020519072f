# SPDX-License-Identifier: GPL-3.0-or-later
"""Prompts, checked against their views and brought onto whole pixels."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...errors import PromptError
from ...prompts import Box, Click, Prompt
from ...scene.folder import Scene, View

Edges = NDArray[np.float64] | np.float64


@dataclass(frozen=True)
class PixelClick:
    """A click on the pixel at (row, column) of the view at ``view`` in scene order."""

    view: int
    row: int
    column: int
    positive: bool


@dataclass(frozen=True)
class PixelBox:
    """A box that covers rows row0..row1 - 1 and columns column0..column1 - 1 of a view."""

    view: int
    row0: int
    row1: int
    column0: int
    column1: int

    def overlap(self, row0: Edges, row1: Edges, column0: Edges, column1: Edges) -> NDArray[np.float64]:
        """Intersection over union with other boxes of the view, (k,) each and (k,) in [0, 1]; an empty one's
        edges may be infinite, the first ones positive."""
        height = np.minimum(row1, self.row1) - np.maximum(row0, self.row0)
        width = np.minimum(column1, self.column1) - np.maximum(column0, self.column0)
        common = np.maximum(height, 0.0) * np.maximum(width, 0.0)
        own = (self.row1 - self.row0) * (self.column1 - self.column0)
        return np.asarray(common / ((row1 - row0) * (column1 - column0) + own - common))


@dataclass(frozen=True)
class PixelPrompts:
    """All clicks and all boxes, each in the order given."""

    clicks: tuple[PixelClick, ...]
    boxes: tuple[PixelBox, ...]


def pixel_prompts(scene: Scene, prompts: Sequence[Prompt]) -> PixelPrompts:
    """Check prompts and find their pixels.

    Raises:
        PromptError: a prompt lies outside its view or is not a number, a box is empty, two clicks on one
            pixel contradict each other, or nothing positive was given.
        SceneError: a prompt names a view that the scene does not have.
    """
    index = {view.name: k for k, view in enumerate(scene.views)}
    clicks: list[PixelClick] = []
    boxes: list[PixelBox] = []
    said: dict[tuple[int, int, int], bool] = {}
    for prompt in prompts:
        view = scene.view(prompt.view)
        number = index[view.name]
        if isinstance(prompt, Box):
            boxes.append(_pixel_box(prompt, view, number))
            continue
        row, column = _pixel(prompt, view)
        if said.setdefault((number, row, column), prompt.positive) != prompt.positive:
            raise PromptError(
                f"Pixel ({column}, {row}) of {view.name} is marked both as object and as not object: "
                "remove one of the two prompts."
            )
        clicks.append(PixelClick(number, row, column, prompt.positive))
    if not boxes and not any(click.positive for click in clicks):
        raise PromptError("Nothing to look for yet: click on the object, or draw a box around it.")
    return PixelPrompts(tuple(clicks), tuple(boxes))


def _pixel(click: Click, view: View) -> tuple[int, int]:
    width, height = view.size
    if not (math.isfinite(click.x) and math.isfinite(click.y)):
        raise PromptError(f"A click in {view.name} has no valid position: add it again.")
    if not (0 <= click.x <= width and 0 <= click.y <= height):
        raise PromptError(
            f"The click at ({click.x:.0f}, {click.y:.0f}) lies outside {view.name}, which is "
            f"{width} x {height} pixels: move it onto the picture."
        )
    return min(int(click.y), height - 1), min(int(click.x), width - 1)


def _pixel_box(box: Box, view: View, number: int) -> PixelBox:
    width, height = view.size
    corners = (box.x0, box.y0, box.x1, box.y1)
    if not all(math.isfinite(c) for c in corners):
        raise PromptError(f"A box in {view.name} has no valid corners: draw it again.")
    if box.x1 <= 0 or box.y1 <= 0 or box.x0 >= width or box.y0 >= height:
        raise PromptError(
            f"The box lies outside {view.name}, which is {width} x {height} pixels: draw it on the picture."
        )
    column0, row0 = max(math.floor(box.x0), 0), max(math.floor(box.y0), 0)
    column1, row1 = min(math.ceil(box.x1), width), min(math.ceil(box.y1), height)
    if column1 - column0 < 3 or row1 - row0 < 3:
        raise PromptError(f"The box in {view.name} is empty or only a line: drag it around the object.")
    return PixelBox(number, row0, row1, column0, column1)
