# SPDX-License-Identifier: GPL-3.0-or-later
"""Scene folders of files that nobody saved can be removed; what a file or undo may need never is."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.drawn_panels import Drawn, recording
from tests.scenes.awkward import write_awkward_scene
from wildseg3d_blender.errors import SceneError
from wildseg3d_blender.scene import never_saved

ROOT = Path(__file__).absolute().parents[1]


@pytest.fixture
def scenes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The person's folder for scenes of unsaved files."""
    pytest.importorskip("bpy", reason="needs Blender's module")
    from wildseg3d_blender.addon import preferences

    monkeypatch.setattr(preferences, "scenes_folder", lambda context: str(tmp_path / "scenes"))
    yield tmp_path / "scenes"
    never_saved.keep_all()


def _session(*folders: Path, alive: bool = False) -> subprocess.Popen[str]:
    """Another process that marked these folders; it waits for its input to close, or has ended."""
    code = (
        "import sys; from pathlib import Path; from wildseg3d_blender.scene import never_saved\n"
        "for name in sys.argv[1:]: never_saved.mark(Path(name))\n"
        "print('marked', flush=True); sys.stdin.read()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, *map(str, folders)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None and process.stdout.readline() == "marked\n"
    if not alive:
        process.communicate("")
    return process


def _left_over(bpy: Any) -> list[str]:
    from wildseg3d_blender.addon import unsaved_scenes

    return [folder.name for folder in unsaved_scenes.left_over(bpy.context)]


def _shown(bpy: Any) -> Drawn:
    from wildseg3d_blender.addon.panels import preferences

    drawn = Drawn()
    preferences.draw_unsaved_scenes(recording(drawn), bpy.context)
    return drawn


def test_those_of_closed_sessions_are_counted_and_removed(
    blender: Any, scenes: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    from wildseg3d_blender.addon import unsaved_scenes

    assert not _shown(blender).texts, "nothing was ever kept there"
    for name in ("first", "second", "earlier version's"):
        write_awkward_scene(scenes / name)
    _session(scenes / "first", scenes / "second")
    assert _left_over(blender) == ["first", "second"], "what bears no mark may be needed"
    drawn = _shown(blender)
    assert drawn.texts[0].startswith("Of files never saved: 2 scenes, ")
    assert [button.text for button in drawn.buttons] == ["Remove", ""]
    assert drawn.buttons[1].settings == {"filepath": str(scenes)}
    assert unsaved_scenes.size([scenes / "gone meanwhile"]) == 0
    assert blender.ops.wildseg3d.remove_unsaved_scenes() == {"FINISHED"}
    assert "2 scenes removed, " in (said := capfd.readouterr().out) and "B free again." in said
    assert [path.name for path in scenes.iterdir()] == ["earlier version's"]
    assert "Of files never saved: nothing to remove" in _shown(blender).texts
    assert not blender.ops.wildseg3d.remove_unsaved_scenes.poll()


def test_drawing_looks_at_the_disk_now_and_then_not_each_time(
    blender: Any, scenes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from wildseg3d_blender.addon import unsaved_scenes

    for name in ("first", "second"):
        write_awkward_scene(scenes / name)
    looked: list[Path] = []
    find = never_saved.find
    monkeypatch.setattr(
        never_saved, "find", lambda folder, needed: looked.append(folder) or find(folder, needed)
    )
    _session(scenes / "first")
    other = _session(scenes / "second", alive=True)
    for _ in range(3):
        assert "Of files never saved: 1 scene, " in _shown(blender).texts[0]
    assert len(looked) == 1
    never_saved.remove(scenes / "first")
    assert _shown(blender).texts[0] == "Of files never saved: nothing to remove"
    other.communicate("")  # changes nothing in the folder
    monkeypatch.setattr(unsaved_scenes, "LOOKS_AGAIN_AFTER", 0.0)
    assert "Of files never saved: 1 scene, " in _shown(blender).texts[0]


def test_what_another_blender_or_undo_here_may_need_is_left(blender: Any, scenes: Path) -> None:
    for name in ("mine", "theirs"):
        write_awkward_scene(scenes / name)
    never_saved.mark(scenes / "mine")
    other = _session(scenes / "theirs", alive=True)
    assert _left_over(blender) == []
    for name in ("mine", "theirs"):
        with pytest.raises(SceneError, match="could not be removed"):
            never_saved.remove(scenes / name)
    other.communicate("")
    assert _left_over(blender) == ["theirs"]
    assert (scenes / "mine" / "scene.json").is_file()


def test_saving_keeps_the_scene_for_good(blender: Any, scenes: Path, tmp_path: Path) -> None:
    """Also where another process, still alive, had marked it; a copy saved beside counts as well."""
    for name in ("alive", "gone", "closed"):
        write_awkward_scene(scenes / name)
    from wildseg3d_blender.addon.scene import importing

    other = _session(scenes / "alive", alive=True)
    _session(scenes / "gone", scenes / "closed")
    for name in ("alive", "gone"):
        importing.import_scene(blender.context.scene, scenes / name)
    assert _left_over(blender) == ["closed"], "the open file shows the other"
    blender.ops.wm.save_as_mainfile(filepath=str(tmp_path / "copy.blend"), copy=True)
    blender.ops.wm.read_factory_settings(use_empty=True)
    other.communicate("")
    assert _left_over(blender) == ["closed"]


def test_files_that_are_opened_keep_their_scenes(blender: Any, scenes: Path, tmp_path: Path) -> None:
    """Blender's own auto saves and the last session ask no add-on when they are written."""
    from wildseg3d_blender.addon.scene import importing

    write_awkward_scene(scenes / "recovered")
    write_awkward_scene(scenes / "opened")
    importing.import_scene(blender.context.scene, scenes / "recovered")
    blender.ops.wm.save_as_mainfile(filepath=str(tmp_path / "quit.blend"))
    _session(scenes / "recovered", scenes / "opened")
    blender.ops.wm.open_mainfile(filepath=str(tmp_path / "quit.blend"))
    blender.ops.wildseg3d.open_scene(directory=str(scenes / "opened"))
    blender.ops.wm.read_factory_settings(use_empty=True)
    assert _left_over(blender) == []


def test_a_mark_outlives_what_replaces_the_folder_and_a_folder_kept_stays_kept(tmp_path: Path) -> None:
    """Reconstructing over it, aligning again and undo swap whole folders."""
    folder = tmp_path / "scene"
    write_awkward_scene(folder)
    _session(folder)
    write_awkward_scene(folder)
    assert never_saved.find(tmp_path, ()) == [folder]
    assert never_saved.find(tmp_path, [folder]) == []
    never_saved.keep(folder)
    write_awkward_scene(folder)
    assert never_saved.find(tmp_path, ()) == []
    with pytest.raises(SceneError):
        never_saved.remove(folder)
    assert (folder / "scene.json").is_file()


def test_a_blender_that_goes_on_without_the_addon_keeps_all(tmp_path: Path) -> None:
    write_awkward_scene(tmp_path / "scene")
    never_saved.mark(tmp_path / "scene")
    never_saved.keep_all()
    assert [path.name for path in tmp_path.iterdir()] == ["scene"]
