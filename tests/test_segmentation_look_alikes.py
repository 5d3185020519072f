# SPDX-License-Identifier: GPL-3.0-or-later
"""Like things side by side: what tells them apart, on ray-cast boxes with one print."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.boundaries import area_under_curve
from tests.scenes.look_alikes import BOXES, write_look_alikes
from wildseg3d_blender.pipeline.segmentation.graphcut import GraphCutSegmenter
from wildseg3d_blender.pipeline.segmentation.graphcut.anew import anew
from wildseg3d_blender.pipeline.segmentation.graphcut.contradiction import Contradiction
from wildseg3d_blender.pipeline.segmentation.graphcut.edges import in_view_edges
from wildseg3d_blender.pipeline.segmentation.graphcut.graph import Selection
from wildseg3d_blender.pipeline.segmentation.graphcut.grooves import shared_grooves
from wildseg3d_blender.pipeline.segmentation.graphcut.hypotheses import Hypothesis, area_overlap
from wildseg3d_blender.pipeline.segmentation.graphcut.matching import match_views
from wildseg3d_blender.pipeline.segmentation.graphcut.prompt_seeds import Seeds, node_at, seeds_of
from wildseg3d_blender.pipeline.segmentation.graphcut.rough import contracted
from wildseg3d_blender.pipeline.segmentation.graphcut.settle import settled
from wildseg3d_blender.pipeline.segmentation.pixel_prompts import PixelClick
from wildseg3d_blender.progress import silent
from wildseg3d_blender.prompts import Click

Made = tuple[GraphCutSegmenter, dict[str, NDArray[np.int64]]]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    scene, shown = write_look_alikes(tmp_path_factory.mktemp("alike") / "scene")
    return GraphCutSegmenter(scene, silent), shown


def things_of(made: Made) -> NDArray[np.int64]:
    """What most of each node shows, (n,)."""
    segmenter, shown = made
    count = len(segmenter.graph.nodes)
    covered = np.zeros((max(BOXES) + 1, count))
    for data in segmenter.graph.views:
        for thing in range(len(covered)):
            covered[thing] += np.bincount(data.labels[shown[data.view.name] == thing], minlength=count)
    return covered.argmax(0)


def told_apart(made: Made, evidence: NDArray[np.float64]) -> float:
    """How well evidence on in-view edges tells gaps between boxes from what is printed on them."""
    edges, thing = made[0].graph.in_view, things_of(made)
    on_boxes = np.isin(thing[edges.i], BOXES) & np.isin(thing[edges.j], BOXES)
    return area_under_curve(evidence[on_boxes], (thing[edges.i] != thing[edges.j])[on_boxes])


def test_all_views_together_show_the_gaps_that_one_hardly_does(made: Made) -> None:
    graph = made[0].graph
    unseen = [np.zeros(data.labels.shape, dtype=np.float32) for data in graph.views]
    alone, _ = in_view_edges(graph.views, graph.nodes, shared_grooves(graph.views, []), unseen)
    together = told_apart(made, graph.in_view.groove)
    assert together > told_apart(made, alone.groove) + 0.02
    # The print is all that colour sees.
    assert told_apart(made, graph.in_view.gradient) < 0.4 < 0.6 < together


def test_a_match_is_the_same_point(made: Made) -> None:
    views = made[0].graph.views
    matches = match_views(views)
    assert {(match.view, match.other) for match in matches} == {
        (k, m) for k in range(len(views)) for m in range(len(views)) if k != m
    }
    for match in matches:
        one, other = views[match.view], views[match.other]
        offset = one.points_world.reshape(-1, 3)[match.own] - other.points_world.reshape(-1, 3)[match.theirs]
        depth = other.depth.ravel()[match.theirs]
        assert len(depth) > 500
        assert np.median(np.linalg.norm(offset, axis=1) / depth) < 0.01


def test_nothing_measured_is_no_groove(made: Made) -> None:
    blind = replace(made[0].graph.views[0], measured=np.zeros_like(made[0].graph.views[0].measured))
    (groove,) = shared_grooves([blind], match_views([blind]))
    assert groove.shape == blind.depth.shape and not groove.any()


def test_the_outline_network_sees_gaps_rather_than_print(made: Made) -> None:
    graph = made[0].graph
    assert told_apart(made, graph.outlined) > max(0.6, told_apart(made, graph.outline_strength) + 0.1)


def clicked(made: Made, box: int) -> Seeds:
    """A click in the middle of a box in v2."""
    rows, columns = np.nonzero(made[1]["v2"] == box)
    x, y = float(np.median(columns)) + 0.5, float(np.median(rows)) + 0.5
    return seeds_of(made[0].scene, made[0].graph.views, [Click("v2", x, y, True)])


def test_guesses_come_from_walks_with_and_without_the_outline_network(made: Made) -> None:
    notes = {guess.note.rsplit(" ", 2)[0] for guess in made[0].hypotheses(clicked(made, BOXES[0]))}
    assert any(note.startswith("walk") for note in notes)
    assert any(note.startswith("outline walk") for note in notes)


def test_an_outline_that_runs_off_among_look_alikes_is_not_taken(made: Made) -> None:
    segmenter, box = made[0], BOXES[1]
    graph, seeds = segmenter.graph, clicked(made, box)
    alone: Selection = things_of(made) == box
    ran = settled(graph, segmenter.borders, alone, seeds.inside, seeds.outside)
    assert area_overlap(graph, ran, alone) < 0.8
    kept = segmenter.with_settled_outline([Hypothesis(alone, 1.0)], seeds)
    assert np.array_equal(kept, alone)


def asked_of(made: Made, row: int, column: int, *, positive: bool = False) -> Contradiction:
    """All boxes were taken for the left one, which was clicked; now a pixel of v2 is."""
    graph, shown, thing = made[0].graph, made[1], things_of(made)
    rows, columns = np.nonzero(shown["v2"] == BOXES[0])
    first = PixelClick(2, int(np.median(rows)), int(np.median(columns)), True)
    click = PixelClick(2, row, column, positive)
    node, other = (np.array([node_at(graph.views, each)]) for each in (first, click))
    sides = (np.union1d(node, other), node[:0]) if positive else (node, other)
    seeds = Seeds((first, click), (), *sides)
    return Contradiction.of(graph, np.isin(thing, BOXES), seeds, click, np.isin(shown["v2"], BOXES))


def test_a_click_on_the_middle_box_may_be_about_the_right_one_too(made: Made) -> None:
    segmenter, shown = made
    rows, columns = np.nonzero(shown["v2"] == BOXES[1])
    middle = int(np.median(rows)), int(np.median(columns))
    found = anew(asked_of(made, *middle), contracted(segmenter.graph, silent))
    area, thing = segmenter.graph.nodes.area, things_of(made)
    taken = np.isin(thing, BOXES)

    def left_of(selection: Selection, of: Selection) -> float:
        return float(area[selection & of].sum() / area[of].sum())

    assert found
    for guess in found:
        assert not (guess.selection & ~taken).any()
        assert left_of(guess.selection, taken) < 0.6
    best = max(found, key=lambda guess: left_of(guess.selection, thing == BOXES[0])).selection
    assert left_of(best, thing == BOXES[0]) > 0.8
    assert left_of(best, thing == BOXES[1]) < 0.5
    assert left_of(best, thing == BOXES[2]) < 0.1
    assert not anew(asked_of(made, *middle, positive=True), contracted(segmenter.graph, silent))


def test_a_click_at_the_edge_of_an_answer_is_not_about_most_of_it(made: Made) -> None:
    segmenter, shown = made
    rows, columns = np.nonzero(shown["v2"] == BOXES[2])
    edge = int(np.median(rows)), int(columns.max()) - 4
    assert shown["v2"][edge] == BOXES[2]
    assert not anew(asked_of(made, *edge), contracted(segmenter.graph, silent))


def test_without_a_click_on_what_stays_nothing_is_known_to(made: Made) -> None:
    segmenter, shown = made
    rows, columns = np.nonzero(shown["v2"] == BOXES[1])
    asked = asked_of(made, int(np.median(rows)), int(np.median(columns)))
    unknown = replace(asked, inside=asked.inside[:0])
    assert anew(asked, contracted(segmenter.graph, silent))
    assert not anew(unknown, contracted(segmenter.graph, silent))
