# SPDX-License-Identifier: GPL-3.0-or-later
"""What clicked views do not show is cut anew in the others; on the ray-cast scene."""

from __future__ import annotations

import numpy as np
import pytest

from tests.scenes.ball_and_box import BALL, nodes_of, write_object_scene
from wildseg3d_blender.pipeline.segmentation import create_segmenter
from wildseg3d_blender.pipeline.segmentation.graphcut import GraphCutSegmenter
from wildseg3d_blender.pipeline.segmentation.graphcut.agreement import shown_by_clicked
from wildseg3d_blender.pipeline.segmentation.graphcut.carrying import SURE, carried
from wildseg3d_blender.pipeline.segmentation.graphcut.graph import Selection
from wildseg3d_blender.progress import silent

NONE = np.zeros(0, dtype=np.int64)
CLICKED = 0
Made = tuple[GraphCutSegmenter, Selection]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    scene, truths = write_object_scene(tmp_path_factory.mktemp("carrying") / "scene")
    segmenter = create_segmenter("graphcut", scene, silent)
    assert isinstance(segmenter, GraphCutSegmenter)
    return segmenter, nodes_of(segmenter.graph, truths, BALL)


def carry(made: Made, selection: Selection, clicked: int = CLICKED) -> Selection:
    segmenter = made[0]
    return carried(segmenter.graph, segmenter.borders, selection, NONE, NONE, np.array([clicked]))


def unseen(made: Made, ball: Selection) -> Selection:
    """Nodes of other views that the clicked one does not surely show."""
    graph = made[0].graph
    looked_at = graph.nodes.view == CLICKED
    return ~looked_at & (np.abs(shown_by_clicked(graph, ball, looked_at)) <= SURE)


def test_the_side_that_a_clicked_view_does_not_show_comes_back(made: Made) -> None:
    graph, ball = made[0].graph, made[1]
    lost = ball & unseen(made, ball)
    found = carry(made, ball & ~lost)
    area = graph.nodes.area
    assert area[lost].sum() > 0.05 * area[ball].sum()
    assert area[lost & found].sum() > 0.8 * area[lost].sum()
    assert area[found & ~ball].sum() < 0.05 * area[ball].sum()


def test_what_hangs_on_where_a_clicked_view_does_not_look_goes(made: Made) -> None:
    graph, ball = made[0].graph, made[1]
    beside = graph.around(ball, 2) & ~ball & unseen(made, ball)
    found = carry(made, ball | beside)
    area = graph.nodes.area
    assert area[beside].sum() > 0.02 * area[ball].sum()
    assert area[beside & found].sum() < 0.3 * area[beside].sum()


def test_clicked_views_and_what_they_surely_show_stay(made: Made) -> None:
    graph, ball = made[0].graph, made[1]
    wrong = ball.copy()
    wrong[np.flatnonzero(ball & (graph.nodes.view == CLICKED))[:3]] = False
    found = carry(made, wrong)
    asked = unseen(made, wrong)
    np.testing.assert_array_equal(found[~asked], wrong[~asked])


def test_nothing_selected_stays_nothing(made: Made) -> None:
    nobody = np.zeros_like(made[1])
    np.testing.assert_array_equal(carry(made, nobody), nobody)
