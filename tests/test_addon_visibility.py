# SPDX-License-Identifier: GPL-3.0-or-later
"""One object alone, all but the rest, and choosing by a click."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.cut_out import split_object
from tests.drawn_panels import draw_panels
from tests.scenes.awkward import FLOOR, WALL, surface
from wildseg3d_blender.errors import SceneError
from wildseg3d_blender.scene.folder import Scene


@pytest.fixture
def root(scene: Scene, root: Any) -> Any:
    """A room whose wall and floor are objects; some points of the wall are the rest."""
    from wildseg3d_blender.addon.scene import groups

    for name, what in (("Wall", WALL), ("Floor", FLOOR)):
        groups.add(root, name)
        points = {view.name: surface(view, what) & (scene.confidence(view) > 0) for view in scene.views}
        points["wide"][:20] = False
        split_object(scene, root, name, points)
    return root


def _shown(root: Any) -> set[str]:
    things = [item for item in root.children if item.type == "MESH"]
    assert all(item.hide_render == (not item.visible_get()) for item in things)
    return {item.name for item in things if item.visible_get()}


def test_isolate_shows_one_and_goes_back_to_what_was_shown(blender: Any, root: Any) -> None:
    everything = _shown(root)
    assert everything == {"room points", "Wall", "Floor"}
    blender.ops.wildseg3d.isolate(object="Wall")
    assert _shown(root) == {"Wall"}
    blender.ops.wildseg3d.isolate(object="Floor")
    assert _shown(root) == {"Floor"}
    blender.ops.wildseg3d.isolate()
    assert _shown(root) == everything
    root.wildseg3d.active_group = 0
    blender.ops.wildseg3d.isolate()
    assert _shown(root) == {"Wall"}


def test_what_is_shown_beside_the_isolated_is_put_aside_no_longer(blender: Any, root: Any) -> None:
    """Else Isolate would go on looking pressed, with nothing left to bring back."""
    from wildseg3d_blender.addon.scene import visibility

    blender.ops.wildseg3d.make_surface(step=4)
    blender.ops.wildseg3d.isolate(object="Wall")
    blender.ops.wildseg3d.hide_rest()
    assert _shown(root) == {"Wall", "room Surface"} and visibility.is_isolated(root)
    root.wildseg3d.groups["Floor"].visible = True
    assert _shown(root) == {"Wall", "Floor", "room Surface"} and not visibility.is_isolated(root)


def test_what_is_shown_as_its_surface_while_another_is_isolated_is_shown_once(
    blender: Any, root: Any
) -> None:
    blender.ops.wildseg3d.make_surface(object="Floor", step=4)
    blender.ops.wildseg3d.show_as(object="Floor", surface=False)
    blender.ops.wildseg3d.isolate(object="Wall")
    blender.ops.wildseg3d.show_as(object="Floor", surface=True)
    assert _shown(root) == {"Wall", "Floor Surface"}
    blender.ops.wildseg3d.isolate()
    assert _shown(root) == {"room points", "Wall", "Floor Surface"}


def test_what_the_artist_hid_stays_hidden(blender: Any, root: Any) -> None:
    from wildseg3d_blender.addon.scene import visibility

    visibility.hide(blender.data.objects["Floor"], True)
    blender.ops.wildseg3d.isolate(object="Wall")
    blender.ops.wildseg3d.isolate()
    assert _shown(root) == {"room points", "Wall"}


def test_rest_is_hidden_and_shown_as_it_was(blender: Any, root: Any) -> None:
    blender.ops.wildseg3d.hide_rest()
    assert _shown(root) == {"Wall", "Floor"}
    blender.ops.wildseg3d.hide_rest()
    assert _shown(root) == {"room points", "Wall", "Floor"}
    blender.ops.wildseg3d.make_surface()
    assert _shown(root) == {"room Surface", "Wall", "Floor"}
    for expected in ({"Wall", "Floor"}, {"room Surface", "Wall", "Floor"}):
        blender.ops.wildseg3d.hide_rest()
        assert _shown(root) == expected


def test_an_objects_surface_is_isolated_with_it(blender: Any, root: Any) -> None:
    blender.ops.wildseg3d.make_surface(object="Wall")
    blender.ops.wildseg3d.isolate(object="Wall")
    assert _shown(root) == {"Wall Surface"}
    blender.ops.wildseg3d.isolate()
    assert _shown(root) == {"Wall Surface", "Floor", "room points"}


def test_points_and_surface_take_turns(blender: Any, root: Any) -> None:
    with pytest.raises(RuntimeError, match="press Make Surface"):
        blender.ops.wildseg3d.show_as(object="Wall", surface=True)
    blender.ops.wildseg3d.make_surface(object="Wall", step=4)
    blender.ops.wildseg3d.show_as(object="Wall", surface=False)
    assert _shown(root) == {"Wall", "Floor", "room points"}
    blender.ops.wildseg3d.show_as(object="Wall", surface=True)
    assert _shown(root) == {"Wall Surface", "Floor", "room points"}


def test_the_lists_eye_hides_what_is_shown_of_an_object(blender: Any, root: Any) -> None:
    blender.ops.wildseg3d.make_surface(object="Wall", step=4)
    item = root.wildseg3d.groups["Wall"]
    assert item.visible
    item.visible = False
    assert not item.visible and _shown(root) == {"Floor", "room points"}
    item.visible = True
    assert item.visible and _shown(root) == {"Wall Surface", "Floor", "room points"}


def test_a_surface_follows_its_objects_name(blender: Any, root: Any) -> None:
    blender.ops.wildseg3d.make_surface(object="Wall", step=4)
    root.wildseg3d.groups["Wall"].name = "House"
    names = {item.name for item in root.children}
    assert "House Surface" in names and "Wall Surface" not in names
    blender.ops.wildseg3d.make_surface(object="House", step=1)
    assert sum(item.wildseg3d.role == "SURFACE" for item in root.children) == 1


def test_a_surface_of_points_that_changed_says_so_until_it_is_made_again(blender: Any, root: Any) -> None:
    from wildseg3d_blender.addon.scene import lookup, splitting, surfaces

    rest = lookup.points(root)
    blender.ops.wildseg3d.make_surface(object="Wall", step=4)
    blender.ops.wildseg3d.make_surface(kind="MERGED", detail=16)
    assert surfaces.outdated(root, "", rest) is None
    splitting.merge_back(root, "Floor")
    wall = root.wildseg3d.groups["Wall"].object
    assert surfaces.outdated(root, "Wall", wall) is None
    old = surfaces.outdated(root, "", rest)
    assert old is not None and _shown(root) == {"Wall Surface", "room points"}
    blender.ops.wildseg3d.make_surface(kind="MERGED", detail=16)
    assert surfaces.outdated(root, "", rest) is None
    assert _shown(root) == {"Wall Surface", "room Surface"}


@pytest.mark.parametrize(
    "settings",
    [{"kind": "VIEWS", "step": 3, "hole": 0, "steepest": 1.0}, {"kind": "MERGED", "detail": 16}],
    ids=["photos", "closed"],
)
def test_a_surface_is_updated_as_it_was_made(
    blender: Any, root: Any, tmp_path: Path, settings: dict[str, Any]
) -> None:
    """Whatever Make Surface was set to since, and after saving and reopening."""
    from wildseg3d_blender.addon import api
    from wildseg3d_blender.addon.scene import lookup, splitting

    blender.ops.wildseg3d.make_surface(**settings)
    made_with = _made_with(blender.context.object)
    assert settings.items() <= made_with.items()
    blender.ops.wildseg3d.make_surface(object="Wall", step=6, kind="VIEWS", hole=9)
    splitting.merge_back(root, "Floor")
    blender.ops.wm.save_as_mainfile(filepath=str(tmp_path / "saved.blend"))
    blender.ops.wm.open_mainfile(filepath=str(tmp_path / "saved.blend"))
    root = lookup.require_root(blender.context.scene)
    buttons = [button for button in draw_panels(blender).buttons if button.text.startswith("Points Changed")]
    assert [button.settings["object"] for button in buttons] == [""]

    assert blender.ops.wildseg3d.make_surface(**buttons[0].settings) == {"FINISHED"}
    pressed = blender.context.object
    faces = len(pressed.data.polygons)
    assert _made_with(pressed) == made_with and not pressed.wildseg3d.outdated
    blender.ops.wildseg3d.make_surface(**settings)
    assert faces == len(blender.context.object.data.polygons) > 100

    # A script names what it is of.
    updated = api.update_surface(root)
    assert _made_with(updated) == made_with and len(updated.data.polygons) == faces
    api.delete(root, "Wall")
    with pytest.raises(SceneError, match="no object named 'Wall'"):
        api.update_surface(root, "Wall")
    blender.data.objects.remove(updated)
    with pytest.raises(SceneError, match="There is no room Surface to update"):
        api.update_surface(root)


def _made_with(item: Any) -> dict[str, Any]:
    settings = item.wildseg3d.made_with
    numbers = {
        name: pytest.approx(getattr(settings, name)) for name in ("step", "hole", "steepest", "detail")
    }
    return {"kind": settings.kind, **numbers}


def test_selecting_what_was_clicked_takes_the_surface_where_that_is_shown(blender: Any, root: Any) -> None:
    blender.ops.wildseg3d.select_under_cursor(object="Wall")
    assert blender.context.object.name == "Wall" and root.wildseg3d.active_group == 0
    blender.ops.wildseg3d.make_surface(object="Floor", step=4)
    blender.ops.wildseg3d.select_under_cursor(object="Wall")
    blender.ops.wildseg3d.select_under_cursor(object="Floor")
    assert blender.context.object.name == "Floor Surface" and root.wildseg3d.active_group == 1
    assert blender.context.selected_objects == [blender.context.object]
    with pytest.raises(RuntimeError, match="no points named 'Lamp'"):
        blender.ops.wildseg3d.select_under_cursor(object="Lamp")


def test_a_surface_is_picked_in_place_of_its_points(blender: Any, root: Any) -> None:
    from wildseg3d_blender.addon.scene import picking

    blender.context.view_layer.update()
    camera = np.array(blender.data.objects["plain"].matrix_world)
    aside = camera[:3, :3] @ [0.005, 0.0, -1.0]
    sight = picking.Sight(camera[:3, 3], -camera[:3, 2], camera[:3, 3], aside / np.linalg.norm(aside))
    before = picking.pick(root, sight)
    blender.ops.wildseg3d.make_surface(object=before.name, step=4)
    assert not blender.data.objects[before.name].visible_get()
    assert picking.pick(root, sight).name == before.name


def test_choosing_a_surface_chooses_its_object_in_the_list(blender: Any, root: Any) -> None:
    from wildseg3d_blender.addon.scene import selecting

    blender.ops.wildseg3d.make_surface(object="Wall", step=4)
    made = blender.context.object
    blender.context.view_layer.objects.active = root
    selecting.keep_choice(blender.context.scene, blender.context.view_layer)
    root.wildseg3d.active_group = 1
    blender.context.view_layer.objects.active = made
    assert selecting.take_choice(blender.context.scene, blender.context.view_layer)
    assert root.wildseg3d.active_group == 0
    root.wildseg3d.row = 1
    assert blender.context.object.name == "Floor"
    root.wildseg3d.row = 0
    assert blender.context.object.name == "Wall Surface"


def test_hidden_cameras_serve_as_before(blender: Any, root: Any) -> None:
    from wildseg3d_blender.addon.scene import lookup

    cameras = lookup.cameras(root)
    assert blender.ops.wildseg3d.hide_cameras() == {"FINISHED"}
    first = blender.context.scene.camera
    assert [item.name for item in cameras if item.visible_get()] == [first.name]
    before = np.array([item.matrix_world for item in cameras])
    root.location.x += 2.0
    blender.context.view_layer.update()
    moved = np.array([item.matrix_world for item in cameras]) - before
    assert moved[:, 0, 3] == pytest.approx(2.0, abs=1e-5)
    other = next(item.name for item in cameras if item != first)
    blender.ops.wildseg3d.look(view=other)
    assert blender.context.scene.camera.name == other
    assert [item.name for item in cameras if item.visible_get()] == [other], "or Blender draws no photo"
    blender.ops.wildseg3d.prompt_add(view="tall", x=300, y=500, object="Floor")
    (prompt,) = lookup.prompts(root, "Floor")
    assert prompt.visible_get()
    assert "wildseg3d.hide_cameras" in {button.operator for button in draw_panels(blender).buttons}
    blender.ops.wildseg3d.hide_cameras()
    assert all(item.visible_get() for item in cameras)


def test_undo_of_isolate(blender: Any, root: Any) -> None:
    name = root.name
    blender.ops.ed.undo_push(message="before")
    blender.ops.wildseg3d.isolate(object="Wall")
    blender.ops.ed.undo_push(message="isolate")
    blender.ops.ed.undo()
    assert _shown(blender.data.objects[name]) == {"room points", "Wall", "Floor"}


def test_points_that_change_take_their_surfaces_place(blender: Any, root: Any) -> None:
    """A surface is of the points as they were: what was segmented anew must not hide behind it."""
    from wildseg3d_blender.addon.scene import splitting

    blender.ops.wildseg3d.make_surface(step=4)
    blender.ops.wildseg3d.make_surface(object="Wall", step=4)
    blender.ops.wildseg3d.make_surface(object="Floor", step=4)
    blender.ops.wildseg3d.hide_rest()
    assert _shown(root) == {"Wall Surface", "Floor Surface"}
    splitting.merge_back(root, "Wall")
    assert _shown(root) >= {"Floor Surface"} and "room points" not in _shown(root)
    blender.ops.wildseg3d.hide_rest()
    assert "room points" in _shown(root) and "room Surface" not in _shown(root)
