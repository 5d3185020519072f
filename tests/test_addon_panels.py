# SPDX-License-Identifier: GPL-3.0-or-later
"""The sidebar in each of its states."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.drawn_panels import Drawn, draw, draw_panels, panel_texts, recording
from tests.scenes.awkward import write_awkward_scene
from tests.scenes.listed import Made, copied
from tests.small_photos import write_small_photos
from wildseg3d_blender.errors import PhotoError, ReconstructionError, SceneError
from wildseg3d_blender.scene.folder import Scene


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
    assert "Save the .blend first" in " ".join(drawn)
    blender.ops.wm.save_as_mainfile(filepath=str(tmp_path / "work.blend"))
    assert "Save the .blend first" not in " ".join(panel_texts(blender))
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


def test_tips_wait_in_the_header_so_that_the_next_step_is_in_view(blender: Any, tmp_path: Path) -> None:
    """A list of photos and a box for each tip took the sidebar's height, and objects come next."""
    from wildseg3d_blender.addon.panels import sidebar
    from wildseg3d_blender.addon.tasks import opening

    write_awkward_scene(tmp_path / "scene")
    blender.ops.wildseg3d.open_scene(directory=str(tmp_path / "scene"))
    settings = blender.context.scene.wildseg3d
    settings.show_photos = settings.show_reconstruct = True
    settings.root.wildseg3d.tips = "Add some in between.\nMore light."
    opening.show_imported(blender.context, settings.root)
    wide = _Wide(blender.context, 320)
    texts = draw(sidebar.WILDSEG3D_PT_photos, wide).texts
    assert "3 of 4 placed, 2 tips" in texts and "More light." not in texts
    assert "2 tips" in draw(sidebar.WILDSEG3D_PT_photos, _Wide(blender.context, 200)).texts
    settings.show_photos = True
    texts = draw(sidebar.WILDSEG3D_PT_photos, wide).texts
    assert {"3 of 4 placed", "Add some in between.", "More light."} <= set(texts)


def test_what_blender_does_itself_shows_how_far_it_is(blender: Any, tmp_path: Path) -> None:
    """Opening takes the empty panel's place; a surface shows among the objects: its panel may be shut."""
    from wildseg3d_blender.addon.scene import surfaces
    from wildseg3d_blender.addon.tasks.driving import Run
    from wildseg3d_blender.addon.tasks.opening import opening

    folder = write_awkward_scene(tmp_path / "scene").folder
    run = Run(opening(folder), "Open Scene Folder", [].append, "open_scene")
    run.begin()
    drawn = panel_texts(blender)
    assert "Cancel (Esc)" in drawn and "Choose Photos…" not in drawn
    bar = blender.context.window_manager.wildseg3d
    assert bar.job == int(100 * run.job.fraction) and bar.quiet_job == 0
    bar.job = 90  # as somebody does who drags it
    assert bar.job == int(100 * run.job.fraction)
    while run.running:
        run.go_on(1.0)
    assert "Cancel (Esc)" not in panel_texts(blender)
    making = surfaces.making(blender.context.scene.wildseg3d.root.name, "", surfaces.PHOTOS)
    run = Run(making, "Make Surface", [].append, "make_surface")
    run.begin()
    drawn_now = draw_panels(blender)
    texts = drawn_now.texts
    assert texts.index("Add Prompt") < texts.index("Cancel (Esc)") < texts.index("Surfaces")
    assert "wildseg3d.segment" not in [button.operator for button in drawn_now.buttons]  # it has to wait
    run.stop()
    assert "wildseg3d.segment" in [button.operator for button in draw_panels(blender).buttons]


def test_objects_that_are_known_are_ready_while_the_worker_starts(
    blender: Any, listed_scene: Made, tmp_path: Path
) -> None:
    """Adding prompts starts it, and asks it for the objects."""
    from wildseg3d_blender.addon.session import finding

    made = copied(listed_scene, tmp_path / "scene")
    blender.ops.wildseg3d.open_scene(directory=str(made[0].folder))
    finding.want(made[0].folder)
    drawn = panel_texts(blender)
    assert "Finding objects: waiting" not in drawn
    assert any(text.endswith("objects ready to click") for text in drawn)
    finding.forget()


def test_keys_are_folded_and_shares_are_short(blender: Any) -> None:
    """The tool's header has the keys too; more than a tenth of a percent of the points tells nothing."""
    from wildseg3d_blender.addon.panels import prompt_panel

    folds: list[tuple[str, bool]] = []

    class Layout:
        def panel(self, name: str, default_closed: bool = False) -> tuple[Layout, None]:
            folds.append((name, default_closed))
            return self, None

        def label(self, text: str) -> None:
            assert text == "Keys"

    prompt_panel._draw_keys(Layout(), blender.context)
    assert folds == [("wildseg3d_keys", True)]
    shown = blender.types.Object.bl_rna.properties["wildseg3d"].fixed_type.properties
    assert (shown["share"].precision, shown["hide_uncertain"].precision) == (1, 1)


def test_the_list_of_parts_counts_prompts_and_tells_parts_of_a_kind_apart(blender: Any, scene: Scene) -> None:
    from wildseg3d_blender.addon.panels.object_lists import WILDSEG3D_UL_parts
    from wildseg3d_blender.addon.scene import groups, importing, prompting

    root = importing.import_scene(blender.context.scene, scene.folder)
    for subtract, clicks in ((None, 2), (True, 1), (False, 3), (True, 0)):
        if subtract is not None:
            blender.ops.wildseg3d.part_add(subtract=subtract)
        for number in range(clicks):
            prompting.add_click(root, "wide", (500, 300 + number), group="Vase")
    item = groups.active(root)
    lines = []
    for part in item.parts:
        drawn = Drawn()
        layout = recording(drawn)
        WILDSEG3D_UL_parts.draw_item(None, blender.context, layout, item, part, 0, item, "active_part")
        lines.append(" ".join(text for text in drawn.texts if text))
    assert lines == ["Vase 2", "Taken away 1 1", "Added 3", "Taken away 2 0"]
    # A part that was begun asks for its click, whatever the preview of the rest says.
    assert "Click on what is to be taken away" in panel_texts(blender)
    item.active_part = 2
    assert not any(text.startswith("Click on") for text in panel_texts(blender))


def test_what_a_narrow_sidebar_would_cut_off_is_said_shorter(
    blender: Any, listed_scene: Made, tmp_path: Path
) -> None:
    from wildseg3d_blender.addon.panels import object_panel, prompt_panel
    from wildseg3d_blender.addon.session import finding

    made = copied(listed_scene, tmp_path / "scene")
    blender.ops.wildseg3d.open_scene(directory=str(made[0].folder))
    blender.ops.wildseg3d.prompt_add(view="v2", x=10, y=10, positive=False, object="Vase")
    said = {}
    for width in (320, 180, 120):
        context = _Wide(blender.context, width)
        said[width] = [
            text
            for panel in (object_panel.WILDSEG3D_PT_objects, prompt_panel.WILDSEG3D_PT_prompts)
            for text in draw(panel, context).texts
            if text.startswith("v2") or "ready" in text or text == "4"
        ]
    assert said[320][-2:] == ["4 objects ready to click", "v2: not part of it"]
    assert said[180][-2:] == ["4 ready", "v2"] and said[120][-2:] == ["4", "v2"]
    finding.forget()


class _Wide:
    """Blender's context, in a sidebar of that many pixels."""

    def __init__(self, context: Any, width: int) -> None:
        self._context, self.region = context, SimpleNamespace(width=width)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._context, name)


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
