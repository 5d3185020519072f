# SPDX-License-Identifier: GPL-3.0-or-later
"""Choosing photos in Blender: folders, files, videos; what is known of them; errors and what mends them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.scenes.awkward import write_awkward_scene
from tests.small_photos import write_small_photos
from tests.small_video import frames_along, write_video
from tests.waiting import wait_until


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    folder.mkdir()
    write_small_photos(folder)
    return folder


def _names(bpy: Any) -> list[str]:
    return [item.name for item in bpy.context.scene.wildseg3d.chosen]


def _named(*names: str) -> list[dict[str, str]]:
    return [{"name": name} for name in names]


def test_a_folder_stands_for_what_is_in_it_then(blender: Any, photos: Path) -> None:
    from wildseg3d_blender.addon import photo_list

    scene = blender.context.scene
    assert blender.ops.wildseg3d.photos_add(directory=str(photos)) == {"FINISHED"}
    assert _names(blender) == [f"table_0{n}.jpg" for n in (4, 5, 6, 7)]
    source = photo_list.source(scene)
    assert source.paths == (photos,) and source.whole
    # "photos" says nothing about them.
    assert source.name == photos.parent.name

    (photos / "table_05.jpg").rename(photos / "extra.jpg")
    blender.ops.wildseg3d.photos_again()
    assert _names(blender) == ["extra.jpg", "table_04.jpg", "table_06.jpg", "table_07.jpg"]

    # One taken out: from now on it is these, whatever comes into the folder.
    blender.ops.wildseg3d.photo_remove(index=0)
    source = photo_list.source(scene)
    assert not source.whole and [path.name for path in source.paths] == _names(blender) == [
        "table_04.jpg",
        "table_06.jpg",
        "table_07.jpg",
    ]
    blender.ops.wildseg3d.photos_clear()
    assert _names(blender) == []
    with pytest.raises(RuntimeError, match="No photos are waiting"):
        blender.ops.wildseg3d.photos_clear()


def test_the_panels_property_chooses_a_folder(blender: Any, photos: Path, tmp_path: Path) -> None:
    from wildseg3d_blender.addon import problems

    settings = blender.context.scene.wildseg3d
    settings.photos = str(photos)
    assert len(settings.chosen) == 4 and settings.whole_folder == str(photos)
    settings.photos = str(tmp_path / "gone")
    error = problems.last()
    assert not settings.chosen and error is not None and error.fix == "wildseg3d.photos_add"


def test_photos_with_nothing_in_common_but_the_drive_have_a_name(blender: Any) -> None:
    from wildseg3d_blender.addon import photo_list
    from wildseg3d_blender.addon.scene import location

    root = Path(Path.cwd().anchor)
    source = photo_list.of_files([str(root / "card" / "1.jpg"), str(root / "home" / "2.jpg")])
    assert source.folder == root and source.name == "Photos"
    assert location.default_folder(blender.context, Path(source.name)).name.startswith("Photos")


def test_files_are_added_to_those_chosen_once(blender: Any, photos: Path) -> None:
    blender.ops.wildseg3d.photos_add(directory=str(photos), files=_named("table_05.jpg", "table_04.jpg"))
    assert _names(blender) == ["table_05.jpg", "table_04.jpg"]
    blender.ops.wildseg3d.photos_add(
        directory=str(photos), files=_named("table_04.jpg", "table_06.jpg"), add=True
    )
    assert _names(blender) == ["table_05.jpg", "table_04.jpg", "table_06.jpg"]
    blender.ops.wildseg3d.photos_add(filepath=str(photos / "table_07.jpg"))
    assert _names(blender) == ["table_07.jpg"]


def test_a_video_gives_its_key_frames(blender: Any, tmp_path: Path) -> None:
    from wildseg3d_blender.addon import photo_list

    blender.ops.wm.save_as_mainfile(filepath=str(tmp_path / "work.blend"))
    video = write_video(tmp_path / "kitchen.mp4", frames_along(np.linspace(0.0, 1.5, 40)))
    assert blender.ops.wildseg3d.photos_add(filepath=str(video), key_frames=5) == {"FINISHED"}
    files = [Path(path) for path in photo_list.chosen(blender.context.scene)]
    assert len(files) == 5 and all(file.is_file() for file in files)
    assert {file.parent for file in files} == {tmp_path / "wildseg3d" / "kitchen frames"}
    assert photo_list.source(blender.context.scene).name == "kitchen"


def test_a_video_that_cannot_be_read_is_said_in_a_sentence(blender: Any, tmp_path: Path) -> None:
    video = tmp_path / "notes.mp4"
    video.write_bytes(b"no video")
    for file, sentence in (
        (video, "notes.mp4 cannot be read as a video"),
        (tmp_path / "x.mp4", "no video at"),
    ):
        with pytest.raises(RuntimeError, match=sentence) as raised:
            blender.ops.wildseg3d.photos_add(filepath=str(file))
        assert "Traceback" not in str(raised.value)


def test_photos_and_a_video_together(blender: Any, photos: Path) -> None:
    write_video(photos / "clip.mp4", frames_along(np.linspace(0.0, 1.5, 40)))
    blender.ops.wildseg3d.photos_add(
        directory=str(photos), files=_named("clip.mp4", "table_04.jpg"), key_frames=3
    )
    names = _names(blender)
    assert names[0] == "table_04.jpg" and {name[:5] for name in names[1:]} == {"clip_"}


@pytest.mark.parametrize(
    ("given", "sentence"),
    [({}, "Nothing was chosen"), ({"filepath": "/nowhere/at all.jpg"}, "no file or folder at")],
)
def test_what_cannot_be_chosen_is_kept_for_the_panel(
    blender: Any, given: dict[str, str], sentence: str
) -> None:
    from wildseg3d_blender.addon import problems

    with pytest.raises(RuntimeError, match=sentence):
        blender.ops.wildseg3d.photos_add(**given)
    error = problems.last()
    assert error is not None and sentence in error.message and error.fix == "wildseg3d.photos_add"
    blender.ops.wildseg3d.dismiss()
    assert problems.last() is None


def test_another_try_and_another_file_clear_the_error(blender: Any, photos: Path, tmp_path: Path) -> None:
    from wildseg3d_blender.addon import problems

    with pytest.raises(RuntimeError):
        blender.ops.wildseg3d.photos_add(filepath="/nowhere/at all.jpg")
    blender.ops.wildseg3d.photos_add(directory=str(photos))
    assert problems.last() is None
    with pytest.raises(RuntimeError):
        blender.ops.wildseg3d.photos_add(filepath="/nowhere/at all.jpg")
    assert problems.last() is not None
    blender.ops.wm.read_factory_settings(use_empty=True)
    assert problems.last() is None


def test_photos_are_looked_at_before_anybody_reconstructs(blender: Any, photos: Path) -> None:
    from wildseg3d_blender.addon import background
    from wildseg3d_blender.addon.session import photo_checking, runtime

    (photos / "broken.jpg").write_text("not a photo")
    blender.ops.wildseg3d.photos_add(directory=str(photos))
    scene = blender.context.scene
    assert photo_checking.doubtful(scene) is None and photo_checking.due(scene)
    wait_until(lambda: (background.step(scene), photo_checking.doubtful(scene) is not None)[1])
    found = photo_checking.doubtful(scene)
    assert found is not None and list(found) == [str(photos / "broken.jpg")]
    assert not photo_checking.due(scene) and runtime.idle()
    # Others: looked at again.
    blender.ops.wildseg3d.photo_remove(index=0)
    assert photo_checking.due(scene)


def test_the_reconstructions_own_photos_are_kept_when_some_are_added(
    blender: Any, photos: Path, tmp_path: Path
) -> None:
    from wildseg3d_blender.addon import photo_list

    scene = write_awkward_scene(tmp_path / "scene")
    made_from = [view.photo for view in scene.views] + [item.photo for item in scene.skipped]
    for file in made_from:
        file.write_bytes((photos / "table_04.jpg").read_bytes())
    blender.ops.wildseg3d.open_scene(directory=str(scene.folder))
    assert photo_list.reconstructed(blender.context.scene) == [str(file) for file in made_from]
    blender.ops.wildseg3d.photos_add(directory=str(photos), files=_named("table_05.jpg"), add=True)
    assert _names(blender) == [*(file.name for file in made_from), "table_05.jpg"]


def test_dropped_files_are_added_to_those_that_wait(blender: Any, photos: Path) -> None:
    for name in ("table_04.jpg", "table_06.jpg"):
        blender.ops.wildseg3d.photos_drop("INVOKE_DEFAULT", directory=str(photos), files=_named(name))
    assert _names(blender) == ["table_04.jpg", "table_06.jpg"]
    handler = blender.types.FileHandler.bl_rna_get_subclass_py("WILDSEG3D_FH_photos")
    assert handler.bl_import_operator == "wildseg3d.photos_drop"
    assert {".jpg", ".png", ".mp4", ".heic"} <= set(handler.bl_file_extensions.split(";"))
    dropping = blender.ops.wildseg3d.photos_drop.get_rna_type()
    assert {"directory", "files", "filepath"} <= {item.identifier for item in dropping.properties}
    kind = blender.ops.wildseg3d.photos_add.get_rna_type()
    # Blender's filter of the file browser holds no more.
    assert len(kind.properties["filter_glob"].default) < 256
