# SPDX-License-Identifier: GPL-3.0-or-later
"""The scene folder: what is written comes back, and nothing of it is ever half."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from wildseg3d_blender.errors import SceneError
from wildseg3d_blender.files.atomic_folder import previous_folder, replacing_folder
from wildseg3d_blender.files.names import unique_view_names
from wildseg3d_blender.photo_warp import PhotoWarp
from wildseg3d_blender.prompts import Box, Click, one_group
from wildseg3d_blender.scene.folder import (
    FORMAT_VERSION,
    Scene,
    SkippedPhoto,
    View,
    check_writable,
    read_scene,
    write_scene,
)
from wildseg3d_blender.scene.objects import SceneObject, object_folders, read_object, write_object
from wildseg3d_blender.scene.rewriting import link_or_copy, rewriting_geometry

SIZE = (8, 6)


def make_scene(folder: Path, names: tuple[str, ...] = ("a", "b")) -> Scene:
    K = np.array([[10.0, 0, 4], [0, 10, 3], [0, 0, 1]])
    views = tuple(
        View(
            name,
            folder.parent / "photos" / f"{name}.jpg",
            (80, 60),
            SIZE,
            K,
            np.eye(4),
            PhotoWarp(K * 10, K, 0.05),
        )
        for name in names
    )
    skipped = (SkippedPhoto(folder.parent / "photos" / "c.jpg", "too blurred", "take it again"),)
    return Scene(folder, views, "stereo", {"image_size": 8}, {"depth": 1.5}, skipped)


def write(scene: Scene, value: float = 1.0) -> None:
    width, height = SIZE
    names = [view.name for view in scene.views]
    write_scene(
        scene,
        pointmaps={name: np.full((height, width, 3), value, np.float32) for name in names},
        confidence={name: np.full((height, width), value, np.float32) for name in names},
        colours={name: np.full((height, width, 3), 7, np.uint8) for name in names},
        images=dict.fromkeys(names, b"jpeg"),
    )


def make_object(name: str, value: bool = True) -> SceneObject:
    grid = np.full(SIZE[::-1], value)
    prompts = (Click("a", 1.5, 2.5), Box("b", 0, 0, 4, 5), Click("b", 1, 1, positive=False))
    return SceneObject(name, one_group(prompts), {"a": grid, "b": ~grid}, {"a": grid, "b": ~grid})


def test_scene_round_trip(tmp_path: Path) -> None:
    scene = make_scene(tmp_path / "scene with ünïcode")
    write(scene, 2.0)
    again = read_scene(scene.folder)
    assert [view.name for view in again.views] == ["a", "b"]
    assert again.skipped == scene.skipped
    assert again.seconds == scene.seconds
    for before, after in zip(scene.views, again.views, strict=True):
        assert after.photo == before.photo
        np.testing.assert_array_equal(after.K, before.K)
        np.testing.assert_array_equal(after.warp.photo_K, before.warp.photo_K)
        assert after.warp.radial == before.warp.radial
    assert again.pointmap(again.views[0]).shape == (6, 8, 3)
    assert float(again.confidence(again.views[1]).max()) == 2.0
    assert (again.colours(again.views[0]) == 7).all()
    assert isinstance(again.confidence(again.views[1]), np.memmap)


def test_moved_with_its_photos_the_scene_still_finds_them(tmp_path: Path) -> None:
    home = tmp_path / "here"
    write(make_scene(home / "scene"))
    home.rename(tmp_path / "there")
    moved = read_scene(tmp_path / "there" / "scene")
    assert moved.views[0].photo == tmp_path / "there" / "photos" / "a.jpg"


def test_object_round_trip_and_replacement(tmp_path: Path) -> None:
    scene = make_scene(tmp_path / "scene")
    write(scene)
    write_object(scene, make_object("Mug"))
    write_object(scene, make_object("mug/2"))
    write_object(scene, make_object("Mug", value=False))
    folders = object_folders(scene)
    assert len(folders) == 2
    items = {item.name: item for item in (read_object(scene, folder) for folder in folders)}
    assert set(items) == {"Mug", "mug/2"}
    assert not items["Mug"].masks["a"].any()
    assert items["Mug"].masks["b"].all()
    assert items["mug/2"].prompts == make_object("x").prompts


def test_names_that_collide_as_files_stay_two_objects(tmp_path: Path) -> None:
    scene = make_scene(tmp_path / "scene")
    write(scene)
    first, second = write_object(scene, make_object("a/b")), write_object(scene, make_object("a:b"))
    assert first != second
    assert read_object(scene, first).name == "a/b"


def test_missing_scene_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(SceneError, match="press Reconstruct"):
        read_scene(tmp_path / "nowhere")


def test_newer_format_asks_for_an_update(tmp_path: Path) -> None:
    scene = make_scene(tmp_path / "scene")
    write(scene)
    file = scene.folder / "scene.json"
    data = json.loads(file.read_text())
    file.write_text(json.dumps({**data, "format": FORMAT_VERSION + 1}))
    with pytest.raises(SceneError, match="newer WildSeg3D"):
        read_scene(scene.folder)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"format": 1, "views": [{}]}'])
def test_damaged_description_is_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "scene.json").write_text(text)
    with pytest.raises(SceneError, match=r"scene\.json"):
        read_scene(tmp_path)


def test_view_names_cannot_leave_the_folder(tmp_path: Path) -> None:
    scene = make_scene(tmp_path / "scene")
    write(scene)
    file = scene.folder / "scene.json"
    file.write_text(file.read_text().replace('"name": "a"', '"name": "../a"'))
    with pytest.raises(SceneError, match="plain file name"):
        read_scene(scene.folder)


def test_truncated_array_is_named(tmp_path: Path) -> None:
    scene = make_scene(tmp_path / "scene")
    write(scene)
    file = scene.folder / "pointmaps" / "a.npy"
    file.write_bytes(file.read_bytes()[:100])
    opened = read_scene(scene.folder)
    with pytest.raises(SceneError, match=r"a\.npy"):
        opened.pointmap(opened.views[0])


def test_failure_while_writing_keeps_the_old_scene(tmp_path: Path) -> None:
    scene = make_scene(tmp_path / "scene")
    write(scene, 1.0)
    with pytest.raises(KeyError):
        write_scene(scene, pointmaps={}, confidence={}, colours={}, images={})
    assert float(read_scene(scene.folder).confidence(scene.views[0]).max()) == 1.0
    assert [path.name for path in tmp_path.iterdir()] == ["scene"]


def test_crash_between_the_two_renames_is_repaired(tmp_path: Path) -> None:
    scene = make_scene(tmp_path / "scene")
    write(scene)
    scene.folder.rename(previous_folder(scene.folder))
    assert read_scene(scene.folder).views[0].name == "a"


def test_foreign_files_are_never_overwritten(tmp_path: Path) -> None:
    (tmp_path / "holiday.txt").write_text("mine")
    with pytest.raises(SceneError, match="holds other files"):
        write(make_scene(tmp_path))
    assert (tmp_path / "holiday.txt").read_text() == "mine"


def test_file_in_place_of_folder(tmp_path: Path) -> None:
    (tmp_path / "scene").write_text("")
    with pytest.raises(SceneError, match="is a file"):
        write(make_scene(tmp_path / "scene"))


def test_target_that_no_file_system_takes(tmp_path: Path) -> None:
    with pytest.raises(SceneError, match="Cannot write to"):
        check_writable(tmp_path / ("long" * 100))


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a folder that nobody can write to")
def test_read_only_target() -> None:
    with pytest.raises(SceneError, match="Cannot write"):
        write(make_scene(Path("/proc/scene")))


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no disk that is always full")
def test_a_full_disk_is_called_so(tmp_path: Path) -> None:
    with pytest.raises(SceneError, match=r"Could not write .*scene \(the disk is full\)"):  # noqa: SIM117
        with replacing_folder(tmp_path / "scene"), Path("/dev/full").open("wb") as full:
            np.zeros(100_000).tofile(full)
    with pytest.raises(SceneError, match=r"\(No space left on device\)"):  # noqa: SIM117
        with replacing_folder(tmp_path / "scene"):
            Path("/dev/full").write_text("x")
    assert list(tmp_path.iterdir()) == []


def test_object_into_a_deleted_scene(tmp_path: Path) -> None:
    with pytest.raises(SceneError, match="is gone"):
        write_object(make_scene(tmp_path / "scene"), make_object("Mug"))


def test_view_by_name_or_photo_file(tmp_path: Path) -> None:
    scene = make_scene(tmp_path / "scene")
    assert scene.view("a") is scene.view("a.jpg")
    with pytest.raises(SceneError, match="it has a, b"):
        scene.view("z")


def test_unique_view_names() -> None:
    photos = [Path("x/IMG.jpg"), Path("y/img.png"), Path("IMG_2.jpg"), Path("ü b?.jpg")]
    assert unique_view_names(photos) == ["IMG", "img_2", "IMG_2_2", "ü b_"]


def test_new_geometry_keeps_all_else_and_is_whole_or_not_at_all(tmp_path: Path) -> None:
    scene = make_scene(tmp_path / "scene")
    write(scene, 1.0)
    write_object(scene, make_object("Mug"))
    moved = replace(scene, views=tuple(replace(view, K=2 * view.K) for view in scene.views))
    arrays = {name: np.full(SIZE[::-1], 3.0, np.float32) for name in ("a", "b")}
    points = {name: np.full((*SIZE[::-1], 3), 3.0, np.float32) for name in ("a", "b")}
    with (
        pytest.raises(KeyboardInterrupt),
        rewriting_geometry(moved, pointmaps=points, confidence=arrays) as draft,
    ):
        write_object(draft, make_object("Mug", value=False))
        raise KeyboardInterrupt
    same = read_scene(scene.folder)
    assert float(same.confidence(same.views[0]).max()) == 1.0 and same.views[0].K[0, 0] == 10
    assert read_object(same, object_folders(same)[0]).masks["a"].all()

    with rewriting_geometry(moved, pointmaps=points, confidence=arrays) as draft:
        write_object(draft, make_object("Mug", value=False))
    new = read_scene(scene.folder)
    assert float(new.pointmap(new.views[1]).min()) == 3.0 and new.views[0].K[0, 0] == 20
    assert not read_object(new, object_folders(new)[0]).masks["a"].any()
    assert (new.colours(new.views[0]) == 7).all() and new.image_path(new.views[0]).read_bytes() == b"jpeg"
    assert [path.name for path in tmp_path.iterdir()] == ["scene"]
    with (
        pytest.raises(SceneError, match="is gone"),
        rewriting_geometry(make_scene(tmp_path / "none"), pointmaps=points, confidence=arrays),
    ):
        pass


def test_where_files_cannot_be_linked_they_are_copied(tmp_path: Path) -> None:
    shared = Path("/dev/shm")
    if not shared.is_dir() or shared.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("needs two disks, between which files cannot be linked")
    (tmp_path / "file").write_bytes(b"text")
    copy = shared / f"wildseg3d-{tmp_path.name}"
    try:
        link_or_copy(tmp_path / "file", copy)
        assert copy.read_bytes() == b"text"
    finally:
        copy.unlink()
