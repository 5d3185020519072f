# SPDX-License-Identifier: GPL-3.0-or-later
"""The surface at zero of a signed distance on a grid: naive surface nets (Gibson 1998); numpy in, numpy out.

Each cell of eight voxels that the surface runs through has one vertex, the mean of where its edges are
crossed; each crossed edge of the grid has a quadrilateral between the vertices of the four cells around it.
"""

from __future__ import annotations

import itertools

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Numbers = NDArray[np.int64]


def surface_nets(distance: Floats) -> tuple[Floats, Numbers]:
    """Vertices (N, 3), in voxels, and quadrilaterals (F, 4), counter-clockwise seen from outside.

    Closed, when the outermost layer of ``distance`` (X, Y, Z) is outside (> 0).
    """
    inside = distance <= 0
    corners = [_corner(inside, offset) for offset in itertools.product((0, 1), repeat=3)]
    count = np.sum(corners, axis=0)
    mixed = np.flatnonzero((count > 0) & (count < 8))
    number = np.full(count.shape, -1, np.int64)
    number.ravel()[mixed] = np.arange(len(mixed))
    return _vertices(distance, mixed, count.shape), _quads(inside, number)


def islands(faces: Numbers, count: int) -> Numbers:
    """For each of ``count`` vertices of ``faces`` (F, n), a number shared with all it hangs together with."""
    label = np.arange(count)
    while len(faces):
        of_corners = label[faces]
        lowest = of_corners.min(axis=1)
        split = (of_corners != lowest[:, None]).any(axis=1)
        faces, of_corners, lowest = faces[split], of_corners[split], lowest[split]
        # Whole islands join, not vertices: what has a label takes over what that label is given.
        np.minimum.at(label, of_corners.ravel(), np.repeat(lowest, of_corners.shape[1]))
        while not np.array_equal(shorter := label[label], label):
            label = shorter
    return label


def _corner(grid: NDArray, offset: tuple[int, ...]) -> NDArray:
    """The grid of cells' corners at ``offset`` (0 or 1 along each axis)."""
    return grid[tuple(slice(o, size - 1 + o) for o, size in zip(offset, grid.shape, strict=True))]


def _vertices(distance: Floats, cells: Numbers, shape: tuple[int, ...]) -> Floats:
    place = np.stack(np.unravel_index(cells, shape), axis=-1)
    total, crossed = np.zeros((len(cells), 3), np.float32), np.zeros((len(cells), 1), np.float32)
    for axis in range(3):
        across = [a for a in range(3) if a != axis]
        for first, second in itertools.product((0, 1), repeat=2):
            start = np.zeros(3, np.int64)
            start[across] = first, second
            end = start.copy()
            end[axis] = 1
            a, b = distance[tuple((place + start).T)], distance[tuple((place + end).T)]
            cut = (a <= 0) != (b <= 0)
            along = np.where(cut, a / np.where(cut, a - b, 1.0), 0.0)
            total += cut[:, None] * (start + along[:, None] * (end - start)).astype(np.float32)
            crossed += cut[:, None]
    return (place + total / crossed).astype(np.float32)


def _quads(inside: NDArray[np.bool_], number: Numbers) -> Numbers:
    found = []
    for axis in range(3):
        u, v = (axis + 1) % 3, (axis + 2) % 3
        lower = inside.take(range(inside.shape[axis] - 1), axis)
        upper = inside.take(range(1, inside.shape[axis]), axis)
        # Cells on all four sides exist only off the border.
        for outwards, crossed in ((1, lower & ~upper), (-1, ~lower & upper)):
            place = np.stack(np.nonzero(crossed), axis=-1)
            beside = place[:, [u, v]]
            place = place[((beside > 0) & (beside < np.array(number.shape)[[u, v]])).all(1)]
            around = []
            for du, dv in ((-1, -1), (0, -1), (0, 0), (-1, 0))[::outwards]:
                cell = place.copy()
                cell[:, u] += du
                cell[:, v] += dv
                around.append(number[tuple(cell.T)])
            found.append(np.stack(around, axis=-1))
    return np.concatenate(found)
