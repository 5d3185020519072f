# SPDX-License-Identifier: GPL-3.0-or-later
"""Parts of looking for objects: elimination in blocks, and repeats that go."""

from __future__ import annotations

import numpy as np
import pytest

from wildseg3d_blender.errors import Cancelled
from wildseg3d_blender.pipeline.segmentation.graphcut.proposals import BLOCK, _solved, distinct
from wildseg3d_blender.progress import silent


@pytest.mark.parametrize("size", [1, BLOCK, 2 * BLOCK + 17])
def test_elimination_in_blocks_solves(size: int) -> None:
    rng = np.random.default_rng(size)
    weights = rng.random((size, size)) * (rng.random((size, size)) < 0.05)
    weights += weights.T
    matrix = (np.diag(weights.sum(1) + 0.5) - weights + np.diag(np.diag(weights))).astype(np.float32)
    right = rng.random((size, 3)).astype(np.float32)
    expected = np.linalg.solve(matrix.astype(np.float64), right)
    np.testing.assert_allclose(_solved(matrix.copy(), right.copy(), silent), expected, atol=1e-3)


def test_elimination_hears_a_cancellation_between_blocks() -> None:
    fractions: list[float] = []

    def cancel(stage: str, fraction: float, text: str = "") -> None:
        fractions.append(fraction)
        if len(fractions) == 2:
            raise Cancelled()

    matrix = np.eye(4 * BLOCK, dtype=np.float32)
    with pytest.raises(Cancelled):
        _solved(matrix, np.ones((4 * BLOCK, 1), dtype=np.float32), cancel)
    assert fractions == sorted(fractions) and fractions[-1] < 0.5


def test_repeats_of_better_selections_go() -> None:
    area = np.array([4.0, 3.0, 2.0, 1.0])
    selections = np.array(
        [[True, True, True, False], [True, True, True, True], [True, False, False, False], [False] * 4]
    )
    # The second is nine tenths like the first and better; the third is a part of both.
    kept = distinct(selections[:3], np.array([0.5, 0.9, 0.1]), area, alike=0.85, most=5)
    assert kept == [1, 2]
    assert distinct(selections[:3], np.array([0.5, 0.9, 0.1]), area, alike=0.95, most=5) == [1, 0, 2]
    assert distinct(selections[:3], np.array([0.5, 0.9, 0.1]), area, alike=0.95, most=2) == [1, 0]
