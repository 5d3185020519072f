# SPDX-License-Identifier: GPL-3.0-or-later
"""Undo and redo: each action is one step, and the scene folder steps with it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.artist import Artist
from tests.drawn_panels import panel_texts
from tests.scenes.ball_and_box import BALL, BOX
from tests.scenes.listed import Made, copied


@pytest.fixture
def made(blender: Any, tmp_path: Path, listed_scene: Made) -> Made:
    """A saved .blend with a scene beside it whose objects are known, so that clicks are answered at once."""
    result = copied(listed_scene, tmp_path / "table" / "scene")
    blender.ops.wm.save_as_mainfile(filepath=str(tmp_path / "table" / "work.blend"))
    blender.ops.ed.undo_push(message="Before")
    blender.ops.wildseg3d.open_scene(directory=str(result[0].folder))
    blender.ops.ed.undo_push(message="Open")
    return result


def _work(artist: Artist) -> list[Any]:
    """Segment, correct, rename, merge, put back, delete: each a step, later ones on top of earlier ones."""
    return [
        lambda: artist.click("Ball", BALL),
        lambda: artist.do("segment"),
        lambda: artist.click("Box", BOX),
        lambda: artist.do("segment"),
        lambda: artist.do("larger"),
        lambda: artist.do("segment"),
        lambda: artist.rename("Box", "Both"),
        lambda: artist.do("object_put_back", name="Ball"),
        lambda: artist.do("segment", object="Ball"),
        lambda: artist.do("object_remove", name="Both"),
        lambda: artist.click("Box", BOX),
        lambda: artist.do("segment"),
        lambda: artist.do("object_merge", name="Box", into="Ball"),
    ]


def test_every_step_back_and_forth_has_the_scene_folder_in_step(blender: Any, made: Made) -> None:
    artist = Artist(blender, made)
    states = [artist.state()]
    for step in _work(artist):
        step()
        artist.assert_in_step()
        states.append(artist.state())
    assert [len(state["shown"]) - 1 for state in states] == [0, 0, 1, 1, 2, 2, 2, 2, 1, 2, 1, 1, 2, 1]
    for state in states[-2::-1]:
        artist.undo()
        assert artist.state() == state
    for state in states[1:]:
        artist.redo()
        assert artist.state() == state
    # In leaps, as by the list of steps in Edit > Undo History.
    for _ in range(2):
        for _ in range(6):
            artist.undo()
        assert artist.state() == states[7]
        for _ in range(6):
            artist.redo()
        assert artist.state() == states[-1]


def test_going_on_after_undo_is_as_if_the_undone_had_never_been(blender: Any, made: Made) -> None:
    artist = Artist(blender, made)
    artist.click("Ball", BALL)
    artist.do("segment")
    artist.do("larger")
    artist.do("segment")
    artist.rename("Ball", "Kugel")
    for _ in range(3):
        artist.undo()
    artist.click("Box", BOX)
    artist.do("segment")
    after_undo = artist.state()

    root, blend = artist.root, blender.data.filepath
    folder = made[0].folder
    blender.data.objects.remove(root)
    blender.ops.wm.read_factory_settings(use_empty=True)
    shutil.rmtree(folder / "objects")
    shutil.rmtree(folder / "earlier")
    blender.ops.wm.open_mainfile(filepath=blend)
    blender.ops.wildseg3d.open_scene(directory=str(folder))
    fresh = Artist(blender, made)
    fresh.click("Ball", BALL)
    fresh.do("segment")
    fresh.click("Box", BOX)
    fresh.do("segment")
    assert fresh.state() == after_undo


def _preview(bpy: Any) -> Any:
    """The answer about the active object."""
    from wildseg3d_blender.addon.session import previewing

    assert bpy.ops.wildseg3d.preview() == {"FINISHED"}
    previewing.touch()
    previewing.refresh(bpy.context.scene)
    answer = previewing.answer()
    assert answer is not None
    return answer


def test_smaller_leads_back_from_larger_where_a_prompt_left_nothing_in_between(
    blender: Any, made: Made
) -> None:
    from wildseg3d_blender.addon.scene import groups, parts

    artist = Artist(blender, made)
    artist.click("Ball", BALL)
    assert _preview(blender).larger == (True,)
    artist.do("larger")
    assert _preview(blender).smaller == (True,)
    artist.click("Ball", BOX)
    both = _preview(blender)
    assert (both.larger, both.smaller) == ((False,), (False,)), "ball and box is all that has both clicks"
    assert not blender.ops.wildseg3d.larger.poll()
    artist.do("smaller")
    assert parts.active_size(groups.active(artist.root)) == 0
    _preview(blender)
    assert not blender.ops.wildseg3d.smaller.poll()
    blender.ops.wildseg3d.part_add()
    assert not blender.ops.wildseg3d.larger.poll(), "the part has no prompt yet"


def test_sizes_are_counted_as_far_as_they_go(blender: Any, made: Made) -> None:
    from wildseg3d_blender.addon.scene import groups, parts

    artist = Artist(blender, made)
    artist.click("Ball", BALL)
    part = parts.active(groups.active(artist.root))
    part.size = 3  # as it stays where a later prompt left but one of the things that were asked for
    assert _preview(blender).steps == (1,)
    assert "Preview: known object, 1× larger" in panel_texts(blender)
    artist.do("smaller")
    assert part.size == 0, "a step from what is shown, not from what was asked for"
    assert _preview(blender).steps == (0,)


def test_what_segment_warned_of_stays_in_the_panel_with_what_it_made(blender: Any, made: Made) -> None:
    from wildseg3d_blender.addon.session import previewing

    def warned() -> bool:
        previewing.touch()
        previewing.refresh(blender.context.scene)
        return "took 100% of Ball" in " ".join(panel_texts(blender))

    artist = Artist(blender, made)
    artist.click("Ball", BALL)
    artist.do("segment")
    artist.click("Box", BOX)
    artist.do("larger")
    assert not warned()
    artist.do("segment")
    assert warned()
    artist.root.wildseg3d.row = 0
    assert not warned(), "it is about the other"
    artist.root.wildseg3d.row = 1
    assert warned()
    artist.undo()
    assert not warned()
    artist.redo()
    assert warned()
    artist.do("segment", shared="LEAVE")
    assert not warned()


def test_undo_without_what_was_kept_goes_on_too(blender: Any, made: Made) -> None:
    artist = Artist(blender, made)
    artist.click("Ball", BALL)
    artist.do("segment")
    ball = artist.shown()["Ball"]
    artist.do("larger")
    artist.do("segment")
    shutil.rmtree(made[0].folder / "earlier")
    artist.undo()
    artist.undo()
    assert artist.shown()["Ball"] == ball
    artist.click("Box", BOX)
    artist.do("segment")  # makes the ball anew too, as the scene folder has lost it
    artist.assert_in_step()
    assert artist.shown()["Ball"] == ball


def test_undo_past_the_import_and_redo(blender: Any, made: Made) -> None:
    artist = Artist(blender, made)
    artist.click("Ball", BALL)
    artist.do("segment")
    state = artist.state()
    for _ in range(3):
        artist.undo()
    assert not any(item.wildseg3d.role == "ROOT" for item in blender.data.objects)
    assert not blender.ops.wildseg3d.segment.poll()
    for _ in range(3):
        artist.redo()
    assert artist.state() == state


def test_a_mesh_deleted_in_the_viewport_and_undone(blender: Any, made: Made) -> None:
    artist = Artist(blender, made)
    artist.click("Ball", BALL)
    artist.do("segment")
    state = artist.state()
    blender.ops.object.delete()
    blender.ops.ed.undo_push(message="delete")
    blender.ops.wm.save_mainfile()
    assert artist.stored() == {}
    artist.undo()
    assert artist.state() == state


def test_larger_and_smaller_know_the_ends_of_every_part(blender: Any, made: Made) -> None:
    from wildseg3d_blender.addon.session import previewing

    artist, operators = Artist(blender, made), blender.ops.wildseg3d
    artist.click("Both", BALL)
    operators.part_add()
    artist.click("Both", BOX)
    operators.larger()  # of the box, the part that is active
    artist.root.wildseg3d.groups[0].active_part = 0
    for step in (operators.larger, None):
        assert operators.preview() == {"FINISHED"}
        previewing.refresh(blender.context.scene)
        assert operators.smaller.poll()
        if step is not None:
            assert step() == {"FINISHED"}
    assert not operators.larger.poll()  # ball and box together are all there is
    artist.root.wildseg3d.groups[0].active_part = 1
    previewing.refresh(blender.context.scene)
    assert not operators.larger.poll() and operators.smaller() == {"FINISHED"}
    operators.preview()
    previewing.refresh(blender.context.scene)
    assert operators.larger.poll()
    artist.root.wildseg3d.groups[0].active_part = 0
    assert not operators.larger.poll()


def test_objects_found_count_for_the_scene_and_the_segmenter_they_were_found_with(
    blender: Any, made: Made
) -> None:
    from wildseg3d_blender.addon.session import finding

    folder = made[0].folder
    assert finding.found(folder, "graphcut") == 4
    assert finding.found(folder, "sam2") is None
    file = folder / "scene.json"
    before = file.read_text(encoding="utf-8")
    file.write_text(before.replace('"engine"', ' "engine"'), encoding="utf-8")  # aligned again, say
    assert finding.found(folder, "graphcut") is None
    file.write_text(before, encoding="utf-8")
    assert finding.found(folder, "graphcut") == 4
    cache = folder / "mask_cache" / "cache.json"
    cache.write_text(cache.read_text().replace('"format": 2', '"format": 1'), encoding="utf-8")
    assert finding.found(folder, "graphcut") is None
