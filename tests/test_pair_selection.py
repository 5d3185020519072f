# SPDX-License-Identifier: GPL-3.0-or-later
"""Which pairs of views are looked at."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from wildseg3d_blender.errors import PhotoError, ReconstructionError
from wildseg3d_blender.pipeline.pair_selection import both_directions, one_direction, select_pairs


def random_similarity(count: int, seed: int = 0) -> np.ndarray:
    values = np.random.default_rng(seed).random((count, count))
    return values + values.T


def reached(pairs: list[tuple[int, int]], start: int = 0) -> set[int]:
    seen = {start}
    while True:
        more = seen | {b for pair in pairs for a, b in (pair, pair[::-1]) if a in seen}
        if more == seen:
            return seen
        seen = more


@pytest.mark.parametrize("count", [2, 3, 12])
def test_few_views_are_all_paired(count: int) -> None:
    assert select_pairs(random_similarity(count)) == list(combinations(range(count), 2))


@pytest.mark.parametrize("count", [13, 60, 300])
def test_many_views_are_connected_with_few_pairs(count: int) -> None:
    pairs = select_pairs(random_similarity(count), neighbours=4, window=2)
    assert pairs == sorted(set(pairs))
    assert all(0 <= i < j < count for i, j in pairs)
    assert reached(pairs) == set(range(count))
    assert len(pairs) <= count * 7


def test_each_view_gets_its_most_similar() -> None:
    alike = random_similarity(40)
    pairs = set(select_pairs(alike, neighbours=3, window=0))
    np.fill_diagonal(alike, -1.0)
    for i, row in enumerate(alike):
        assert {(min(i, j), max(i, j)) for j in np.argsort(row)[-3:].tolist()} <= pairs


def test_the_window_follows_the_order() -> None:
    pairs = set(select_pairs(random_similarity(30), neighbours=1, window=3))
    assert {(i, j) for i, j in combinations(range(30), 2) if j - i <= 3} <= pairs


def test_order_does_not_matter_without_a_window() -> None:
    alike = random_similarity(50)
    order = np.random.default_rng(1).permutation(50)
    pairs = select_pairs(alike, window=0)
    shuffled = select_pairs(alike[np.ix_(order, order)], window=0)
    assert sorted(tuple(sorted(order[[i, j]].tolist())) for i, j in shuffled) == pairs
    assert select_pairs(alike, window=0) == pairs


def test_parts_are_joined_where_they_are_most_alike() -> None:
    alike = np.kron(np.eye(3), np.ones((10, 10))) + 0.001 * random_similarity(30)
    alike[4, 17] = alike[17, 4] = 0.5
    alike[12, 28] = alike[28, 12] = 0.4
    pairs = select_pairs(alike, neighbours=2, window=0)
    across = [(i, j) for i, j in pairs if i // 10 != j // 10]
    assert across == [(4, 17), (12, 28)]
    assert reached(pairs) == set(range(30))


def test_an_isolated_view_is_joined() -> None:
    alike = random_similarity(20) + 1.0
    alike[7, :] = alike[:, 7] = 0.0
    assert reached(select_pairs(alike, neighbours=1, window=0)) == set(range(20))


def test_similarity_need_not_be_symmetric_or_positive() -> None:
    alike = random_similarity(20)
    lopsided = alike + np.triu(alike) - np.tril(alike) - 5.0
    assert select_pairs(lopsided) == select_pairs(alike)


@pytest.mark.parametrize("seed", range(5))
def test_in_one_direction_each_view_is_first(seed: int) -> None:
    pairs = select_pairs(random_similarity(30, seed), neighbours=2, window=0)
    directed = one_direction(pairs, 30)
    assert sorted((min(p), max(p)) for p in directed) == pairs
    firsts = np.bincount([i for i, _ in directed], minlength=30)
    assert firsts.min() >= 1


def test_a_tree_takes_one_pair_both_ways() -> None:
    star = [(0, 3), (1, 3), (2, 3), (3, 4)]
    directed = one_direction(star, 5)
    assert {i for i, _ in directed} == set(range(5))
    assert len(directed) == 5
    assert one_direction([(0, 1)], 2) == [(0, 1), (1, 0)]


def test_parts_without_connection_are_directed_too() -> None:
    directed = one_direction([(0, 1), (1, 2), (0, 2), (3, 4)], 5)
    assert {i for i, _ in directed} == set(range(5))
    assert len(directed) == 5


@pytest.mark.parametrize("count", [8, 11, 40])
def test_first_as_often_as_second(count: int) -> None:
    directed = one_direction(select_pairs(random_similarity(count)), count)
    first, second = (np.bincount(views, minlength=count) for views in zip(*directed, strict=True))
    assert np.abs(first - second).max() <= 1


def test_both_directions() -> None:
    assert both_directions([(0, 2), (1, 2)]) == [(0, 2), (1, 2), (2, 0), (2, 1)]


def test_bad_input_is_named() -> None:
    with pytest.raises(PhotoError, match="at least two photos"):
        select_pairs(np.ones((1, 1)))
    with pytest.raises(ReconstructionError, match="square"):
        select_pairs(np.ones((3, 4)))
    broken = np.ones((20, 20))
    broken[2, 5] = np.nan
    with pytest.raises(ReconstructionError, match="views 2 and 5"):
        select_pairs(broken)
    with pytest.raises(ReconstructionError, match="neighbour"):
        select_pairs(np.ones((20, 20)), neighbours=0)
    with pytest.raises(ReconstructionError, match="View 1 is in no pair"):
        one_direction([(0, 2)], 3)
