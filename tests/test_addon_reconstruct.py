# SPDX-License-Identifier: GPL-3.0-or-later
"""``wildseg3d.reconstruct`` from photos on disk to objects in Blender, and everything that can be wrong."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.drawn_panels import panel_texts
from tests.scenes.room import Shot, arc, take
from tests.waiting import kill_worker_once_busy

SIZE = 256


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four photos of a room that overlap well, in a folder with an awkward name."""
    folder = tmp_path_factory.mktemp("addon") / "Zimmer ü 1"
    folder.mkdir()
    for number, pose in enumerate(arc(4)):
        take(Shot(f"shot {number}.jpg", pose), folder / f"shot {number}.jpg")
    return folder


def _roots(bpy: Any) -> list[Any]:
    return [item for item in bpy.data.objects if item.wildseg3d.role == "ROOT"]


def test_photos_become_cameras_and_points(
    blender: Any, photos: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    blender.ops.wm.save_as_mainfile(filepath=str(tmp_path / "work.blend"))
    (photos / "notes.txt").write_text("not a photo")
    assert blender.ops.wildseg3d.reconstruct(directory=str(photos), image_size=SIZE) == {"FINISHED"}
    (root,) = _roots(blender)
    assert root.name == root.users_collection[0].name == photos.name
    assert root.wildseg3d.folder == f"//wildseg3d/{photos.name}"
    assert (tmp_path / "wildseg3d" / photos.name / "scene.json").is_file()
    assert blender.context.scene.wildseg3d.photos == str(photos)
    assert len([item for item in root.children if item.type == "CAMERA"]) == 4
    points = next(item for item in root.children if item.type == "MESH")
    assert len(points.data.vertices) > 0.3 * 4 * SIZE * SIZE * 0.5
    assert "Placed 4 of 4 photos" in capfd.readouterr().out

    # Once more, from the panel's setting: nothing of the first is overwritten.
    assert blender.ops.wildseg3d.reconstruct(image_size=SIZE) == {"FINISHED"}
    assert {item.wildseg3d.folder for item in _roots(blender)} == {
        f"//wildseg3d/{photos.name}",
        f"//wildseg3d/{photos.name}_2",
    }

    # And by the function, which does the same.
    from wildseg3d_blender.addon import api
    from wildseg3d_blender.addon.scene import lookup

    by_operator = _positions(lookup.points(root))
    other = api.reconstruct(photos, folder=tmp_path / "by function", image_size=SIZE)
    assert lookup.scene_folder(other) == tmp_path / "by function"
    np.testing.assert_array_equal(_positions(lookup.points(other)), by_operator)


def test_photos_from_two_folders(blender: Any, photos: Path, tmp_path: Path) -> None:
    from wildseg3d_blender.addon import problems

    blender.ops.wm.save_as_mainfile(filepath=str(tmp_path / "work.blend"))
    names = [f"shot {number}.jpg" for number in range(4)]
    for number, name in enumerate(names):
        to = tmp_path / "room" / f"walk {number % 2}" / name
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(photos / name, to)
    for folder in ("walk 0", "walk 1"):
        blender.ops.wildseg3d.photos_add(directory=str(tmp_path / "room" / folder), add=True)
    assert blender.ops.wildseg3d.reconstruct(image_size=SIZE) == {"FINISHED"}
    (root,) = _roots(blender)
    assert root.name == "room"
    assert sorted(item.name for item in root.wildseg3d.photos if item.placed) == [
        Path(name).stem for name in names
    ]
    assert problems.last() is None


def _positions(item: Any) -> np.ndarray:
    values = np.empty(3 * len(item.data.vertices), np.float32)
    item.data.attributes["position"].data.foreach_get("vector", values)
    return values


def test_undo_and_redo_past_reconstruct(blender: Any, photos: Path, tmp_path: Path) -> None:
    """Once over nothing, then over that: panel, scene folder and points are what they were each time."""
    from wildseg3d_blender.addon.scene import lookup
    from wildseg3d_blender.scene.states import state_of

    def seen() -> tuple[list[str], str, int]:
        root = lookup.active_root(blender.context.scene)
        if root is None:
            return panel_texts(blender), "", 0
        scene = lookup.open_scene(root)
        measured = sum(int((scene.confidence(view) > 0).sum()) for view in scene.views)
        assert len(lookup.points(root).data.vertices) == measured
        assert root.wildseg3d.state == state_of(scene.folder)
        return panel_texts(blender), root.wildseg3d.state, measured

    blender.ops.wildseg3d.photos_add(directory=str(photos))
    blender.ops.ed.undo_push(message="photos")
    states = [seen()]
    for size in (SIZE, 192):
        blender.ops.wildseg3d.reconstruct(scene_folder=str(tmp_path / "scene"), image_size=size)
        blender.ops.ed.undo_push(message="reconstruct")
        states.append(seen())
    assert len({state for _, state, _ in states}) == 3
    for operator, at in (("undo", 1), ("undo", 0), ("redo", 1), ("redo", 2), ("undo", 1)):
        assert getattr(blender.ops.ed, operator)() == {"FINISHED"}
        assert seen() == states[at]
        assert blender.ops.wildseg3d.reconstruct.poll()
    root = lookup.active_root(blender.context.scene)
    x, y = (0.5 * side for side in lookup.open_scene(root).views[0].photo_size)
    blender.ops.wildseg3d.prompt_add(view=lookup.cameras(root)[0].wildseg3d.view, x=x, y=y, object="Thing")
    assert blender.ops.wildseg3d.segment() == {"FINISHED"}


def test_unsaved_files_keep_their_scenes_with_the_user_and_say_so(
    blender: Any, photos: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    from wildseg3d_blender.addon import unsaved_scenes
    from wildseg3d_blender.addon.scene import location

    folder = location.default_folder(blender.context, photos)
    assert os.environ["BLENDER_USER_RESOURCES"] in str(folder)
    blender.ops.wildseg3d.reconstruct(directory=str(photos), image_size=SIZE)
    assert (folder / "scene.json").is_file()
    assert f"Kept in {folder}: save the .blend first" in capfd.readouterr().out
    mark = folder.with_name(f".{folder.name}.unsaved")
    assert mark.is_file() and folder not in unsaved_scenes.left_over(blender.context)
    blender.ops.wm.save_as_mainfile(filepath=str(tmp_path / "work.blend"))
    assert not mark.exists()


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda folder: None, "no folder .* choose the folder that holds the photos"),
        (lambda folder: folder.mkdir(), "(?i)no photo"),
        (lambda folder: _write(folder, 1), "(?i)two|one photo"),
    ],
    ids=["missing", "empty", "one photo"],
)
def test_photos_that_cannot_do_are_refused_in_a_sentence(
    blender: Any, tmp_path: Path, make: Any, sentence: str
) -> None:
    make(tmp_path / "photos")
    with pytest.raises(RuntimeError, match=sentence):
        blender.ops.wildseg3d.reconstruct(
            directory=str(tmp_path / "photos"), scene_folder=str(tmp_path / "scene")
        )
    assert len(blender.data.objects) == 0 and not (tmp_path / "scene").exists()


def _write(folder: Path, count: int) -> None:
    folder.mkdir()
    rng = np.random.default_rng(4)
    for number in range(count):
        Image.fromarray(rng.integers(0, 255, (240, 320, 3), np.uint8)).save(folder / f"{number}.jpg")


def test_without_a_folder_it_asks_for_one(blender: Any) -> None:
    with pytest.raises(RuntimeError, match="choose the folder that holds them"):
        blender.ops.wildseg3d.reconstruct()


def test_a_target_that_holds_other_files_is_refused_before_any_work(
    blender: Any, photos: Path, tmp_path: Path
) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    with pytest.raises(RuntimeError, match="holds other files"):
        blender.ops.wildseg3d.reconstruct(directory=str(photos), scene_folder=str(tmp_path / "mine"))
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["thesis.txt"]


def test_a_target_under_a_file_is_refused(blender: Any, photos: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(RuntimeError, match="Cannot write to"):
        blender.ops.wildseg3d.reconstruct(
            directory=str(photos), scene_folder=str(tmp_path / "file" / "scene")
        )


def test_a_worker_killed_midway_leaves_nothing_behind(blender: Any, photos: Path, tmp_path: Path) -> None:
    killer = kill_worker_once_busy()
    with pytest.raises(RuntimeError, match="worker stopped unexpectedly"):
        blender.ops.wildseg3d.reconstruct(directory=str(photos), scene_folder=str(tmp_path / "scene"))
    killer.join()
    assert list(tmp_path.iterdir()) == [] and len(blender.data.objects) == 0
