# SPDX-License-Identifier: GPL-3.0-or-later
"""After a correction, views that nobody clicked in agree with the others; on the ray-cast scene."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.scenes.ball_and_box import BALL, Truth, nodes_of, write_object_scene
from wildseg3d_blender.pipeline.segmentation import create_segmenter
from wildseg3d_blender.pipeline.segmentation.graphcut import GraphCutSegmenter
from wildseg3d_blender.pipeline.segmentation.graphcut.agreement import agreed
from wildseg3d_blender.pipeline.segmentation.graphcut.graph import SceneGraph, Selection
from wildseg3d_blender.progress import silent

NONE = np.zeros(0, dtype=np.int64)
LACKING, HOLDING = 1, 3
Made = tuple[GraphCutSegmenter, dict[str, Truth], Selection]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    scene, truths = write_object_scene(tmp_path_factory.mktemp("agreement") / "scene")
    segmenter = create_segmenter("graphcut", scene, silent)
    assert isinstance(segmenter, GraphCutSegmenter)
    return segmenter, truths, nodes_of(segmenter.graph, truths, BALL)


def asked(
    made: Made,
    selection: Selection,
    clicked: list[int],
    seeds: NDArray[np.int64],
    changed: Selection | None = None,
) -> Selection:
    segmenter = made[0]
    views = np.array(clicked, dtype=np.int64)
    changed = np.zeros_like(selection) if changed is None else changed
    return agreed(segmenter.graph, segmenter.borders, segmenter.ties, selection, changed, seeds, NONE, views)


def bitten(graph: SceneGraph, ball: Selection) -> NDArray[np.int64]:
    """Nodes at the ball's edge in one view: one of them with its neighbours."""
    inside = ball & (graph.nodes.view == LACKING)
    at_edge = np.flatnonzero(inside & graph.around(~ball, 1))
    one = np.zeros_like(ball)
    one[at_edge[len(at_edge) // 2]] = True
    return np.flatnonzero(graph.around(one, 1) & inside)


def test_what_one_view_lacks_the_others_give_it(made: Made) -> None:
    graph, ball = made[0].graph, made[2]
    lacking, bite = ball.copy(), bitten(graph, ball)
    lacking[bite] = False
    area = graph.nodes.area
    assert area[bite][asked(made, lacking, [HOLDING], NONE)[bite]].sum() > 0.7 * area[bite].sum()


def test_views_that_were_clicked_stay_as_they_are(made: Made) -> None:
    graph, ball = made[0].graph, made[2]
    lacking = ball.copy()
    lacking[bitten(graph, ball)] = False
    found = asked(made, lacking, [LACKING], NONE)
    own = graph.nodes.view == LACKING
    np.testing.assert_array_equal(found[own], lacking[own])


def test_what_is_right_hardly_changes(made: Made) -> None:
    graph, ball = made[0].graph, made[2]
    changed = asked(made, ball, [HOLDING], NONE) != ball
    assert graph.nodes.area[changed].sum() < 0.02 * graph.nodes.area[ball].sum()
    nobody = np.zeros_like(ball)
    np.testing.assert_array_equal(asked(made, nobody, [HOLDING], NONE), nobody)


def test_what_a_clicked_view_shows_as_the_object_comes_back_elsewhere(made: Made) -> None:
    """Half of the ball is missing in the views that nobody clicked: far more than outlines may move, so it
    needs the clicked view, and that the correction was about it."""
    graph, ball = made[0].graph, made[2]
    own = graph.nodes.view == HOLDING
    left = ball & (graph.nodes.pixel[:, 0] < np.median(graph.nodes.pixel[ball & own, 0]))
    lacking = ball & (own | ~graph.around(left & own, 1))
    lost = ball & ~lacking & graph.nodes.placed
    found = asked(made, lacking, [HOLDING], NONE, left & own)
    area = graph.nodes.area
    assert area[lost].sum() > 0.3 * area[ball & ~own].sum()
    assert area[lost & found].sum() > 0.8 * area[lost].sum()
    np.testing.assert_array_equal(found[own], lacking[own])


def test_what_a_clicked_view_shows_as_no_object_goes_elsewhere(made: Made) -> None:
    graph, ball = made[0].graph, made[2]
    own = graph.nodes.view == HOLDING
    fringe = graph.around(ball, 2) & ~ball
    too_much = ball | (fringe & ~own)
    found = asked(made, too_much, [HOLDING], NONE)
    shown = graph.around(fringe & own, 1) & fringe & ~own
    area = graph.nodes.area
    assert area[shown & ~found].sum() > 0.8 * area[shown].sum()
    assert area[ball & ~found].sum() < 0.02 * area[ball].sum()
