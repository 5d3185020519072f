# SPDX-License-Identifier: GPL-3.0-or-later
"""Operators that wait for a real worker: segment, undo, save and reopen, death and cancel midway."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.blender_reading import read_attribute
from tests.cut_out import split_object
from tests.scenes.ball_and_box import BALL, BOX, Truth
from tests.scenes.listed import Made, copied
from tests.waiting import PATIENCE, ended, kill_worker_once_busy, wait_until
from wildseg3d_blender.conventions import project
from wildseg3d_blender.errors import Cancelled
from wildseg3d_blender.scene.folder import Scene, read_scene
from wildseg3d_blender.scene.objects import read_object


@pytest.fixture
def made(blender: Any, object_scene: Made, tmp_path: Path) -> Made:
    """A saved .blend with the scene of a ball and a box beside it."""
    result = copied(object_scene, tmp_path / "table" / "scene")
    blender.ops.wm.save_as_mainfile(filepath=str(tmp_path / "table" / "work.blend"))
    blender.ops.wildseg3d.open_scene(directory=str(result[0].folder))
    return result


def _photo_pixel(scene: Scene, view_name: str, point: np.ndarray) -> dict[str, Any]:
    """Arguments of ``prompt_add`` for a world point."""
    view = scene.view(view_name)
    pixel, _ = project(np.asarray(point, float), view.K, view.cam_to_world)
    x, y = view.warp.to_photo(pixel)
    return {"view": view_name, "x": float(x), "y": float(y)}


def _click(bpy: Any, scene: Scene, name: str, point: tuple[float, float, float], **more: Any) -> None:
    bpy.ops.wildseg3d.prompt_add(**_photo_pixel(scene, "v2", np.array(point)), object=name, **more)


def _click_ball_and_box(bpy: Any, scene: Scene) -> None:
    _click(bpy, scene, "Ball", (-0.42, -0.4, 0.4))
    _click(bpy, scene, "Box", (0.3, -0.3, 0.35))


def _shares(scene: Scene, truths: dict[str, Truth], item: Any, thing: int) -> tuple[float, float]:
    """How many of the object's points are on ``thing``, and how many of its measured points it has."""
    view = read_attribute(item.data, "view", "value", 1, np.int32)
    pixel = read_attribute(item.data, "pixel", "value", 1, np.int32)
    right = total = 0
    for index, placed in enumerate(scene.views):
        truth = truths[placed.name]
        wanted = (truth.shows == thing) & (scene.confidence(placed) > 0)
        right += int(wanted.ravel()[pixel[view == index]].sum())
        total += int(wanted.sum())
    return right / len(pixel), right / total


def _count(bpy: Any) -> int:
    return sum(
        len(item.data.vertices)
        for item in bpy.context.scene.objects
        if item.wildseg3d.role in ("POINTS", "OBJECT")
    )


def test_segment_makes_named_selected_objects_and_loses_nothing(blender: Any, made: Made) -> None:
    scene, truths = made
    before = _count(blender)
    _click_ball_and_box(blender, scene)
    assert blender.ops.wildseg3d.segment() == {"FINISHED"}
    for name, thing in (("Ball", BALL), ("Box", BOX)):
        item = blender.data.objects[name]
        precision, recall = _shares(scene, truths, item, thing)
        assert precision > 0.97 and recall > 0.7, (name, precision, recall)
        assert item.select_get() and item.wildseg3d.role == "OBJECT"
    assert blender.context.view_layer.objects.active.name == "Box"
    assert {item.name for item in blender.context.selected_objects} == {"Ball", "Box"}
    assert _count(blender) == before


def test_the_operator_splits_what_the_function_splits(blender: Any, made: Made) -> None:
    from wildseg3d_blender.addon.scene import groups, importing, reading
    from wildseg3d_blender.pipeline.segment import SceneSession

    scene, _ = made
    _click(blender, scene, "Ball", (-0.42, -0.4, 0.4))
    root = blender.context.scene.wildseg3d.root
    prompt_groups = reading.read_groups(scene, root, "Ball")
    blender.ops.wildseg3d.segment()
    by_operator = blender.data.objects["Ball"]

    shutil.rmtree(scene.folder / "objects")
    other = importing.import_scene(blender.context.scene, scene.folder)
    points = SceneSession(scene.folder).segment("Ball", prompt_groups).object.points
    groups.add(other, "Ball")
    by_function = split_object(scene, other, "Ball", points)
    for name, member, width, dtype in (
        ("view", "value", 1, np.int32),
        ("pixel", "value", 1, np.int32),
        ("position", "vector", 3, np.float32),
        ("colour", "color_srgb", 4, np.float32),
    ):
        one, two = (
            read_attribute(item.data, name, member, width, dtype) for item in (by_operator, by_function)
        )
        assert np.array_equal(one, two), name


def test_only_objects_whose_prompts_changed_are_done_again(blender: Any, made: Made) -> None:
    scene, _ = made
    _click_ball_and_box(blender, scene)
    blender.ops.wildseg3d.segment()
    written = {name: (scene.folder / "objects" / name).stat().st_mtime_ns for name in ("Ball", "Box")}
    total = _count(blender)
    _click(blender, scene, "Box", (0.1, 0.0, 0.7))
    blender.ops.wildseg3d.segment()
    again = {name: (scene.folder / "objects" / name).stat().st_mtime_ns for name in ("Ball", "Box")}
    assert again["Ball"] == written["Ball"] and again["Box"] != written["Box"]
    assert {item.name for item in blender.context.selected_objects} == {"Box"}
    assert _count(blender) == total


def test_parts_and_shared_points(blender: Any, made: Made) -> None:
    scene, truths = made
    total = _count(blender)
    _click_ball_and_box(blender, scene)
    blender.ops.wildseg3d.segment()
    before = {name: len(blender.data.objects[name].data.vertices) for name in ("Ball", "Box")}

    # An object of both: it takes nearly all that they have.
    _click(blender, scene, "Both", (0.3, -0.3, 0.35))
    blender.ops.wildseg3d.part_add()
    _click(blender, scene, "Both", (-0.42, -0.4, 0.4))
    blender.ops.wildseg3d.segment(object="Both")
    both = len(blender.data.objects["Both"].data.vertices)
    left = {name: len(blender.data.objects[name].data.vertices) for name in before}
    assert both > 0.95 * sum(before.values()) and all(left[name] < 0.05 * before[name] for name in before)
    assert _count(blender) == total

    # The ball taken away from it again: the ball's points are the ball's again.
    blender.ops.wildseg3d.part_remove(part=1)
    blender.ops.wildseg3d.segment(object="Both")
    assert len(blender.data.objects["Ball"].data.vertices) == before["Ball"]
    assert _shares(scene, truths, blender.data.objects["Both"], BOX)[0] > 0.95
    assert _count(blender) == total

    # Left to the others, there is nothing for it; that is said, and all stays as it was.
    held = {item.name: len(item.data.vertices) for item in blender.data.objects if item.type == "MESH"}
    with pytest.raises(RuntimeError, match="other objects own the points"):
        blender.ops.wildseg3d.segment(object="Both", shared="LEAVE")
    assert held == {
        item.name: len(item.data.vertices) for item in blender.data.objects if item.type == "MESH"
    }
    blender.ops.wildseg3d.object_remove(name="Both")
    assert {name: len(blender.data.objects[name].data.vertices) for name in before} == before
    assert _count(blender) == total


def test_an_empty_moved_by_hand_is_segmented_where_it_is(blender: Any, made: Made) -> None:
    scene, truths = made
    _click(blender, scene, "Thing", (0.3, -0.3, 0.35))
    prompt = next(item for item in blender.data.objects if item.wildseg3d.role == "PROMPT")
    view = scene.view("v2")
    pixel, _ = project(np.array([-0.42, -0.4, 0.4]), view.K, view.cam_to_world)
    depth = -prompt.location.z
    prompt.location.x = (pixel[0] - view.K[0, 2]) / view.K[0, 0] * depth
    prompt.location.y = -(pixel[1] - view.K[1, 2]) / view.K[1, 1] * depth
    blender.ops.wildseg3d.segment()
    assert _shares(scene, truths, blender.data.objects["Thing"], BALL)[0] > 0.97


def test_undo_takes_the_split_back_in_one_step(blender: Any, made: Made) -> None:
    scene, _ = made
    _click(blender, scene, "Ball", (-0.42, -0.4, 0.4))
    blender.ops.ed.undo_push(message="before")
    rest = len(next(i for i in blender.data.objects if i.wildseg3d.role == "POINTS").data.vertices)
    blender.ops.wildseg3d.segment()
    blender.ops.ed.undo_push(message="Segment")
    assert "Ball" in blender.data.objects
    blender.ops.ed.undo()
    assert "Ball" not in blender.data.objects
    assert len(next(i for i in blender.data.objects if i.wildseg3d.role == "POINTS").data.vertices) == rest
    # Undone, not forgotten: the prompts are still there and make it again.
    blender.ops.wildseg3d.segment()
    assert len(blender.data.objects["Ball"].data.vertices) > 0
    assert _count(blender) == rest


def test_saved_moved_and_reopened_it_carries_on(blender: Any, made: Made, tmp_path: Path) -> None:
    scene, _ = made
    _click(blender, scene, "Ball", (-0.42, -0.4, 0.4))
    blender.ops.wildseg3d.segment()
    _click(blender, scene, "Box", (0.3, -0.3, 0.35))
    root = blender.context.scene.wildseg3d.root
    assert root.wildseg3d.folder == "//scene"
    total = _count(blender)
    blender.ops.wm.save_mainfile()
    blender.ops.wm.read_factory_settings(use_empty=True)

    (tmp_path / "table").rename(tmp_path / "elsewhere")
    blender.ops.wm.open_mainfile(filepath=str(tmp_path / "elsewhere" / "work.blend"))
    ball = len(blender.data.objects["Ball"].data.vertices)
    blender.ops.wildseg3d.segment()
    assert {item.name for item in blender.context.selected_objects} == {"Box"}
    assert len(blender.data.objects["Ball"].data.vertices) == ball
    assert _count(blender) == total
    moved = read_scene(tmp_path / "elsewhere" / "scene")
    assert read_object(moved, moved.folder / "objects" / "Box").name == "Box"


def test_saving_elsewhere_keeps_the_way_to_the_scene_folder(blender: Any, made: Made, tmp_path: Path) -> None:
    scene, _ = made
    (tmp_path / "other place").mkdir()
    copy = tmp_path / "other place" / "copy.blend"
    blender.ops.wm.save_as_mainfile(filepath=str(copy), copy=True)
    root = blender.context.scene.wildseg3d.root
    assert root.wildseg3d.folder == "//scene"
    blender.ops.wm.open_mainfile(filepath=str(copy))
    from wildseg3d_blender.addon.scene import lookup

    root = blender.context.scene.wildseg3d.root
    assert lookup.scene_folder(root).resolve() == scene.folder.resolve()


def test_a_failed_object_leaves_all_as_it_was(blender: Any, made: Made) -> None:
    scene, _ = made
    before = _count(blender)
    _click(blender, scene, "Ball", (-0.42, -0.4, 0.4))
    _click(blender, scene, "Nothing", (0.3, -0.3, 0.35), positive=False)
    with pytest.raises(RuntimeError, match="Every prompt of Nothing excludes"):
        blender.ops.wildseg3d.segment()
    assert "Ball" not in blender.data.objects and _count(blender) == before


def test_scene_folder_deleted(blender: Any, made: Made) -> None:
    scene, _ = made
    _click(blender, scene, "Ball", (-0.42, -0.4, 0.4))
    shutil.rmtree(scene.folder)
    before = _count(blender)
    with pytest.raises(RuntimeError, match="is gone: put it back"):
        blender.ops.wildseg3d.segment()
    assert _count(blender) == before


def test_worker_killed_while_working_is_told_and_survived(blender: Any, made: Made) -> None:
    scene, _ = made
    before = _count(blender)
    _click_ball_and_box(blender, scene)
    killer = kill_worker_once_busy()
    with pytest.raises(RuntimeError, match="worker stopped unexpectedly"):
        blender.ops.wildseg3d.segment()
    killer.join()
    assert _count(blender) == before and "Ball" not in blender.data.objects
    assert blender.ops.wildseg3d.segment() == {"FINISHED"}
    assert _count(blender) == before


def test_cancel_stops_midway_and_changes_nothing(blender: Any, made: Made) -> None:
    from wildseg3d_blender.addon.session import runtime
    from wildseg3d_blender.prompts import Click, one_group
    from wildseg3d_blender.worker.messages import Segment

    scene, _ = made
    runtime.close()
    request = Segment(str(scene.folder), "Ball", one_group([Click("v2", 80.0, 80.0)]))
    job = runtime.start("Segment Ball", "segment", request.to_json())
    assert not blender.ops.wildseg3d.segment.poll()
    wait_until(lambda: (runtime.poll(), job.fraction > 0)[1])
    assert blender.ops.wildseg3d.cancel() == {"FINISHED"}
    assert job.wait(PATIENCE)
    with pytest.raises(Cancelled):
        job.result()
    assert not (scene.folder / "objects" / "Ball").exists()
    assert runtime.current_job() is None


def test_opening_another_file_ends_the_running_job(blender: Any, made: Made) -> None:
    from wildseg3d_blender.addon.session import runtime
    from wildseg3d_blender.prompts import Click, one_group
    from wildseg3d_blender.worker.messages import Segment

    scene, _ = made
    request = Segment(str(scene.folder), "Ball", one_group([Click("v2", 80.0, 80.0)]))
    job = runtime.start("Segment Ball", "segment", request.to_json())
    blender.ops.wm.read_factory_settings(use_empty=True)
    assert job.done and runtime.current_job() is None
    assert not (scene.folder / "objects" / "Ball").exists()


def test_unregistering_ends_the_worker(blender: Any, made: Made) -> None:
    from wildseg3d_blender import addon
    from wildseg3d_blender.addon.session import runtime

    scene, _ = made
    _click(blender, scene, "Ball", (-0.42, -0.4, 0.4))
    blender.ops.wildseg3d.segment()
    pid = runtime.worker_pid()
    assert pid is not None
    addon.unregister()
    addon.register()
    assert ended(pid)
