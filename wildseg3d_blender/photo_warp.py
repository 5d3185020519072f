# SPDX-License-Identifier: GPL-3.0-or-later
"""The one map between a view's pinhole pixels and the pixels of the photo it came from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class PhotoWarp:
    """How a pinhole view was resampled from its photo.

    A view pixel p goes through ``view_K``^-1 to normalised coordinates n, is distorted by the lens as
    n (1 + radial |n|^2) (COLMAP's SIMPLE_RADIAL), and lands on the photo through ``photo_K``.

    ``view_K`` is the K used for the resampling. It stays as it is when alignment later refines the
    view's own K: the warp describes how pixels were moved, not where rays go.

    Attributes:
        photo_K: (3, 3) in photo pixels.
        view_K: (3, 3) in view pixels.
        radial: first radial coefficient, no unit.
    """

    photo_K: NDArray[np.float64]
    view_K: NDArray[np.float64]
    radial: float = 0.0

    def to_photo(self, view_pixels: NDArray[np.floating]) -> NDArray[np.float64]:
        """View pixels (..., 2) -> photo pixels (..., 2)."""
        normalised = _normalise(self.view_K, view_pixels)
        radius2 = (normalised**2).sum(-1, keepdims=True)
        return _denormalise(self.photo_K, normalised * (1.0 + self.radial * radius2))

    def to_view(self, photo_pixels: NDArray[np.floating]) -> NDArray[np.float64]:
        """Photo pixels (..., 2) -> view pixels (..., 2)."""
        distorted = _normalise(self.photo_K, photo_pixels)
        radius_distorted = np.linalg.norm(distorted, axis=-1, keepdims=True)
        radius = radius_distorted.copy()
        # Newton on r (1 + k r^2) = r_d; quadratic, so 12 steps reach machine precision for any real lens.
        for _ in range(12):
            error = radius * (1.0 + self.radial * radius**2) - radius_distorted
            slope = np.maximum(1.0 + 3.0 * self.radial * radius**2, 0.1)
            radius = radius - error / slope
        scale = np.divide(radius, radius_distorted, out=np.ones_like(radius), where=radius_distorted > 0)
        return _denormalise(self.view_K, distorted * scale)


def _normalise(K: NDArray[np.float64], pixels: NDArray[np.floating]) -> NDArray[np.float64]:
    pixels = np.asarray(pixels, dtype=np.float64)
    return (pixels - K[:2, 2]) / np.array([K[0, 0], K[1, 1]])


def _denormalise(K: NDArray[np.float64], normalised: NDArray[np.float64]) -> NDArray[np.float64]:
    return normalised * np.array([K[0, 0], K[1, 1]]) + K[:2, 2]
