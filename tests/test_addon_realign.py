# SPDX-License-Identifier: GPL-3.0-or-later
"""Refine Alignment in Blender: points, objects and cameras follow in place, and what artists did stays."""

from __future__ import annotations

import os
import shutil
import signal
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.addon_scene import FLOOR, WALL, surface, write_awkward_scene
from tests.aligned_scene import BALL, BOX, write_aligned_scene, write_true_object
from tests.blender_reading import read_attribute
from tests.synthetic import Corruption, TrueView, orbit, pair_graph
from wildseg3d_blender.conventions import BLENDER_FROM_OPENCV, project
from wildseg3d_blender.errors import SceneError, WildSegError
from wildseg3d_blender.files.atomic_folder import previous_folder
from wildseg3d_blender.pipeline.realign import realign
from wildseg3d_blender.prompts import Click, one_group
from wildseg3d_blender.scene.folder import PAIRS_FOLDER, Scene, read_scene
from wildseg3d_blender.scene.objects import SceneObject, write_object
from wildseg3d_blender.scene.rewriting import rewriting_geometry


@pytest.fixture(scope="module")
def views() -> list[TrueView]:
    return orbit(4, (96, 72))


@pytest.fixture(scope="module")
def written(views: list[TrueView], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("network") / "scene"
    scene, _ = write_aligned_scene(folder, pair_graph(views, corruption=Corruption(smear=True)))
    write_true_object(scene, views, "Ball", BALL)
    write_true_object(scene, views, "Box", BOX)
    return folder


@pytest.fixture
def scene(written: Path, tmp_path: Path) -> Scene:
    return read_scene(shutil.copytree(written, tmp_path / "scene"))


@pytest.fixture
def root(blender: Any, scene: Scene) -> Any:
    blender.ops.wildseg3d.open_scene(directory=str(scene.folder))
    return blender.context.scene.wildseg3d.root


def _meshes(root: Any) -> dict[str, Any]:
    return {item.name: item for item in root.children if item.type == "MESH"}


def _position(item: Any) -> np.ndarray:
    """In the root's space, wherever the artist has put the object."""
    local = read_attribute(item.data, "position", "vector", 3, np.float32)
    return local + np.array(item.wildseg3d.origin, np.float32)


def _pixels(item: Any) -> tuple[np.ndarray, np.ndarray]:
    return (
        read_attribute(item.data, "view", "value", 1, np.int32),
        read_attribute(item.data, "pixel", "value", 1, np.int32),
    )


def assert_shows(scene: Scene, root: Any) -> None:
    """Every point lies where the scene folder has its pixel, and every measured pixel has one point."""
    seen = {view.name: np.zeros(view.size[0] * view.size[1], int) for view in scene.views}
    for item in _meshes(root).values():
        position, (view_of, pixel_of) = _position(item), _pixels(item)
        confidence = read_attribute(item.data, "confidence", "value", 1, np.float32)
        for index, view in enumerate(scene.views):
            mine = view_of == index
            seen[view.name][pixel_of[mine]] += 1
            truth = np.asarray(scene.pointmap(view)).reshape(-1, 3)[pixel_of[mine]]
            np.testing.assert_allclose(position[mine], truth, atol=2e-6)
            np.testing.assert_array_equal(
                confidence[mine], np.asarray(scene.confidence(view)).ravel()[pixel_of[mine]]
            )
    for view in scene.views:
        np.testing.assert_array_equal(seen[view.name], (np.asarray(scene.confidence(view)) > 0).ravel())


def _all_points(scene: Scene) -> np.ndarray:
    return np.concatenate([np.asarray(scene.pointmap(view)).reshape(-1, 3) for view in scene.views])


def _children(root: Any, role: str) -> list[Any]:
    return [item for item in root.children_recursive if item.wildseg3d.role == role]


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
    keys = list(zip(*_pixels(ball), strict=True))
    names = sorted(item.name for item in root.children_recursive)
    placed = {item.name: item.matrix_basis.copy() for item in (root, *_meshes(root).values())}

    before, old = realigning.measured(scene), _all_points(scene)
    realign(scene.folder, ["Ball"])
    new = read_scene(scene.folder)
    assert np.abs(_all_points(new) - old).max() > 1e-3
    realigning.refresh(root, before)

    assert_shows(new, root)
    assert sorted(item.name for item in root.children_recursive) == names
    assert {item.name: item.matrix_basis for item in (root, *_meshes(root).values())} == placed
    assert [material.name for material in ball.data.materials] == ["Mine"]
    assert [modifier.type for modifier in ball.modifiers] == ["NODES", "BEVEL"]
    values = read_attribute(ball.data, "painted", "value", 1, np.float32)
    for key, value in zip(zip(*_pixels(ball), strict=True), values, strict=True):
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
            for one, two in zip(_children(root, role), _children(other, role), strict=True):
                np.testing.assert_array_equal(_pixels(one), _pixels(two))
                np.testing.assert_array_equal(_position(one), _position(two))
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


def _do(bpy: Any, operator: str, /, **arguments: Any) -> Any:
    """What a button does, with the undo step that Blender's event loop would push; returns the root."""
    assert getattr(bpy.ops.wildseg3d, operator)(**arguments) == {"FINISHED"}
    bpy.ops.ed.undo_push(message=operator)
    return bpy.context.scene.wildseg3d.root


def _step(bpy: Any, operator: str) -> Any:
    """Undo or redo; returns the root."""
    assert getattr(bpy.ops.ed, operator)() == {"FINISHED"}
    return bpy.context.scene.wildseg3d.root


def _files(folder: Path) -> dict[str, bytes]:
    """What a scene folder holds, but for what it keeps for undo and for a moment."""
    found = {}
    for file in sorted(folder.rglob("*")):
        name = file.relative_to(folder).as_posix()
        if file.is_file() and not name.startswith(("earlier/", "states/", "previews/")):
            found[name] = file.read_bytes()
    return found


def test_undo_and_redo_step_the_scene_folder_and_the_worker(blender: Any, scene: Scene, root: Any) -> None:
    blender.ops.ed.undo_push(message="before")
    files, aligned = [_files(scene.folder)], [""]
    for name in ("Ball", "Box"):
        root = _do(blender, "realign", object=name)
        assert_shows(read_scene(scene.folder), root)
        files.append(_files(scene.folder))
        aligned.append(name)
    assert files[0] != files[1] != files[2]
    for operator, at in (("undo", 1), ("undo", 0), ("redo", 1), ("redo", 2), ("undo", 1), ("undo", 0)):
        root = _step(blender, operator)
        assert _files(scene.folder) == files[at]
        assert root.wildseg3d.aligned_for == aligned[at]
        assert_shows(read_scene(scene.folder), root)

    # What is done now is done with the alignment that is shown: the worker has read it again.
    view = scene.views[1]
    (x, y), _ = project(np.array([0.0, 0.0, 0.0]), view.K, view.cam_to_world)
    blender.ops.wildseg3d.prompt_add(view=view.name, x=x, y=y, object="Thing")
    root = _do(blender, "segment", object="Thing")
    assert_shows(read_scene(scene.folder), root)
    shown = _files(scene.folder)
    assert shown["scene.json"] == files[0]["scene.json"] and "objects/Thing/masks.npy" in shown
    root = _do(blender, "realign", object="Thing")
    assert_shows(read_scene(scene.folder), root)
    root = _step(blender, "undo")
    assert _files(scene.folder) == shown
    assert_shows(read_scene(scene.folder), root)


@pytest.mark.parametrize("broken_off", ["cancelled", "undone"])
def test_an_alignment_broken_off_while_blender_takes_it_in_leaves_all_as_it_was(
    blender: Any, scene: Scene, root: Any, broken_off: str
) -> None:
    from wildseg3d_blender.addon import runtime
    from wildseg3d_blender.addon.tasks.driving import Run
    from wildseg3d_blender.addon.tasks.refining import refining

    blender.ops.ed.undo_push(message="before")
    blender.ops.object.empty_add()
    blender.ops.ed.undo_push(message="empty")
    before = _files(scene.folder)
    run = Run(refining(root, ["Ball"]), "Refine Alignment", print)
    run.begin()
    meshes = len(blender.data.meshes)
    while (job := run.job) is not None and len(blender.data.meshes) == meshes:
        if run.waits:
            job.wait(1.0)
        run.go_on(0.0)
    assert _files(scene.folder) != before
    if broken_off == "cancelled":
        assert runtime.cancel()
    else:
        assert blender.ops.ed.undo() == {"FINISHED"}
    with pytest.raises(WildSegError, match=r"Cancelled|undone meanwhile"):
        run.go_on(float("inf"))
    run.stop()
    root = blender.context.scene.wildseg3d.root
    assert _files(scene.folder) == before and root.wildseg3d.aligned_for == ""
    assert_shows(read_scene(scene.folder), root)
    assert blender.ops.wildseg3d.realign(object="Ball") == {"FINISHED"}


def test_undo_of_an_alignment_that_is_no_longer_kept_goes_on(blender: Any, scene: Scene, root: Any) -> None:
    blender.ops.ed.undo_push(message="before")
    old = {item.name: _position(item) for item in _meshes(root).values()}
    _do(blender, "realign", object="Ball")
    shutil.rmtree(scene.folder / "states")
    root = _step(blender, "undo")
    for name, item in _meshes(root).items():
        np.testing.assert_array_equal(_position(item), old[name])
    assert root.wildseg3d.aligned_for == ""
    assert read_scene(scene.folder).settings["aligned_for"] == ["Ball"]
    # Done again from there, both are together.
    assert_shows(read_scene(scene.folder), _do(blender, "realign", object="Ball"))


def test_copies_that_share_a_scene_folder_each_have_their_alignment(
    blender: Any, scene: Scene, root: Any
) -> None:
    blender.ops.wildseg3d.open_scene(directory=str(scene.folder))
    other = blender.context.scene.wildseg3d.root
    assert other != root
    blender.ops.wildseg3d.realign(object="Box")
    assert_shows(read_scene(scene.folder), other)
    for at_work in (root, other):
        blender.context.scene.wildseg3d.root = at_work
        blender.ops.wildseg3d.realign(object="Ball")
        assert_shows(read_scene(scene.folder), at_work)


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
    _shift(scene, zoom=1.02)
    _refresh(root, scene)
    new = read_scene(scene.folder)
    assert moved.matrix_basis == where
    assert followed.data.lens == pytest.approx(1.02 * lens, rel=1e-5)
    pose = new.view("view02").cam_to_world @ BLENDER_FROM_OPENCV
    np.testing.assert_allclose(np.array(followed.matrix_basis), pose, atol=1e-5)
    assert _pixel_of(new, root, "Box")[-1] == pytest.approx(pixels[-1], abs=1e-3)


def _shift(scene: Scene, zoom: float = 1.0, lost: int = 0, gained: int = 0) -> None:
    """New geometry as no alignment would make it: moved aside, other pixels measured, other focal lengths."""
    views = tuple(
        replace(
            view,
            K=view.K * np.array([[zoom, zoom, 1.0], [zoom, zoom, 1.0], [1.0, 1.0, 1.0]]),
            cam_to_world=view.cam_to_world + np.array([[0, 0, 0, 0.25]] * 3 + [[0, 0, 0, 0]]),
        )
        for view in scene.views
    )
    pointmaps = {view.name: np.array(scene.pointmap(view)) + np.float32(0.25) for view in views}
    confidence = {view.name: np.array(scene.confidence(view)) for view in views}
    for grid in confidence.values():
        grid[-1, -1 - lost : -1] = 0.0
        grid[-1, :gained] = 1.5
    with rewriting_geometry(replace(scene, views=views), pointmaps=pointmaps, confidence=confidence):
        pass


def _refresh(root: Any, scene: Scene, before: Any = None) -> None:
    from wildseg3d_blender.addon.scene import realigning

    realigning.refresh(root, before or realigning.measured(scene))


@pytest.fixture
def awkward(blender: Any, tmp_path: Path) -> tuple[Scene, Any]:
    """A scene with pixels without a measurement, in the lower left corner of every view too."""
    from wildseg3d_blender.addon.scene import importing

    scene = write_awkward_scene(tmp_path / "awkward")
    points = {view.name: surface(view, FLOOR) & (scene.confidence(view) > 0) for view in scene.views}
    masks = {view.name: surface(view, FLOOR) for view in scene.views}
    write_object(scene, SceneObject("Floor", one_group([Click("wide", 60.0, 60.0)]), masks, points))
    return scene, importing.import_scene(blender.context.scene, scene.folder)


def test_points_come_and_go_with_their_measurement(blender: Any, awkward: tuple[Scene, Any]) -> None:
    from wildseg3d_blender.addon.scene import realigning

    scene, root = awkward
    before = realigning.measured(scene)
    count = sum(len(item.data.vertices) for item in _meshes(root).values())
    _shift(scene, lost=3, gained=5)
    _refresh(root, scene, before)
    assert_shows(read_scene(scene.folder), root)
    assert sum(len(item.data.vertices) for item in _meshes(root).values()) == count + 3 * (5 - 3)


def test_deleted_points_stay_deleted_and_new_ones_stay(blender: Any, awkward: tuple[Scene, Any]) -> None:
    import bmesh

    from wildseg3d_blender.addon.scene import realigning

    scene, root = awkward
    (rest,) = _children(root, "POINTS")
    shape = bmesh.new()
    shape.from_mesh(rest.data)
    shape.verts.ensure_lookup_table()
    bmesh.ops.delete(shape, geom=shape.verts[:100], context="VERTS")
    foreign = shape.verts.new((9.0, 9.0, 9.0))
    foreign[shape.verts.layers.int["view"]] = -1
    shape.to_mesh(rest.data)
    shape.free()
    left = sorted(zip(*_pixels(rest), strict=True))
    before = realigning.measured(scene)
    _shift(scene)
    _refresh(root, scene, before)
    assert sorted(zip(*_pixels(rest), strict=True)) == left
    view = _pixels(rest)[0]
    np.testing.assert_allclose(_position(rest)[view == -1], [[9.0, 9.0, 9.0]])


def test_objects_changed_in_blender_since_keep_their_points(blender: Any, awkward: tuple[Scene, Any]) -> None:
    """The scene folder's object is not the one that Blender shows: it was segmented, then undone."""
    from wildseg3d_blender.addon.scene import realigning

    scene, root = awkward
    floor = blender.data.objects["Floor"]
    mine = sorted(zip(*_pixels(floor), strict=True))
    other = {view.name: surface(view, WALL) for view in scene.views}
    write_object(scene, SceneObject("Floor", one_group([Click("tall", 3.0, 4.0)]), other, other))
    before = realigning.measured(scene)
    _shift(scene)
    _refresh(root, scene, before)
    assert sorted(zip(*_pixels(floor), strict=True)) == mine


def test_edit_mode_and_missing_points_are_refused_before_anything_changes(
    blender: Any, scene: Scene, root: Any
) -> None:
    old = {item.name: _position(item) for item in _meshes(root).values()}
    ball = blender.data.objects["Ball"]
    blender.context.view_layer.objects.active = ball
    blender.ops.object.mode_set(mode="EDIT")
    assert not blender.ops.wildseg3d.realign.poll()
    _shift(scene)
    with pytest.raises(SceneError, match="Ball is in Edit Mode"):
        _refresh(root, scene)
    blender.ops.object.mode_set(mode="OBJECT")
    for name, item in _meshes(root).items():
        np.testing.assert_array_equal(_position(item), old[name])
    blender.data.objects.remove(_children(root, "POINTS")[0])
    with pytest.raises(SceneError, match="were deleted"):
        _refresh(root, scene)


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


def test_a_scene_folder_caught_between_two_renames_is_put_back(blender: Any, scene: Scene, root: Any) -> None:
    scene.folder.rename(previous_folder(scene.folder))
    assert blender.ops.wildseg3d.look(view="view01") == {"FINISHED"}
    assert blender.ops.wildseg3d.realign(object="Ball") == {"FINISHED"}
    assert_shows(read_scene(scene.folder), root)


def test_a_worker_killed_midway_changes_nothing(blender: Any, scene: Scene, root: Any) -> None:
    from wildseg3d_blender.addon import runtime

    old = {item.name: _position(item) for item in _meshes(root).values()}
    runtime.close()

    def kill() -> None:
        deadline = time.monotonic() + 60
        while (job := runtime.current_job()) is None or job.fraction <= 0:
            assert time.monotonic() < deadline
            time.sleep(0.002)
        os.kill(runtime.worker_pid() or 0, signal.SIGKILL)

    thread = threading.Thread(target=kill)
    thread.start()
    with pytest.raises(RuntimeError, match="worker stopped unexpectedly"):
        blender.ops.wildseg3d.realign(object="Ball")
    thread.join()
    for name, item in _meshes(root).items():
        np.testing.assert_array_equal(_position(item), old[name])
    assert read_scene(scene.folder).settings["aligned_for"] == []
    assert blender.ops.wildseg3d.realign(object="Ball") == {"FINISHED"}
