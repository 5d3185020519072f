# SPDX-License-Identifier: GPL-3.0-or-later
"""The sparse solver against numpy's dense one, and the memory it needs for long graphs."""

import numpy as np
import pytest

from wildseg3d_blender.pipeline.alignment.fronts import plan, solve

Problem = tuple[list[list[int]], list[int], list[np.ndarray]]


def with_matrices(cliques: list[list[int]], sizes: list[int], rng: np.random.Generator) -> Problem:
    """Positive semidefinite matrices of low rank: only their sum is regular."""
    matrices = []
    for clique in cliques:
        side = sum(sizes[block] for block in clique)
        factor = rng.normal(size=(side, max(1, side // 2)))
        matrices.append(factor @ factor.T)
    return cliques, sizes, matrices


def random_problem(seed: int) -> Problem:
    rng = np.random.default_rng(seed)
    blocks = int(rng.integers(2, 30))
    sizes = rng.integers(1, 8, size=blocks).tolist()
    cliques = [
        rng.choice(blocks, size=min(blocks, int(rng.integers(1, 6))), replace=False).tolist()
        for _ in range(int(rng.integers(1, 25)))
    ]
    missing = set(range(blocks)) - {block for clique in cliques for block in clique}
    return with_matrices([*cliques, *([block] for block in missing)], sizes, rng)


def view_cliques(count: int, reach: int) -> tuple[list[list[int]], list[int]]:
    """Each view and its directed edges to the next ``reach`` views on either side."""
    edges = [(i, j) for i in range(count) for j in range(count) if 0 < abs(i - j) <= reach]
    cliques = [[e for e, edge in enumerate(edges) if v in edge] + [len(edges) + v] for v in range(count)]
    return cliques, [7] * (len(edges) + count)


def dense(problem: Problem, diagonal: np.ndarray) -> np.ndarray:
    cliques, sizes, matrices = problem
    offsets = np.concatenate([[0], np.cumsum(sizes)])
    whole = np.diag(diagonal)
    for clique, matrix in zip(cliques, matrices, strict=True):
        places = np.concatenate([np.arange(offsets[b], offsets[b + 1]) for b in clique])
        whole[np.ix_(places, places)] += matrix
    return whole


@pytest.mark.parametrize("seed", range(12))
def test_random_systems(seed: int) -> None:
    problem = random_problem(seed)
    rng = np.random.default_rng(100 + seed)
    size = sum(problem[1])
    diagonal, right = rng.uniform(0.1, 1.0, size), rng.normal(size=(size, 3))
    solution = solve(plan(problem[0], problem[1]), problem[2], diagonal, right)
    np.testing.assert_allclose(dense(problem, diagonal) @ solution, right, atol=1e-8)


@pytest.mark.parametrize("shared", [False, True], ids=["own focals", "one block in all cliques"])
def test_graph_of_views(shared: bool) -> None:
    cliques, sizes = view_cliques(12, 2)
    if shared:
        cliques, sizes = [[*clique, len(sizes)] for clique in cliques], [*sizes, 1]
    rng = np.random.default_rng(0)
    problem = with_matrices(cliques, sizes, rng)
    right = rng.normal(size=(sum(sizes), 1))
    diagonal = np.full(sum(sizes), 0.3)
    solution = solve(plan(cliques, sizes), problem[2], diagonal, right)
    np.testing.assert_allclose(dense(problem, diagonal) @ solution, right, atol=1e-8)


def test_parts_that_share_nothing_are_solved_too() -> None:
    rng = np.random.default_rng(1)
    problem = with_matrices([[0, 1], [1], [2, 3], [3]], [2, 3, 4, 1], rng)
    right = rng.normal(size=(10, 1))
    solution = solve(plan(problem[0], problem[1]), problem[2], np.ones(10), right)
    np.testing.assert_allclose(dense(problem, np.ones(10)) @ solution, right, atol=1e-9)


def test_fronts_of_a_long_sequence_stay_small() -> None:
    """Twice as many views, fronts of the same size: memory and time grow in step with the views."""

    def stored(count: int) -> tuple[int, int]:
        fronts = plan(*view_cliques(count, 3)).fronts
        sides = [len(front.eliminated) + len(front.kept) for front in fronts]
        return max(sides), sum(len(front.eliminated) * len(front.kept) for front in fronts)

    (side, entries), (side_twice, entries_twice) = stored(30), stored(60)
    assert side_twice <= 1.3 * side
    assert entries_twice <= 2.4 * entries
    assert side_twice < 0.2 * 7 * (60 + 2 * 60 * 3)


def test_singular_system_says_so() -> None:
    with pytest.raises(np.linalg.LinAlgError):
        solve(plan([[0]], [2]), [np.zeros((2, 2))], np.zeros(2), np.ones((2, 1)))
