# SPDX-License-Identifier: GPL-3.0-or-later
"""The surface that each photo shows, as triangles between neighbouring pixels; numpy in, numpy out.

A triangle is dropped where its plane is seen at more than ``STEEPEST`` degrees from its normal. That one rule
cuts depth breaks and grazing surfaces alike, and it knows no unit: between pixels that lie s apart at depth z
(s = z * step / focal length), it allows a step in depth of s * tan(STEEPEST), however large the scene is.

Where several photos show the same place, the triangles of all but the best are dropped: a photo is as good
as it is dense there, pixels per area of the surface, fx * fy * cos(angle) / distance^2. Photos nearly alike
keep a seam of overlap, so that no gap opens between them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...conventions import camera_rays, pixel_centres, project, transform
from ...scene.folder import View
from .in_parts import Parts
from .surface_nets import islands

STEEPEST = 75.0
"""Degrees. At 75 a pixel covers four times the surface that it covers head-on: nothing sharp to show."""
SAME_PLACE = 0.015
"""Two views show one place where their depths differ by less than this share."""
CLEARLY_BETTER = 1.02
"""A photo gives way to one that is denser by this factor: without a seam of overlap, gaps would open."""
SMALLEST = 100
"""Pixels. What hangs together over fewer is noise, torn off at an outline or on a slant."""
STEEPEST_BRIDGE = 60.0
"""Degrees. Across a gap, one surface is only guessed at: its two sides must fit together better than that."""
SMOOTHING = 4
"""Pixels around each over which normals are averaged before photos are compared."""

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Sheet:
    """What is known of a surface on one view's pixel grid; world is the root's space.

    Attributes:
        points_world, normals: (H, W, 3) float32; normals unit, towards the camera.
        here: (H, W) bool, the pixels that have a point of the surface.
        taken: (H, W) bool, the pixels whose point belongs to something else.
    """

    view: View
    points_world: Floats
    normals: Floats
    here: Mask
    taken: Mask


@dataclass(frozen=True)
class Triangles:
    """Triangles of one view.

    Attributes:
        points_world: (N, 3) float32.
        pixels: (N, 2) float32, where the view sees each point, in view pixels.
        corners: (T, 3) int64 into these, counter-clockwise as the camera sees them.
    """

    points_world: Floats
    pixels: Floats
    corners: NDArray[np.int64]


def triangulating(
    sheets: Sequence[Sheet], *, step: int, hole: int, steepest: float
) -> Parts[list[Triangles]]:
    """The surfaces of all views together, each place from the view that shows it best; a view at a time.

    Args:
        step: every how many pixels there is a vertex.
        hole: gaps up to this many pixels wide, where nothing was measured, are closed.
        steepest: degrees, see the module.
    """
    grids: list[_Grid] = []
    for sheet in sheets:
        grids.append(_Grid.of(fill(sheet, hole, steepest), step, steepest))
        yield len(grids) / (2 * len(sheets))
    found: list[Triangles] = []
    for grid in grids:
        found.append(grid.triangles(_yields(grid, [other for other in grids if other is not grid])))
        yield 0.5 + len(found) / (2 * len(sheets))
    return found


def fill(sheet: Sheet, hole: int, steepest: float = STEEPEST) -> Sheet:
    """Close gaps up to ``hole`` pixels wide along a row or a column, between ends that one surface may join.

    Inverse depth runs straight across a gap, which is exact where the surface is a plane. Pixels whose point
    belongs to something else stay open.
    """
    if hole <= 0:
        return sheet
    centre, axis = sheet.view.cam_to_world[:3, 3], sheet.view.cam_to_world[:3, 2]
    depth = (sheet.points_world - centre.astype(np.float32)) @ axis.astype(np.float32)
    here = sheet.here & (depth > 0)
    inverse = np.where(here, 1.0 / np.where(here, depth, 1.0), 0.0)
    total, weight = np.zeros_like(inverse), np.zeros_like(inverse)
    slope = float(np.tan(np.deg2rad(min(steepest, STEEPEST_BRIDGE))))
    for focal, by_columns in ((sheet.view.K[0, 0], False), (sheet.view.K[1, 1], True)):
        if by_columns:
            value, width = (a.T for a in _bridge(inverse.T, here.T, sheet.taken.T, hole, slope / focal))
        else:
            value, width = _bridge(inverse, here, sheet.taken, hole, slope / focal)
        share = np.where(width > 0, 1.0 / np.maximum(width, 1), 0.0)
        total, weight = total + share * value, weight + share
    new = (weight > 0) & ~here
    rays = camera_rays(sheet.view.K, pixel_centres(*sheet.view.size)[new])
    points_cam = rays * (weight[new] / total[new])[:, None]
    points = sheet.points_world.copy()
    points[new] = transform(sheet.view.cam_to_world, points_cam)
    return Sheet(sheet.view, points, sheet.normals, here | new, sheet.taken)


def _bridge(
    inverse: Floats, here: Mask, taken: Mask, hole: int, slope: float
) -> tuple[Floats, NDArray[np.int64]]:
    """Inverse depth across the gaps of each row, and the gaps' widths; 0 where there is nothing to close."""
    count = inverse.shape[1]
    column = np.broadcast_to(np.arange(count), inverse.shape)
    rows = np.arange(len(inverse))[:, None]
    left = np.maximum.accumulate(np.where(here, column, -1), axis=1)
    right = np.minimum.accumulate(np.where(here, column, count)[:, ::-1], axis=1)[:, ::-1]
    width = right - left - 1
    open_ = ~here & (left >= 0) & (right < count) & (width <= hole)
    left, right = np.where(open_, left, 0), np.where(open_, right, 0)
    blocked = np.cumsum(taken, axis=1)
    open_ &= blocked[rows, right] == blocked[rows, left]
    start, end = inverse[rows, left], inverse[rows, right]
    # |z1 - z0| <= slope * z * pixels, written in inverse depths.
    open_ &= np.abs(end - start) <= slope * np.maximum(start, end) * (width + 1)
    along = (column - left) / np.maximum(right - left, 1)
    return np.where(open_, start + (end - start) * along, 0.0), np.where(open_, width, 0)


def dot(a: Floats, b: Floats) -> Floats:
    """Dot products of vectors (..., 3), in a tenth of the time of a sum over the last axis."""
    return np.asarray(np.einsum("...i,...i->...", a, b))


def in_view(view: View, pixels: NDArray[np.floating], depth: NDArray[np.floating]) -> Mask:
    """(N,) bool: the places with these pixels (N, 2) and depth (N,) that lie in a view's picture."""
    x, y = pixels[:, 0], pixels[:, 1]
    width, height = view.size
    return np.asarray((depth > 0) & (x >= 0) & (x < width) & (y >= 0) & (y < height))


def smooth_normals(sheet: Sheet) -> Floats:
    """Unit means (H, W, 3) of the normals within ``SMOOTHING`` pixels."""
    total = np.where(sheet.here[..., None], sheet.normals, np.float32(0.0))
    for axis in (0, 1):
        length = total.shape[axis]
        summed = np.concatenate([np.zeros_like(total.take([0], axis)), total.cumsum(axis)], axis)
        end = np.minimum(np.arange(length) + SMOOTHING + 1, length)
        start = np.maximum(np.arange(length) - SMOOTHING, 0)
        total = summed.take(end, axis) - summed.take(start, axis)
    return total / np.maximum(np.linalg.norm(total, axis=-1, keepdims=True), 1e-20)


@dataclass(frozen=True)
class _Grid:
    """Every n-th pixel of a sheet: its vertices (h, w), and which triangles of its cells hold.

    ``cells`` is (h - 1, w - 1, 2, 3): two triangles a cell, as indices into the flattened vertices;
    ``holds`` (h - 1, w - 1, 2); ``density`` (h, w) pixels per area.
    """

    view: View
    step: int
    points_world: Floats
    normals: Floats
    density: Floats
    here: Mask
    cells: NDArray[np.int64]
    holds: Mask

    @classmethod
    def of(cls, sheet: Sheet, step: int, steepest: float) -> _Grid:
        normals = smooth_normals(sheet)
        points, normals = sheet.points_world[::step, ::step], normals[::step, ::step]
        here = sheet.here[::step, ::step]
        to_camera = sheet.view.cam_to_world[:3, 3].astype(np.float32) - points
        distance = np.maximum(np.linalg.norm(to_camera, axis=-1), 1e-20)
        cosine = np.clip((normals * to_camera).sum(-1) / distance, 0.0, 1.0)
        density = float(sheet.view.K[0, 0] * sheet.view.K[1, 1]) * cosine / distance**2
        cells = _cells(points, here)
        holds = here.ravel()[cells].all(-1)
        holds &= _slant(points.reshape(-1, 3)[cells], sheet.view) >= np.cos(np.deg2rad(steepest))
        holds[holds] = _in_large_islands(cells[holds], SMALLEST / step**2)
        return cls(sheet.view, step, points, normals, density, here, cells, holds)

    def triangles(self, dropped: Mask) -> Triangles:
        """Those that hold and were not dropped, over the vertices that they use."""
        corners = self.cells[self.holds & ~dropped]
        used, renumbered = np.unique(corners, return_inverse=True)
        row, column = np.divmod(used, self.points_world.shape[1])
        pixels = np.stack([column, row], axis=-1) * self.step + np.float32(0.5)
        points = self.points_world.reshape(-1, 3)[used]
        return Triangles(points, pixels.astype(np.float32), renumbered.reshape(-1, 3))

    def at(self, points_world: Floats) -> tuple[Mask, Floats, NDArray[np.int64]]:
        """Whether the surface covers points (N, 3) of the world, at their depth; its density and vertex."""
        height, width = self.here.shape
        pixels, depth = project(points_world, self.view.K, self.view.cam_to_world)
        place = (pixels - 0.5) / self.step
        inside = (depth > 0) & (place >= 0).all(-1) & (place <= [width - 1, height - 1]).all(-1)
        x, y = np.where(inside[:, None], place, 0.0).T
        if min(height, width) < 2:
            return np.zeros_like(inside), np.zeros(len(depth), np.float32), np.zeros(len(depth), np.int64)
        cell = np.minimum(y.astype(int), height - 2), np.minimum(x.astype(int), width - 2)
        nearest = y.round().astype(int) * width + x.round().astype(int)
        centre, axis = self.view.cam_to_world[:3, 3], self.view.cam_to_world[:3, 2]
        own_depth = (self.points_world.reshape(-1, 3)[nearest] - centre) @ axis
        covered = inside & self.holds[cell].all(-1)
        covered &= np.abs(own_depth - depth) < SAME_PLACE * depth
        return covered, self.density.ravel()[nearest], nearest


def _yields(grid: _Grid, others: Sequence[_Grid]) -> Mask:
    """(h - 1, w - 1, 2) bool: the triangles that another view shows better."""
    dropped = np.zeros_like(grid.holds)
    vertices = np.flatnonzero(grid.here)
    points = grid.points_world.reshape(-1, 3)[vertices]
    density, normals = grid.density.ravel()[vertices], grid.normals.reshape(-1, 3)[vertices]
    for other in others:
        covered, theirs, where = other.at(points)
        facing = (normals * other.normals.reshape(-1, 3)[where]).sum(-1) > 0
        better = np.zeros(grid.here.size, np.bool_)
        better[vertices] = covered & facing & (theirs > CLEARLY_BETTER * density)
        dropped |= better[grid.cells].all(-1)
    return dropped


def _cells(points: Floats, here: Mask) -> NDArray[np.int64]:
    """Two triangles per cell along its shorter diagonal, or along the one that leaves three points."""
    height, width = here.shape
    number = np.arange(height * width).reshape(height, width)
    a, b, c, d = (n for n in (number[:-1, :-1], number[:-1, 1:], number[1:, 1:], number[1:, :-1]))
    flat, there = points.reshape(-1, 3), here.ravel()
    longer = ((flat[a] - flat[c]) ** 2).sum(-1) > ((flat[b] - flat[d]) ** 2).sum(-1)
    whole = there[a] & there[b] & there[c] & there[d]
    along_bd = np.where(whole, longer, ~(there[a] & there[c]))
    by_ac = np.stack([np.stack([a, d, c], -1), np.stack([a, c, b], -1)], -2)
    by_bd = np.stack([np.stack([a, d, b], -1), np.stack([d, c, b], -1)], -2)
    return np.where(along_bd[..., None, None], by_bd, by_ac)


def _in_large_islands(corners: NDArray[np.int64], smallest: float) -> Mask:
    """(T,) bool: the triangles that hang together with at least ``smallest`` vertices."""
    used, renumbered = np.unique(corners, return_inverse=True)
    label = islands(renumbered.reshape(-1, 3), len(used))
    large = np.bincount(label, minlength=len(used)) >= smallest
    return np.asarray(large[label[renumbered.reshape(-1, 3)[:, 0]]])


def _slant(corners: Floats, view: View) -> Floats:
    """Cosine between triangles' (..., 3, 3) normals and the direction to the camera."""
    a, b, c = (corners[..., i, :] for i in range(3))
    normal = np.cross(b - a, c - a)
    to_camera = view.cam_to_world[:3, 3].astype(np.float32) - (a + b + c) / 3
    lengths = np.linalg.norm(normal, axis=-1) * np.linalg.norm(to_camera, axis=-1)
    return (normal * to_camera).sum(-1) / np.maximum(lengths, 1e-30)
