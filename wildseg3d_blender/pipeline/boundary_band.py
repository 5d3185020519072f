# SPDX-License-Identifier: GPL-3.0-or-later
"""Pixels that a pointmap smears between near and far: kept out of objects, and little trusted by DGA."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

STEEP = 0.01
"""Relative change of depth from one pixel to the next above which it may be a smeared edge."""

CLEAN = 4.0
"""A step this many times as large as those beside it is a jump with no pixel of mixed depth in it: one that
holds less than a fifth of the other side counts as pure."""


def boundary_band(depth: NDArray[np.floating], measured: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Pixels whose depth lies on a smear between a near and a far surface.

    Along a row or a column, such a pixel has a clearly nearer neighbour on one side and a clearly farther
    one on the other, on a slope that ends within a few pixels. A plane seen at a grazing angle keeps its
    slope (in inverse depth), and a clean jump has no pixel in between: neither is in the band, nor is the
    limb of a round thing, which turns away ever more steeply and then ends in a clean jump.

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

    steps = np.abs(padded[:, 1:] - padded[:, :-1])

    def step(after: int) -> NDArray[np.floating]:
        """Size of the step to the right of the pixel that is ``after`` to the right."""
        return steps[:, reach + after : reach + after + width]

    with np.errstate(invalid="ignore"):
        before, after = shifted(0) - shifted(-1), shifted(1) - shifted(0)
        slope = np.minimum(np.abs(before), np.abs(after))
        steep = (before * after > 0) & (slope > STEEP * inverse)
        jumps = np.zeros(steps.shape, dtype=bool)
        jumps[:, 1:-1] = steps[:, 1:-1] > CLEAN * np.maximum(steps[:, :-2], steps[:, 2:])

        def ended(first: int, last: int, beyond: int) -> NDArray[np.bool_]:
            """Whether the slope is over at one step, with no clean jump among those on the way there."""
            on_the_way = [jumps[:, reach + k : reach + k + width] for k in range(first, last + 1)]
            return (step(beyond) <= 0.4 * slope) & ~np.any(on_the_way, axis=0)

        # A slope that has ended on either side was a smear. One that runs into pixels without depth on both
        # sides is not worth keeping either; on one side only, it may be a limb before the sky.
        lost = np.isnan(step(-4)) & np.isnan(step(3))
        return steep & (ended(-3, -1, -4) | ended(0, 2, 3) | lost)
