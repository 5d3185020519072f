# SPDX-License-Identifier: GPL-3.0-or-later
"""Simulated clicks and IoU in photo pixels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.object_scene import BALL, PHOTO_SIZE, Truth, write_object_scene, write_photo_masks
from wildseg3d_blender.errors import PromptError, SceneError
from wildseg3d_blender.pipeline.evaluation import (
    evaluate,
    first_click,
    iou,
    mask_to_photo,
    next_click,
    read_truth,
    truth_box,
)
from wildseg3d_blender.scene_folder import Scene

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
    first = result["rounds"][0]["prompts"][0]
    assert first["positive"]
    assert first["view"] == "v2"
    assert read_truth(scene, masks_dir)["v2"][int(first["y"]), int(first["x"])]


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
