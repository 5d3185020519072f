# SPDX-License-Identifier: GPL-3.0-or-later
"""Parts of looking for objects: elimination in blocks, and repeats that go."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from wildseg3d_blender.errors import Cancelled
from wildseg3d_blender.pipeline.segmentation.graphcut.candidates import BLOCK, _inverted, _solved
from wildseg3d_blender.pipeline.segmentation.graphcut.proposals import CROWDING, distinct
from wildseg3d_blender.progress import silent


def walk_matrix(size: int) -> NDArray[np.float32]:
    rng = np.random.default_rng(size)
    weights = rng.random((size, size)) * (rng.random((size, size)) < 0.05)
    weights += weights.T
    return (np.diag(weights.sum(1) + 0.5) - weights + np.diag(np.diag(weights))).astype(np.float32)


@pytest.mark.parametrize("size", [1, BLOCK, 2 * BLOCK + 17])
def test_elimination_in_blocks_solves(size: int) -> None:
    matrix = walk_matrix(size)
    right = np.random.default_rng(size).random((size, 3)).astype(np.float32)
    expected = np.linalg.solve(matrix.astype(np.float64), right)
    np.testing.assert_allclose(_solved(matrix.copy(), right.copy(), silent), expected, atol=1e-3)


@pytest.mark.parametrize("size", [1, BLOCK, 2 * BLOCK + 17])
def test_elimination_in_blocks_inverts(size: int) -> None:
    matrix = walk_matrix(size)
    expected = np.linalg.inv(matrix.astype(np.float64))
    np.testing.assert_allclose(_inverted(matrix.copy(), silent), expected, atol=1e-3)


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


def test_crowding_is_counted_as_if_anew_for_everyone() -> None:
    rng = np.random.default_rng(3)
    selections, area = rng.random((30, 50)) < np.linspace(0.1, 0.9, 30)[:, None], rng.random(50) + 0.5
    selections[:20, 25:] = False
    scores = 0.05 * rng.random(30)
    share = selections * area / (selections @ area)[:, None]
    expected: list[int] = []
    for _ in range(12):
        covered = selections[expected].sum(0)
        worth = scores - CROWDING * (share @ np.log1p(covered))
        worth[expected] = -np.inf
        expected.append(int(worth.argmax()))
    kept = distinct(selections, scores, area, alike=0.9, most=12)
    assert sorted(kept) == sorted(expected)
    assert kept != [int(k) for k in np.argsort(-scores)[:12]]
