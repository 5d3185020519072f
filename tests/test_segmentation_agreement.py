# SPDX-License-Identifier: GPL-3.0-or-later
"""After a correction, views that nobody clicked in agree with the others; on the ray-cast scene."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.scenes.ball_and_box import BALL, Truth, write_object_scene
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
    graph = segmenter.graph
    covered = np.zeros(len(graph.nodes))
    for data in graph.views:
        covered += np.bincount(data.labels[truths[data.view.name].shows == BALL], minlength=len(covered))
    return segmenter, truths, covered > 0.5 * graph.nodes.area


def asked(made: Made, selection: Selection, clicked: list[int], seeds: NDArray[np.int64]) -> Selection:
    segmenter = made[0]
    views = np.array(clicked, dtype=np.int64)
    return agreed(segmenter.graph, segmenter.borders, segmenter.ties, selection, seeds, NONE, views)


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
