# SPDX-License-Identifier: GPL-3.0-or-later
"""3D objects rendered into photos that the reconstruction does not know."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.scenes.ball_and_box import BALL, BOX, Truth, write_object_scene, write_photo_masks
from wildseg3d_blender.errors import SceneError
from wildseg3d_blender.pipeline.alignment.sim3 import Sim3, rotation_exp
from wildseg3d_blender.pipeline.evaluation import evaluate, held_out_views
from wildseg3d_blender.pipeline.evaluation.held_out import register
from wildseg3d_blender.scene.folder import Scene, read_scene, write_scene

MOVED = Sim3(1.7, rotation_exp(np.array([0.3, -0.5, 0.2])), np.array([4.0, -1.0, 2.5]))
LEFT_OUT = "v3"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Scene, dict[str, Truth], Path]:
    root = tmp_path_factory.mktemp("whole")
    scene, truths = write_object_scene(root / "scene")
    write_photo_masks(scene, root / "ball", BALL)
    return scene, truths, root / "ball"


@pytest.fixture(scope="module")
def part(whole: tuple[Scene, dict[str, Truth], Path], tmp_path_factory: pytest.TempPathFactory) -> Scene:
    """The same scene without one photo, in a world of another place, turn and scale."""
    scene = whole[0]
    views = tuple(
        replace(view, cam_to_world=MOVED.apply_to_pose(view.cam_to_world))
        for view in scene.views
        if view.name != LEFT_OUT
    )
    folder = tmp_path_factory.mktemp("part") / "scene"
    write_scene(
        Scene(folder, views, scene.engine, scene.settings),
        pointmaps={v.name: MOVED.apply(np.asarray(scene.pointmap(v))).astype(np.float32) for v in views},
        confidence={v.name: np.asarray(scene.confidence(v)) for v in views},
        colours={v.name: np.asarray(scene.colours(v)) for v in views},
        images={v.name: scene.image_path(v).read_bytes() for v in views},
    )
    return read_scene(folder)


def test_the_two_worlds_are_found_to_be_one(whole: tuple[Scene, dict[str, Truth], Path], part: Scene) -> None:
    found = register(whole[0], part)
    assert found.scale == pytest.approx(MOVED.scale, rel=1e-4)
    np.testing.assert_allclose(found.rotation, MOVED.rotation, atol=1e-4)
    np.testing.assert_allclose(found.translation, MOVED.translation, atol=1e-3)


def test_true_points_give_the_true_mask_in_the_photo_left_out(
    whole: tuple[Scene, dict[str, Truth], Path], part: Scene
) -> None:
    scene, truths, masks = whole
    (unseen,) = held_out_views(part, scene, masks)
    assert unseen.view.name == LEFT_OUT
    points = {view.name: truths[view.name].shows == BALL for view in part.views}
    scores = unseen.scores(points)
    assert scores["iou"] > 0.93
    assert scores["accuracy"] > 0.985
    wrong = unseen.scores({view.name: truths[view.name].shows == BOX for view in part.views})
    assert wrong["iou"] < 0.1


def test_evaluate_reports_the_photo_left_out(
    whole: tuple[Scene, dict[str, Truth], Path], part: Scene
) -> None:
    result = evaluate(part, whole[2], "v2", clicks=[1], whole=whole[0])
    (entry,) = result["rounds"]
    assert set(entry["iou_others"]) == {"v0", "v1", "v4"}
    assert set(entry["held_out"]) == {LEFT_OUT}
    assert entry["held_out"][LEFT_OUT]["iou"] > 0.85
    assert result["segmenter_alone"] is None


def test_nothing_was_left_out(whole: tuple[Scene, dict[str, Truth], Path]) -> None:
    with pytest.raises(SceneError, match="once without one"):
        held_out_views(whole[0], whole[0], whole[2])


def test_scenes_of_other_photos(whole: tuple[Scene, dict[str, Truth], Path], part: Scene) -> None:
    stranger = replace(part, views=tuple(replace(view, name=f"x{view.name}") for view in part.views))
    with pytest.raises(SceneError, match="same photos"):
        held_out_views(stranger, whole[0], whole[2])
