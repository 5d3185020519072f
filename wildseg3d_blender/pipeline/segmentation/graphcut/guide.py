# SPDX-License-Identifier: GPL-3.0-or-later
"""What a photo's colours say about a mask around each pixel: the guided filter (He, Sun and Tang, 2010).

In a window around each pixel the mask is fitted by a linear function of colour, a small discriminant between
what is inside and outside right there. Where the colours separate, the fit snaps to the edge between them;
where they do not, it falls back to the mean of the mask, which smooths. All sums run on a grid of half the
resolution, a quarter of the work, and only the functions are applied to every pixel (He and Sun, 2015).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

RADIUS = 3
"""Half width of the windows in half-resolution pixels: 13 pixels wide, a little more than a superpixel."""

NOISE = 4.0
"""Colour variance, Lab squared, below which a window counts as one colour: grain and JPEG blocks."""

KEPT = 0.5
"""How much of the mask stays as it is where colours say nothing: right labels want all, wrong ones none."""

LEAST_VARIANCE = 0.01
"""Of a mask in a window; below, the window is as good as on one side, and nothing needs an explanation."""

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Guide:
    """One view's colours in windows around the pixels of its half-resolution grid (h, w).

    Attributes:
        colour: (3, h, w) float32 Lab.
        mean: (3, h, w) float32 of each window.
        inverse: (6, h, w) float32 upper triangle, row by row, of the inverse covariance of each window.
    """

    colour: Floats
    mean: Floats
    inverse: Floats

    def part(self, rows: slice, columns: slice) -> Guide:
        """The guide of a window of the half-resolution grid."""
        cut = (slice(None), rows, columns)
        return Guide(self.colour[cut], self.mean[cut], self.inverse[cut])

    def fit(self, mask: Floats) -> Floats:
        """The linear functions that fit a soft mask (h, w), (4, h, w): three slopes and an offset.

        Each is the mean of those of all windows that hold the pixel. As far as colour explains nothing of
        the mask there, it would be left with the mean over two windows, which melts thin things and rounds
        corners; ``KEPT`` of that loss is given back.
        """
        mean = _blur(mask)
        along = [
            _blur(plane * mask) - centre * mean for plane, centre in zip(self.colour, self.mean, strict=True)
        ]
        x, y, z = along
        xx, xy, xz, yy, yz, zz = self.inverse
        slopes = (xx * x + xy * y + xz * z, xy * x + yy * y + yz * z, xz * x + yz * y + zz * z)
        offset = mean - sum(slope * centre for slope, centre in zip(slopes, self.mean, strict=True))
        explained = sum(slope * common for slope, common in zip(slopes, along, strict=True))
        variance = np.maximum(_blur(mask * mask) - mean * mean, LEAST_VARIANCE)
        unexplained = 1 - _blur(np.clip(explained / variance, 0, 1))
        lost = cv2.GaussianBlur(mask, (0, 0), 1.0) - _blur(mean)
        return np.stack([*map(_blur, slopes), _blur(offset) + KEPT * unexplained * lost])


def make_guide(lab: Floats) -> Guide:
    """The guide of a Lab image (H, W, 3); its grid has (H + 1) // 2 rows and (W + 1) // 2 columns."""
    planes: list[Floats] = [np.ascontiguousarray(lab[..., c]) for c in range(3)]
    colour = np.stack([halved(plane) for plane in planes])
    mean = np.stack([_blur(plane) for plane in colour])
    pairs = ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2))
    xx, xy, xz, yy, yz, zz = (
        _blur(halved(planes[a] * planes[b])) - mean[a] * mean[b] + np.float32(NOISE * (a == b))
        for a, b in pairs
    )
    # The inverse of a symmetric 3 x 3 matrix by its cofactors.
    first, second, third = yy * zz - yz * yz, xz * yz - xy * zz, xy * yz - xz * yy
    determinant = xx * first + xy * second + xz * third
    cofactors = (first, second, third, xx * zz - xz * xz, xy * xz - xx * yz, xx * yy - xy * xy)
    return Guide(colour, mean, np.stack(cofactors) / determinant)


def halved(plane: Floats) -> Floats:
    """A plane (H, W) at half the resolution; an odd last row or column counts twice."""
    height, width = plane.shape
    even = cv2.copyMakeBorder(plane, 0, height % 2, 0, width % 2, cv2.BORDER_REPLICATE)
    return cv2.resize(even, (even.shape[1] // 2, even.shape[0] // 2), interpolation=cv2.INTER_AREA)


def _blur(plane: Floats) -> Floats:
    side = 2 * RADIUS + 1
    return cv2.blur(plane, (side, side), borderType=cv2.BORDER_REFLECT)
