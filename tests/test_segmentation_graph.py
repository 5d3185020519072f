# SPDX-License-Identifier: GPL-3.0-or-later
"""The graph of a scene and its contraction: quick ways against plain ones."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.scenes.ball_and_box import BALL, BOX, Truth, nodes_of, write_object_scene
from wildseg3d_blender.pipeline.segmentation.graphcut.contract import LARGEST, Contracted, contract
from wildseg3d_blender.pipeline.segmentation.graphcut.graph import SceneGraph, build_graph
from wildseg3d_blender.pipeline.segmentation.graphcut.outline import outline_score, prefix_scores
from wildseg3d_blender.pipeline.segmentation.graphcut.proposals import distinct
from wildseg3d_blender.progress import silent

Made = tuple[SceneGraph, dict[str, Truth]]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    scene, truths = write_object_scene(tmp_path_factory.mktemp("graph") / "scene")
    return build_graph(scene, silent), truths


@pytest.fixture(scope="module")
def graph(made: Made) -> SceneGraph:
    return made[0]


@pytest.fixture(scope="module")
def small(graph: SceneGraph) -> Contracted:
    return contract(graph, 300)


def some_nodes(graph: SceneGraph, share: float) -> NDArray[np.bool_]:
    """A patch around the middle of the scene."""
    middle = np.median(graph.nodes.point_world[graph.nodes.placed], axis=0)
    distance = np.linalg.norm(graph.nodes.point_world - middle, axis=1)
    return distance < np.quantile(distance, share)


def test_one_score_is_that_of_its_prefix(graph: SceneGraph) -> None:
    selection = some_nodes(graph, 0.2)
    order = np.concatenate([np.flatnonzero(selection), np.flatnonzero(~selection)])
    assert outline_score(graph, selection) == pytest.approx(prefix_scores(graph, order)[selection.sum() - 1])
    assert outline_score(graph, np.zeros_like(selection)) == -1.0


def test_around_is_what_edges_reach(graph: SceneGraph) -> None:
    expected = some_nodes(graph, 0.02)
    found = graph.around(expected, 2)
    for _ in range(2):
        before = expected.copy()
        expected[graph.j[before[graph.i]]] = True
        expected[graph.i[before[graph.j]]] = True
    np.testing.assert_array_equal(found, expected)
    assert found.sum() > some_nodes(graph, 0.02).sum()


def test_walks_on_surfaces_cross_what_is_printed_there_and_stop_where_they_end(made: Made) -> None:
    graph, truths = made
    thing = np.full(len(graph.nodes), -1)
    for number in (BALL, BOX):
        thing[nodes_of(graph, truths, number, share=0.9)] = number
    edges, count = graph.in_view, len(graph.in_view.i)
    one, other = thing[edges.i], thing[edges.j]
    sure = edges.known & (one >= 0) & (other >= 0)
    printed = sure & (one == other) & (edges.gradient > np.quantile(edges.gradient[sure], 0.9))
    by_looks, by_depth = (
        capacity[:count] / edges.length for capacity in (graph.walk_capacity, graph.surface_walk_capacity)
    )
    assert printed.sum() > 50
    assert by_depth[printed].mean() > 1.5 * by_looks[printed].mean()
    ends = sure & (one != other)
    assert ends.sum() > 10
    assert by_depth[ends].mean() < 0.5 * by_depth[printed].mean()


def test_nothing_is_held_when_no_node_takes_part(graph: SceneGraph) -> None:
    none = np.zeros(0, dtype=np.int64)
    nobody = np.zeros(len(graph.nodes), dtype=bool)
    assert not graph.cut(np.ones(len(graph.nodes)), none, none, nobody).any()


def test_contraction_reaches_its_size_and_keeps_every_pixel(graph: SceneGraph, small: Contracted) -> None:
    count = len(small.graph.nodes)
    assert 200 < count < 360
    assert small.graph.nodes.area.sum() == pytest.approx(graph.nodes.area.sum())
    assert small.graph.nodes.area.max() <= LARGEST * graph.nodes.area.sum() / 300
    assert small.graph.capacity.sum() < graph.capacity.sum()
    everything = [np.ones(len(each.nodes), dtype=bool) for each in (small.graph, graph)]
    np.testing.assert_allclose(
        small.graph.palette.histogram(everything[0]), graph.palette.histogram(everything[1])
    )


def test_learned_outlines_keep_things_apart(made: Made, small: Contracted) -> None:
    """Ball and box can be made of what is merged by them, and better than of what is merged without."""
    graph, truths = made
    apart = contract(graph, 300, learned=True)
    assert 200 < len(apart.graph.nodes) < 400
    area, left = graph.nodes.area, []
    for merged in (apart, small):
        wrong = 0.0
        for thing in (BALL, BOX):
            own = sum(
                np.bincount(data.labels[truths[data.view.name].shows == thing], minlength=len(area))
                for data in graph.views
            )
            inside = own > 0.5 * area
            wrong += area @ (merged.up(merged.down(inside, area)) ^ inside)
        left.append(wrong)
    assert left[0] < left[1] < 0.05 * area.sum()


def test_a_selection_is_worth_the_same_in_both_graphs(graph: SceneGraph, small: Contracted) -> None:
    for share in (0.1, 0.3):
        merged = small.down(some_nodes(graph, share), graph.nodes.area)
        full = small.up(merged)
        assert 0 < full.sum() < len(full)
        assert outline_score(small.graph, merged) == pytest.approx(outline_score(graph, full))
        np.testing.assert_array_equal(small.down(full, graph.nodes.area), merged)


def test_what_is_merged_shows_one_surface(graph: SceneGraph, small: Contracted) -> None:
    """Merged nodes are patches, not chains: their points lie close together."""
    placed = graph.nodes.placed
    spread = np.linalg.norm(graph.nodes.point_world - small.graph.nodes.point_world[small.of_node], axis=1)[
        placed
    ]
    whole = np.linalg.norm(np.ptp(graph.nodes.point_world[placed], axis=0))
    assert np.median(spread) < 0.05 * whole


def test_repetitions_are_dropped_and_the_best_kept() -> None:
    selections = np.zeros((4, 10), dtype=bool)
    selections[0, :5] = selections[1, :5] = True
    selections[2, 5:] = selections[3, 5:9] = True
    area = np.ones(10)
    assert distinct(selections, np.array([0.1, 0.9, 0.5, 0.4]), area, 0.7, 9) == [1, 2]
    assert distinct(selections, np.array([0.1, 0.9, 0.5, 0.6]), area, 0.9, 9) == [1, 3, 2]
    assert distinct(selections, np.array([0.1, 0.9, 0.5, 0.6]), area, 0.9, 2) == [1, 3]


def test_the_best_outlines_leave_room_for_other_places() -> None:
    """Five variants of one object with the best outlines, and one object elsewhere."""
    selections = np.zeros((6, 40), dtype=bool)
    for k in range(5):
        selections[k, : 12 + 4 * k] = True
    selections[5, 30:] = True
    scores = np.array([0.60, 0.59, 0.58, 0.57, 0.56, 0.55])
    assert 5 in distinct(selections, scores, np.ones(40), 0.95, 4)
    assert distinct(selections, scores, np.ones(40), 0.95, 9) == [0, 1, 2, 3, 4, 5]


def test_the_mask_of_nodes_is_where_their_labels_are(graph: SceneGraph) -> None:
    selections = [some_nodes(graph, share) for share in (0.0, 0.01, 0.3, 1.0)]
    selections.append(np.arange(len(graph.nodes)) == graph.views[1].first)
    for data in graph.views:
        for selection in selections:
            np.testing.assert_array_equal(data.mask(selection), selection[data.labels])
    assert selections[1].any() and not selections[0].all()
