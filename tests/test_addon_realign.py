# SPDX-License-Identifier: GPL-3.0-or-later
"""Refine Alignment in Blender: points, objects and cameras follow in place, and what artists did stays."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.blender_reading import read_attribute
from tests.realigned import assert_shows, children, meshes, pixels_of, position_in_root, refresh, shift
from wildseg3d_blender.conventions import BLENDER_FROM_OPENCV, project
from wildseg3d_blender.errors import SceneError
from wildseg3d_blender.pipeline.realign import realign
from wildseg3d_blender.scene.folder import PAIRS_FOLDER, Scene, read_scene


@pytest.fixture
def scene(aligned_copy: Scene) -> Scene:
    return aligned_copy


def _all_points(scene: Scene) -> np.ndarray:
    return np.concatenate([np.asarray(scene.pointmap(view)).reshape(-1, 3) for view in scene.views])


def _pixel_of(scene: Scene, root: Any, name: str) -> list[tuple[float, float]]:
    from wildseg3d_blender.addon.scene import reading

    found = reading.read_groups(scene, root, name)
    return [(prompt.x, prompt.y) for group in found for prompt in group.prompts]


def test_everything_follows_and_what_the_artist_did_stays(blender: Any, scene: Scene, root: Any) -> None:
    from wildseg3d_blender.addon.scene import realigning

    ball = blender.data.objects["Ball"]
    ball.location.x += 5.0
    ball.rotation_euler.z = 0.7
    root.scale = (2.0, 2.0, 2.0)
    ball.data.materials.clear()
    ball.data.materials.append(blender.data.materials.new("Mine"))
    ball.modifiers.new("Bevel", "BEVEL")
    painted = ball.data.attributes.new("painted", "FLOAT", "POINT")
    painted.data.foreach_set("value", np.arange(len(ball.data.vertices), dtype=np.float32))
    keys = list(zip(*pixels_of(ball), strict=True))
    names = sorted(item.name for item in root.children_recursive)
    placed = {item.name: item.matrix_basis.copy() for item in (root, *meshes(root).values())}

    before, old = realigning.measured(scene), _all_points(scene)
    realign(scene.folder, ["Ball"])
    new = read_scene(scene.folder)
    assert np.abs(_all_points(new) - old).max() > 1e-3
    realigning.refresh(root, before)

    assert_shows(new, root)
    assert sorted(item.name for item in root.children_recursive) == names
    assert {item.name: item.matrix_basis for item in (root, *meshes(root).values())} == placed
    assert [material.name for material in ball.data.materials] == ["Mine"]
    assert [modifier.type for modifier in ball.modifiers] == ["NODES", "BEVEL"]
    values = read_attribute(ball.data, "painted", "value", 1, np.float32)
    for key, value in zip(zip(*pixels_of(ball), strict=True), values, strict=True):
        assert value == (keys.index(key) if key in keys else 0.0)
    assert ball.data.color_attributes.active_color.name == "colour"
    assert root.wildseg3d.aligned_for == "Ball"
    for view in new.views:
        camera = blender.data.objects[view.name]
        pose = view.cam_to_world @ BLENDER_FROM_OPENCV
        np.testing.assert_allclose(np.array(camera.matrix_basis), pose, atol=1e-5)
        assert camera.data.lens * view.size[0] / 36.0 == pytest.approx(view.K[0, 0], rel=1e-5)


def test_the_operator_does_as_the_functions(blender: Any, scene: Scene, root: Any, tmp_path: Path) -> None:
    from wildseg3d_blender.addon import api

    copies = [read_scene(shutil.copytree(scene.folder, tmp_path / name)) for name in ("api", "functions")]
    others = [api.open_scene(copy.folder) for copy in copies]
    api.realign(others[0], "Box")
    _realign_by_parts(copies[1], others[1])
    blender.context.view_layer.objects.active = root
    blender.context.view_layer.update()
    assert blender.ops.wildseg3d.realign(object="Box") == {"FINISHED"}
    for other in others:
        assert root.wildseg3d.aligned_for == other.wildseg3d.aligned_for == "Box"
        for role in ("OBJECT", "POINTS"):
            for one, two in zip(children(root, role), children(other, role), strict=True):
                np.testing.assert_array_equal(pixels_of(one), pixels_of(two))
                np.testing.assert_array_equal(position_in_root(one), position_in_root(two))
    with pytest.raises(SceneError, match="no object named 'Cup'"):
        api.realign(root, "Cup")


def _realign_by_parts(scene: Scene, root: Any) -> None:
    from wildseg3d_blender.addon.scene import realigning

    before = realigning.measured(scene)
    realign(scene.folder, ["Box"])
    realigning.refresh(root, before)


def test_what_has_to_fit_can_be_chosen(blender: Any, scene: Scene, root: Any) -> None:
    folder = scene.folder
    root.wildseg3d.active_group = 1
    for arguments, aligned_for in (
        ({}, ["Box"]),
        ({"object": "Ball"}, ["Ball"]),
        ({"fit": "ALL"}, ["Ball", "Box"]),
        ({"fit": "NONE"}, []),
    ):
        assert blender.ops.wildseg3d.realign(**arguments) == {"FINISHED"}
        assert read_scene(folder).settings["aligned_for"] == aligned_for
        assert root.wildseg3d.aligned_for == ", ".join(aligned_for)
        assert_shows(read_scene(folder), root)
    with pytest.raises(RuntimeError, match="no object named 'Cup' in the list"):
        blender.ops.wildseg3d.realign(object="Cup")


def test_cameras_that_were_moved_stay_and_prompts_keep_their_pixel(
    blender: Any, scene: Scene, root: Any
) -> None:
    moved, followed = blender.data.objects["view01"], blender.data.objects["view02"]
    for name in ("view01", "view02"):
        view = scene.view(name)
        blender.ops.wildseg3d.prompt_add(view=name, x=view.size[0] * 0.3, y=view.size[1] * 0.6, object="Box")
    pixels = _pixel_of(scene, root, "Box")
    moved.location.z += 0.5
    where, lens = moved.matrix_basis.copy(), followed.data.lens
    shift(scene, zoom=1.02)
    refresh(root, scene)
    new = read_scene(scene.folder)
    assert moved.matrix_basis == where
    assert followed.data.lens == pytest.approx(1.02 * lens, rel=1e-5)
    pose = new.view("view02").cam_to_world @ BLENDER_FROM_OPENCV
    np.testing.assert_allclose(np.array(followed.matrix_basis), pose, atol=1e-5)
    assert _pixel_of(new, root, "Box")[-1] == pytest.approx(pixels[-1], abs=1e-3)


def test_edit_mode_and_missing_points_are_refused_before_anything_changes(
    blender: Any, scene: Scene, root: Any
) -> None:
    old = {item.name: position_in_root(item) for item in meshes(root).values()}
    ball = blender.data.objects["Ball"]
    blender.context.view_layer.objects.active = ball
    blender.ops.object.mode_set(mode="EDIT")
    assert not blender.ops.wildseg3d.realign.poll()
    shift(scene)
    with pytest.raises(SceneError, match="Ball is in Edit Mode"):
        refresh(root, scene)
    blender.ops.object.mode_set(mode="OBJECT")
    for name, item in meshes(root).items():
        np.testing.assert_array_equal(position_in_root(item), old[name])
    blender.data.objects.remove(children(root, "POINTS")[0])
    with pytest.raises(SceneError, match="were deleted"):
        refresh(root, scene)


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda bpy, folder: shutil.rmtree(folder / PAIRS_FOLDER), "older version: press Reconstruct"),
        (lambda bpy, folder: shutil.rmtree(folder), "scene folder is gone"),
        (lambda bpy, folder: bpy.data.objects.remove(bpy.data.objects["Ball"]), ""),
        (lambda bpy, folder: [bpy.ops.wildseg3d.object_remove() for _ in range(2)], "No object to fit yet"),
    ],
    ids=["older scene", "no folder", "one object left", "no object"],
)
def test_the_button_says_why_it_cannot_run(
    blender: Any, scene: Scene, root: Any, spoil: Any, why: str
) -> None:
    assert blender.ops.wildseg3d.realign.poll()
    spoil(blender, scene.folder)
    assert blender.ops.wildseg3d.realign.poll() == (not why)
    if why:
        with pytest.raises(RuntimeError, match=why):
            blender.ops.wildseg3d.realign()


@pytest.mark.parametrize("spoilt", ["attribute", "points"])
def test_what_cannot_follow_is_said_before_the_worker_is_asked(
    blender: Any, scene: Scene, root: Any, spoilt: str
) -> None:
    from wildseg3d_blender.addon.session import runtime

    if spoilt == "points":
        blender.data.objects.remove(children(root, "POINTS")[0])
    else:
        mesh = blender.data.objects["Ball"].data
        mesh.attributes.remove(mesh.attributes["pixel"])
    runtime.close()
    with pytest.raises(RuntimeError, match="undo that, or open the scene folder again"):
        blender.ops.wildseg3d.realign(object="Box")
    assert runtime.worker_pid() is None


def test_an_object_that_was_renamed_is_taken_under_its_new_name(
    blender: Any, scene: Scene, root: Any
) -> None:
    shutil.rmtree(scene.folder / "objects")
    (scene.folder / "objects").mkdir()
    blender.ops.wildseg3d.open_scene(directory=str(scene.folder))
    root = blender.context.scene.wildseg3d.root
    view = scene.views[1]
    middle = np.asarray(scene.pointmap(view))[36, 48]
    (x, y), _ = project(middle.astype(float), view.K, view.cam_to_world)
    assert np.allclose((x, y), (48.5, 36.5), atol=0.1)
    blender.ops.wildseg3d.prompt_add(view=view.name, x=48.5, y=36.5, object="Thing")
    blender.ops.wildseg3d.segment()
    root.wildseg3d.groups[0].name = "Kugel"
    assert blender.ops.wildseg3d.realign() == {"FINISHED"}
    assert root.wildseg3d.aligned_for == "Kugel"
    assert_shows(read_scene(scene.folder), root)
    blender.ops.wildseg3d.object_add(name="Next")
    with pytest.raises(RuntimeError, match="Next is not an object yet: press Segment first"):
        blender.ops.wildseg3d.realign()
