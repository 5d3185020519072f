# SPDX-License-Identifier: GPL-3.0-or-later
"""States of a scene folder: put aside when it is replaced, brought back whole, few enough, and never half."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.scenes.awkward import write_awkward_scene
from wildseg3d_blender.errors import SceneError
from wildseg3d_blender.files.atomic_folder import previous_folder
from wildseg3d_blender.scene.folder import Scene, read_scene
from wildseg3d_blender.scene.rewriting import rewriting_geometry
from wildseg3d_blender.scene.states import FOLDER, KEPT, go_to, is_kept, keep_from_now_on, state_of


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return write_awkward_scene(tmp_path / "scene")


def _move(scene: Scene, by: float) -> str:
    """Move everything; returns the new state."""
    views = tuple(
        replace(view, cam_to_world=view.cam_to_world + np.array([[0, 0, 0, by]] * 3 + [[0, 0, 0, 0]]))
        for view in scene.views
    )
    pointmaps = {view.name: np.array(scene.pointmap(view)) + np.float32(by) for view in views}
    confidence = {view.name: np.array(scene.confidence(view)) for view in views}
    with rewriting_geometry(replace(scene, views=views), pointmaps=pointmaps, confidence=confidence):
        pass
    return state_of(scene.folder)


def _contents(folder: Path) -> dict[str, bytes]:
    """Every file of a state, without those of the states it keeps."""
    files = (file for file in folder.rglob("*") if file.is_file())
    names = {file.relative_to(folder).as_posix(): file for file in files}
    return {name: file.read_bytes() for name, file in names.items() if not name.startswith(f"{FOLDER}/")}


def _kept(scene: Scene) -> set[str]:
    return {path.name for path in (scene.folder / FOLDER).iterdir()}


def test_each_state_comes_back_as_it_was(scene: Scene) -> None:
    keep_from_now_on(scene.folder)
    states = {state_of(scene.folder): _contents(scene.folder)}
    for by in (0.25, 0.5):
        now = _move(read_scene(scene.folder), by)
        states[now] = _contents(scene.folder)
    names = list(states)
    assert len(names) == 3
    for name in (names[1], names[0], names[2], names[0]):
        go_to(scene.folder, name)
        assert state_of(scene.folder) == name and _contents(scene.folder) == states[name]
        assert _kept(scene) == set(names) - {name}
        assert [path.name for path in scene.folder.parent.iterdir() if path.name.startswith(".")] == []
        read_scene(scene.folder)


def test_states_are_kept_only_where_that_was_asked_for(scene: Scene, tmp_path: Path) -> None:
    before = state_of(scene.folder)
    _move(scene, 0.25)
    assert not (scene.folder / FOLDER).exists() and not is_kept(scene.folder, before)
    keep_from_now_on(tmp_path / "nothing")
    assert not (tmp_path / "nothing").exists() and state_of(tmp_path / "nothing") == ""
    assert not is_kept(scene.folder, "") and not is_kept(scene.folder, "..")


def test_a_few_states_stay_and_share_what_is_the_same(scene: Scene) -> None:
    keep_from_now_on(scene.folder)
    made = [_move(read_scene(scene.folder), 0.25) for _ in range(KEPT + 3)]
    assert _kept(scene) == set(made[-1 - KEPT : -1])
    image = Path("images") / f"{scene.views[0].name}.jpg"
    same = {(folder / image).stat().st_ino for folder in [scene.folder, *(scene.folder / FOLDER).iterdir()]}
    assert len(same) == 1


def test_a_reconstruction_over_another_keeps_that(scene: Scene) -> None:
    keep_from_now_on(scene.folder)
    before, contents = _move(scene, 0.25), _contents(scene.folder)
    write_awkward_scene(scene.folder)
    assert state_of(scene.folder) != before and len(_kept(scene)) == 2
    go_to(scene.folder, before)
    assert _contents(scene.folder) == contents


def test_what_cannot_be_brought_back_leaves_all_as_it_is(scene: Scene) -> None:
    keep_from_now_on(scene.folder)
    before = state_of(scene.folder)
    now = _move(scene, 0.25)
    in_the_way = previous_folder(scene.folder)
    in_the_way.write_text("not a folder")
    with pytest.raises(SceneError, match="close other programs"):
        go_to(scene.folder, before)
    assert state_of(scene.folder) == now and _kept(scene) == {before}
    in_the_way.unlink()
    go_to(scene.folder, before)
    assert state_of(scene.folder) == before
    shutil.rmtree(scene.folder / FOLDER)
    with pytest.raises(SceneError, match="put back to what it was"):
        go_to(scene.folder, now)
    assert state_of(scene.folder) == before
