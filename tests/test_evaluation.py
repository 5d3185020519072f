# SPDX-License-Identifier: GPL-3.0-or-later
"""Simulated clicks and IoU in photo pixels."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.scenes.ball_and_box import BALL, PHOTO_SIZE, Truth, write_object_scene, write_photo_masks
from tests.scenes.cached import Known
from wildseg3d_blender.errors import PromptError, SceneError
from wildseg3d_blender.pipeline.evaluation import (
    accuracy,
    clicks_to,
    compare,
    evaluate,
    first_click,
    iou,
    mean_of,
    next_click,
    play,
    read_truth,
    truth_box,
    words,
)
from wildseg3d_blender.pipeline.photos.masks import mask_to_photo
from wildseg3d_blender.pipeline.segmentation import Masks
from wildseg3d_blender.pipeline.segmentation.mask_cache.building import build_mask_cache
from wildseg3d_blender.prompts import Prompt
from wildseg3d_blender.scene.folder import Scene, read_scene

Made = tuple[Scene, dict[str, Truth], Path]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    root = tmp_path_factory.mktemp("evaluation")
    scene, truths = write_object_scene(root / "scene")
    write_photo_masks(scene, root / "masks", BALL)
    return scene, truths, root / "masks"


def test_iou() -> None:
    a = np.array([[True, True, False, False]])
    b = np.array([[False, True, True, False]])
    assert iou(a, b) == pytest.approx(1 / 3)
    assert iou(a, a) == 1.0
    assert iou(~a & a, ~a & a) == 1.0


def test_accuracy_counts_all_pixels() -> None:
    a = np.array([[True, True, False, False]])
    b = np.array([[False, True, True, False]])
    assert accuracy(a, b) == pytest.approx(0.5)
    assert accuracy(a, a) == 1.0
    assert accuracy(a, ~a) == 0.0


def test_clicks_to_a_goal() -> None:
    assert clicks_to([0.5, 0.86, 0.84, 0.91]) == {"0.85": 2, "0.90": 4}
    assert clicks_to([0.85, 0.2]) == {"0.85": 1, "0.90": None}


def result_of(others: float | None, unseen: dict[str, float], count: int | None) -> dict[str, Any]:
    """What ``measure_clicks`` would give for one click."""
    entry = {
        "clicks": 1,
        "iou_clicked": 0.5,
        "mean_iou_others": others,
        "accuracy_clicked": 0.9,
        "mean_accuracy_others": others,
        "held_out": {name: {"iou": value, "accuracy": value / 2} for name, value in unseen.items()},
        "cached": count == 1,
    }
    return {"view": "a", "rounds": [entry], "clicks_to": {"0.85": count}, "most": 7}


def test_means_over_views() -> None:
    """By hand: an object alone in its photo has no other views; one never good enough counts as the most."""
    mean = mean_of(
        [
            result_of(0.8, {"x": 0.6, "y": 0.8}, 1),
            result_of(0.6, {"x": 1.0}, None),
            result_of(None, {}, 4),
        ]
    )
    assert mean["count"] == 3
    (entry,) = mean["rounds"]
    assert entry["mean_iou_others"] == pytest.approx(0.7)
    assert entry["mean_iou_held_out"] == pytest.approx(0.8)
    assert entry["mean_accuracy_held_out"] == pytest.approx(0.4)
    assert entry["cached"] == pytest.approx(1 / 3)
    assert mean["clicks_to"]["0.85"] == pytest.approx((1 + 7 + 4) / 3)
    assert mean["reached"]["0.85"] == pytest.approx(2 / 3)


def test_the_artist_stops_clicking_where_nothing_is_wrong(made: Made) -> None:
    """An answer that is right at once, and one that never changes: the same spot is clicked once."""
    scene, _, masks_dir = made
    truth = read_truth(scene, masks_dir)
    asked: list[int] = []

    def nothing_ever(prompts: Sequence[Prompt], previous: Masks | None) -> tuple[Masks, bool]:
        asked.append(len(prompts))
        return {view.name: np.zeros(view.size[::-1], dtype=bool) for view in scene.views}, True

    rounds = list(islice(play(scene, truth, "v2", nothing_ever), 4))
    assert asked == [1]
    assert [len(entry.clicks) for entry in rounds] == [1, 1, 1, 1]
    assert rounds[3].cached and rounds[3].seconds == 0.0


def test_masks_are_compared_in_all_views(made: Made) -> None:
    scene, truths, masks_dir = made
    truth = read_truth(scene, masks_dir)
    masks = {name: item.shows == BALL for name, item in truths.items()}
    masks["v1"] = np.zeros_like(masks["v1"])
    scores = compare(scene, masks, truth, "v2")
    assert scores["iou_others"]["v1"] == 0.0
    assert scores["accuracy_others"]["v1"] == pytest.approx(1 - truth["v1"].mean())
    assert scores["mean_iou_others"] == pytest.approx(np.mean(list(scores["iou_others"].values())))
    assert scores["iou_clicked"] > 0.97


def test_the_first_click_is_deepest_inside() -> None:
    truth = np.zeros((40, 60), dtype=bool)
    truth[5:8, 5:50] = True
    truth[10:31, 30:51] = True
    assert first_click(truth) == (40.5, 20.5)


def test_the_photo_frame_counts_as_an_edge() -> None:
    truth = np.zeros((40, 60), dtype=bool)
    truth[:, :21] = True
    x, y = first_click(truth)
    assert x == 10.5
    assert 10 <= y <= 30


def test_the_next_click_goes_to_the_largest_error() -> None:
    truth = np.zeros((50, 50), dtype=bool)
    truth[10:30, 10:30] = True
    missing_corner = truth.copy()
    missing_corner[10:15, 10:15] = False
    assert next_click(truth, missing_corner) == (12.5, 12.5, True)
    missing_corner[35:46, 35:46] = True
    assert next_click(truth, missing_corner) == (40.5, 40.5, False)
    assert next_click(truth, truth) is None


def test_view_masks_land_on_the_photo(made: Made) -> None:
    scene, truths, masks_dir = made
    for view in scene.views:
        true_photo = np.asarray(Image.open(masks_dir / f"{view.photo.stem}.png")) > 127
        carried = mask_to_photo(view, truths[view.name].shows == BALL)
        assert carried.shape == PHOTO_SIZE[::-1]
        assert iou(carried, true_photo) > 0.97


def test_evaluate_reports_rounds(made: Made) -> None:
    scene, _, masks_dir = made
    result = evaluate(scene, masks_dir, "v2.jpg", clicks=(3, 1))
    assert result["view"] == "v2"
    assert [entry["clicks"] for entry in result["rounds"]] == [1, 3]
    for entry in result["rounds"]:
        assert set(entry["iou_others"]) == {"v0", "v1", "v3", "v4"}
        assert entry["mean_iou_others"] == pytest.approx(np.mean(list(entry["iou_others"].values())))
        assert entry["mean_iou_others"] > 0.88
        assert entry["iou_clicked"] > 0.9
    assert result["segmenter_alone"] is None
    assert set(result["clicks_to"]) == {"0.85", "0.90"}
    first = result["rounds"][0]["prompts"][0]
    assert first["positive"]
    assert first["view"] == "v2"
    assert read_truth(scene, masks_dir)["v2"][int(first["y"]), int(first["x"])]


def test_a_mask_cache_answers_and_the_segmenter_alone_is_measured_beside(made: Made, tmp_path: Path) -> None:
    """The cache holds the true ball: one click is certain, so nothing is solved and nothing wrong."""
    scene = read_scene(shutil.copytree(made[0].folder, tmp_path / "scene"))
    build_mask_cache(scene, Known(made[1]))
    result = evaluate(scene, made[2], "v2", clicks=[1], every_view=True)
    (entry,), (alone,) = result["rounds"], result["segmenter_alone"]["rounds"]
    assert entry["cached"] and not alone["cached"]
    assert min(entry["mean_iou_others"], alone["mean_iou_others"]) > 0.95
    assert result["clicks_to"] == {"0.85": 1, "0.90": 1}
    assert result["every_view"]["count"] == len(scene.views)
    assert result["every_view"]["rounds"][0]["mean_iou_others"] > 0.97
    table = "\n".join(words.lines(result))
    assert "from the mask cache" in table and "without the mask cache" in table
    assert f"{entry['mean_iou_others']:.3f} ({entry['mean_accuracy_others']:.3f})" in table


def test_truth_box_is_tight(made: Made) -> None:
    scene, truths, masks_dir = made
    view = scene.view("v2")
    box = truth_box(view, read_truth(scene, masks_dir)["v2"])
    rows, columns = np.nonzero(truths["v2"].shows == BALL)
    assert (box.x0, box.y0) == pytest.approx((columns.min(), rows.min()), abs=1)
    assert (box.x1, box.y1) == pytest.approx((columns.max() + 1, rows.max() + 1), abs=1)


def test_missing_folder(made: Made, tmp_path: Path) -> None:
    with pytest.raises(SceneError, match="no folder"):
        evaluate(made[0], tmp_path / "nowhere", "v2")


def test_no_masks_for_these_photos(made: Made, tmp_path: Path) -> None:
    Image.new("L", PHOTO_SIZE).save(tmp_path / "other.png")
    with pytest.raises(SceneError, match=r"v0\.png"):
        evaluate(made[0], tmp_path, "v2")


def test_no_mask_for_the_clicked_view(made: Made, tmp_path: Path) -> None:
    Image.new("L", PHOTO_SIZE, 255).save(tmp_path / "v1.png")
    with pytest.raises(SceneError, match=r"no mask for v2\.jpg"):
        evaluate(made[0], tmp_path, "v2")


def test_mask_of_another_size(made: Made, tmp_path: Path) -> None:
    Image.new("L", (100, 90), 255).save(tmp_path / "v2.png")
    with pytest.raises(SceneError, match="100x90"):
        evaluate(made[0], tmp_path, "v2")


def test_unreadable_mask(made: Made, tmp_path: Path) -> None:
    (tmp_path / "v2.png").write_bytes(b"not a picture")
    with pytest.raises(SceneError, match="cannot be read"):
        evaluate(made[0], tmp_path, "v2")


def test_empty_mask(made: Made, tmp_path: Path) -> None:
    Image.new("L", PHOTO_SIZE, 0).save(tmp_path / "v2.png")
    with pytest.raises(PromptError, match="empty"):
        evaluate(made[0], tmp_path, "v2")


@pytest.mark.parametrize("clicks", [(), (0, 1)])
def test_impossible_click_counts(made: Made, clicks: tuple[int, ...]) -> None:
    with pytest.raises(PromptError, match="1 or more"):
        evaluate(made[0], made[2], "v2", clicks=clicks)


def test_unknown_view(made: Made) -> None:
    with pytest.raises(SceneError, match="v0, v1"):
        evaluate(made[0], made[2], "nowhere")
