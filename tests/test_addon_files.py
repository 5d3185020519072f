# SPDX-License-Identifier: GPL-3.0-or-later
"""One .blend and another: reopened, moved, appended from, with copies of its scenes, with several in it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.artist import Artist
from tests.scenes.awkward import write_awkward_scene
from tests.scenes.ball_and_box import BALL, BOX
from tests.scenes.listed import Made, copied
from wildseg3d_blender.scene.folder import read_scene
from wildseg3d_blender.scene.objects import read_objects


@pytest.fixture
def made(blender: Any, tmp_path: Path, listed_scene: Made) -> Made:
    """A saved .blend with a scene beside it whose objects are known; the ball is cut out."""
    result = copied(listed_scene, tmp_path / "table" / "scene")
    blender.ops.wm.save_as_mainfile(filepath=str(tmp_path / "table" / "work.blend"))
    blender.ops.wildseg3d.open_scene(directory=str(result[0].folder))
    artist = Artist(blender, result)
    artist.click("Ball", BALL)
    artist.do("segment")
    blender.ops.wm.save_mainfile()
    return result


def _go_on(artist: Artist) -> None:
    """Segment another thing; the ball stays as it was."""
    ball = artist.shown()["Ball"]
    artist.click("Box", BOX)
    artist.do("segment")
    artist.assert_in_step()
    assert artist.shown()["Ball"] == ball and len(artist.shown()["Box"]) > 1000


def _moved(made: Made, folder: Path) -> Made:
    return read_scene(folder), made[1]


def test_a_missing_scene_folder_is_named_and_can_be_pointed_to(
    blender: Any, made: Made, tmp_path: Path
) -> None:
    from wildseg3d_blender.addon.panels import object_panel
    from wildseg3d_blender.addon.scene import lookup

    elsewhere = tmp_path / "archive" / "of scenes"
    shutil.move(made[0].folder, elsewhere)
    root = lookup.require_root(blender.context.scene)
    assert "scene is not in" in object_panel._out_of_reach(root)
    with pytest.raises(RuntimeError, match="is gone: put it back, set its new place"):
        blender.ops.wildseg3d.segment()
    blender.ops.wildseg3d.object_add(name="Kept")  # what needs no scene folder goes on
    root.wildseg3d.groups[0].name = "Kugel"
    blender.ops.wm.save_mainfile()

    root.wildseg3d.folder = str(elsewhere)
    assert object_panel._out_of_reach(root) == ""
    artist = Artist(blender, _moved(made, elsewhere))
    artist.click("Box", BOX)
    artist.do("segment")
    artist.assert_in_step()
    assert sorted(artist.stored()) == ["Box", "Kugel"]


def test_a_segmented_object_has_its_outline_after_reopening(blender: Any, made: Made) -> None:
    from wildseg3d_blender.addon.panels import object_panel
    from wildseg3d_blender.addon.session import previewing, runtime

    scene, truths = made
    artist = Artist(blender, made)
    artist.click("Box", BOX)
    artist.do("segment")
    blender.ops.wm.save_mainfile()
    blender.ops.wm.open_mainfile(filepath=blender.data.filepath)
    runtime.close()
    stored = {item.name: item for item in read_objects(scene)}
    for name in ("Ball", "Box", "Ball"):
        artist.root.wildseg3d.row = [item.name for item in artist.root.wildseg3d.groups].index(name)
        previewing.touch()
        previewing.refresh(blender.context.scene)
        shown = previewing.shown()
        assert shown is not None and shown.applied and not previewing.due() and not previewing.refining()
        for view in truths:
            np.testing.assert_array_equal(shown.preview.masks[view], stored[name].masks[view])
        assert object_panel._preview_state(blender.context, artist.root, previewing.answer()) == (
            "Segmented; prompts refine it"
        )
    assert runtime.worker_pid() is None, "all that is in the scene folder"

    # A prompt more is asked about as ever; until the answer comes, what was cut out is still shown.
    artist.click("Ball", BALL, "v1")
    previewing.refresh(blender.context.scene)
    after = previewing.shown()
    assert after is not None and not after.applied and after.key == shown.key


def test_the_folder_of_other_photos_is_refused_and_left_alone(
    blender: Any, made: Made, tmp_path: Path
) -> None:
    from wildseg3d_blender.addon.panels import object_panel
    from wildseg3d_blender.addon.scene import lookup

    other = write_awkward_scene(tmp_path / "other")
    root = lookup.require_root(blender.context.scene)
    root.wildseg3d.folder = str(other.folder)
    assert "is of other photos than" in object_panel._out_of_reach(root)
    before = sorted(other.folder.rglob("*"))
    blender.ops.wm.save_mainfile()
    with pytest.raises(RuntimeError, match="is of other photos than"):
        blender.ops.wildseg3d.segment()
    assert sorted(other.folder.rglob("*")) == before


@pytest.mark.parametrize("saved", [False, True])
def test_the_collection_appended_into_another_file_goes_on(
    blender: Any, made: Made, tmp_path: Path, saved: bool
) -> None:
    from wildseg3d_blender.addon.scene import lookup

    source = tmp_path / "table" / "work.blend"
    blender.ops.wm.read_factory_settings(use_empty=True)
    if saved:
        (tmp_path / "film").mkdir()
        # What the path would be relative to in the other file, were it not remembered.
        write_awkward_scene(tmp_path / "film" / "scene")
        blender.ops.wm.save_as_mainfile(filepath=str(tmp_path / "film" / "shot.blend"))
    blender.ops.wm.append(directory=f"{source}/Collection/", filename="scene")
    artist = Artist(blender, made)
    assert lookup.scene_folder(artist.root) == made[0].folder
    _go_on(artist)
    film = tmp_path / "film" / "deeper" / "shot.blend"
    film.parent.mkdir(parents=True)
    blender.ops.wm.save_as_mainfile(filepath=str(film))
    blender.ops.wm.open_mainfile(filepath=str(film))
    assert artist.root.wildseg3d.folder == "//../../table/scene"
    assert lookup.scene_folder(artist.root).resolve() == made[0].folder.resolve()
    artist.assert_in_step()


def test_save_copy_at_another_depth_keeps_both_files_right(blender: Any, made: Made, tmp_path: Path) -> None:
    from wildseg3d_blender.addon.scene import lookup

    copy = tmp_path / "a" / "b" / "copy.blend"
    copy.parent.mkdir(parents=True)
    blender.ops.wm.save_as_mainfile(filepath=str(copy), copy=True)
    root = lookup.require_root(blender.context.scene)
    assert root.wildseg3d.folder == "//scene" and lookup.scene_folder(root) == made[0].folder
    blender.ops.wm.open_mainfile(filepath=str(copy))
    root = lookup.require_root(blender.context.scene)
    assert lookup.scene_folder(root).resolve() == made[0].folder.resolve()


def test_a_full_copy_of_the_blender_scene_has_objects_of_its_own(blender: Any, made: Made) -> None:
    first = blender.context.scene
    blender.ops.scene.new(type="FULL_COPY")
    copy = blender.context.scene
    assert copy != first
    artist = Artist(blender, made)
    in_copy = artist.root
    artist.do("object_remove", name="Ball")
    _click_box(artist)
    assert sorted(artist.stored()) == ["Box"]
    artist.assert_in_step()

    blender.context.window.scene = first
    assert artist.root != in_copy and [item.name for item in artist.root.wildseg3d.groups] == ["Ball"]
    artist.click("Ball", BALL, "v1")
    artist.do("segment")
    assert sorted(artist.stored()) == ["Ball"]
    artist.assert_in_step()

    blender.context.window.scene = copy
    assert [item.name for item in artist.root.wildseg3d.groups] == ["Box"]
    box = artist.shown()["Box"]
    artist.do("segment")
    assert artist.shown()["Box"] == box
    artist.assert_in_step()


def _click_box(artist: Artist) -> None:
    artist.click("Box", BOX)
    artist.do("segment")


def test_a_linked_copy_of_the_blender_scene_shows_the_same_objects(blender: Any, made: Made) -> None:
    first = blender.context.scene
    blender.ops.scene.new(type="LINK_COPY")
    artist = Artist(blender, made)
    _go_on(artist)
    shown = artist.shown()
    blender.context.window.scene = first
    assert artist.shown() == shown
    artist.assert_in_step()


def test_a_copied_root_acts_on_its_own_objects(blender: Any, made: Made) -> None:
    artist = Artist(blender, made)
    original, before = artist.root, artist.shown()
    for item in blender.context.scene.objects:
        item.select_set(True)
    blender.ops.object.duplicate()
    copy = next(
        item for item in blender.context.scene.objects if item.wildseg3d.role == "ROOT" and item != original
    )
    blender.context.scene.wildseg3d.root = copy
    _go_on(artist)
    blender.context.scene.wildseg3d.root = original
    assert artist.shown() == before

    # The Empty alone has a list, but nothing that it stands for.
    for item in blender.context.selected_objects:
        item.select_set(False)
    original.select_set(True)
    blender.ops.object.duplicate()
    blender.context.scene.wildseg3d.root = blender.context.selected_objects[0]
    with pytest.raises(RuntimeError, match="No prompts yet"):
        blender.ops.wildseg3d.segment()
    blender.context.scene.wildseg3d.root = original
    assert artist.shown() == before


def test_several_reconstructions_in_one_file(
    blender: Any, made: Made, listed_scene: Made, tmp_path: Path
) -> None:
    from wildseg3d_blender.addon.scene import lookup, selecting

    table = Artist(blender, made)
    root = table.root
    shown = table.shown()
    other = copied(listed_scene, tmp_path / "other" / "scene")
    blender.ops.wildseg3d.open_scene(directory=str(other[0].folder))
    second = Artist(blender, other)
    assert second.root != root
    second.click("Box", BOX)
    second.do("segment")
    second.assert_in_step()
    assert sorted(second.stored()) == ["Box"] and sorted(table.stored()) == ["Ball"]

    # What is made active in the viewport is what the panel works on.
    ball = next(item.object for item in root.wildseg3d.groups)
    blender.context.view_layer.objects.active = ball
    assert selecting.take_choice(blender.context.scene, blender.context.view_layer)
    assert lookup.require_root(blender.context.scene) == root and table.shown() == shown
    for _ in range(2):
        table.undo()  # both scene folders step, whichever is at work
    assert second.stored() == {} and sorted(table.stored()) == ["Ball"]
    table.redo()
    table.redo()
    assert sorted(second.stored()) == ["Box"] and sorted(table.stored()) == ["Ball"]


def test_undo_of_segment_keeps_the_object_in_the_list(blender: Any, made: Made) -> None:
    from wildseg3d_blender.addon.scene import groups, selecting

    scene, view_layer = blender.context.scene, blender.context.view_layer
    artist = Artist(blender, made)
    selecting.take_choice(scene, view_layer)  # the ball, cut out before, is active
    artist.click("Box", BOX)
    artist.do("segment")
    selecting.take_choice(scene, view_layer)
    artist.undo()
    selecting.take_choice(blender.context.scene, blender.context.view_layer)
    active = groups.active(artist.root)
    assert blender.context.object.name == "Ball"
    assert active is not None and active.name == "Box" and groups.mesh_object(active) is None


def test_the_list_of_a_file_that_is_opened_stays_where_it_was(blender: Any, made: Made) -> None:
    from wildseg3d_blender.addon.scene import groups, selecting

    artist = Artist(blender, made)
    assert blender.context.object.name == "Ball"
    artist.do("object_add", name="Cup")
    blender.ops.wm.save_mainfile()
    blend = blender.data.filepath
    blender.ops.wm.read_factory_settings(use_empty=True)
    selecting.take_choice(blender.context.scene, blender.context.view_layer)
    blender.ops.wm.open_mainfile(filepath=blend)
    assert blender.context.object.name == "Ball"
    selecting.take_choice(blender.context.scene, blender.context.view_layer)
    assert groups.active(artist.root).name == "Cup"
    artist.do("object_add", name="Jug")
    selecting.take_choice(blender.context.scene, blender.context.view_layer)
    assert groups.active(artist.root).name == "Jug"


def test_a_linked_reconstruction_is_for_looking_only(blender: Any, made: Made, tmp_path: Path) -> None:
    source = tmp_path / "table" / "work.blend"
    blender.ops.wm.read_factory_settings(use_empty=True)
    blender.ops.wm.save_as_mainfile(filepath=str(tmp_path / "shot.blend"))
    blender.ops.wm.link(directory=f"{source}/Collection/", filename="scene", instance_collections=False)
    layer = blender.context.view_layer
    artist = Artist(blender, made)
    assert artist.root.library is not None
    before = artist.state()
    for name in ("segment", "prompt_add", "object_add", "object_remove", "object_merge"):
        with pytest.raises(RuntimeError, match="is linked from another file: append it"):
            getattr(blender.ops.wildseg3d, name)()
    layer.objects.active = next(item for item in layer.objects if item.wildseg3d.role == "OBJECT")
    layer.update()
    blender.ops.wm.save_mainfile()
    assert artist.state() == before


def test_a_scene_folder_that_cannot_be_written_is_left_and_said(blender: Any, made: Made) -> None:
    folder = made[0].folder
    artist = Artist(blender, made)
    shutil.rmtree(folder / "earlier")
    (folder / "earlier").write_text("in the way of what is to be kept")
    ball = artist.shown()["Ball"]
    artist.rename("Ball", "Kugel")
    blender.ops.wm.save_mainfile()
    with pytest.raises(RuntimeError, match="check the free space and the permissions"):
        blender.ops.wildseg3d.segment(object="Kugel")
    assert artist.shown()["Kugel"] == ball and sorted(artist.stored()) == ["Ball"]
    (folder / "earlier").unlink()
    artist.do("segment", object="Kugel")
    artist.assert_in_step()
