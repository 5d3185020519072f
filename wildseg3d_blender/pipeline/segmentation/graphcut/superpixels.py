# SPDX-License-Identifier: GPL-3.0-or-later
"""Superpixels: small patches of one colour that respect edges.

SLIC (Achanta et al., 2012) with the search restricted to the 3 x 3 cells of a grid around a pixel, as on
GPUs (gSLIC, Ren et al., 2015). The pixels are laid out cell by cell, so that the distances to all nine
centres, and the new centres, are products of small matrices.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Labels = NDArray[np.int32]
Floats = NDArray[np.float32]

COARSE_ROUNDS, ROUNDS = 6, 2
"""Rounds of k-means at half the resolution, where most of the moving is done, and at the full one."""

AROUND = tuple((dy, dx) for dy in (0, 1, 2) for dx in (0, 1, 2))
"""The nine cells around a cell, in a grid that has a frame one cell wide."""

NOWHERE = 1e6
"""Feature values of cells outside the image and of cells without pixels: they draw none."""


def superpixels(lab: Floats, count: int, *, compactness: float = 7.0) -> Labels:
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
    grid = max(round(height / step), 1), max(round(width / step), 1)
    small = cv2.resize(
        lab, (max(width // 2, grid[1]), max(height // 2, grid[0])), interpolation=cv2.INTER_AREA
    )
    centres = None
    for image, rounds in ((small, COARSE_ROUNDS), (lab, ROUNDS)):
        cells = _cells(image, grid, compactness / step * width / image.shape[1])
        for _ in range(rounds):
            nearest = _own(cells) if centres is None else _nearest(cells, centres)
            centres = _centres(cells, nearest)
    rows, columns = grid
    around = np.array([(dy - 1) * columns + dx - 1 for dy, dx in AROUND], dtype=np.int32)
    labels = around[nearest] + np.arange(rows * columns, dtype=np.int32)[:, None]
    return _connected(labels.ravel()[cells.place], lab, min_area=max(int(step * step / 5), 1))


@dataclass(frozen=True)
class _Cells:
    """An image's pixels, cell by cell of a grid.

    Attributes:
        grid: (rows, columns) of cells.
        pixels: (rows * columns, 6, q) float32: Lab, x and y from the cell's corner in units that weigh as
            colour does, and 1; all 0 where a cell has fewer than q pixels.
        corner: (rows * columns, 5) float32, of each cell in the same units; 0 for the colours.
        place: (H, W) int64, where each pixel is, counted through all cells.
    """

    grid: tuple[int, int]
    pixels: Floats
    corner: Floats
    place: NDArray[np.int64]


def _cells(lab: Floats, grid: tuple[int, int], scale: float) -> _Cells:
    starts, insides, cell_of = [], [], []
    for size, number in zip(lab.shape[:2], grid, strict=True):
        of_pixel = np.minimum((np.arange(size) + 0.5) * number // size, number - 1).astype(np.int64)
        start = np.searchsorted(of_pixel, np.arange(number))
        starts.append(start)
        cell_of.append(of_pixel)
        insides.append(np.arange(size) - start[of_pixel])
    (rows, columns), (high, wide) = grid, (int(inside.max()) + 1 for inside in insides)
    cell = cell_of[0][:, None] * columns + cell_of[1]
    place = (cell * high + insides[0][:, None]) * wide + insides[1]
    channels = [lab[..., 0], lab[..., 1], lab[..., 2], *np.ix_(*insides)[::-1], np.ones(1)]
    pixels = np.zeros((6, rows * columns * high * wide), dtype=np.float32)
    for target, channel, unit in zip(pixels, channels, (1, 1, 1, scale, scale, 1), strict=True):
        target[place] = channel * np.float32(unit)
    corner = np.zeros((rows, columns, 5), dtype=np.float32)
    corner[..., 3], corner[..., 4] = starts[1] * scale, starts[0][:, None] * scale
    by_cell = np.ascontiguousarray(pixels.reshape(6, rows * columns, -1).swapaxes(0, 1))
    return _Cells(grid, by_cell, corner.reshape(-1, 5), place)


def _own(cells: _Cells) -> NDArray[np.int8]:
    """A first guess: each pixel is nearest to its own cell's centre."""
    return np.full(cells.pixels.shape[::2], len(AROUND) // 2, dtype=np.int8)


def _centres(cells: _Cells, nearest: NDArray[np.int8]) -> Floats:
    """Mean features of the pixels by the cell they are nearest to, (rows + 2, columns + 2, 5)."""
    rows, columns = cells.grid
    belongs = nearest[:, None] == np.arange(len(AROUND), dtype=np.int8)[:, None]
    sums = cells.pixels @ belongs.astype(np.float32).swapaxes(1, 2)
    sums[:, :5] += cells.corner[..., None] * sums[:, 5:]
    total = np.zeros((rows + 2, columns + 2, 6), dtype=np.float32)
    for number, (dy, dx) in enumerate(AROUND):
        total[dy : dy + rows, dx : dx + columns] += sums[..., number].reshape(rows, columns, 6)
    size = total[..., 5:]
    return np.where(size > 0, total[..., :5] / np.maximum(size, 1), np.float32(NOWHERE))


def _nearest(cells: _Cells, centres: Floats) -> NDArray[np.int8]:
    """Which of the nine centres around its cell is nearest to each pixel, (rows * columns, q)."""
    rows, columns = cells.grid
    near = np.stack([centres[dy : dy + rows, dx : dx + columns].reshape(-1, 5) for dy, dx in AROUND], axis=1)
    near -= cells.corner[:, None]
    # The squared distance without the pixel's own square, which is the same for all centres.
    factors = np.concatenate([-2 * near, np.einsum("ckf,ckf->ck", near, near)[..., None]], axis=2)
    distance = factors @ cells.pixels
    best, nearest = distance[:, 0].copy(), np.zeros(distance.shape[::2], dtype=np.int8)
    for number in range(1, len(AROUND)):
        closer = distance[:, number] < best
        np.copyto(best, distance[:, number], where=closer)
        np.copyto(nearest, np.int8(number), where=closer)
    return nearest


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
    return _renumbered(parts[::2, ::2])


def _renumbered(labels: Labels) -> Labels:
    """The same labels as numbers 0..n-1, in the same order."""
    used = np.zeros(int(labels.max()) + 1, dtype=bool)
    used[labels] = True
    return (np.cumsum(used, dtype=np.int32) - np.int32(1))[labels]


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
        parts = _renumbered(target.astype(np.int32)[parts])
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
