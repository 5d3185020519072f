# SPDX-License-Identifier: GPL-3.0-or-later
"""From boxes to objects: among look-alikes on a table, where a box says what colour cannot."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.scenes.look_alikes import BOXES, write_look_alikes
from wildseg3d_blender.pipeline.evaluation import iou
from wildseg3d_blender.pipeline.segmentation.graphcut import GraphCutSegmenter
from wildseg3d_blender.pipeline.segmentation.graphcut.box_search import barred_by, from_boxes
from wildseg3d_blender.pipeline.segmentation.graphcut.hypotheses import Hypothesis
from wildseg3d_blender.pipeline.segmentation.graphcut.prompt_seeds import Seeds, seeds_of
from wildseg3d_blender.pipeline.segmentation.pixel_prompts import PixelBox
from wildseg3d_blender.progress import silent
from wildseg3d_blender.prompts import Box, Click, Prompt

Made = tuple[GraphCutSegmenter, dict[str, NDArray[np.int64]]]
NONE = np.zeros(0, dtype=np.int64)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    scene, shown = write_look_alikes(tmp_path_factory.mktemp("boxed") / "scene")
    return GraphCutSegmenter(scene, silent), shown


def box_around(made: Made, *things: int, view: str = "v2", room: int = 0) -> Box:
    rows, columns = np.nonzero(np.isin(made[1][view], things))
    corners = columns.min() - room, rows.min() - room, columns.max() + 1 + room, rows.max() + 1 + room
    return Box(view, *map(float, corners))


def asked(made: Made, *prompts: Prompt) -> Seeds:
    return seeds_of(made[0].scene, made[0].graph.views, prompts)


@pytest.mark.parametrize("thing", BOXES)
@pytest.mark.parametrize("room", [0, 3])
def test_a_box_finds_one_of_several_that_look_alike(made: Made, thing: int, room: int) -> None:
    masks = made[0].segment([box_around(made, thing, room=room)], progress=silent)
    found = {name: iou(np.asarray(mask), made[1][name] == thing) for name, mask in masks.items()}
    assert found["v2"] > 0.75 and min(found.values()) > 0.66, found


def test_a_box_around_two_finds_both(made: Made) -> None:
    masks = made[0].segment([box_around(made, *BOXES[:2])], progress=silent)
    found = {name: iou(np.asarray(mask), np.isin(made[1][name], BOXES[:2])) for name, mask in masks.items()}
    assert min(found.values()) > 0.8, found


def test_boxes_in_two_views_hold_both(made: Made) -> None:
    """Nothing is found that only one of them holds."""
    thing = BOXES[1]
    seeds = asked(made, *(box_around(made, thing, view=name) for name in ("v0", "v4")))
    barred = barred_by(made[0].graph, seeds.boxes, NONE, NONE)
    assert all((barred | ~barred_by(made[0].graph, [box], NONE, NONE)).all() for box in seeds.boxes)
    best = from_boxes(made[0].graph, seeds.boxes, NONE, NONE)[0]
    for data in made[0].graph.views:
        assert iou(data.mask(best.selection), made[1][data.view.name] == thing) > 0.66, data.view.name


def test_no_guess_holds_what_is_barred_and_every_guess_what_was_clicked(made: Made) -> None:
    graph = made[0].graph
    rows, columns = np.nonzero(made[1]["v2"] == BOXES[2])
    beside = Click("v2", float(np.median(columns)) + 0.5, float(np.median(rows)) + 0.5)
    seeds = asked(made, box_around(made, BOXES[1]), beside)
    barred = barred_by(graph, seeds.boxes, seeds.inside, seeds.outside)
    assert barred.any() and not barred[seeds.inside].any()
    found = from_boxes(graph, seeds.boxes, seeds.inside, seeds.outside)
    assert all(guess.selection[seeds.inside].all() for guess in found)
    assert not any((guess.selection & barred).any() for guess in found)


def test_walks_over_what_is_open_are_those_that_are_lost_at_the_rest(made: Made) -> None:
    graph = made[0].graph
    box = asked(made, box_around(made, *BOXES)).boxes[0]
    barred = barred_by(graph, [box], NONE, NONE)
    at = np.flatnonzero(~barred)
    core = np.arange(len(at))[:: len(at) // 3]
    for walk in (graph.walk, graph.outline_walk):
        all_of_it = walk.reach(at[core], np.flatnonzero(barred), 0.03, tolerance=1e-9, max_steps=2000)
        part = walk.part(at, lost_outside=True)
        reach = part.reach(core, NONE, 0.03, tolerance=1e-9, max_steps=2000)
        assert np.allclose(all_of_it[at], reach, atol=1e-6)
        assert not all_of_it[barred].any()
        # Where walks cannot leave, more of them arrive.
        assert walk.part(at).reach(core, NONE, 0.03).sum() > 1.05 * reach.sum()


def test_an_outline_that_leaves_its_box_is_not_taken(made: Made) -> None:
    segmenter, shown = made
    graph, thing = segmenter.graph, BOXES[1]
    seeds = asked(made, box_around(made, thing))
    alone = np.zeros(len(graph.nodes), dtype=bool)
    for data in graph.views:
        covered = np.bincount(data.labels[shown[data.view.name] == thing], minlength=len(alone))
        alone |= covered > 0.5 * graph.nodes.area
    kept = segmenter.with_settled_outline([Hypothesis(alone, 1.0)], seeds)
    data = graph.views[2]
    assert iou(data.mask(kept), shown["v2"] == thing) > 0.85
    assert not (kept & barred_by(graph, seeds.boxes, NONE, NONE) & ~alone).any()


def test_overlap_of_boxes() -> None:
    """The same box, a quarter of it and as much beside it, one beside it, and none at all."""
    row0, row1, column0, column1 = np.array(
        [[0, 4, 0, 8], [2, 6, 4, 12], [4, 8, 0, 8], [np.inf, -np.inf, np.inf, -np.inf]], dtype=float
    ).T
    box = PixelBox(0, row0=0, row1=4, column0=0, column1=8)
    assert box.overlap(row0, row1, column0, column1) == pytest.approx([1.0, 8 / 56, 0.0, 0.0])
