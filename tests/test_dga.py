# SPDX-License-Identifier: GPL-3.0-or-later
"""DGA's weights against hand-computed values, and matching against exact synthetic truth."""

import warnings
from dataclasses import replace

import cv2
import numpy as np
import pytest

from tests.synthetic import (
    Corruption,
    TrueView,
    orbit,
    pair_graph,
    step_band,
    visible,
)
from wildseg3d_blender.conventions import invert_rigid, transform
from wildseg3d_blender.errors import AlignmentError
from wildseg3d_blender.pipeline.alignment import (
    EdgeState,
    Sim3,
    align,
    confidence_weights,
    dga_weights,
    matching,
)
from wildseg3d_blender.pipeline.alignment.dga import _depth_j, attention, published_weights
from wildseg3d_blender.pipeline.alignment.matching import partners, pinhole_of
from wildseg3d_blender.pipeline.pair_graph import Edge

SIZE = (128, 96)
MATCHED, NOT = np.array([True]), np.array([False])


@pytest.fixture(scope="module")
def views() -> list[TrueView]:
    return orbit(3, SIZE, arc=50.0)


@pytest.fixture(scope="module")
def exact(views: list[TrueView]) -> Edge:
    return pair_graph(views, [(0, 1)]).edges[0]


def one(value: float) -> np.ndarray:
    return np.array([value], dtype=np.float32)


@pytest.mark.parametrize(
    ("confidence", "mask", "matched", "expected"),
    [
        # sigmoid(ln 3) = 3/4, so F (1 - F) = 3/16: (24 + 3) / (32 + 3) and (24 - 5.4) / (32 + 5.4).
        (np.log(3), None, MATCHED, 27 / 35),
        (np.log(3), None, NOT, 18.6 / 37.4),
        (np.log(3), 1.0, MATCHED, 27 / 35),
        # S = 0 makes F = 1/2, whatever the confidence: (4 + 1) / (8 + 1) and (4 - 1.8) / (8 + 1.8).
        (np.log(3), 0.0, MATCHED, 5 / 9),
        (9.0, 0.0, NOT, 2.2 / 9.8),
        (2 * np.log(3), 0.5, MATCHED, 27 / 35),
        (0.0, None, MATCHED, 0.0),
        (np.nan, None, MATCHED, 0.0),
        (np.inf, None, MATCHED, 0.0),
    ],
)
def test_equations(confidence: float, mask: float | None, matched: np.ndarray, expected: float) -> None:
    soft = None if mask is None else one(mask)
    given = attention(one(confidence), matched, soft, alpha_p=0.5, alpha_n=0.9)
    assert given.dtype == np.float32
    np.testing.assert_allclose(given, expected, rtol=1e-5)


@pytest.mark.parametrize("matched", [MATCHED, NOT])
def test_weights_rise_with_confidence_and_mask(matched: np.ndarray) -> None:
    confidence = np.linspace(0.1, 12, 100, dtype=np.float32)
    rising = attention(confidence, np.broadcast_to(matched, confidence.shape), None, 0.5, 0.9)
    assert (np.diff(rising) > 0).all()
    soft = np.linspace(0, 1, 100, dtype=np.float32)
    rising = attention(np.full_like(soft, 3.0), np.broadcast_to(matched, soft.shape), soft, 0.5, 0.9)
    assert (np.diff(rising) > 0).all()


def test_alphas_raise_what_matches_and_lower_what_does_not() -> None:
    def weight(matched: np.ndarray, alpha_p: float, alpha_n: float) -> float:
        return float(attention(one(1.0), matched, None, alpha_p, alpha_n)[0])

    assert weight(MATCHED, 0.9, 0.0) > weight(MATCHED, 0.5, 0.0) > weight(MATCHED, 0.0, 0.0)
    assert weight(MATCHED, 0.0, 0.0) > weight(MATCHED, -0.5, 0.0) > weight(MATCHED, -0.9, 0.0) > 0
    assert weight(NOT, 0.0, 0.9) < weight(NOT, 0.0, 0.5) < weight(NOT, 0.0, 0.0) < weight(NOT, 0.0, -0.9)
    assert weight(MATCHED, 0.5, 0.9) == weight(MATCHED, 0.5, 0.0)
    assert weight(NOT, 0.5, 0.9) == weight(NOT, 0.0, 0.9)


@pytest.mark.parametrize("weights", [dga_weights, published_weights])
@pytest.mark.parametrize("alphas", [(1.1, 0.0), (0.0, -1.5), (float("nan"), 0.0)])
def test_alphas_out_of_range_are_refused(weights, alphas: tuple[float, float]) -> None:
    with pytest.raises(AlignmentError, match="between -1 and 1"):
        weights(*alphas)


def test_published_weights_of_a_whole_edge(exact: Edge) -> None:
    mask = np.linspace(0, 1, SIZE[0] * SIZE[1], dtype=np.float32).reshape(SIZE[::-1])
    given = published_weights(0.3, 0.6)(exact, None, (mask, 1 - mask))
    matched = matching(exact)
    np.testing.assert_array_equal(given[0], attention(exact.confidence_i, matched[0], mask, 0.3, 0.6))
    np.testing.assert_array_equal(given[1], attention(exact.confidence_j, matched[1], 1 - mask, 0.3, 0.6))


def test_exact_pointmaps_match_where_both_views_see_the_point(views: list[TrueView], exact: Edge) -> None:
    """Next to a silhouette, what is visible hangs on the fraction of a pixel: left out."""
    for here, there, matched in ((0, 1, matching(exact)[0]), (1, 0, matching(exact)[1])):
        seen = visible(views[here].points_world, views[there])
        kernel = np.ones((5, 5), np.uint8)
        surely = cv2.erode(seen.astype(np.uint8), kernel) > 0
        surely_not = cv2.dilate(seen.astype(np.uint8), kernel) == 0
        clear = ~step_band(views[here].depth)
        assert surely.mean() > 0.2
        assert surely_not.mean() > 0.1
        assert matched[surely & clear].mean() > 0.98
        assert matched[surely_not & clear].mean() < 0.005


def test_partners_are_the_same_point(views: list[TrueView], exact: Edge) -> None:
    found = partners(exact)
    points = [view.points_world.reshape(-1, 3) for view in views]
    for here, there, index in ((0, 1, found.of_i.ravel()), (1, 0, found.of_j.ravel())):
        matched = index >= 0
        apart = np.linalg.norm(points[here][matched] - points[there][index[matched]], axis=-1)
        pixels = apart / views[here].depth.ravel()[matched] * views[here].K[0, 0]
        assert np.median(pixels) < 1
        assert pixels.max() < 6


def test_partners_agree_with_brute_force() -> None:
    """Mutually nearest points that are close are found; the partner is the nearest or a pixel beside it."""
    size = (48, 36)
    edge = pair_graph(orbit(2, size, arc=15.0), [(0, 1)], Corruption(focal=0.0)).edges[0]
    flat_i, flat_j = edge.points_i.reshape(-1, 3), edge.points_j.reshape(-1, 3)
    squared = (flat_i**2).sum(-1)[:, None] + (flat_j**2).sum(-1) - 2 * flat_i @ flat_j.T
    nearest_j, nearest_i = squared.argmin(axis=1), squared.argmin(axis=0)
    i = np.arange(len(flat_i))
    mutual = i[nearest_i[nearest_j] == i]
    j = nearest_j[mutual]
    close = np.linalg.norm(flat_i[mutual] - flat_j[j], axis=-1) < 0.015 * flat_i[mutual, 2]
    mutual, j = mutual[close], j[close]
    assert len(mutual) > 300

    found = partners(edge)
    for index, want, width in ((found.of_i.ravel()[mutual], j, size[0]), (found.of_j.ravel()[j], mutual, 48)):
        assert (index >= 0).mean() > 0.97
        there, wanted = index[index >= 0], want[index >= 0]
        off = np.maximum(np.abs(there // width - wanted // width), np.abs(there % width - wanted % width))
        assert (off <= 2).mean() > 0.95


def test_misplaced_points_do_not_match(exact: Edge) -> None:
    points = exact.points_j.copy()
    points[:, :40] *= 1.15
    matched_i, matched_j = matching(replace(exact, points_j=points))
    before_i, before_j = matching(exact)
    assert before_j[:, :40].mean() > 0.25
    assert matched_j[:, :40].mean() < 0.02
    assert (matched_j[:, 42:] == before_j[:, 42:]).mean() > 0.99
    assert matched_i.sum() < before_i.sum() - 0.8 * before_j[:, :40].sum()


def test_unmeasured_pixels_match_nothing_and_weigh_nothing(exact: Edge) -> None:
    points_i, points_j = exact.points_i.copy(), exact.points_j.copy()
    confidence_i, confidence_j = exact.confidence_i.copy(), exact.confidence_j.copy()
    points_i[:10] = np.nan
    points_j[:, :9] = np.inf
    confidence_i[10:20] = 0.0
    confidence_j[:, 9:18] = np.nan
    holed = Edge(0, 1, points_i, points_j, confidence_i, confidence_j)
    matched_i, matched_j = matching(holed)
    assert not matched_i[:20].any()
    assert not matched_j[:, :18].any()
    before_i, _ = matching(exact)
    assert (matched_i[22:] == before_i[22:]).mean() > 0.9
    assert matched_i[22:].mean() > 0.2
    state = EdgeState(Sim3.identity(), np.eye(4), np.eye(4), np.eye(3), np.eye(3))
    for weights, told in ((dga_weights(), None), (dga_weights(), state), (published_weights(), None)):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            weights_i, weights_j = weights(holed, told, None)
        assert (weights_i[10:20] == 0).all()
        assert (weights_j[:, 9:18] == 0).all()
        assert np.isfinite(weights_i).all()
        assert np.isfinite(weights_j).all()
        assert (weights_i[20:] > 0).all()

    nothing = replace(exact, confidence_j=np.zeros_like(confidence_j))
    assert not any(matched.any() for matched in matching(nothing))
    blank = replace(nothing, confidence_i=np.zeros_like(confidence_i))
    assert not any(weights.any() for weights in dga_weights()(blank, None, None))


def test_pinhole_of_a_pointmap(views: list[TrueView]) -> None:
    """The true K with the principal point off the centre, though a tenth of the points lie anywhere."""
    view = views[0]
    K = view.K.copy()
    K[:2, 2] += [7.0, -4.0]
    points_cam = transform(invert_rigid(view.cam_to_world), view.points_world)
    # The view's points, seen by a camera whose pixels start elsewhere.
    points_cam[..., :2] -= (K[:2, 2] - view.K[:2, 2]) / view.K[0, 0] * points_cam[..., 2:]
    rng = np.random.default_rng(0)
    lost = rng.random(points_cam.shape[:2]) < 0.1
    points_cam[lost] *= np.exp(rng.normal(size=(int(lost.sum()), 3)))
    found = pinhole_of(points_cam, np.ones(points_cam.shape[:2], dtype=bool))
    np.testing.assert_allclose(found, K, rtol=2e-3, atol=0.05)
    assert pinhole_of(points_cam, np.zeros(points_cam.shape[:2], dtype=bool)) is None
    assert pinhole_of(points_cam * [-1.0, 1.0, 1.0], ~lost) is None


def test_corrupted_edge_loses_weight_where_it_is_wrong(views: list[TrueView]) -> None:
    """A smeared depth step weighs less than the sharp one, and everything else about the same."""
    sharp = pair_graph(views, [(0, 1)]).edges[0]
    blurred = cv2.GaussianBlur(views[0].depth, (0, 0), 2.0)
    off = np.abs(blurred / views[0].depth - 1) > 0.03
    smeared = replace(
        sharp, points_i=sharp.points_i * (blurred / views[0].depth)[..., None].astype(np.float32)
    )
    before, _ = dga_weights()(sharp, None, None)
    after, _ = dga_weights()(smeared, None, None)
    matched = matching(sharp)[0]
    assert off.sum() > 200
    assert np.median(after[off] / before[off]) < 0.5
    calm = ~cv2.dilate(off.astype(np.uint8), np.ones((7, 7), np.uint8)).astype(bool) & matched
    assert (after[calm] == before[calm]).mean() > 0.97


def test_masked_points_off_the_object_elsewhere_are_contradicted(views: list[TrueView], exact: Edge) -> None:
    """View i has a mask far beyond the object; view j has none; view j has one that is a little small."""
    masks = tuple((view.labels >= 10).astype(np.float32) for view in views[:2])
    too_big = cv2.dilate(masks[0], np.ones((13, 13), np.uint8))
    beyond = (too_big > 0) & (cv2.dilate(masks[0], np.ones((7, 7), np.uint8)) == 0) & matching(exact)[0]
    right, right_j = dga_weights()(exact, None, masks)
    wrong, _ = dga_weights()(exact, None, (too_big, masks[1]))
    assert beyond.sum() > 100
    assert (wrong[beyond] < 0.3 * right[beyond]).mean() > 0.7
    inside = cv2.erode(masks[0], np.ones((9, 9), np.uint8)) > 0
    np.testing.assert_allclose(wrong[inside], right[inside])

    alone, _ = dga_weights()(exact, None, (masks[0], np.zeros_like(masks[1])))
    np.testing.assert_allclose(alone[inside], right[inside])
    smaller = cv2.erode(masks[1], np.ones((3, 3), np.uint8))
    given, given_j = dga_weights()(exact, None, (masks[0], smaller))
    assert (given[inside] == right[inside]).mean() > 0.99
    assert (given_j[smaller > 0] == right_j[smaller > 0]).all()


def test_depth_of_the_second_view_is_told_by_its_camera(views: list[TrueView], exact: Edge) -> None:
    scale = float(np.median(views[0].depth / exact.points_i[..., 2]))
    to_world = Sim3(scale, views[0].cam_to_world[:3, :3], views[0].cam_to_world[:3, 3])
    state = EdgeState(to_world, views[0].cam_to_world, views[1].cam_to_world, views[0].K, views[1].K)
    np.testing.assert_allclose(_depth_j(exact, state), views[1].depth, rtol=1e-4)


def test_object_comes_out_better_with_masks_where_boundaries_are_ragged() -> None:
    """The reason of it all, on one small graph; benchmarks/dga_weights.py has ten seeds."""
    views = orbit(4, (96, 72), seed=4)
    graph = pair_graph(views, corruption=Corruption(ragged=1.0), seed=4, hints=True)
    masks = [(view.labels >= 10).astype(np.float32) for view in views]

    def off(weights, given) -> float:
        alignment = align(graph, weights=weights, masks=given)
        return float(
            np.mean(
                [
                    np.abs(alignment.depth[v] / view.depth - 1)[view.labels >= 10].mean()
                    for v, view in enumerate(views)
                ]
            )
        )

    plain = off(confidence_weights, None)
    assert off(dga_weights(), None) < 0.97 * plain
    assert off(dga_weights(), masks) < 0.85 * plain
