# SPDX-License-Identifier: GPL-3.0-or-later
"""Global alignment against exact synthetic truth: clean, corrupted, incomplete and broken pair graphs."""

from dataclasses import replace

import numpy as np
import pytest

from tests.synthetic import (
    Corruption,
    TrueView,
    all_pairs,
    depth_graph,
    errors,
    look_at,
    orbit,
    pair_graph,
    render,
    smooth_noise,
    with_edges,
    with_spoilt,
)
from wildseg3d_blender.errors import AlignmentError, Cancelled
from wildseg3d_blender.pipeline.alignment import Alignment, EdgeState, align, pointmap
from wildseg3d_blender.pipeline.pair_graph import Edge, PairGraph

SIZE = (128, 96)


@pytest.fixture(scope="module")
def views() -> list[TrueView]:
    return orbit(6, SIZE)


@pytest.fixture(scope="module")
def clean(views: list[TrueView]) -> PairGraph:
    return pair_graph(views)


def assert_exact(alignment: Alignment, views: list[TrueView]) -> None:
    off = errors(alignment, views)
    assert off.centre < 0.01
    assert off.rotation_degrees < 0.01
    assert off.focal < 0.01
    assert off.points_mean < 0.02


def test_clean_graph_is_recovered_exactly(views: list[TrueView], clean: PairGraph) -> None:
    alignment = align(clean)
    assert_exact(alignment, views)
    assert alignment.views == tuple(range(6))
    assert alignment.iterations <= 30
    assert len(alignment.losses) == alignment.iterations + 1
    np.testing.assert_allclose(alignment.cam_to_world[0], np.eye(4), atol=1e-9)


def test_clean_graph_from_hints_keeps_the_hints_world(views: list[TrueView]) -> None:
    alignment = align(pair_graph(views, hints=True))
    assert_exact(alignment, views)
    for v, view in enumerate(views):
        np.testing.assert_allclose(alignment.cam_to_world[v], view.cam_to_world, atol=2e-3)
        np.testing.assert_allclose(alignment.K[v], view.K, rtol=1e-4)


@pytest.mark.parametrize(
    ("corruption", "centre", "points"),
    [
        (Corruption(), 0.6, 0.5),
        (Corruption(outliers=0.1), 0.6, 0.5),
        (Corruption(outliers=0.1, outliers_told=False), 0.7, 0.6),
        (Corruption(smear=True), 0.6, 0.6),
        (Corruption(wrong_edges=3), 0.8, 0.6),
    ],
    ids=["noise", "outliers told", "outliers untold", "smeared steps", "three wrong edges"],
)
def test_corrupted_graphs(
    views: list[TrueView], corruption: Corruption, centre: float, points: float
) -> None:
    off = errors(align(pair_graph(views, corruption=corruption)), views)
    assert off.centre < centre
    assert off.points_median < points
    assert off.rotation_degrees < 0.4
    assert off.focal < 0.8


def test_hints_survive_noisy_depth(views: list[TrueView]) -> None:
    """What a stereo engine delivers: its poses are better than its depth and must come back as they were."""
    rng = np.random.default_rng(3)
    depths, confidence = [], []
    for view in views:
        noise = 0.01 * smooth_noise(rng, *SIZE) + 0.01 * rng.normal(size=view.depth.shape)
        noise += np.where(rng.random(view.depth.shape) < 0.05, 0.3, 0.0)
        depths.append(view.depth * (1 + noise))
        known = rng.random(view.depth.shape) < 0.5
        confidence.append(np.where(known, rng.uniform(0.2, 1.0, view.depth.shape), 0.0).astype(np.float32))
    neighbours = [(i, j) for i, j in all_pairs(6) if abs(i - j) <= 2]
    alignment = align(depth_graph(views, depths, confidence, neighbours))
    off = errors(alignment, views)
    assert off.centre < 0.001
    assert off.focal < 0.001
    for v, view in enumerate(views):
        np.testing.assert_allclose(alignment.cam_to_world[v], view.cam_to_world, atol=1e-4)
        known = confidence[v] > 0
        np.testing.assert_allclose(alignment.depth[v][known], depths[v][known], rtol=1e-4)
        np.testing.assert_array_equal(alignment.confidence[v], confidence[v])
        assert (alignment.depth[v][~known] == 0).all()


def test_hinted_views_stay_where_nothing_joins_them(views: list[TrueView]) -> None:
    """Two groups without a common edge, and a view without any depth: the hints hold them all together."""
    depths = [view.depth for view in views]
    confidence = [np.ones(SIZE[::-1], np.float32) for _ in views]
    confidence[5][:] = 0.0
    pairs = [(0, 1), (1, 0), (1, 2), (2, 1), (3, 4), (4, 3), (4, 5), (5, 4)]
    alignment = align(depth_graph(views, depths, confidence, pairs))
    assert alignment.views == tuple(range(6))
    for v, view in enumerate(views):
        np.testing.assert_allclose(alignment.cam_to_world[v], view.cam_to_world, atol=1e-5)
        np.testing.assert_allclose(alignment.K[v], view.K, rtol=1e-5)
        np.testing.assert_allclose(alignment.depth[v], view.depth * confidence[v], rtol=1e-5)
        np.testing.assert_array_equal(alignment.confidence[v], confidence[v])


def test_hints_without_parallax_still_align() -> None:
    """Photos turned on the spot: the distance between cameras, zero, cannot tell any edge's scale."""
    K, eye = orbit(1, SIZE)[0].K, np.array([2.0, -2.5, 1.5])
    views = [render(f"v{n}", K, look_at(eye, np.array([0.2 * n, 0, 0.4])), *SIZE) for n in range(3)]
    alignment = align(pair_graph(views, hints=True))
    centres = alignment.cam_to_world[:, :3, 3]
    assert np.ptp(centres, axis=0).max() < 1e-3 * np.median(alignment.depth[0])
    for v, view in enumerate(views):
        np.testing.assert_allclose(alignment.K[v], view.K, rtol=1e-3)
        np.testing.assert_allclose(alignment.cam_to_world[v, :3, :3], view.cam_to_world[:3, :3], atol=1e-3)


def test_view_confident_only_in_a_small_patch_is_placed(views: list[TrueView]) -> None:
    """View 3 hangs on one patch of one edge, in which it is not even first."""
    graph = pair_graph(views[:4], [(0, 1), (1, 0), (1, 2), (2, 1), (2, 3)])
    patch = np.zeros_like(graph.edges[4].confidence_j)
    patch[30:60, 40:70] = graph.edges[4].confidence_j[30:60, 40:70]
    alignment = align(with_edges(graph, [*graph.edges[:4], replace(graph.edges[4], confidence_j=patch)]))
    assert_exact(alignment, views[:4])
    np.testing.assert_array_equal(alignment.confidence[3], patch)


def test_one_direction_per_pair(views: list[TrueView]) -> None:
    """The last view is first in no edge, so its camera must come from other frames alone."""
    alignment = align(pair_graph(views, [(i, j) for i, j in all_pairs(6) if i < j]))
    assert_exact(alignment, views)


def test_one_pair_one_direction(views: list[TrueView]) -> None:
    assert_exact(align(pair_graph(views[:2], [(0, 1)])), views)


def test_chain_of_neighbours_with_missing_pairs(views: list[TrueView]) -> None:
    pairs = [(0, 1), (1, 0), (1, 2), (3, 2), (3, 4), (4, 3), (5, 4)]
    assert_exact(align(pair_graph(views, pairs)), views)


def test_views_of_different_sizes() -> None:
    views = orbit(4, [(128, 96), (96, 128), (160, 90), (64, 64)])
    alignment = align(pair_graph(views))
    assert_exact(alignment, views)
    assert [depth.shape for depth in alignment.depth] == [(96, 128), (128, 96), (90, 160), (64, 64)]


def test_hinted_principal_point_and_aspect_are_kept(views: list[TrueView]) -> None:
    graph = pair_graph(views)
    off_centre = np.diag([1.0, 1.1, 1.0])
    off_centre[:2, 2] = [-7.0, 5.0]
    hinted = [
        replace(view, K_hint=off_centre @ true.K) for view, true in zip(graph.views, views, strict=True)
    ]
    alignment = align(replace(graph, views=tuple(hinted)))
    for K, view in zip(alignment.K, hinted, strict=True):
        assert view.K_hint is not None
        np.testing.assert_allclose(K[:2, 2], view.K_hint[:2, 2])
        assert K[1, 1] / K[0, 0] == pytest.approx(view.K_hint[1, 1] / view.K_hint[0, 0])


def test_wrong_focal_hint_is_refined(views: list[TrueView]) -> None:
    graph = pair_graph(views)
    wrong = np.diag([1.15, 1.15, 1.0])
    hinted = [replace(view, K_hint=true.K @ wrong) for view, true in zip(graph.views, views, strict=True)]
    assert_exact(align(replace(graph, views=tuple(hinted))), views)


def test_nan_infinity_and_unconfident_edges_are_ignored(views: list[TrueView], clean: PairGraph) -> None:
    rng = np.random.default_rng(5)
    edges = []
    for n, edge in enumerate(clean.edges):
        points, confidence = edge.points_j.copy(), edge.confidence_j.copy()
        points[rng.random(points.shape[:2]) < 0.1] = [np.nan, 1.0, np.inf][n % 3]
        points[..., 1][rng.random(points.shape[:2]) < 0.1] = np.nan
        confidence[rng.random(confidence.shape) < 0.1] = [np.nan, np.inf][n % 2]
        if n % 3 == 1:
            points = edge.points_j
        if n % 7 == 0:
            confidence = np.zeros_like(confidence)
        edges.append(replace(edge, points_j=points, confidence_j=confidence))
    alignment = align(with_edges(clean, edges))
    assert_exact(alignment, views)
    for depth, confidence in zip(alignment.depth, alignment.confidence, strict=True):
        assert np.isfinite(depth).all()
        assert np.isfinite(confidence).all()


def test_zero_confidence_stays_zero_and_the_highest_counts(views: list[TrueView], clean: PairGraph) -> None:
    edges = []
    for edge in clean.edges:
        maps = [edge.confidence_i.copy(), edge.confidence_j.copy()]
        for confidence in maps:
            confidence[:20] = 0.0
        edges.append(replace(edge, confidence_i=maps[0], confidence_j=maps[1]))
    alignment = align(with_edges(clean, edges))
    for v in range(6):
        given = [
            confidence
            for edge in edges
            for view, confidence in ((edge.i, edge.confidence_i), (edge.j, edge.confidence_j))
            if view == v
        ]
        np.testing.assert_array_equal(alignment.confidence[v], np.max(given, axis=0))
        assert (alignment.confidence[v][:20] == 0).all()
        assert (alignment.depth[v][:20] == 0).all()
        assert (alignment.depth[v][20:] > 0).all()


def test_pointmap_is_the_world_point_of_each_pixel(views: list[TrueView]) -> None:
    alignment = align(pair_graph(views, hints=True))
    points = pointmap(alignment, 2)
    assert points.dtype == np.float32
    assert points.shape == (*views[2].depth.shape, 3)
    assert np.median(np.abs(points - views[2].points_world)) < 2e-3


def test_unit_of_the_engine_does_not_matter(views: list[TrueView], clean: PairGraph) -> None:
    for unit in (1e-4, 1e4):
        edges = [
            replace(
                edge, points_i=edge.points_i * np.float32(unit), points_j=edge.points_j * np.float32(unit)
            )
            for edge in clean.edges
        ]
        assert_exact(align(with_edges(clean, edges)), views)


def test_same_input_same_output(clean: PairGraph) -> None:
    one, two = align(clean), align(clean)
    np.testing.assert_array_equal(one.cam_to_world, two.cam_to_world)
    np.testing.assert_array_equal(one.K, two.K)
    for a, b in zip(one.depth, two.depth, strict=True):
        np.testing.assert_array_equal(a, b)


def test_input_is_not_written_to(clean: PairGraph) -> None:
    for edge in clean.edges:
        for array in (edge.points_i, edge.points_j, edge.confidence_i, edge.confidence_j):
            array.setflags(write=False)
    align(clean)


def test_weights_function_decides_what_counts(views: list[TrueView]) -> None:
    """Two thirds of each second pointmap are off, which only the masks tell; round two knows the state."""
    wrong = np.s_[:, : SIZE[0] * 2 // 3]

    def spoil(points: np.ndarray) -> None:
        points[wrong] *= 1.3

    spoilt = with_spoilt(pair_graph(views), spoil)
    masks = [np.ones(view.depth.shape, np.float32) for view in views]
    for mask in masks:
        mask[wrong] = 0.0
    states: list[EdgeState | None] = []

    def weights(
        edge: Edge, state: EdgeState | None, soft: tuple[np.ndarray, np.ndarray] | None
    ) -> tuple[np.ndarray, np.ndarray]:
        states.append(state)
        assert soft is not None
        np.testing.assert_array_equal(soft[1], masks[edge.j])
        return edge.confidence_i, edge.confidence_j * soft[1]

    alignment = align(spoilt, weights=weights, masks=masks, rounds=2)
    assert_exact(alignment, views)
    count = len(spoilt.edges)
    assert states[:count] == [None] * count
    assert None not in states[count:]
    assert len(states) == 3 * count  # two rounds, and once in full
    last = states[-1]
    assert last is not None
    np.testing.assert_allclose(last.K_i, views[spoilt.edges[-1].i].K, rtol=1e-3)


def test_disconnected_views_are_named(views: list[TrueView]) -> None:
    graph = pair_graph(views, [(0, 1), (1, 2), (2, 0), (1, 3), (4, 5), (5, 4)])
    with pytest.raises(AlignmentError, match=r"view04, view05.*overlap"):
        align(graph)
    alignment = align(graph, keep_largest=True)
    assert alignment.views == (0, 1, 2, 3)
    assert len(alignment.depth) == 4
    assert_exact(alignment, views)


def test_view_whose_points_place_it_nowhere_is_named(views: list[TrueView]) -> None:
    graph = pair_graph(views, [(0, 1), (1, 0), (0, 2)])
    lost = replace(graph.edges[2], confidence_j=np.zeros_like(graph.edges[2].confidence_j))
    with pytest.raises(AlignmentError, match="view02"):
        align(replace(graph, views=graph.views[:3], edges=(*graph.edges[:2], lost)))


def test_too_little_to_align(views: list[TrueView], clean: PairGraph) -> None:
    with pytest.raises(AlignmentError, match="at least two photos"):
        align(PairGraph(clean.views[:1], ()))
    with pytest.raises(AlignmentError, match="could be matched"):
        align(PairGraph(clean.views, ()))
    blank = [
        replace(edge, confidence_i=0 * edge.confidence_i, confidence_j=0 * edge.confidence_j)
        for edge in clean.edges
    ]
    with pytest.raises(AlignmentError, match="confident"):
        align(with_edges(clean, blank))
    apart = []
    for edge in clean.edges:
        own, other = edge.confidence_i.copy(), edge.confidence_j.copy()
        own[:48] = 0.0
        other[48:] = 0.0
        apart.append(replace(edge, confidence_i=own, confidence_j=other))
    with pytest.raises(AlignmentError, match="same surface"):
        align(with_edges(clean, apart))


def test_progress_rises_and_cancel_stops(clean: PairGraph) -> None:
    seen: list[float] = []

    def watch(stage: str, fraction: float, text: str = "") -> None:
        assert stage == "align"
        seen.append(fraction)

    align(clean, rounds=2, progress=watch)
    assert len(seen) > 2 * len(clean.views)
    assert seen == sorted(seen)
    assert 0.0 <= seen[0] <= seen[-1] <= 1.0

    for stop in (0, len(seen) // 2, len(seen) - 1):
        calls = 0

        def cancel(stage: str, fraction: float, text: str = "", stop: int = stop) -> None:
            nonlocal calls
            calls += 1
            if calls > stop:
                raise Cancelled

        with pytest.raises(Cancelled):
            align(clean, rounds=2, progress=cancel)
        assert calls == stop + 1
