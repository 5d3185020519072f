# SPDX-License-Identifier: GPL-3.0-or-later
"""Refine Alignment undone, broken off and gone wrong: Blender and the scene folder stay in step."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.realigned import assert_shows, meshes, position_in_root
from tests.waiting import kill_worker_once_busy
from wildseg3d_blender.conventions import project
from wildseg3d_blender.errors import WildSegError
from wildseg3d_blender.files.atomic_folder import previous_folder
from wildseg3d_blender.scene.folder import Scene, read_scene


@pytest.fixture
def scene(aligned_copy: Scene) -> Scene:
    return aligned_copy


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
    from wildseg3d_blender.addon.session import runtime
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
    old = {item.name: position_in_root(item) for item in meshes(root).values()}
    _do(blender, "realign", object="Ball")
    shutil.rmtree(scene.folder / "states")
    root = _step(blender, "undo")
    for name, item in meshes(root).items():
        np.testing.assert_array_equal(position_in_root(item), old[name])
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


def test_a_scene_folder_caught_between_two_renames_is_put_back(blender: Any, scene: Scene, root: Any) -> None:
    scene.folder.rename(previous_folder(scene.folder))
    assert blender.ops.wildseg3d.look(view="view01") == {"FINISHED"}
    assert blender.ops.wildseg3d.realign(object="Ball") == {"FINISHED"}
    assert_shows(read_scene(scene.folder), root)


def test_a_worker_killed_midway_changes_nothing(blender: Any, scene: Scene, root: Any) -> None:
    old = {item.name: position_in_root(item) for item in meshes(root).values()}
    killer = kill_worker_once_busy()
    with pytest.raises(RuntimeError, match="worker stopped unexpectedly"):
        blender.ops.wildseg3d.realign(object="Ball")
    killer.join()
    for name, item in meshes(root).items():
        np.testing.assert_array_equal(position_in_root(item), old[name])
    assert read_scene(scene.folder).settings["aligned_for"] == []
    assert blender.ops.wildseg3d.realign(object="Ball") == {"FINISHED"}
