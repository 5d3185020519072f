# SPDX-License-Identifier: GPL-3.0-or-later
"""Pixel-sharp outlines: a second cut, over the pixels of a narrow band around each view's outline."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import maxflow
import numpy as np
from numpy.typing import NDArray

from ..pixel_prompts import PixelClick
from .colour import bin_distribution
from .view_data import ViewData

BAND = 5
"""How far from the superpixels' outline the true one may lie, in pixels."""

RING = 24
"""Width of the surroundings whose colours stand for the background, in pixels."""

COLOUR_LIMIT = 3.0
CONTRAST_WEIGHT = 6.0
STAY_WEIGHT = 0.8

NEIGHBOURS = ((0, 1), (1, 0), (1, 1), (1, -1))
"""Half of a pixel's eight neighbours, as (row, column) steps; the others are the same backwards."""

INNER, OUTER, OUTSIDE = -1, -2, -3
"""What a pixel that is not in the band is: surely the object, surely not, or beyond the window."""

Mask = NDArray[np.bool_]


def refine(data: ViewData, mask: Mask, clicks: Sequence[PixelClick] = ()) -> Mask:
    """Move a mask's outline to the image's edges.

    Args:
        mask: (H, W) bool, right but for a few pixels.
        clicks: this view's clicks, which the result obeys.
    """
    if not mask.any():
        return obeying(mask.copy(), clicks)
    window = _window(mask)
    solid = mask[window].astype(np.uint8)
    # Signed distance from the superpixels' outline; far away where the window has no outline at all.
    into, away = _distance(solid), _distance((solid == 0).astype(np.uint8))
    inner, outer = into > BAND, away <= BAND
    ring = (away <= BAND + RING) & ~outer
    if np.count_nonzero(inner) < 20:
        inner = into > 1
    if np.count_nonzero(inner) < 20 or np.count_nonzero(ring) < 20:
        return obeying(mask.copy(), clicks)
    bins = data.bins[window]
    background = bin_distribution(bins[ring])
    band = outer & ~inner
    ratio = np.log(bin_distribution(bins[inner]) / background)
    evidence = np.clip(ratio[bins[band]], -COLOUR_LIMIT, COLOUR_LIMIT)
    # The farther from the superpixels' outline, the less likely.
    evidence += STAY_WEIGHT * np.clip((into[band] - away[band]) / BAND, -1.0, 1.0)
    refined = inner.copy()
    refined[band] = _cut_band(data.contrast[:, window[0], window[1]], band, inner, evidence)
    result = mask.copy()
    result[window] = _without_specks(refined)
    return obeying(result, clicks)


def _distance(side: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Distance of each pixel of a side to the other side, 0 on the other; the frame is no border."""
    return cv2.distanceTransform(side, cv2.DIST_L2, 3)


def _cut_band(
    contrast: NDArray[np.float32], band: Mask, inner: Mask, evidence: NDArray[np.floating]
) -> NDArray[np.bool_]:
    """Labels of the band's pixels, in the order of ``evidence``."""
    # A frame around the window that belongs to nothing spares a test at every border.
    width = band.shape[1] + 2
    count = len(evidence)
    number = np.full((band.shape[0] + 2, width), OUTSIDE, dtype=np.int64)
    number[1:-1, 1:-1] = np.where(inner, INNER, OUTER)
    number[1:-1, 1:-1][band] = np.arange(count)
    number = number.ravel()
    rows, columns = np.nonzero(band)
    place = (rows + 1) * width + columns + 1
    flat, own = contrast.reshape(len(NEIGHBOURS), -1), rows * band.shape[1] + columns
    source, sink = np.maximum(evidence, 0.0), np.maximum(-evidence, 0.0)
    forward = [number[place + dy * width + dx] for dy, dx in NEIGHBOURS]
    backward = [number[place - dy * width - dx] for dy, dx in NEIGHBOURS]
    # The contrast of a pair is kept at its first pixel, so a pixel's backward pairs lie at its neighbours.
    difference = [flat[k][own] for k in range(len(NEIGHBOURS))]
    mean = max(float(np.mean([part.mean() for part in difference])), 1e-6)
    starts, ends, weights = [], [], []
    for k, (dy, dx) in enumerate(NEIGHBOURS):
        scale = CONTRAST_WEIGHT / np.hypot(dy, dx)
        weight = scale * np.exp(-difference[k] / (2.0 * mean))
        free = np.flatnonzero(forward[k] >= 0)
        starts.append(free)
        ends.append(forward[k][free])
        weights.append(weight[free])
        source += weight * (forward[k] == INNER)
        sink += weight * (forward[k] == OUTER)
        inwards, outwards = backward[k] == INNER, backward[k] == OUTER
        beside = np.flatnonzero(inwards | outwards)
        weight = scale * np.exp(-flat[k][own[beside] - dy * band.shape[1] - dx] / (2.0 * mean))
        source[beside] += weight * inwards[beside]
        sink[beside] += weight * outwards[beside]
    start, end, capacity = np.concatenate(starts), np.concatenate(ends), np.concatenate(weights)
    graph = maxflow.GraphFloat(count, len(start))
    ids = graph.add_grid_nodes(count)
    graph.add_edges(start, end, capacity, capacity)
    graph.add_grid_tedges(ids, source, sink)
    graph.maxflow()
    return ~graph.get_grid_segments(ids)


def _without_specks(mask: Mask) -> Mask:
    """Drop islands and fill holes that the cut made and that are smaller than a superpixel."""
    for inside in (True, False):
        _, labels, stats, _ = cv2.connectedComponentsWithStats(
            (mask == inside).astype(np.uint8), connectivity=4
        )
        small = stats[:, cv2.CC_STAT_AREA] < 30
        small[0] = False
        for label in np.flatnonzero(small):
            x, y, width, height = stats[label, :4]
            spot = (slice(y, y + height), slice(x, x + width))
            mask[spot][labels[spot] == label] = not inside
    return mask


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
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    margin = 2 * BAND + RING
    return (
        slice(max(int(rows[0]) - margin, 0), int(rows[-1]) + margin + 1),
        slice(max(int(columns[0]) - margin, 0), int(columns[-1]) + margin + 1),
    )
