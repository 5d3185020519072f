# SPDX-License-Identifier: GPL-3.0-or-later
"""All photos' surfaces as one signed distance on a grid of voxels, inside and outside told apart everywhere.

Each photo says of a voxel: in front of my surface (outside), just behind it (inside), or hidden from me. The
answers are averaged (Curless and Levoy 1996), so that noise evens out and strays that others look through
vanish. What no photo saw is filled as heat spreads (after Davis et al. 2002), with cold outside all around:
the surface closes there smoothly, about as far back as the thing is deep.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...conventions import project
from .in_parts import Parts
from .view_surfaces import Sheet, dot, in_view, smooth_normals

BAND = 3.0
"""How many voxels behind a surface are known to be inside, at least: thinner things grow as thick."""
NOISE = 0.0075
"""And at least this share of the distance to the camera: views that differ by less mean one surface."""
OUTLINE = 2
"""Pixels around a surface's outline that say nothing of what lies beside it: outlines are not exact."""
SPREADS = 24
"""Rounds of spreading at each of the resolutions, from coarse to fine."""

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Volume:
    """Signed distance, -1 to 1 (in bands): > 0 outside.

    Attributes:
        distance: (X, Y, Z) float32; the outermost layer is outside.
        origin_world: (3,), the middle of voxel (0, 0, 0), root's space.
        voxel: its side.
    """

    distance: Floats
    origin_world: Floats
    voxel: float


@dataclass(frozen=True)
class Evidence:
    """What one view has to say: its surface, and how far it looks past it elsewhere.

    Attributes:
        sheet: the surface, on the view's pixel grid.
        depth: (H, W) float32 of all that is measured: up to there, nothing is in the way.
        confidence: (H, W) float32 >= 0, how far each pixel counts.
    """

    sheet: Sheet
    depth: Floats
    confidence: Floats


def fusing(evidence: Sequence[Evidence], low: Floats, high: Floats, detail: int) -> Parts[Volume]:
    """The volume of the box from ``low`` (3,) to ``high`` (3,), a slice at a time.

    ``detail``: voxels along its longest side.
    """
    voxel = float((high - low).max()) / detail
    margin = 2
    origin = (low - (margin - 0.5) * voxel).astype(np.float32)
    shape = tuple(int(n) + 2 * margin for n in np.ceil((high - low) / voxel))
    distance = np.empty(shape, np.float32)
    known = np.empty(shape, np.bool_)
    voices = [_Voice.of(one, voxel) for one in evidence]
    y, z = np.meshgrid(np.arange(shape[1]), np.arange(shape[2]), indexing="ij")
    for x in range(shape[0]):  # by slices, to keep memory small
        grid = np.stack([np.full_like(y, x), y, z], axis=-1).reshape(-1, 3)
        points = (origin + voxel * grid).astype(np.float32)
        total, weight = np.zeros(len(points), np.float32), np.zeros(len(points), np.float32)
        for voice in voices:
            value, trust = voice.says(points)
            total += trust * value
            weight += trust
        known[x] = (weight > 0).reshape(shape[1:])
        distance[x] = (total / np.maximum(weight, 1e-30)).reshape(shape[1:])
        yield (x + 1) / shape[0]
    for axis in range(3):
        for end in (0, -1):
            distance.swapaxes(0, axis)[end] = 1.0
            known.swapaxes(0, axis)[end] = True
    return Volume(_spread(distance, known), origin, voxel)


def band(evidence: Evidence, voxel: float) -> float:
    """How far behind a view's surface is known to be inside, and how far views of one surface may differ."""
    here = evidence.sheet.here
    noise = NOISE * float(np.median(evidence.depth[here])) if here.any() else 0.0
    return max(BAND * voxel, noise)


@dataclass(frozen=True)
class _Voice:
    """A view's evidence, its arrays flattened over the pixels, and the width of its band."""

    evidence: Evidence
    points_world: Floats
    normals: Floats
    past: Mask
    band: float

    @classmethod
    def of(cls, evidence: Evidence, voxel: float) -> _Voice:
        sheet = evidence.sheet
        past = sheet.taken & ~_grown(sheet.here, OUTLINE)
        return cls(
            evidence,
            sheet.points_world.reshape(-1, 3),
            smooth_normals(sheet).reshape(-1, 3),
            past.ravel(),
            band(evidence, voxel),
        )

    def says(self, points: Floats) -> tuple[Floats, Floats]:
        """Signed distance (N,) of points (N, 3), -1 to 1, and how far that counts (0: not at all)."""
        view, here = self.evidence.sheet.view, self.evidence.sheet.here.ravel()
        confidence, measured = self.evidence.confidence.ravel(), self.evidence.depth.ravel()
        value, trust = np.zeros(len(points), np.float32), np.zeros(len(points), np.float32)
        pixels, depth = project(points, view.K, view.cam_to_world)
        number = np.flatnonzero(in_view(view, pixels, depth))
        column, row = pixels[number].astype(int).T
        at = row * view.size[0] + column

        own = here[at]
        of, pixel = number[own], at[own]
        normal, place = self.normals[pixel], points[of]
        # Distance to the pixel's plane: pixels are wider than voxels, their planes join without steps.
        away = dot(place - self.points_world[pixel], normal) / self.band
        sight = view.cam_to_world[:3, 3].astype(np.float32) - place
        cosine = dot(sight, normal) / np.sqrt(np.maximum(dot(sight, sight), 1e-30))
        value[of] = np.clip(away, -1.0, 1.0)
        trust[of] = np.maximum(cosine, 0.0) * confidence[pixel] * (away > -1.0)

        free = self.past[at] & (depth[number] < measured[at])
        value[number[free]] = 1.0
        trust[number[free]] = confidence[at[free]]
        return value, trust


def _grown(mask: Mask, by: int) -> Mask:
    """A mask (H, W) and all within ``by`` pixels of it along rows and columns."""
    padded = np.pad(mask, by)
    height, width = mask.shape
    rows = np.any([padded[:, i : i + width] for i in range(2 * by + 1)], axis=0)
    return np.asarray(np.any([rows[i : i + height] for i in range(2 * by + 1)], axis=0))


def _spread(value: Floats, known: Mask) -> Floats:
    """Values at unknown voxels such that each is the mean of its neighbours, nearly; known ones stay."""
    start = np.zeros_like(value)
    if min(value.shape) > 8:
        coarse, coarse_known = _halved(value, known)
        start = _spread(coarse, coarse_known)
        for axis in range(3):
            start = np.repeat(start, 2, axis=axis).take(range(value.shape[axis]), axis)
    filled = np.where(known, value, start)
    middle = (slice(1, -1),) * 3
    for _ in range(SPREADS):
        total = np.zeros_like(filled[middle])
        for axis in range(3):
            for shift in (slice(0, -2), slice(2, None)):
                total += filled[tuple(shift if a == axis else slice(1, -1) for a in range(3))]
        filled[middle] = np.where(known[middle], value[middle], total / 6)
    return filled


def _halved(value: Floats, known: Mask) -> tuple[Floats, Mask]:
    """Means of the known among each 2 x 2 x 2 voxels."""
    odd = [(0, size % 2) for size in value.shape]
    total, count = np.pad(np.where(known, value, 0), odd), np.pad(known.astype(np.float32), odd)
    for axis in range(3):
        total, count = (
            a.swapaxes(0, axis)[0::2].swapaxes(0, axis) + a.swapaxes(0, axis)[1::2].swapaxes(0, axis)
            for a in (total, count)
        )
    return (total / np.maximum(count, 1)).astype(np.float32), count > 0
