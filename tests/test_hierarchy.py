# SPDX-License-Identifier: GPL-3.0-or-later
"""Regions that grow together, the quick way against a plain one, and objects among them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.coverage import covered
from benchmarks.guesses import shown_things
from tests.scenes.ball_and_box import BALL, BOX, TABLE, Truth, nodes_of, write_object_scene
from training.examples import FIRST_OBJECT
from wildseg3d_blender.pipeline.segmentation.graphcut.candidates import candidates
from wildseg3d_blender.pipeline.segmentation.graphcut.contract import Contracted, contract
from wildseg3d_blender.pipeline.segmentation.graphcut.edges import CrossViewEdges
from wildseg3d_blender.pipeline.segmentation.graphcut.graph import SceneGraph, build_graph
from wildseg3d_blender.pipeline.segmentation.graphcut.hierarchy import (
    LEAST_CHANCE,
    SAME_SURFACE,
    SMALL_FIRST,
    grown_regions,
    merges,
)
from wildseg3d_blender.pipeline.segmentation.graphcut.hypotheses import area_overlap, like_one_thing
from wildseg3d_blender.pipeline.segmentation.graphcut.proposals import (
    SCORE_OVERLAP_WEIGHT,
    SCORE_VIEWS,
    Proposed,
    propose,
    settle,
)
from wildseg3d_blender.pipeline.segmentation.graphcut.settle import borders_of
from wildseg3d_blender.progress import silent

Made = tuple[SceneGraph, dict[str, Truth]]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    scene, truths = write_object_scene(tmp_path_factory.mktemp("hierarchy") / "scene")
    return build_graph(scene, silent), truths


@pytest.fixture(scope="module")
def small(made: Made) -> Contracted:
    return contract(made[0], 60)


def plain_merges(graph: SceneGraph, chance: np.ndarray) -> list[tuple[int, int]]:
    """All boundaries are added up anew before every merge."""
    near, far, count = graph.in_view, graph.cross_view, len(graph.nodes)
    region = np.arange(count)
    found: list[tuple[int, int]] = []
    while True:
        sums: dict[tuple[int, int], np.ndarray] = {}
        for i, j, length, cost in (
            *zip(near.i, near.j, near.length, near.length * chance, strict=True),
            *zip(far.i, far.j, SAME_SURFACE * far.overlap, np.zeros(len(far.i)), strict=True),
        ):
            pair = tuple(sorted((int(region[i]), int(region[j]))))
            if pair[0] != pair[1]:
                sums[pair] = sums.get(pair, np.zeros(2)) + np.array([length, cost])
        if not sums:
            return found

        def waiting(pair: tuple[int, int], sums: dict[tuple[int, int], np.ndarray] = sums) -> float:
            length, cost = sums[pair]
            least = min(graph.nodes.area[region == one].sum() for one in pair)
            return float((cost / length + LEAST_CHANCE) * least**SMALL_FIRST)

        pair = min(sums, key=waiting)
        found.append(pair)
        region[np.isin(region, pair)] = count + len(found) - 1


def test_what_is_outlined_least_merges_first(small: Contracted) -> None:
    chance = small.graph.outlined
    found = merges(small.graph, chance)
    assert found == plain_merges(small.graph, chance)
    assert len(found) == len(small.graph.nodes) - 1


def test_what_no_edge_joins_stays_apart(made: Made) -> None:
    """Without what joins views, each view becomes one region."""
    graph, none = made[0], np.zeros(0, dtype=np.int64)
    alone = replace(graph, cross_view=CrossViewEdges(none, none, np.zeros(0), np.zeros(0)))
    grown = grown_regions(alone, graph.outlined, 0.0, 1.0)
    assert len(grown) == 2 * len(graph.nodes) - len(graph.views)
    views = {tuple(np.unique(graph.nodes.view[selection])) for selection in grown}
    assert views == {(number,) for number in range(len(graph.views))}
    share = grown @ graph.nodes.area / graph.nodes.area.sum()
    kept = grown_regions(alone, graph.outlined, 0.01, 0.1)
    assert len(kept) == ((share > 0.01) & (share < 0.1)).sum() > 0


def test_candidates_hold_every_thing_once(made: Made) -> None:
    graph, truths = made
    small = contract(graph, 300, learned=True)
    found, scores = candidates(small.graph, silent)
    assert len(found) == len(scores) == len(np.unique(found, axis=0))
    # A number for each thing, as training scenes have it, and less for what is no thing.
    instance = {
        name: np.where(truth.shows == TABLE, 0, truth.shows + FIRST_OBJECT) for name, truth in truths.items()
    }
    assert len(list(shown_things(instance))) == 2
    proposed = [
        {data.view.name: data.mask(item.selection) for data in graph.views} for item in propose(graph, small)
    ]
    ball, box = covered(graph, proposed, instance)
    for thing in (ball, box):
        assert thing.proposed > 0.8 and thing.candidate > 0.8 and thing.drawn > 0.85
    only_ball = {name: truth.shows == BALL for name, truth in truths.items()}
    ball, box = covered(graph, [only_ball], instance)
    assert ball.proposed == 1.0 and box.proposed < 0.1


def test_objects_found_are_worth_more_the_more_they_look_like_one_thing(made: Made) -> None:
    """The ball, and the ball with half of the box: their outlines are called equally good."""
    graph, truths = made
    ball, box = (nodes_of(graph, truths, thing) for thing in (BALL, BOX))
    with_half = ball | (box & (np.arange(len(box)) % 2 == 0))
    found = settle(graph, borders_of(graph), [Proposed(each, 0.5, 0.5) for each in (with_half, ball)])
    worse, best = sorted(found, key=lambda item: item.score)
    assert best.score > worse.score + 0.02
    assert area_overlap(graph, best.selection, ball) > 0.85 > area_overlap(graph, worse.selection, ball)
    shown = sorted(graph.views, key=lambda data: -int(data.mask(best.selection).sum()))[:SCORE_VIEWS]
    seen = [like_one_thing([data.mask(best.selection)], data, None)[0] for data in shown]
    assert best.score == pytest.approx(0.5 + SCORE_OVERLAP_WEIGHT * np.mean(seen))
