# SPDX-License-Identifier: GPL-3.0-or-later
"""Photos in, objects out, against the sample's truth."""

import shutil
from pathlib import Path

import numpy as np
import pytest

from samples.truth import SampleTruth
from tests.command_line import last_object
from wildseg3d_blender.cli.main import main
from wildseg3d_blender.conventions import project
from wildseg3d_blender.errors import PromptError
from wildseg3d_blender.pipeline.alignment import fit_sim3
from wildseg3d_blender.pipeline.evaluation import evaluate
from wildseg3d_blender.pipeline.segment import SceneSession
from wildseg3d_blender.prompts import Click, one_group
from wildseg3d_blender.scene.folder import Scene
from wildseg3d_blender.scene.objects import object_folders, read_object


@pytest.fixture
def own_scene(sample_scene: Scene, tmp_path: Path) -> Path:
    """A copy of the shared scene that a test may write into."""
    return Path(shutil.copytree(sample_scene.folder, tmp_path / "scene"))


def test_every_photo_is_placed_where_it_was_taken(sample_scene: Scene, sample_truth: SampleTruth) -> None:
    assert len(sample_scene.views) == 6
    assert not sample_scene.skipped
    found = np.stack([view.cam_to_world[:3, 3] for view in sample_scene.views])
    true = np.stack([sample_truth.cameras[view.name].cam_to_world[:3, 3] for view in sample_scene.views])
    error = np.linalg.norm(fit_sim3(found, true).apply(found) - true, axis=1)
    depth = np.median(np.concatenate([sample_truth.depth(v.name).ravel() for v in sample_scene.views]))
    assert error.max() < 0.005 * depth


def test_the_world_is_upright(sample_scene: Scene, sample_truth: SampleTruth) -> None:
    found = np.stack([view.cam_to_world[:3, :3] for view in sample_scene.views])
    true = np.stack([sample_truth.cameras[view.name].cam_to_world[:3, :3] for view in sample_scene.views])
    up_by_view = np.einsum("nij,nkj,k->ni", found, true, np.array([0.0, 0.0, 1.0]))
    assert np.degrees(np.arccos(np.clip(up_by_view[:, 2], -1, 1))).max() < 3.0


def test_points_land_on_their_pixels(sample_scene: Scene) -> None:
    for view in sample_scene.views:
        measured = np.argwhere(sample_scene.confidence(view) > 0)[::97]
        points_world = sample_scene.pointmap(view)[measured[:, 0], measured[:, 1]].astype(np.float64)
        pixels, _ = project(points_world, view.K, view.cam_to_world)
        assert np.abs(pixels - (measured[:, ::-1] + 0.5)).max() < 0.05


def test_much_of_each_photo_is_measured(sample_scene: Scene) -> None:
    for view in sample_scene.views:
        assert (sample_scene.confidence(view) > 0).mean() > 0.5


@pytest.mark.parametrize("thing", ["book", "orange", "parcel"])
def test_one_click_finds_the_object_in_the_other_photos(
    sample_scene: Scene, sample_truth: SampleTruth, thing: str
) -> None:
    masks = sample_truth.folder / "truth" / "masks" / thing
    result = evaluate(sample_scene, masks, "table_05", clicks=[1])
    assert result["rounds"][0]["mean_iou_others"] > 0.8
    assert len(result["rounds"][0]["iou_others"]) == 5


def test_order_of_giving_clicks_together_or_in_turn_does_not_matter(own_scene: Path) -> None:
    clicks = [Click("table_05", 90, 150), Click("table_06", 100, 150), Click("table_05", 10, 200, False)]
    together = SceneSession(own_scene).masks(clicks)
    session = SceneSession(own_scene)
    for count in (1, 2, 3):
        in_turn = session.masks(clicks[:count])
    for name, mask in together.items():
        np.testing.assert_array_equal(mask, in_turn[name])


def test_command_line_equals_the_call(own_scene: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scene_view = SceneSession(own_scene).scene.view("table_05")
    x, y = scene_view.warp.to_photo(np.array([90.0, 150.0]))
    arguments = ["segment", str(own_scene), "--view", "table_05.jpg", "--click", str(x), str(y)]
    assert main([*arguments, "--name", "Book", "--json"]) == 0
    answer = last_object(capsys.readouterr().out)
    session = SceneSession(own_scene)
    expected = session.masks([Click("table_05", 90, 150)])
    item = read_object(session.scene, Path(answer["folder"]))
    assert answer["points"] == sum(int(points.sum()) for points in item.points.values()) > 1000
    for name, mask in expected.items():
        np.testing.assert_array_equal(item.masks[name], mask)
        assert not (item.points[name] & ~mask).any()


def test_failed_prompts_leave_no_object(own_scene: Path) -> None:
    session = SceneSession(own_scene)
    with pytest.raises(PromptError, match="Every prompt excludes"):
        session.segment("Nothing", one_group([Click("table_05", 90, 150, positive=False)]))
    with pytest.raises(PromptError, match="outside"):
        session.segment("Nothing", one_group([Click("table_05", 9000, 150)]))
    assert object_folders(session.scene) == []


def test_session_notices_a_new_scene(own_scene: Path) -> None:
    session = SceneSession(own_scene)
    assert session.is_current()
    file = own_scene / "scene.json"
    file.write_text(file.read_text() + "\n")
    assert not session.is_current()
