# SPDX-License-Identifier: GPL-3.0-or-later
"""Input that leaves little to hold on to: aligned all the same, or refused in a clear sentence."""

from dataclasses import replace

import numpy as np
import pytest

from tests.synthetic import (
    Corruption,
    TrueView,
    all_pairs,
    errors,
    look_at,
    orbit,
    pair_graph,
    render,
    with_edges,
    with_spoilt,
)
from wildseg3d_blender.errors import AlignmentError
from wildseg3d_blender.pipeline.alignment import align, pointmap
from wildseg3d_blender.pipeline.pair_graph import PairGraph

SIZE = (128, 96)


def turned_on_the_spot(count: int) -> list[TrueView]:
    K, eye = orbit(1, SIZE)[0].K, np.array([2.0, -2.5, 1.5])
    return [render(f"v{n}", K, look_at(eye, np.array([0.2 * n, 0, 0.4])), *SIZE) for n in range(count)]


def rescaled(graph: PairGraph, scales: np.ndarray) -> PairGraph:
    return with_edges(
        graph,
        [
            replace(
                edge,
                points_i=(scale * edge.points_i).astype(np.float32),
                points_j=(scale * edge.points_j).astype(np.float32),
            )
            for edge, scale in zip(graph.edges, scales, strict=True)
        ],
    )


def test_two_views(views: list[TrueView]) -> None:
    off = errors(align(pair_graph(views[:2], corruption=Corruption())), views)
    assert off.points_median < 1.0
    assert off.rotation_degrees < 1.0


@pytest.mark.parametrize("noise", [False, True])
def test_pure_rotation_without_hints(noise: bool) -> None:
    """No parallax at all, but pointmaps still have depth."""
    views = turned_on_the_spot(4)
    alignment = align(pair_graph(views, corruption=Corruption()) if noise else pair_graph(views))
    spread = np.ptp(alignment.cam_to_world[:, :3, 3], axis=0).max() / np.median(alignment.depth[0])
    assert spread < (0.02 if noise else 1e-4)
    for v, view in enumerate(views):
        expected = views[0].cam_to_world[:3, :3].T @ view.cam_to_world[:3, :3]
        np.testing.assert_allclose(alignment.cam_to_world[v, :3, :3], expected, atol=0.02 if noise else 1e-4)
        shape = alignment.depth[v] / view.depth
        np.testing.assert_allclose(shape, np.median(shape), rtol=0.1 if noise else 1e-3)


@pytest.mark.parametrize("noise", [False, True])
@pytest.mark.parametrize("both_ways", [True, False])
def test_planar_scene(noise: bool, both_ways: bool) -> None:
    """Nothing but a floor. In one direction only, the last view is found from coplanar points alone."""
    K = orbit(1, SIZE)[0].K
    eyes = [(1.5, -2.0, 2.0), (0.5, -2.4, 2.2), (-0.8, -2.2, 1.9), (-1.6, -1.5, 2.1)]
    floor = [look_at(np.array(eye), np.zeros(3)) for eye in eyes]
    views = [on_floor(f"v{n}", K, pose) for n, pose in enumerate(floor)]
    pairs = all_pairs(4) if both_ways else [(i, j) for i, j in all_pairs(4) if i < j]
    off = errors(align(pair_graph(views, pairs, Corruption() if noise else Corruption(0, 0, 0, 0, 0))), views)
    assert off.centre < (1.0 if noise else 0.05)
    assert off.points_mean < (1.0 if noise else 0.05)


def on_floor(name: str, K: np.ndarray, pose: np.ndarray) -> TrueView:
    """A view of the plane z = 0 alone."""
    view = render(name, K, pose, *SIZE)
    rays = view.points_world - pose[:3, 3]
    depth = view.depth * -pose[2, 3] / rays[..., 2]
    return replace(view, depth=depth, labels=np.ones_like(view.labels))


def test_identical_views(views: list[TrueView]) -> None:
    """One photo three times, and another one."""
    same = [replace(views[0], name=f"copy{n}") for n in range(3)]
    alignment = align(pair_graph([*same, views[1]]))
    np.testing.assert_allclose(alignment.cam_to_world[:3], np.tile(np.eye(4), (3, 1, 1)), atol=1e-4)
    assert errors(alignment, [*same, views[1]]).points_mean < 0.02


def test_nothing_but_identical_views(views: list[TrueView]) -> None:
    same = [replace(views[0], name=f"copy{n}") for n in range(2)]
    alignment = align(pair_graph(same))
    np.testing.assert_allclose(alignment.cam_to_world[1], np.eye(4), atol=1e-4)
    shape = alignment.depth[1] / views[0].depth
    np.testing.assert_allclose(shape, np.median(shape), rtol=1e-3)


def test_disconnected_views_are_listed(views: list[TrueView]) -> None:
    graph = pair_graph(views, [(0, 1), (1, 2), (2, 0), (3, 4)])
    assert align(graph, keep_largest=True).left_out == (3, 4)
    assert align(pair_graph(views)).left_out == ()


def test_hinted_cameras_on_one_spot_keep_the_hints_world() -> None:
    views = turned_on_the_spot(3)
    alignment = align(pair_graph(views, hints=True))
    for v, view in enumerate(views):
        np.testing.assert_allclose(alignment.cam_to_world[v], view.cam_to_world, atol=2e-3)


@pytest.mark.parametrize("corruption", [None, Corruption(outliers=0.1)])
def test_scales_of_pairs_ten_thousand_apart(views: list[TrueView], corruption: Corruption | None) -> None:
    graph = pair_graph(views) if corruption is None else pair_graph(views, corruption=corruption)
    rng = np.random.default_rng(4)
    scales = 10.0 ** rng.uniform(-2, 2, len(graph.edges))
    scales[:2] = 1e-2, 1e2
    plain, spread = align(graph), align(rescaled(graph, scales))
    assert errors(spread, views).centre < 1.1 * errors(plain, views).centre + 0.01
    assert errors(spread, views).points_mean < 1.1 * errors(plain, views).points_mean + 0.01


def test_pairs_of_nothing_but_nan_are_not_used(views: list[TrueView]) -> None:
    graph = pair_graph(views)
    lost = [
        replace(edge, points_i=np.full_like(edge.points_i, [np.nan, np.inf, -np.inf][e % 3]))
        if e % 5 == 0
        else edge
        for e, edge in enumerate(graph.edges)
    ]
    alignment = align(with_edges(graph, lost))
    assert [e for e, sim in enumerate(alignment.edge_to_world) if sim is None] == [0, 5, 10, 15]
    assert errors(alignment, views).points_mean < 0.02
    nothing = [replace(edge, points_j=np.full_like(edge.points_j, np.nan)) for edge in graph.edges]
    with pytest.raises(AlignmentError, match="confident"):
        align(with_edges(graph, nothing))


def test_used_up_iterations_are_told(views: list[TrueView]) -> None:
    graph = pair_graph(views, corruption=Corruption())
    assert align(graph).converged
    stopped = align(graph, iterations=2)
    assert not stopped.converged
    assert stopped.iterations == 2
    assert errors(stopped, views).centre < 5.0


def test_points_beyond_single_precision_do_no_harm(views: list[TrueView]) -> None:
    def spoil(points: np.ndarray) -> None:
        points[::7, ::5] = 3e38

    alignment = align(with_spoilt(pair_graph(views), spoil))
    assert errors(alignment, views).points_mean < 0.05
    assert all(np.isfinite(pointmap(alignment, v)).all() for v in range(5))


@pytest.mark.slow
@pytest.mark.parametrize("told", [True, False], ids=["low confidence", "high confidence"])
@pytest.mark.parametrize("seed", range(10))
def test_ten_per_cent_outliers_over_ten_seeds(seed: int, told: bool) -> None:
    views = orbit(6, (256, 192), seed=seed)
    corruption = Corruption(outliers=0.1, outliers_told=told)
    off = errors(align(pair_graph(views, corruption=corruption, seed=100 * seed)), views)
    assert off.centre < 0.7
    assert off.rotation_degrees < 0.3
    assert off.focal < 0.7
    assert off.points_median < 0.5
