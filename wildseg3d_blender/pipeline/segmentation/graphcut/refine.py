# SPDX-License-Identifier: GPL-3.0-or-later
"""Pixel-sharp outlines: a second cut, over the pixels of a narrow band around each view's outline."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import maxflow
import numpy as np
from numpy.typing import NDArray

from .colour import bin_distribution, colour_bins
from .prompt_seeds import PixelClick
from .view_data import ViewData

BAND = 5
"""How far from the superpixels' outline the true one may lie, in pixels."""

RING = 24
"""Width of the surroundings whose colours stand for the background, in pixels."""

COLOUR_LIMIT = 3.0
CONTRAST_WEIGHT = 6.0
STAY_WEIGHT = 0.8

Mask = NDArray[np.bool_]


def refine(data: ViewData, mask: Mask, clicks: Sequence[PixelClick] = ()) -> Mask:
    """Move a mask's outline to the image's edges.

    Args:
        mask: (H, W) bool, right but for a few pixels.
        clicks: this view's clicks, which the result obeys.
    """
    if not mask.any():
        return _obey(mask.copy(), clicks)
    window = _window(mask)
    solid = np.ascontiguousarray(mask[window]).astype(np.uint8)
    inner = cv2.erode(solid, _disc(BAND), borderType=cv2.BORDER_REPLICATE) > 0
    outer = cv2.dilate(solid, _disc(BAND)) > 0
    ring = (cv2.dilate(solid, _disc(BAND + RING)) > 0) & ~outer
    if inner.sum() < 20:
        inner = cv2.erode(solid, _disc(1), borderType=cv2.BORDER_REPLICATE) > 0
    if inner.sum() < 20 or ring.sum() < 20:
        return _obey(mask.copy(), clicks)
    lab = data.lab[window]
    bins = colour_bins(lab)
    foreground = bin_distribution(bins[inner])
    background = bin_distribution(bins[ring])
    band = outer & ~inner
    evidence = np.clip(np.log(foreground[bins[band]] / background[bins[band]]), -COLOUR_LIMIT, COLOUR_LIMIT)
    # Signed distance from the superpixels' outline, in band widths: the farther, the less likely.
    depth = cv2.distanceTransform(solid, cv2.DIST_L2, 3) - cv2.distanceTransform(1 - solid, cv2.DIST_L2, 3)
    evidence = evidence + STAY_WEIGHT * np.clip(depth[band] / BAND, -1.0, 1.0)
    result = mask.copy()
    result[window] = inner
    result[window][band] = _cut_band(lab, band, inner, evidence)
    return _obey(_without_specks(result), clicks)


def _cut_band(
    lab: NDArray[np.float32], band: Mask, inner: Mask, evidence: NDArray[np.floating]
) -> NDArray[np.bool_]:
    """Labels of the band's pixels, in the order of ``lab[band]``."""
    height, width = band.shape
    number = np.full((height, width), -1, dtype=np.int64)
    count = int(band.sum())
    number[band] = np.arange(count)
    source, sink = np.maximum(evidence, 0.0), np.maximum(-evidence, 0.0)
    starts, ends, differences, scales = [], [], [], []
    for dy, dx in ((0, 1), (1, 0), (1, 1), (1, -1)):
        a = (slice(0, height - dy), slice(max(-dx, 0), width - max(dx, 0)))
        b = (slice(dy, height), slice(max(dx, 0), width + min(dx, 0)))
        joined = band[a] | band[b]
        difference = ((lab[a][joined] - lab[b][joined]) ** 2).sum(-1)
        starts.append(np.where(band[a][joined], number[a][joined], np.where(inner[a][joined], -1, -2)))
        ends.append(np.where(band[b][joined], number[b][joined], np.where(inner[b][joined], -1, -2)))
        differences.append(difference)
        scales.append(np.full(len(difference), 1.0 / np.hypot(dy, dx)))
    start, end = np.concatenate(starts), np.concatenate(ends)
    difference = np.concatenate(differences)
    weight = (
        CONTRAST_WEIGHT
        * np.concatenate(scales)
        * np.exp(-difference / (2.0 * max(float(difference.mean()), 1e-6)))
    )
    for node, far in ((start, end), (end, start)):
        for terminal, side in ((-1, source), (-2, sink)):
            touching = (node >= 0) & (far == terminal)
            np.add.at(side, node[touching], weight[touching])
    free = (start >= 0) & (end >= 0)
    graph = maxflow.GraphFloat(count, int(free.sum()))
    ids = graph.add_grid_nodes(count)
    graph.add_edges(start[free], end[free], weight[free], weight[free])
    graph.add_grid_tedges(ids, source, sink)
    graph.maxflow()
    return ~graph.get_grid_segments(ids)


def _without_specks(mask: Mask) -> Mask:
    """Drop islands and fill holes that the cut made and that are smaller than a superpixel."""
    for inside in (True, False):
        side = (mask == inside).astype(np.uint8)
        _, labels, stats, _ = cv2.connectedComponentsWithStats(side, connectivity=4)
        small = stats[:, cv2.CC_STAT_AREA] < 30
        small[0] = False
        if small.any():
            speck = small[labels]
            mask = np.where(speck, ~mask, mask)
    return mask


def _obey(mask: Mask, clicks: Sequence[PixelClick]) -> Mask:
    """The mask with a spot of three pixels at each click as the click says."""
    for click in clicks:
        spot = (
            slice(max(click.row - 1, 0), click.row + 2),
            slice(max(click.column - 1, 0), click.column + 2),
        )
        if bool(mask[click.row, click.column]) != click.positive:
            mask[spot] = click.positive
    return mask


def _window(mask: Mask) -> tuple[slice, slice]:
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    margin = 2 * BAND + RING
    return (
        slice(max(int(rows[0]) - margin, 0), int(rows[-1]) + margin + 1),
        slice(max(int(columns[0]) - margin, 0), int(columns[-1]) + margin + 1),
    )


def _disc(radius: int) -> NDArray[np.uint8]:
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1))
