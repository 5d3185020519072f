# SPDX-License-Identifier: GPL-3.0-or-later
"""The sidebar in each of its states."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.drawn_panels import panel_texts
from tests.scenes.awkward import write_awkward_scene
from tests.small_photos import write_small_photos
from wildseg3d_blender.errors import PhotoError, ReconstructionError, SceneError


def test_the_empty_panel_says_what_to_do(blender: Any) -> None:
    drawn = panel_texts(blender)
    assert drawn[0] == "Photos Become a 3D Scene" and "Choose Photos…" in drawn
    assert "Reconstruct" not in drawn


def test_photos_unfold_reconstruct(blender: Any, tmp_path: Path) -> None:
    write_small_photos(tmp_path)
    blender.ops.wildseg3d.photos_add(directory=str(tmp_path))
    drawn = panel_texts(blender)
    assert drawn.index("Photos") < drawn.index("4 photos") < drawn.index("Reconstruct")
    assert "Stereo, graph cuts" in drawn and "Choose Photos…" not in drawn
    assert " ".join(drawn).count("Few photos show one side") == 1
    blender.ops.wildseg3d.photo_remove(index=0)
    blender.ops.wildseg3d.photo_remove(index=0)
    assert "Two photos seldom make a scene" in " ".join(panel_texts(blender))


def test_a_reconstruction_unfolds_objects(blender: Any, tmp_path: Path) -> None:
    write_awkward_scene(tmp_path / "scene")
    blender.ops.wildseg3d.open_scene(directory=str(tmp_path / "scene"))
    blender.ops.wildseg3d.prompt_add(view="wide", x=500, y=300, object="Vase")
    settings = blender.context.scene.wildseg3d
    folded = panel_texts(blender)
    assert "3 of 4 placed" in folded and "Reconstruct Again" not in folded
    settings.engines = "NEURAL"
    settings.show_photos = settings.show_reconstruct = settings.show_advanced = True
    settings.root.wildseg3d.active_photo = 3
    settings.root.wildseg3d.tips = "Only one tip."
    drawn = panel_texts(blender)
    assert {"3 of 4 placed", "Open Preferences", "Reconstruct Again", "Advanced"} <= set(drawn)
    said = " ".join(drawn)
    assert "Only one tip." in said and "blurred.jpg No overlap with the others" in said


def test_an_error_comes_with_the_button_that_mends_it(blender: Any) -> None:
    from wildseg3d_blender.addon import problems

    problems.remember(PhotoError("There are none.", fix="wildseg3d.photos_add"))
    assert " ".join(panel_texts(blender)).startswith("There are none.  Choose Photos…")
    problems.remember(ReconstructionError("They do not fit.", fix="wildseg3d.photos_add"))
    assert " ".join(panel_texts(blender)).startswith("They do not fit.  Choose Photos…")
    problems.remember(SceneError("It is gone.", fix="wildseg3d.open_scene"))
    assert " ".join(panel_texts(blender)).startswith("It is gone.  Open Scene Folder…")
    problems.remember(SceneError("Nothing helps."))
    assert "Choose Photos…" in panel_texts(blender) and "Nothing" in " ".join(panel_texts(blender))


@pytest.mark.parametrize("width", [1.0, 12.0, 1000.0])
def test_texts_are_broken_at_the_width_and_lose_no_word(width: float) -> None:
    pytest.importorskip("bpy", reason="needs Blender's module")
    from wildseg3d_blender.addon.panels.drawing import wrapped

    text = "Walk around it: one every 10 to 15 degrees"
    lines = wrapped(text, width, len)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert all(1 <= len(line) <= width for line in lines)
    if width > max(map(len, text.split())):
        assert " ".join(lines) == text
