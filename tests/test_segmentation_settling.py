# SPDX-License-Identifier: GPL-3.0-or-later
"""Learned boundaries, cuts of a part, and outlines that settle, on the ray-cast scene."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.boundaries import Examples, area_under_curve, learned
from tests.scenes.ball_and_box import BALL, nodes_of, write_object_scene
from wildseg3d_blender.pipeline.segmentation.graphcut.boundaries import boundary_probability
from wildseg3d_blender.pipeline.segmentation.graphcut.cuts import minimum_cut
from wildseg3d_blender.pipeline.segmentation.graphcut.graph import SceneGraph, Selection, build_graph
from wildseg3d_blender.pipeline.segmentation.graphcut.hypotheses import Hypothesis, votes
from wildseg3d_blender.pipeline.segmentation.graphcut.outline import seen_outline
from wildseg3d_blender.pipeline.segmentation.graphcut.settle import borders_of, local_evidence, settled
from wildseg3d_blender.progress import silent

NONE = np.zeros(0, dtype=np.int64)
Made = tuple[SceneGraph, Selection]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    scene, truths = write_object_scene(tmp_path_factory.mktemp("settling") / "scene")
    graph = build_graph(scene, silent)
    return graph, nodes_of(graph, truths, BALL)


def overlap(graph: SceneGraph, one: Selection, other: Selection) -> float:
    area = graph.nodes.area
    return float(area[one & other].sum() / area[one | other].sum())


def test_outlines_are_likelier_boundaries_than_inner_edges(made: Made) -> None:
    graph, ball = made
    edges = graph.in_view
    chance = boundary_probability(graph.nodes, edges)
    assert ((chance >= 0) & (chance <= 1)).all()
    touching = ball[edges.i] | ball[edges.j]
    assert area_under_curve(chance[touching], (ball[edges.i] != ball[edges.j])[touching]) > 0.85


def test_a_whole_thing_has_the_surest_outline(made: Made) -> None:
    graph, ball = made
    higher = graph.nodes.pixel[:, 1] < np.median(graph.nodes.pixel[ball, 1])
    first = graph.nodes.view == 0
    whole = seen_outline(graph, ball)
    assert whole > seen_outline(graph, ball & higher) + 0.05
    assert whole > seen_outline(graph, graph.around(ball, 2) | ball) + 0.05
    assert whole > seen_outline(graph, ball | first) + 0.05
    assert seen_outline(graph, np.zeros_like(ball)) == 0.0
    assert seen_outline(graph, np.ones_like(ball)) == 0.0


def test_a_gap_in_the_outline_counts_and_a_small_one_does_not(made: Made) -> None:
    graph, ball = made
    edges = graph.in_view
    on = np.flatnonzero(ball[edges.i] != ball[edges.j])
    reached = np.cumsum(edges.length[on]) / edges.length[on].sum()

    def open_along(share: float) -> SceneGraph:
        sure = np.zeros_like(graph.outlined)
        sure[on] = np.where(reached < share, 0.1, 0.9)
        return replace(graph, outlined=sure)

    assert seen_outline(open_along(0.15), ball) == pytest.approx(0.9)
    assert seen_outline(open_along(0.3), ball) == pytest.approx(0.1)


def test_boundaries_without_depth_go_by_colour_alone(made: Made) -> None:
    graph, _ = made
    edges = graph.in_view
    blind = replace(edges, known=np.zeros_like(edges.known))
    wild = replace(
        blind,
        step=np.full_like(edges.step, 0.2),
        convexity=np.full_like(edges.step, -1.0),
        groove=np.full_like(edges.step, 9.0),
    )
    np.testing.assert_array_equal(
        boundary_probability(graph.nodes, blind), boundary_probability(graph.nodes, wild)
    )


def test_learning_finds_the_feature_that_tells() -> None:
    rng = np.random.default_rng(0)
    features = rng.normal(size=(4000, 2))
    outline = rng.random(4000) < 1 / (1 + np.exp(-(2.0 * features[:, 0] - 1.0)))
    weights, constant = learned([Examples("scene", "thing", features, outline, np.ones(4000))])
    assert weights == pytest.approx([2.0, 0.0], abs=0.2)
    assert constant == pytest.approx(-1.0, abs=0.2)


def test_a_cut_leaves_alone_what_may_not_change() -> None:
    i, j = np.arange(4), np.arange(1, 5)
    evidence = np.array([-9.0, -9.0, 0.0, -9.0, 9.0])
    kept = np.array([True, True, False, False, False])
    active = np.array([False, False, True, True, False])
    found = minimum_cut((i, j, np.array([1.0, 5.0, 1.0, 1.0])), evidence, NONE, NONE, active, kept)
    np.testing.assert_array_equal(found, [True, True, True, False, False])
    nobody = np.zeros(5, dtype=bool)
    np.testing.assert_array_equal(minimum_cut((i, j, np.ones(4)), evidence, NONE, NONE, nobody, kept), kept)


def test_what_is_near_and_alike_speaks(made: Made) -> None:
    graph, ball = made
    asked = np.flatnonzero(graph.around(ball, 2) & graph.around(~ball, 2))
    said = local_evidence(graph, borders_of(graph), ball, asked)
    right: NDArray[np.bool_] = (said > 0) == ball[asked]
    assert np.average(right, weights=graph.nodes.area[asked]) > 0.85


def test_an_outline_that_is_a_little_off_settles(made: Made) -> None:
    graph, ball = made
    borders = borders_of(graph)
    rng = np.random.default_rng(1)
    outline = np.flatnonzero(graph.around(ball, 1) & graph.around(~ball, 1))
    wrong = ball.copy()
    flipped = rng.choice(outline, len(outline) // 4, replace=False)
    wrong[flipped] = ~wrong[flipped]
    found = settled(graph, borders, wrong, NONE, NONE)
    assert overlap(graph, found, ball) > max(overlap(graph, wrong, ball) + 0.05, 0.93)
    nowhere = np.zeros_like(ball)
    np.testing.assert_array_equal(settled(graph, borders, nowhere, NONE, NONE), nowhere)


def test_an_outline_moves_no_farther_than_its_neighbours(made: Made) -> None:
    graph, ball = made
    half = ball & (graph.nodes.point_world[:, 2] < np.median(graph.nodes.point_world[ball, 2]))
    found = settled(graph, borders_of(graph), half, NONE, NONE)
    assert not (found & ~graph.around(half, 1)).any()
    assert not (half & ~found & ~graph.around(~half, 1)).any()


def test_what_other_guesses_voted_takes_an_outline_two_edges_far(made: Made) -> None:
    graph, ball = made
    borders = borders_of(graph)
    small = ball & ~graph.around(~ball, 2)
    voted = votes([Hypothesis(small, 0.5), Hypothesis(ball, 0.5), Hypothesis(ball, 0.45)])
    alone = settled(graph, borders, small, NONE, NONE)
    found = settled(graph, borders, small, NONE, NONE, voted=voted)
    assert overlap(graph, found, ball) > overlap(graph, alone, ball) + 0.1
    assert not (found & ~graph.around(small, 2)).any()


def test_good_guesses_have_the_louder_vote() -> None:
    one, other = np.array([True, True, False]), np.array([True, False, False])
    both, doubted, neither = votes([Hypothesis(one, 0.5), Hypothesis(other, 0.6)])
    assert neither == pytest.approx(-both)
    assert neither < doubted < 0 < both < 5
    assert votes([Hypothesis(one, 0.5), Hypothesis(other, 0.5)])[1] == pytest.approx(0.0)


def test_seeds_hold_while_outlines_settle(made: Made) -> None:
    graph, ball = made
    outline = graph.around(ball, 1) & graph.around(~ball, 1)
    seed, barred = np.flatnonzero(outline & ~ball)[:1], np.flatnonzero(outline & ball)[:1]
    found = settled(graph, borders_of(graph), ball, seed, barred)
    assert found[seed].all()
    assert not found[barred].any()


def test_a_stray_point_far_away_changes_nothing(made: Made) -> None:
    graph, ball = made
    borders = borders_of(graph)
    place_world = borders.place_world.copy()
    place_world[np.flatnonzero(~ball)[::7]] *= 1e6
    stray = replace(borders, place_world=place_world)
    near = graph.around(ball, 1) & (place_world == borders.place_world).all(1)
    asked = np.flatnonzero(near)
    assert np.isfinite(local_evidence(graph, stray, ball, asked)).all()
    found = settled(graph, stray, ball, NONE, NONE)
    assert overlap(graph, found, ball) > 0.93
