# SPDX-License-Identifier: GPL-3.0-or-later
"""The graph-cut segmenter on a ray-cast scene whose answers are known exactly."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.scenes.ball_and_box import BALL, BOX, SIZE, Truth, write_object_scene
from tests.scenes.cached import middle
from wildseg3d_blender.errors import PromptError, SceneError
from wildseg3d_blender.pipeline.evaluation import iou
from wildseg3d_blender.pipeline.segmentation import create_segmenter
from wildseg3d_blender.pipeline.segmentation.graphcut import GraphCutSegmenter, prominent_click
from wildseg3d_blender.pipeline.segmentation.graphcut.superpixels import regions, superpixels
from wildseg3d_blender.progress import silent
from wildseg3d_blender.prompts import Box, Click
from wildseg3d_blender.scene.folder import Scene

Made = tuple[Scene, dict[str, Truth], GraphCutSegmenter]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    scene, truths = write_object_scene(tmp_path_factory.mktemp("objects") / "scene")
    segmenter = create_segmenter("graphcut", scene, silent)
    assert isinstance(segmenter, GraphCutSegmenter)
    return scene, truths, segmenter


def scores(
    masks: Mapping[str, NDArray[np.bool_]], truths: Mapping[str, Truth], thing: int
) -> dict[str, float]:
    return {name: iou(np.asarray(masks[name]), truth.shows == thing) for name, truth in truths.items()}


@pytest.mark.parametrize("thing", [BALL, BOX])
@pytest.mark.parametrize("view", ["v0", "v2"])
def test_one_click_finds_the_object_in_every_view(made: Made, thing: int, view: str) -> None:
    scene, truths, segmenter = made
    masks = segmenter.segment([Click(view, *middle(truths[view], thing))], progress=silent)
    assert list(masks) == [v.name for v in scene.views]
    assert all(mask.shape == SIZE[::-1] and mask.dtype == bool for mask in masks.values())
    found = scores(masks, truths, thing)
    assert min(found.values()) > 0.9, found


def test_a_box_finds_the_object_in_every_view(made: Made) -> None:
    _, truths, segmenter = made
    rows, columns = np.nonzero(truths["v1"].shows == BALL)
    box = Box("v1", columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
    found = scores(segmenter.segment([box], progress=silent), truths, BALL)
    assert min(found.values()) > 0.9, found


def test_a_positive_correction_adds_a_second_object(made: Made) -> None:
    _, truths, segmenter = made
    clicks = [Click("v2", *middle(truths["v2"], BALL))]
    first = segmenter.segment(clicks, progress=silent)
    clicks.append(Click("v2", *middle(truths["v2"], BOX)))
    both = segmenter.segment(clicks, previous=first, progress=silent)
    for name, truth in truths.items():
        wanted = truth.shows > 0
        assert iou(both[name], wanted) > 0.9 > iou(first[name], wanted), name


def test_a_negative_correction_takes_an_object_away(made: Made) -> None:
    _, truths, segmenter = made
    too_much = {name: truth.shows > 0 for name, truth in truths.items()}
    clicks = [
        Click("v2", *middle(truths["v2"], BALL)),
        Click("v2", *middle(truths["v2"], BOX), positive=False),
    ]
    found = scores(segmenter.segment(clicks, previous=too_much, progress=silent), truths, BALL)
    assert min(found.values()) > 0.85, found


def test_a_small_correction_changes_no_more_than_its_click_says(made: Made) -> None:
    _, truths, segmenter = made
    balls = {name: truth.shows == BALL for name, truth in truths.items()}
    rows, columns = np.nonzero(balls["v2"])
    row, column = int(np.median(rows)), int(np.quantile(columns, 0.9))
    y, x = np.mgrid[0 : SIZE[1], 0 : SIZE[0]]
    bitten = {name: ball.copy() for name, ball in balls.items()}
    bitten["v2"] &= (y - row) ** 2 + (x - column) ** 2 > 9**2
    clicks = [Click("v2", *middle(truths["v2"], BALL)), Click("v2", column + 0.5, row + 0.5)]
    masks = segmenter.segment(clicks, previous=bitten, progress=silent)
    for name, ball in balls.items():
        box = truths[name].shows == BOX
        assert iou(masks[name], ball) > 0.9, name
        assert (masks[name] & box).sum() < 0.05 * box.sum(), name


def test_clicks_hold_at_their_pixels(made: Made) -> None:
    _, truths, segmenter = made
    x, y = middle(truths["v2"], BALL)
    clicks = [Click("v2", x, y), Click("v2", x - 12, y - 6, positive=False)]
    mask = segmenter.segment(clicks, progress=silent)["v2"]
    assert mask[int(y), int(x)]
    assert not mask[int(y) - 6, int(x) - 12]


def test_a_click_without_depth_works_through_its_neighbours(made: Made) -> None:
    scene, truths, segmenter = made
    truth = truths["v2"].shows
    hole = np.asarray(scene.confidence(scene.view("v2"))) == 0
    rows, columns = np.nonzero(hole[62:78, 102:118] & (truth[62:78, 102:118] > 0))
    row, column = int(rows[0]) + 62, int(columns[0]) + 102
    found = scores(
        segmenter.segment([Click("v2", column + 0.5, row + 0.5)], progress=silent),
        truths,
        int(truth[row, column]),
    )
    assert np.mean(list(found.values())) > 0.8, found


def test_the_default_click_is_on_an_object(made: Made) -> None:
    scene, truths, segmenter = made
    click = prominent_click(scene, segmenter)
    assert click.positive
    assert truths[click.view].shows[int(click.y), int(click.x)] > 0


def test_same_prompts_give_same_masks(made: Made) -> None:
    _, truths, segmenter = made
    click = Click("v3", *middle(truths["v3"], BOX))
    one, other = (segmenter.segment([click], progress=silent) for _ in range(2))
    assert all((one[name] == other[name]).all() for name in one)


@pytest.mark.parametrize(
    ("prompts", "words"),
    [
        ([], "click on the object"),
        ([Click("v0", 50, 50, positive=False)], "click on the object"),
        ([Click("v0", 400, 50)], "240 x 180"),
        ([Click("v0", 50, -3)], "240 x 180"),
        ([Click("v0", float("nan"), 50)], "no valid position"),
        ([Click("v0", 50, 50), Click("v0", 50.2, 50.3, positive=False)], "both"),
        ([Box("v0", 300, 10, 400, 90)], "240 x 180"),
        ([Box("v0", 40, 40, 40, 90)], "empty"),
        ([Box("v0", 40, float("inf"), 90, 90)], "corners"),
    ],
)
def test_bad_prompts_are_explained(made: Made, prompts: list[Click | Box], words: str) -> None:
    with pytest.raises(PromptError, match=words):
        made[2].segment(prompts, progress=silent)


def test_unknown_view(made: Made) -> None:
    with pytest.raises(SceneError, match="v0, v1"):
        made[2].segment([Click("nowhere", 5, 5)], progress=silent)


def test_previous_masks_of_another_scene(made: Made) -> None:
    other = {"v0": np.ones((10, 10), dtype=bool)}
    with pytest.raises(PromptError, match="do not fit"):
        made[2].segment([Click("v0", 5, 5)], previous=other, progress=silent)


def test_superpixels_are_connected_and_follow_edges() -> None:
    lab = np.zeros((60, 80, 3), dtype=np.float32)
    lab[:, 37:, 0] = 60.0
    labels = superpixels(lab, 40)
    assert set(np.unique(labels)) == set(range(int(labels.max()) + 1))
    assert int(regions(labels).max()) == int(labels.max())
    assert not np.intersect1d(labels[:, :37], labels[:, 37:]).size
    assert 20 <= int(labels.max()) + 1 <= 80


def test_a_scene_without_any_depth_still_segments_the_clicked_view(tmp_path: Path) -> None:
    scene, truths = write_object_scene(tmp_path / "scene")
    for view in scene.views:
        np.save(scene.folder / "confidence" / f"{view.name}.npy", np.zeros(SIZE[::-1], np.float32))
    segmenter = GraphCutSegmenter(scene, silent)
    masks = segmenter.segment([Click("v2", *middle(truths["v2"], BALL))], progress=silent)
    assert iou(masks["v2"], truths["v2"].shows == BALL) > 0.7
