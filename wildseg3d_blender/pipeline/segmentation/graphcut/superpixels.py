# SPDX-License-Identifier: GPL-3.0-or-later
"""Superpixels: small patches of one colour that respect edges.

SLIC (Achanta et al., 2012) with the search restricted to the 3 x 3 grid cells around a pixel, as on GPUs
(gSLIC, Ren et al., 2015): every step is then a whole-image array operation.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

Labels = NDArray[np.int32]


def superpixels(
    lab: NDArray[np.float32], count: int, *, compactness: float = 12.0, iterations: int = 8
) -> Labels:
    """Split an image into about ``count`` connected patches.

    Args:
        lab: (H, W, 3) float32 CIE Lab (L in 0..100).
        count: how many patches to aim for.
        compactness: Lab difference that weighs as much as one patch width of distance.

    Returns:
        (H, W) int32 labels 0..n-1, every label one 4-connected region.
    """
    height, width = lab.shape[:2]
    step = max(np.sqrt(height * width / count), 2.0)
    rows, columns = max(round(height / step), 1), max(round(width / step), 1)
    row_of = np.minimum((np.arange(height) + 0.5) * rows // height, rows - 1).astype(np.int32)
    column_of = np.minimum((np.arange(width) + 0.5) * columns // width, columns - 1).astype(np.int32)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    scale = np.float32(compactness / step)
    features = np.stack([lab[..., 0], lab[..., 1], lab[..., 2], x * scale, y * scale])
    labels = row_of[:, None] * np.int32(columns) + column_of[None, :]
    for _ in range(iterations):
        centres = _means(features, labels, rows * columns).reshape(-1, rows, columns)
        labels = _assign(features, centres, row_of, column_of)
    return _connected(labels, lab, min_area=max(int(step * step / 5), 1))


def _means(features: NDArray[np.float32], labels: Labels, count: int) -> NDArray[np.float32]:
    flat = labels.ravel()
    size = np.maximum(np.bincount(flat, minlength=count), 1)
    # An emptied cell gets a far-away centre, so it stays empty instead of drawing pixels to (0, 0).
    empty = np.bincount(flat, minlength=count) == 0
    means = np.stack([np.bincount(flat, channel.ravel(), count) / size for channel in features])
    means[:, empty] = 1e6
    return means.astype(np.float32)


def _assign(
    features: NDArray[np.float32],
    centres: NDArray[np.float32],
    row_of: NDArray[np.int32],
    column_of: NDArray[np.int32],
) -> Labels:
    rows, columns = centres.shape[1:]
    best = np.full(features.shape[1:], np.inf, dtype=np.float32)
    labels = np.zeros(features.shape[1:], dtype=np.int32)
    for dy in (-1, 0, 1):
        row = np.clip(row_of + dy, 0, rows - 1)
        for dx in (-1, 0, 1):
            column = np.clip(column_of + dx, 0, columns - 1)
            distance = np.zeros_like(best)
            for channel, centre in zip(features, centres, strict=True):
                difference = channel - centre[row][:, column]
                distance += difference * difference
            closer = distance < best
            np.copyto(best, distance, where=closer)
            np.copyto(labels, row[:, None] * np.int32(columns) + column[None, :], where=closer)
    return labels


def regions(labels: Labels) -> Labels:
    """4-connected regions of equal label, (H, W) int32 numbered 0..n-1.

    OpenCV only knows binary images, so pixels are drawn two apart with a bridge where neighbours agree.
    """
    height, width = labels.shape
    canvas = np.zeros((2 * height - 1, 2 * width - 1), dtype=np.uint8)
    canvas[::2, ::2] = 1
    canvas[::2, 1::2] = labels[:, 1:] == labels[:, :-1]
    canvas[1::2, ::2] = labels[1:] == labels[:-1]
    _, parts = cv2.connectedComponents(canvas, connectivity=4)
    return np.unique(parts[::2, ::2], return_inverse=True)[1].reshape(height, width).astype(np.int32)


def _connected(labels: Labels, lab: NDArray[np.float32], min_area: int) -> Labels:
    """Split labels into connected regions and melt those below ``min_area`` into their likest neighbour."""
    parts = regions(labels)
    for _ in range(4):
        count = int(parts.max()) + 1
        area = np.bincount(parts.ravel(), minlength=count)
        small = area < min_area
        if count == 1 or not small.any():
            break
        i, j = neighbour_pairs(parts)
        i, j = np.concatenate([i, j]), np.concatenate([j, i])
        total = np.stack([np.bincount(parts.ravel(), lab[..., c].ravel(), count) for c in range(3)], 1)
        mean = total / area[:, None]
        # A small region joins the neighbour of nearest colour; small ones only join larger ones, so that
        # two never swap places.
        usable = small[i] & ((area[j] > area[i]) | ((area[j] == area[i]) & (j < i)))
        i, j = i[usable], j[usable]
        order = np.lexsort((((mean[i] - mean[j]) ** 2).sum(1), i))
        first = np.unique(i[order], return_index=True)
        target = np.arange(count)
        target[first[0]] = j[order][first[1]]
        for _ in range(8):
            target = target[target]
        parts = np.unique(target[parts], return_inverse=True)[1].reshape(parts.shape).astype(np.int32)
    return parts


def neighbour_pairs(labels: Labels) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """All pairs i < j of labels that share a pixel side."""
    count = int(labels.max()) + 1
    pairs = [(labels[:, 1:], labels[:, :-1]), (labels[1:], labels[:-1])]
    a = np.concatenate([p[0].ravel() for p in pairs]).astype(np.int64)
    b = np.concatenate([p[1].ravel() for p in pairs]).astype(np.int64)
    differ = a != b
    a, b = a[differ], b[differ]
    key = np.unique(np.minimum(a, b) * count + np.maximum(a, b))
    return key // count, key % count
