# SPDX-License-Identifier: GPL-3.0-or-later
"""What corrections are made of: scores of many changes at once, walks on a part of a graph; and how far a
click reaches, on the ray-cast scene."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.corrections import CLICKS, played
from tests.scenes.ball_and_box import BALL, BOX, Truth, nodes_of, write_object_scene
from training.examples import FIRST_OBJECT
from wildseg3d_blender.pipeline.segmentation import create_segmenter
from wildseg3d_blender.pipeline.segmentation.graphcut import GraphCutSegmenter
from wildseg3d_blender.pipeline.segmentation.graphcut.anew import LARGER, anew
from wildseg3d_blender.pipeline.segmentation.graphcut.contradiction import SLACK, Contradiction
from wildseg3d_blender.pipeline.segmentation.graphcut.correction import correct
from wildseg3d_blender.pipeline.segmentation.graphcut.diffusion import WalkGraph
from wildseg3d_blender.pipeline.segmentation.graphcut.flips import (
    JOIN_WEIGHT,
    SMALL,
    SMALL_WEIGHT,
    flip_scores,
)
from wildseg3d_blender.pipeline.segmentation.graphcut.graph import SceneGraph, Selection
from wildseg3d_blender.pipeline.segmentation.graphcut.hypotheses import area_overlap
from wildseg3d_blender.pipeline.segmentation.graphcut.outline import (
    TORN_WEIGHT,
    Measured,
    centredness,
    outline_score,
)
from wildseg3d_blender.pipeline.segmentation.graphcut.prompt_seeds import Seeds, node_at
from wildseg3d_blender.pipeline.segmentation.graphcut.rough import contracted
from wildseg3d_blender.pipeline.segmentation.graphcut.segmenter import HAIR, from_outline
from wildseg3d_blender.pipeline.segmentation.pixel_prompts import PixelClick
from wildseg3d_blender.progress import silent
from wildseg3d_blender.prompts import Click

Made = tuple[GraphCutSegmenter, dict[str, Truth]]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    scene, truths = write_object_scene(tmp_path_factory.mktemp("correcting") / "scene")
    segmenter = create_segmenter("graphcut", scene, silent)
    assert isinstance(segmenter, GraphCutSegmenter)
    return segmenter, truths


def change_score(graph: SceneGraph, flipped: Selection, previous: Selection) -> float:
    """As ``Flips.change`` describes it, edge by edge."""
    edges, cross = graph.in_view, graph.cross_view
    on = flipped[edges.i] != flipped[edges.j]
    joins = previous[edges.i] != previous[edges.j]
    good = np.where(joins, 1 - JOIN_WEIGHT * graph.outline_strength, graph.outline_strength)
    torn = flipped[cross.i] != flipped[cross.j]
    heals = np.where(previous[cross.i] != previous[cross.j], -1.0, 1.0)
    shown = flipped[cross.i] | flipped[cross.j]
    share = graph.nodes.area[flipped].sum() / graph.nodes.area.sum()
    return float(
        (edges.length * good)[on].sum() / max(edges.length[on].sum(), 1)
        - TORN_WEIGHT * (cross.overlap * heals)[torn].sum() / max(cross.overlap[shown].sum(), 1)
        + SMALL_WEIGHT * np.log(min(share / SMALL, 1))
    )


@pytest.mark.parametrize("positive", [True, False])
def test_flips_of_all_sizes_are_worth_what_each_alone_is(made: Made, positive: bool) -> None:
    graph, truths = made[0].graph, made[1]
    previous = nodes_of(graph, truths, BALL)
    order = np.random.default_rng(0).permutation(np.flatnonzero(previous != positive))
    flips = flip_scores(graph, order, previous, Measured.of(graph, previous))
    for length in (1, 2, len(order) // 2, len(order)):
        flipped = np.zeros_like(previous)
        flipped[order[:length]] = True
        assert flips.whole[length - 1] == pytest.approx(outline_score(graph, previous ^ flipped))
        assert flips.change[length - 1] == pytest.approx(change_score(graph, flipped, previous))
        assert flips.area[length - 1] == graph.nodes.area[flipped].sum()


def test_walks_on_a_part_are_those_of_its_edges_alone(made: Made) -> None:
    graph = made[0].graph
    nodes = np.random.default_rng(0).permutation(len(graph.nodes))[: len(graph.nodes) // 2]
    number = np.full(len(graph.nodes), -1)
    number[nodes] = np.arange(len(nodes))
    i, j = number[graph.i], number[graph.j]
    within = (i >= 0) & (j >= 0)
    weight = np.random.default_rng(1).random(len(graph.i))
    whole = WalkGraph.of_edges(graph.i, graph.j, weight, graph.nodes.area)
    alone = WalkGraph.of_edges(i[within], j[within], weight[within], graph.nodes.area[nodes])
    seeds, lost = np.array([3, 5]), np.array([7])
    expected = alone.reach(seeds, lost, 0.01, tolerance=1e-6)
    np.testing.assert_allclose(
        whole.part(nodes).reach(seeds, lost, 0.01, tolerance=1e-6), expected, atol=1e-4
    )


def test_the_nearest_nodes_are_found_step_by_step(made: Made) -> None:
    graph, truths = made[0].graph, made[1]
    allowed = nodes_of(graph, truths, BOX)
    seed = np.flatnonzero(allowed)[:1]
    expected = np.zeros_like(allowed)
    expected[seed] = True
    while expected.sum() < 40:
        expected = graph.around(expected, 1) & allowed
    np.testing.assert_array_equal(np.sort(graph.walk.nearest(seed, allowed, 40)), np.flatnonzero(expected))
    everything: NDArray[np.int64] = graph.walk.nearest(seed, allowed, 10**9)
    assert allowed[everything].all() and 40 < len(everything) == len(np.unique(everything))


def test_the_smallest_change_is_among_the_guesses_and_worth_less_than_a_fitting_one(made: Made) -> None:
    graph, truths = made[0].graph, made[1]
    ball, box = nodes_of(graph, truths, BALL), nodes_of(graph, truths, BOX)
    rows, columns = np.nonzero(truths["v2"].shows == BOX)
    click = PixelClick(2, int(np.median(rows)), int(np.median(columns)), positive=False)
    seeds = Seeds((click,), (), np.flatnonzero(ball)[:1], np.array([node_at(graph.views, click)]))
    both = truths["v2"].shows > 0
    found = correct(Contradiction.of(graph, ball | box, seeds, click, both), contracted(graph, silent))
    (least,) = (h for h in found if (h.selection != (ball | box)).sum() == 1)
    assert not least.selection[seeds.outside].any()
    assert found[0].score > least.score
    assert graph.nodes.area[found[0].selection & box].sum() < 0.1 * graph.nodes.area[box].sum()


def test_a_click_far_beyond_an_answer_may_mean_all_that_holds_both(made: Made) -> None:
    """The left end of the box was found; a click at its right end need not go there bit by bit."""
    graph, truths = made[0].graph, made[1]
    box, shown = nodes_of(graph, truths, BOX), truths["v2"].shows == BOX
    rows, columns = np.nonzero(shown)
    previous = np.zeros_like(box)
    for number, data in enumerate(graph.views):
        end = np.quantile(np.nonzero(truths[data.view.name].shows == BOX)[1], 0.2)
        previous |= box & (graph.nodes.view == number) & (graph.nodes.pixel[:, 0] < end)
    middle = int(np.median(rows))
    clicks = [PixelClick(2, middle, int(np.quantile(columns, share)), True) for share in (0.1, 0.8)]
    nodes = np.unique([node_at(graph.views, click) for click in clicks])
    seeds, labels = Seeds(tuple(clicks), (), nodes, nodes[:0]), graph.views[2].labels
    asked = Contradiction.of(graph, previous, seeds, clicks[1], previous[labels])
    found = anew(asked, contracted(graph, silent))
    assert found
    for guess in found:
        assert not (previous & ~guess.selection).any()
        assert np.count_nonzero(guess.selection[labels]) > LARGER * np.count_nonzero(previous[labels])
    assert max(area_overlap(graph, guess.selection, box) for guess in found) > 0.8
    # A quarter more is a correction like others.
    nearly = replace(asked, previous=box, held=box, mask=box[labels])
    assert not anew(nearly, contracted(graph, silent))


def test_a_click_a_pixel_off_the_middle_of_a_small_spot_may_mean_it() -> None:
    """By bare depths it would rather mean a region that goes far beyond the narrow strip that holds it."""
    spot, region = np.zeros((40, 40), dtype=bool), np.zeros((40, 40), dtype=bool)
    spot[18:23, 3:8] = True
    region[16:25, :25] = True
    region[14:27, 25:] = True
    click = PixelClick(0, 20, 4, positive=False)
    assert centredness(spot, click) < centredness(region, click)
    assert centredness(spot, click, SLACK) > centredness(region, click, SLACK)
    assert centredness(~spot, click, SLACK) == 0.0


def test_a_click_on_a_narrow_rim_leaves_the_object(made: Made) -> None:
    """What earlier clicks had right does not go with a thin strip of what is wrong."""
    graph, truths = made[0].graph, made[1]
    ball = nodes_of(graph, truths, BALL)
    previous = graph.around(ball, 1)
    labels, small = graph.views[2].labels, contracted(graph, silent)
    rim = np.flatnonzero(previous & ~ball & (graph.nodes.view == 2))
    for node in rim[:: max(len(rim) // 6, 1)]:
        rows, columns = np.nonzero(labels == node)
        middle = int(np.argmin((rows - rows.mean()) ** 2 + (columns - columns.mean()) ** 2))
        click = PixelClick(2, int(rows[middle]), int(columns[middle]), positive=False)
        seed = np.flatnonzero(ball & (graph.nodes.view == 2))[:1]
        seeds = Seeds((click,), (), seed, np.array([node]))
        asked = Contradiction.of(graph, previous, seeds, click, previous[labels])
        best = correct(asked, small)[0]
        assert graph.nodes.area[ball & ~best.selection].sum() < 0.05 * graph.nodes.area[ball].sum()
        assert not best.selection[node]


@pytest.mark.parametrize("positive", [True, False])
def test_a_click_moves_nothing_the_other_way(made: Made, positive: bool) -> None:
    """What else is wrong nearby, on the other side, was not clicked and stays."""
    graph, truths = made[0].graph, made[1]
    ball, box = nodes_of(graph, truths, BALL), nodes_of(graph, truths, BOX)
    # The click is about the box. Beside it, half of the ball is missing, or there is too much around it.
    half = ball & (graph.nodes.pixel[:, 0] <= graph.nodes.pixel[ball, 0].mean())
    previous = (ball | graph.around(ball, 2)) & ~box if positive else half | box
    rows, columns = np.nonzero(truths["v2"].shows == BOX)
    click = PixelClick(2, int(np.median(rows)), int(np.median(columns)), positive)
    seed, clicked = np.flatnonzero(half)[:1], np.array([node_at(graph.views, click)])
    none = np.zeros(0, dtype=np.int64)
    seeds = Seeds((click,), (), *((np.union1d(seed, clicked), none) if positive else (seed, clicked)))
    mask = previous[graph.views[2].labels]
    found = correct(Contradiction.of(graph, previous, seeds, click, mask), contracted(graph, silent))
    assert len(found) > 2
    for guess in found:
        assert (guess.selection[guess.selection != previous] == positive).all(), guess.note


def test_a_click_on_a_part_of_a_node_changes_no_node(made: Made) -> None:
    """What is wrong is smaller than a superpixel, so nothing larger may change for it."""
    segmenter, truths = made
    balls = {name: truth.shows == BALL for name, truth in truths.items()}
    data = segmenter.graph.views[2]
    rows, columns = np.nonzero(balls["v2"])
    row, column = int(np.median(rows)), int(np.quantile(columns, 0.8))
    y, x = np.mgrid[0 : data.labels.shape[0], 0 : data.labels.shape[1]]
    node = data.labels == data.labels[row, column]
    nearest = np.argsort((y[node] - row) ** 2 + (x[node] - column) ** 2)[: int(0.4 * node.sum())]
    bitten = dict(balls)
    bitten["v2"] = balls["v2"].copy()
    bitten["v2"][y[node][nearest], x[node][nearest]] = False
    clicks = [Click("v2", float(np.median(columns)) + 0.5, row + 0.5), Click("v2", column + 0.5, row + 0.5)]
    masks = segmenter.segment(clicks, previous=bitten, progress=silent)
    assert masks["v2"][row, column]
    for name, before in bitten.items():
        changed = masks[name] != before
        assert changed.sum() <= (9 if name == "v2" else 0), name


@pytest.mark.parametrize("positive", [True, False])
def test_a_click_right_beside_the_outline_is_about_pixels_then_and_later(made: Made, positive: bool) -> None:
    """Most of its superpixel is rightly on the other side; a later correction does not fetch it either."""
    segmenter, truths = made
    balls = {name: truth.shows == BALL for name, truth in truths.items()}
    labels, ball = segmenter.graph.views[2].labels, balls["v2"]
    area = np.maximum(np.bincount(labels.ravel()), 1)
    inside = np.bincount(labels[ball], minlength=len(area)) / area
    beside = (cv2.dilate if positive else cv2.erode)(ball.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    across = inside[labels] < 0.4 if positive else inside[labels] > 0.6
    row, column = np.argwhere((beside != ball) & across)[0]
    rows, columns = np.nonzero(ball)
    middle = Click("v2", float(np.median(columns)) + 0.5, float(np.median(rows)) + 0.5)
    edge = Click("v2", column + 0.5, row + 0.5, positive)
    assert from_outline(ball, PixelClick(2, int(row), int(column), positive)) < HAIR
    masks = segmenter.segment([middle, edge], previous=balls, progress=silent)
    assert masks["v2"][row, column] == positive
    for name, before in balls.items():
        assert (masks[name] != before).sum() <= (9 if name == "v2" else 0), name

    box = np.argwhere(truths["v2"].shows == BOX)
    y, x = box[len(box) // 2]
    more = segmenter.segment([middle, edge, Click("v2", x + 0.5, y + 0.5)], previous=masks, progress=silent)
    assert more["v2"][y, x] and more["v2"][row, column] == positive
    own = labels == labels[row, column]
    assert (more["v2"][own].mean() > 0.5) == (not positive)


def test_the_photos_frame_is_no_outline() -> None:
    mask = np.zeros((20, 30), dtype=bool)
    mask[:, :10] = True
    assert from_outline(mask, PixelClick(0, 0, 0, False)) == pytest.approx(10.0, abs=0.5)
    assert from_outline(mask, PixelClick(0, 10, 10, True)) == pytest.approx(1.0, abs=0.1)
    assert from_outline(np.ones_like(mask), PixelClick(0, 10, 10, False)) == np.inf


def test_the_newest_click_decides_about_a_node_that_was_clicked_before(made: Made) -> None:
    """A superpixel that holds a click for each side is no reason to leave what is wrong around it."""
    segmenter, truths = made
    both = {name: truth.shows > 0 for name, truth in truths.items()}
    rows, columns = np.nonzero(truths["v2"].shows == BALL)
    ball = Click("v2", float(np.median(columns)) + 0.5, float(np.median(rows)) + 0.5)
    rows, columns = np.nonzero(truths["v2"].shows == BOX)
    row, column = int(np.median(rows)), int(np.median(columns))
    labels = segmenter.graph.views[2].labels
    y, x = np.nonzero(labels == labels[row, column])
    corner = Click("v2", float(x[0]) + 0.5, float(y[0]) + 0.5)
    centre = Click("v2", column + 0.5, row + 0.5, positive=False)
    masks = segmenter.segment([ball, corner, centre], previous=both, progress=silent)
    box = truths["v2"].shows == BOX
    assert masks["v2"][box].mean() < 0.2
    assert masks["v2"][y[0], x[0]]


def test_a_part_without_edges_is_reached_only_where_it_starts() -> None:
    whole = WalkGraph.of_edges(np.array([0, 1]), np.array([1, 2]), np.ones(2), np.ones(3))
    apart = whole.part(np.array([0, 2]))
    np.testing.assert_array_equal(apart.reach(np.array([0]), np.array([], dtype=np.int64), 0.1), [1.0, 0.0])


def asked_about_the_box(made: Made) -> tuple[Contradiction, Selection, Selection]:
    """Ball and box were taken for the ball, which was clicked; now the middle of the box is."""
    graph, truths = made[0].graph, made[1]
    ball, box = nodes_of(graph, truths, BALL), nodes_of(graph, truths, BOX)
    rows, columns = np.nonzero(truths["v2"].shows == BOX)
    click = PixelClick(2, int(np.median(rows)), int(np.median(columns)), positive=False)
    seed = np.flatnonzero(ball & (graph.nodes.view == 2))
    seeds = Seeds((click,), (), seed[len(seed) // 2 :][:1], np.zeros(0, dtype=np.int64))
    asked = Contradiction.of(graph, ball | box, seeds, click, truths["v2"].shows > 0)
    return asked, ball, box


def test_what_looks_like_the_kept_and_not_like_the_clicked_does_not_go(made: Made) -> None:
    asked, ball, box = asked_about_the_box(made)
    assert asked.like_the_other_side(asked.held & ~ball)
    assert not asked.like_the_other_side(asked.held & ~box)
    # As long as nothing was clicked against it, nothing is known to stay.
    assert not replace(asked, inside=asked.inside[:0]).like_the_other_side(asked.held & ~ball)


def test_a_change_is_about_what_hangs_together_with_the_click(made: Made) -> None:
    """What changes most has to be where the click is, in its view; elsewhere there is no click."""
    asked, ball, box = asked_about_the_box(made)
    own = asked.graph.nodes.view == 2
    assert asked.hangs_together(asked.held)
    assert asked.hangs_together(asked.held & ~box)
    assert asked.hangs_together(asked.held & ~(box | (ball & ~own)))
    assert not asked.hangs_together(asked.held & ~ball)


def test_the_benchmark_of_corrections_clicks_at_every_thing_in_every_view(made: Made) -> None:
    segmenter, truths = made
    instance = {}
    for view in segmenter.scene.views:
        thing = np.where(truths[view.name].shows > 0, FIRST_OBJECT + truths[view.name].shows, 1)
        scale = view.photo_size[0] // view.size[0]
        instance[view.name] = np.kron(thing, np.ones((scale, scale), dtype=np.int64))
    found = list(played(segmenter, instance))
    assert len(found) == 2 * len(truths)
    for overlaps, seconds in found:
        assert overlaps.shape == (CLICKS, 2)
        assert overlaps[-1].min() > 0.8
        assert len(seconds) < CLICKS
