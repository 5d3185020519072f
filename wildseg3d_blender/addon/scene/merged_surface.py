# SPDX-License-Identifier: GPL-3.0-or-later
"""Points -> one closed mesh, with the photos on it where they show it; numpy in, numpy out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...conventions import project
from . import surface_nets, volume
from .in_parts import Parts, scaled
from .view_surfaces import Sheet, dot, in_view, smooth_normals
from .volume import Evidence

SMALLEST_ISLAND = 0.02
"""Share of the largest piece's vertices; smaller pieces are strays and are left out."""
OUTERMOST = 0.002
"""Share of the points along each axis, at either end, that may be strays: the box leaves them out."""
SOFTENING = 40
"""Rounds of averaging over unseen places, whose colours would otherwise spread in flat patches."""
NO_PHOTO = -1

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Merged:
    """A closed mesh of quadrilaterals.

    Attributes:
        points_world: (N, 3) float32, root's space.
        corners: (F, 4) int64 into these, counter-clockwise seen from outside.
        photo: (F,) int64, the sheet whose photo shows the face best, or ``NO_PHOTO``.
        pixels: (F, 4, 2) float32, where that photo's view sees the corners; 0 without.
        colour: (N, 3) float32 in [0, 255], the photos' colours; unseen places have their neighbours'.
    """

    points_world: Floats
    corners: NDArray[np.int64]
    photo: NDArray[np.int64]
    pixels: Floats
    colour: Floats


FUSED = 0.8
"""How far merging is, about, once the volume is there."""


def merging(
    evidence: Sequence[Evidence], colours: Sequence[NDArray[np.uint8]], detail: int
) -> Parts[Merged | None]:
    """The surface that all views agree on, closed where none of them saw it; None where there is none.

    Args:
        evidence: of all views, those without a point of the surface included: they may see past it.
        colours: (H, W, 3) per view.
        detail: voxels along the longest side of the box around the points.
    """
    points = np.concatenate([one.sheet.points_world[one.sheet.here] for one in evidence])
    if not len(points):
        return None
    low, high = np.quantile(points, [OUTERMOST, 1.0 - OUTERMOST], axis=0).astype(np.float32)
    if not (high - low).max() > 0:
        return None
    fusing = volume.fusing(evidence, low, high, detail)
    fused = yield from scaled(fusing, 0.0, FUSED)
    vertices, corners = _large(*surface_nets.surface_nets(fused.distance))
    if not len(corners):
        return None
    vertices = (fused.origin_world + fused.voxel * vertices).astype(np.float32)
    painting = _painting(vertices, corners, evidence, colours, fused.voxel)
    return (yield from scaled(painting, FUSED, 1.0))


def _large(vertices: Floats, corners: NDArray[np.int64]) -> tuple[Floats, NDArray[np.int64]]:
    """Without the small pieces."""
    if not len(corners):
        return vertices, corners
    label = surface_nets.islands(corners, len(vertices))
    sizes = np.bincount(label)
    kept = sizes[label] >= SMALLEST_ISLAND * sizes.max()
    number = np.cumsum(kept) - 1
    return vertices[kept], number[corners[kept[corners[:, 0]]]]


def _painting(
    vertices: Floats,
    corners: NDArray[np.int64],
    evidence: Sequence[Evidence],
    colours: Sequence[NDArray[np.uint8]],
    voxel: float,
) -> Parts[Merged]:
    """The mesh with its photos and colours, a photo at a time."""
    normals = _vertex_normals(vertices, corners)
    photo = np.full(len(corners), NO_PHOTO, np.int64)
    best = np.zeros(len(corners), np.float32)
    places = np.zeros((*corners.shape, 2), np.float32)
    total, weight = np.zeros((len(vertices), 3), np.float32), np.zeros((len(vertices), 1), np.float32)
    for number, (one, picture) in enumerate(zip(evidence, colours, strict=True)):
        yield number / len(evidence)
        if not one.sheet.here.any():
            continue
        density, pixels, at = _shown(one.sheet, vertices, normals, volume.band(one, voxel))
        of_face = density[corners].min(axis=1)
        better = of_face > best
        photo[better], best[better] = number, of_face[better]
        places[better] = pixels[corners[better]]
        # Squared, so that the photos that show a place best set its colour.
        total += (density**2)[:, None] * np.asarray(picture).reshape(-1, 3)[at]
        weight += (density**2)[:, None]
    known = weight[:, 0] > 0
    colour = np.where(known[:, None], total / np.maximum(weight, 1e-30), 0.0)
    return Merged(vertices, corners, photo, places, _spread(colour, known, corners))


def _shown(
    sheet: Sheet, vertices: Floats, normals: Floats, near: float
) -> tuple[Floats, Floats, NDArray[np.int64]]:
    """How densely a view shows vertices that lie ``near`` its surface (0: not at all), at which pixel (N, 2),
    and that pixel's number."""
    view = sheet.view
    pixels, depth = project(vertices, view.K, view.cam_to_world)
    inside = in_view(view, pixels, depth)
    pixels = np.where(inside[:, None], pixels, 0.0).astype(np.float32)
    column, row = pixels.astype(int).T
    at = row * view.size[0] + column
    offset = vertices - sheet.points_world.reshape(-1, 3)[at]
    away = np.abs(dot(offset, smooth_normals(sheet).reshape(-1, 3)[at]))
    sight = view.cam_to_world[:3, 3].astype(np.float32) - vertices
    squared = np.maximum(dot(sight, sight), 1e-30)
    cosine = np.maximum(dot(sight, normals) / np.sqrt(squared), 0.0)
    shown = inside & sheet.here.ravel()[at] & (away < near)
    density = np.where(shown, cosine / squared, 0.0) * float(view.K[0, 0] * view.K[1, 1])
    return density, pixels, at


def _vertex_normals(vertices: Floats, corners: NDArray[np.int64]) -> Floats:
    a, b, c, d = (vertices[corners[:, i]] for i in range(4))
    of_face = np.cross(c - a, d - b)
    total = np.stack(
        [np.bincount(corners.ravel(), np.repeat(of_face[:, i], 4), len(vertices)) for i in range(3)], axis=-1
    )
    return (total / np.maximum(np.linalg.norm(total, axis=-1, keepdims=True), 1e-30)).astype(np.float32)


def _spread(colour: Floats, known: NDArray[np.bool_], corners: NDArray[np.int64]) -> Floats:
    """Colours (N, 3) where there are none: from face to face the mean of the neighbours', then softened."""
    colour, known, unknown = colour.astype(np.float32), known.copy(), ~known
    open_ = corners[~known[corners].all(1)]
    faces = open_
    while len(faces):
        has = known[faces]
        edge = has.any(1)
        mean = np.einsum("fci,fc->fi", colour[faces[edge]], has[edge]) / has[edge].sum(1)[:, None]
        values, reached = _mean_at(faces[edge], mean, len(colour))
        reached &= ~known
        if not reached.any():
            break
        colour[reached] = values[reached]
        known |= reached
        faces = faces[~known[faces].all(1)]
    for _ in range(SOFTENING):
        values, reached = _mean_at(open_, colour[open_].mean(1), len(colour))
        colour[unknown & reached] = values[unknown & reached]
    return colour


def _mean_at(faces: NDArray[np.int64], values: Floats, count: int) -> tuple[Floats, NDArray[np.bool_]]:
    """Mean of the faces' values (F, 3) at each of ``count`` vertices, and whether a face reaches it."""
    corners = faces.ravel()
    faces_at = np.bincount(corners, minlength=count)
    total = np.stack([np.bincount(corners, np.repeat(values[:, i], 4), count) for i in range(3)], axis=-1)
    return (total / np.maximum(faces_at, 1)[:, None]).astype(np.float32), faces_at > 0
