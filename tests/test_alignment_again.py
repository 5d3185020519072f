# SPDX-License-Identifier: GPL-3.0-or-later
"""Going on from an earlier alignment: same world, other weights, what was left out, what does not fit."""

from dataclasses import replace

import numpy as np
import pytest

from tests.synthetic import Corruption, TrueView, errors, pair_graph, with_edges, with_spoilt
from wildseg3d_blender.errors import AlignmentError
from wildseg3d_blender.pipeline.alignment import Alignment, EdgeState, Sim3, align, pointmap
from wildseg3d_blender.pipeline.alignment.sim3 import rotation_exp
from wildseg3d_blender.pipeline.pair_graph import Edge, PairGraph

SIZE = (128, 96)
BLENDER = Sim3(3.3, rotation_exp(np.array([1.0, -2.0, 0.5])), np.array([5.0, 1.0, -2.0]))


@pytest.fixture(scope="module")
def noisy(views: list[TrueView]) -> PairGraph:
    return pair_graph(views, corruption=Corruption(outliers=0.1))


@pytest.fixture(scope="module")
def before(noisy: PairGraph) -> Alignment:
    """As Blender keeps it: turned upright, so in a world that is no camera's."""
    return align(noisy).in_world(BLENDER)


def drift(new: Alignment, old: Alignment) -> float:
    """Largest move of a camera as a share of the median depth."""
    moved = np.linalg.norm(new.cam_to_world[:, :3, 3] - old.cam_to_world[:, :3, 3], axis=-1).max()
    return float(moved / np.median(old.depth[0]))


def test_edges_map_their_points_into_the_world(noisy: PairGraph, before: Alignment) -> None:
    assert len(before.edge_to_world) == len(noisy.edges)
    for edge, to_world in zip(noisy.edges, before.edge_to_world, strict=True):
        assert to_world is not None
        for v, points in ((edge.i, edge.points_i), (edge.j, edge.points_j)):
            off = np.linalg.norm(to_world.apply(points) - pointmap(before, v), axis=-1)
            assert np.median(off / before.depth[v]) < 0.02


def test_nothing_moves_when_nothing_changed(noisy: PairGraph, before: Alignment) -> None:
    again = align(noisy, start=before)
    assert again.iterations <= 3
    assert drift(again, before) < 5e-4
    for v in range(5):
        np.testing.assert_allclose(again.K[v], before.K[v], rtol=5e-4)
        np.testing.assert_allclose(again.depth[v], before.depth[v], rtol=2e-3)


def test_other_weights_improve_in_the_same_world(views: list[TrueView]) -> None:
    """A part of every second pointmap is off, which only the second weights know."""

    def spoil(points: np.ndarray) -> None:
        points[:, :48] *= 1.2

    graph = with_spoilt(pair_graph(views), spoil)
    first = align(graph).in_world(BLENDER)
    told: list[EdgeState | None] = []

    def weights(edge: Edge, state: EdgeState | None, masks: object) -> tuple[np.ndarray, np.ndarray]:
        told.append(state)
        right = edge.confidence_j.copy()
        right[:, : right.shape[1] * 48 // SIZE[0]] = 0.0
        return edge.confidence_i, right

    second = align(graph, weights=weights, start=first)
    assert all(state is not None for state in told)
    assert errors(first, views).points_mean > 0.1
    assert errors(second, views).points_mean < 0.02
    assert drift(second, first) < 0.05


def test_pair_that_was_not_used_before_joins(views: list[TrueView]) -> None:
    graph = pair_graph(views)
    silent = [
        replace(edge, confidence_j=np.zeros_like(edge.confidence_j)) if e in (0, 7) else edge
        for e, edge in enumerate(graph.edges)
    ]
    first = align(with_edges(graph, silent))
    assert [e for e, sim in enumerate(first.edge_to_world) if sim is None] == [0, 7]
    second = align(graph, start=first)
    assert None not in second.edge_to_world
    assert errors(second, views).points_mean < 0.02


def test_view_whose_pairs_no_longer_count_stays_where_it_was(
    noisy: PairGraph, before: Alignment, views: list[TrueView]
) -> None:
    silent = [
        replace(edge, confidence_i=0 * edge.confidence_i, confidence_j=0 * edge.confidence_j)
        if 2 in (edge.i, edge.j)
        else edge
        for edge in noisy.edges
    ]
    after = align(with_edges(noisy, silent), start=before)
    assert after.views == tuple(range(5))
    np.testing.assert_array_equal(after.cam_to_world[2], before.cam_to_world[2])
    assert (after.depth[2] == 0).all()
    assert drift(after, before) < 0.01


def test_start_that_does_not_fit_is_refused(
    noisy: PairGraph, before: Alignment, views: list[TrueView]
) -> None:
    fewer = [edge for edge in noisy.edges if 4 not in (edge.i, edge.j)]
    with pytest.raises(AlignmentError, match="not of these photos"):
        align(with_edges(noisy, fewer), start=before)
    lonely = [
        replace(edge, confidence_i=0 * edge.confidence_i, confidence_j=0 * edge.confidence_j)
        if 4 in (edge.i, edge.j)
        else edge
        for edge in noisy.edges
    ]
    four = align(with_edges(noisy, lonely), keep_largest=True)
    assert four.views == (0, 1, 2, 3)
    with pytest.raises(AlignmentError, match="view04"):
        align(noisy, start=four)
    assert align(noisy, start=four, keep_largest=True).views == (0, 1, 2, 3)
