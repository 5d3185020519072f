# SPDX-License-Identifier: GPL-3.0-or-later
"""Pixels that a pointmap smears between near and far: kept out of objects, and little trusted by DGA."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

STEEP = 0.01
"""Relative change of depth from one pixel to the next above which it may be a smeared edge."""


def boundary_band(depth: NDArray[np.floating], measured: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Pixels whose depth lies on a smear between a near and a far surface.

    Along a row or a column, such a pixel has a clearly nearer neighbour on one side and a clearly farther
    one on the other, on a slope that ends within a few pixels. A plane seen at a grazing angle keeps its
    slope (in inverse depth), and a clean jump has no pixel in between: neither is in the band.

    Args:
        depth: (H, W), along the camera's z or along the ray.
        measured: (H, W) bool, where depth means something.

    Returns:
        (H, W) bool, a subset of ``measured``.
    """
    inverse = np.where(measured & (depth > 0), 1.0 / np.where(depth > 0, depth, 1.0), np.nan)
    return (_band_along_rows(inverse) | _band_along_rows(inverse.T).T) & measured


def _band_along_rows(inverse: NDArray[np.floating]) -> NDArray[np.bool_]:
    width = inverse.shape[1]
    reach = 4
    # Continued in a straight line beyond the frame, so that a slope does not seem to end there.
    padded = np.pad(inverse, ((0, 0), (reach, reach)), mode="reflect", reflect_type="odd")

    def shifted(by: int) -> NDArray[np.floating]:
        return padded[:, reach + by : reach + by + width]

    with np.errstate(invalid="ignore"):
        before, after = shifted(0) - shifted(-1), shifted(1) - shifted(0)
        slope = np.minimum(np.abs(before), np.abs(after))
        steep = (before * after > 0) & (slope > STEEP * inverse)
        # Where the slope has ended on either side, or runs into pixels without depth, it was a smear.
        calm_before = ~(np.abs(shifted(-3) - shifted(-4)) > 0.4 * slope)
        calm_after = ~(np.abs(shifted(4) - shifted(3)) > 0.4 * slope)
    return steep & (calm_before | calm_after)
