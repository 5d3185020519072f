# SPDX-License-Identifier: GPL-3.0-or-later
"""The toolbar's Object Prompt: it comes and goes without a trace, and its keys are in a keymap."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.cut_out import split_object
from tests.drawn_panels import draw
from tests.scenes.awkward import WALL, surface, write_awkward_scene

KEYMAP = "3D View Tool: Object, Object Prompt"


@pytest.fixture
def view_3d(blender: Any) -> Iterator[Any]:
    """``bpy.context`` in the file's 3D view."""
    window = blender.context.window_manager.windows[0]
    area = next(item for item in window.screen.areas if item.type == "VIEW_3D")
    region = next(item for item in area.regions if item.type == "WINDOW")
    with blender.context.temp_override(window=window, area=area, region=region):
        yield blender.context


@pytest.fixture
def root(blender: Any, tmp_path: Path) -> Any:
    from wildseg3d_blender.addon.scene import lookup

    write_awkward_scene(tmp_path / "scene")
    blender.ops.wildseg3d.open_scene(directory=str(tmp_path / "scene"))
    return lookup.require_root(blender.context.scene)


def _in_toolbar() -> bool:
    from bl_ui.space_toolsystem_common import ToolSelectPanelHelper

    from wildseg3d_blender.addon.viewport import tools

    toolbar = ToolSelectPanelHelper._tool_class_from_space_type("VIEW_3D")
    known = ToolSelectPanelHelper._tools_flatten(toolbar._tools["OBJECT"])
    return tools.IDNAME in {item.idname for item in known if item is not None}


def _keymaps(bpy: Any) -> list[Any]:
    configs = bpy.context.window_manager.keyconfigs
    return [
        keymap
        for config in (configs.default, configs.addon)
        for keymap in config.keymaps
        if keymap.name == KEYMAP
    ]


def test_the_tool_leaves_with_the_add_on(blender: Any, view_3d: Any) -> None:
    from wildseg3d_blender.addon.viewport import tools

    for _ in range(3):
        assert _in_toolbar() and _keymaps(blender)
        tools.activate(view_3d)
        assert tools.is_active(view_3d)
        tools.unregister()
        assert not _in_toolbar() and not _keymaps(blender) and not tools.is_active(view_3d)
        tools.register()


def test_each_key_of_the_tool_runs_an_operator_that_takes_its_settings(blender: Any) -> None:
    entries = [entry for keymap in _keymaps(blender) for entry in keymap.keymap_items]
    assert {"wildseg3d.prompt_click", "wildseg3d.look", "wildseg3d.prompt_end"} <= {
        entry.idname for entry in entries
    }
    for entry in entries:
        operator = getattr(blender.ops.wildseg3d, entry.idname.partition(".")[2])
        assert operator.get_rna_type().name == entry.name  # Blender found it
    inverting = [entry for entry in entries if entry.idname.endswith("click") and entry.properties.invert]
    assert [(entry.ctrl, entry.type) for entry in inverting] == [(1, "LEFTMOUSE")]
    selecting = [entry for entry in entries if entry.idname.endswith("select_under_cursor")]
    assert [(entry.alt, entry.properties.here) for entry in selecting] == [(1, True)]
    steps = {entry.type: entry.properties.step for entry in entries if entry.idname == "wildseg3d.look"}
    assert steps == {"PAGE_UP": -1, "PAGE_DOWN": 1}


def test_hints_name_the_keys_as_the_keymap_has_them(blender: Any) -> None:
    from wildseg3d_blender.addon.viewport import tools

    entries = next(keymap.keymap_items for keymap in _keymaps(blender) if len(keymap.keymap_items))
    hints = [([entry.to_string() for entry in hint.entries], hint.what) for hint in tools.hints_of(entries)]
    assert hints[1:4] == [
        (["Ctrl Left Mouse"], "the opposite"),
        (["Shift Left Mouse"], "new object"),
        (["Alt Left Mouse"], "select"),
    ]
    assert hints[-1] == (["Esc"], "done")
    assert {what: len(keys) for keys, what in hints}["other photos"] == 2
    step = next(entry for entry in entries if entry.idname == "wildseg3d.prompt_end")
    step.type = "Q"
    try:
        assert tools.hints_of(entries)[-1].entries[0].to_string() == "Q"
        step.active = False
        assert "done" not in {hint.what for hint in tools.hints_of(entries)}
    finally:
        step.type, step.active = "ESC", True


def test_the_icon_is_what_its_drawing_makes(blender: Any) -> None:
    from tool_icon import TARGET, icon

    from wildseg3d_blender.addon.viewport import tools

    file = Path(tools.ObjectPromptTool.bl_icon + ".dat")
    assert file == TARGET and file.read_bytes() == icon()
    handle = blender.app.icons.new_triangles_from_file(str(file))
    assert handle > 0
    blender.app.icons.release(handle)


def test_add_prompt_takes_up_the_tool_and_goes_into_a_photo_the_first_time(
    blender: Any, root: Any, view_3d: Any
) -> None:
    from wildseg3d_blender.addon.viewport import tools

    region_3d = view_3d.space_data.region_3d
    region_3d.view_perspective = "PERSP"
    assert blender.ops.wildseg3d.prompt_place("INVOKE_DEFAULT", positive=False) == {"FINISHED"}
    assert tools.is_active(view_3d) and region_3d.view_perspective == "CAMERA"
    assert view_3d.scene.camera.wildseg3d.role == "CAMERA"
    tool = view_3d.workspace.tools.from_space_view3d_mode("OBJECT", create=False)
    assert tool.operator_properties("wildseg3d.prompt_click").meaning == "NOT_PART"
    assert blender.ops.wildseg3d.prompt_end() == {"FINISHED"}
    assert not tools.is_active(view_3d) and not blender.ops.wildseg3d.prompt_end.poll()

    blender.ops.wildseg3d.prompt_add(view="wide", x=500, y=300, object="Vase")
    region_3d.view_perspective = "PERSP"
    blender.ops.wildseg3d.prompt_place("INVOKE_DEFAULT", object="Jug")
    assert tools.is_active(view_3d) and region_3d.view_perspective == "PERSP"
    assert [item.name for item in root.wildseg3d.groups] == ["Vase", "Jug"]
    tools.put_away()


def test_the_panel_lists_prompts_and_shows_them(blender: Any, root: Any, view_3d: Any) -> None:
    from wildseg3d_blender.addon.panels import prompt_panel
    from wildseg3d_blender.addon.scene import lookup

    panel = prompt_panel.WILDSEG3D_PT_prompts
    assert not panel.poll(view_3d)
    blender.ops.wildseg3d.prompt_add(view="wide", x=500, y=300, object="Vase")
    blender.ops.wildseg3d.prompt_add(view="tall", x=300, y=500, positive=False, object="Vase")
    blender.ops.wildseg3d.prompt_add(view="plain", x=300, y=200, x2=400, y2=300, object="Vase")
    blender.ops.wildseg3d.prompt_add(view="plain", x=300, y=200, object="Jug")
    root.wildseg3d.active_group = 0
    texts = draw(panel, view_3d).texts
    assert [text for text in texts if ": " in text] == [
        "wide: part of it",
        "tall: not part of it",
        "plain: box",
    ]
    first, second = lookup.prompts(root, "Vase")[:2]
    assert blender.ops.wildseg3d.prompt_show(name=second.name) == {"FINISHED"}
    assert view_3d.scene.camera.wildseg3d.view == "tall"
    assert second.select_get() and view_3d.view_layer.objects.active == second
    assert not first.select_get()
    with pytest.raises(RuntimeError, match="no prompt named Nothing"):
        blender.ops.wildseg3d.prompt_show(name="Nothing")


def test_a_new_surface_is_not_left_behind_the_photo(blender: Any, root: Any, view_3d: Any) -> None:
    from mathutils import Vector

    region_3d = view_3d.space_data.region_3d
    blender.ops.wildseg3d.look(view="wide")
    assert region_3d.view_perspective == "CAMERA"
    blender.ops.wildseg3d.make_surface()
    made = blender.context.object
    middle = np.array([made.matrix_world @ Vector(corner) for corner in made.bound_box]).mean(axis=0)
    assert region_3d.view_perspective == "PERSP"
    assert tuple(region_3d.view_location) == pytest.approx(tuple(middle), abs=1e-4)
    turned = view_3d.scene.camera.matrix_world.to_quaternion()
    # Near enough to know where one is, and far enough for the prompts, seen along the photo only, to go.
    assert np.deg2rad(5) < region_3d.view_rotation.rotation_difference(turned).angle < np.deg2rad(20)
    # Where the artist has turned the view, it stays.
    region_3d.view_location = (9.0, 9.0, 9.0)
    blender.ops.wildseg3d.make_surface()
    assert tuple(region_3d.view_location) == (9.0, 9.0, 9.0)


def test_isolate_turns_away_from_the_photo_that_covers_what_it_shows(
    blender: Any, root: Any, view_3d: Any
) -> None:
    from wildseg3d_blender.addon.scene import groups, lookup

    region_3d = view_3d.space_data.region_3d
    groups.add(root, "Wall")
    scene = lookup.open_scene(root)
    points = {view.name: surface(view, WALL) & (scene.confidence(view) > 0) for view in scene.views}
    split_object(scene, root, "Wall", points)
    blender.ops.wildseg3d.look(view="wide")
    assert region_3d.view_perspective == "CAMERA"
    blender.ops.wildseg3d.isolate(object="Wall")
    assert region_3d.view_perspective == "PERSP"
    region_3d.view_location = (9.0, 9.0, 9.0)
    blender.ops.wildseg3d.isolate()
    blender.ops.wildseg3d.isolate(object="Wall")
    assert tuple(region_3d.view_location) == (9.0, 9.0, 9.0), "it stays where the artist has turned it"


def test_another_object_begins_with_nothing_selected(blender: Any, root: Any) -> None:
    blender.context.view_layer.objects.active = root
    root.select_set(True)
    assert blender.ops.wildseg3d.object_add() == {"FINISHED"}
    assert list(blender.context.selected_objects) == []
    assert [item.name for item in root.wildseg3d.groups] == ["Object"]


def test_going_through_photos_keeps_the_zoom(blender: Any, root: Any, view_3d: Any) -> None:
    region_3d = view_3d.space_data.region_3d
    region_3d.view_perspective = "PERSP"
    blender.ops.wildseg3d.look(view="plain")
    region_3d.view_camera_zoom, region_3d.view_camera_offset = 12.0, (0.1, -0.2)
    seen = []
    for _ in range(3):
        blender.ops.wildseg3d.look(step=1)
        seen.append(view_3d.scene.camera.wildseg3d.view)
        assert region_3d.view_camera_zoom == 12.0
        assert tuple(region_3d.view_camera_offset) == pytest.approx((0.1, -0.2))
    assert seen == ["tall", "wide", "plain"]


def test_thumbnails_that_had_no_time_are_drawn_again_once(blender: Any) -> None:
    from wildseg3d_blender.addon.viewport import thumbnails

    def pixels() -> Any:
        raise AssertionError("nothing is made when no time is left")

    assert thumbnails.Budget(until=0.0, made=thumbnails.LEAST_TEXTURES).texture(pixels, "R8") is None
    assert thumbnails.take_unfinished() and not thumbnails.take_unfinished()


def test_thumbnails_fill_the_width_and_keep_the_current_one(blender: Any) -> None:
    from wildseg3d_blender.addon.viewport.thumbnail_slots import layout

    views = [(f"v{number}", 1.5) for number in range(10)]
    for right in range(700, 1600, 13):
        assert len(layout(views, "v3", 64.0, float(right), 900.0, 1.0)) == 10
    slots = layout(views, "v3", 60.0, 1560.0, 900.0, 1.0)
    assert [slot.view for slot in slots] == [name for name, _ in views]
    assert all(a.left + a.width <= b.left for a, b in itertools.pairwise(slots))
    assert slots[0].left >= 60.0 and slots[-1].left + slots[-1].width <= 1560.0
    few = layout(views, "v7", 60.0, 360.0, 900.0, 1.0)
    assert "v7" in {slot.view for slot in few} and 1 < len(few) < 10
    assert few[0].left >= 60.0 and few[-1].left + few[-1].width <= 360.0
    assert layout(views, "v7", 60.0, 360.0, 120.0, 1.0) == []  # folded: the view is too low
    assert layout(views, "v7", 60.0, 90.0, 900.0, 1.0) == []  # or too narrow
    assert layout([], "", 60.0, 900.0, 900.0, 1.0) == []
    assert slots[2].holds(slots[2].left + 1, slots[2].low + 1)
    assert not slots[2].holds(slots[2].left - 1, slots[2].low + 1)
