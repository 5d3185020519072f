# SPDX-License-Identifier: GPL-3.0-or-later
"""Pixel-sharp outlines: a mask made of superpixels snaps to the photo's edges.

The colours right beside each piece of the outline decide there, and only there (see ``guide``): an object
may have the colour of its ground elsewhere. Where both sides look alike, a seam between them decides: what
is unsure is flooded from what is sure (watershed), and the floods meet at the strongest edge. Its steps are
too short for threads: views refined side by side take three times as long as one after the other.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from ..pixel_prompts import PixelClick
from .guide import RADIUS, Floats, Guide, halved
from .view_data import ViewData

ROUNDS = 2
"""Fits: the second learns from a mask that the first has moved to the edges."""

GAIN = 2.0
"""How much a fit is sharpened before the next one learns from it."""

UNSURE = 0.3
"""A fitted value this close to one half names no side: colours that do not separate, and mixed pixels."""

LEAST_LEFT = 0.5
"""A mask of which less than this share would be left is too thin or too faint for its colours to tell."""

MARGIN = 4 * RADIUS
"""Pixels around a mask that take part: as far as a fit reaches, two windows' half widths."""

SPECK = 30
"""Pixels; an island or a hole that a fit made and that is smaller, not half a superpixel, is noise."""

Mask = NDArray[np.bool_]


def refine(data: ViewData, mask: Mask, clicks: Sequence[PixelClick] = ()) -> Mask:
    """Move a mask's outline to the image's edges.

    Args:
        mask: (H, W) bool, right but for a few pixels.
        clicks: this view's clicks, which the result obeys.
    """
    return obeying(snapped(mask, data.image, data.lab, data.guide), clicks)


def snapped(mask: Mask, image: NDArray[np.uint8], lab: Floats, guide: Guide) -> Mask:
    """A mask (H, W) with its outline on the edges of an image.

    Args:
        image: (H, W, 3) uint8 RGB.
        lab: the same in CIE Lab, float32.
        guide: what was made of ``lab``.
    """
    if not mask.any():
        return mask.copy()
    rows, columns = _window(mask)
    inside = mask[rows, columns]
    near = guide.part(_half(rows), _half(columns))
    fit = near.fit(halved(inside.astype(np.float32)))
    for _ in range(ROUNDS - 1):
        value = np.einsum("chw,chw->hw", fit[:3], near.colour) + fit[3]
        fit = near.fit(np.clip(GAIN * (value - 0.5) + 0.5, 0.0, 1.0))
    found = _flooded(_applied(fit, lab[rows, columns]), image[rows, columns])
    if np.count_nonzero(found) < LEAST_LEFT * np.count_nonzero(inside):
        return mask.copy()
    result = np.zeros_like(mask)
    result[rows, columns] = _without_specks(found, inside)
    return result


def _applied(fit: Floats, lab: Floats) -> Floats:
    """The half-resolution functions of colour applied to each pixel of (H, W, 3)."""
    height, width = lab.shape[:2]
    even = (2 * fit.shape[2], 2 * fit.shape[1])
    total = np.zeros((height, width), dtype=np.float32)
    for number, plane in enumerate(fit):
        full = cv2.resize(plane, even, interpolation=cv2.INTER_LINEAR)[:height, :width]
        total += full * lab[..., number] if number < 3 else full
    return total


def _flooded(value: Floats, image: NDArray[np.uint8]) -> Mask:
    """The object: where ``value`` is surely above one half, and of the unsure rest what is on that side."""
    sure = np.zeros(value.shape, dtype=np.int32)
    sure[value < 0.5 - UNSURE], sure[value > 0.5 + UNSURE] = 1, 2
    # OpenCV leaves the frame and the line where floods meet to nobody: a wider frame, and the fit decides.
    framed = cv2.copyMakeBorder(sure, 1, 1, 1, 1, cv2.BORDER_REPLICATE)
    cv2.watershed(cv2.copyMakeBorder(image, 1, 1, 1, 1, cv2.BORDER_REPLICATE), framed)
    side = framed[1:-1, 1:-1]
    return np.where(side > 0, side == 2, value > 0.5)


def _without_specks(refined: Mask, before: Mask) -> Mask:
    """Undo islands and holes that were not there before and are too small to be true."""
    cross = cv2.getStructuringElement(cv2.MORPH_CROSS, (3, 3))
    for inside in (True, False):
        new = (refined == inside) & (before != inside)
        count, labels = cv2.connectedComponents(new.view(np.uint8), connectivity=4)
        there = np.flatnonzero(new)
        label = labels.ravel()[there]
        small = np.bincount(label, minlength=count) < SPECK
        old = (before == inside) & (refined == inside)
        small[label[cv2.dilate(old.view(np.uint8), cross).ravel()[there] > 0]] = False
        refined.ravel()[there[small[label]]] = not inside
    return refined


def obeying(mask: Mask, clicks: Sequence[PixelClick]) -> Mask:
    """The mask, changed in place, with a spot of three pixels at each click as the click says."""
    for click in clicks:
        spot = (
            slice(max(click.row - 1, 0), click.row + 2),
            slice(max(click.column - 1, 0), click.column + 2),
        )
        if bool(mask[click.row, click.column]) != click.positive:
            mask[spot] = click.positive
    return mask


def _window(mask: Mask) -> tuple[slice, slice]:
    """The mask's surroundings in whole half-resolution pixels, or to the frame."""
    lines = (np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0)))
    rows, columns = (
        slice(max(int(line[0]) - MARGIN, 0) // 2 * 2, min((int(line[-1]) + MARGIN + 2) // 2 * 2, size))
        for line, size in zip(lines, mask.shape, strict=True)
    )
    return rows, columns


def _half(full: slice) -> slice:
    return slice(full.start // 2, (full.stop + 1) // 2)
