# SPDX-License-Identifier: GPL-3.0-or-later
"""The list of objects: colours, eyes, the same choice in the list and in the viewport, copies as meshes."""

from __future__ import annotations

import colorsys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.blender_reading import read_attribute
from tests.drawn_panels import draw
from tests.scenes.awkward import FLOOR, WALL, surface
from wildseg3d_blender.prompts import Click, one_group
from wildseg3d_blender.scene.folder import Scene
from wildseg3d_blender.scene.objects import SceneObject, write_object


@pytest.fixture
def scene(scene: Scene) -> Scene:
    """With a wall and a floor that are cut out."""
    for name, what in (("Floor", FLOOR), ("Wall", WALL)):
        _write(scene, name, what)
    return scene


def _write(scene: Scene, name: str, what: int) -> None:
    masks = {view.name: surface(view, what) for view in scene.views}
    points = {view.name: masks[view.name] & (scene.confidence(view) > 0) for view in scene.views}
    write_object(scene, SceneObject(name, one_group([Click("wide", 40.0, 30.0)]), masks, points, 1 + what))


def _mesh(root: Any, name: str) -> Any:
    from wildseg3d_blender.addon.scene import groups

    return groups.mesh_object(groups.require(root, name))


def test_every_object_has_a_colour_unlike_the_others_and_the_prompts(root: Any) -> None:
    from wildseg3d_blender.addon.scene import groups, prompting

    for _ in range(6):
        groups.add(root)
    hues = [colorsys.rgb_to_hsv(*item.colour)[0] for item in root.wildseg3d.groups]
    apart = [abs((one - two + 0.5) % 1.0 - 0.5) for one in hues for two in hues if one is not two]
    assert min(apart) > 0.05
    for colour in (prompting.POSITIVE_COLOUR, prompting.NEGATIVE_COLOUR):
        prompt = colorsys.rgb_to_hsv(*colour[:3])[0]
        assert min(abs((hue - prompt + 0.5) % 1.0 - 0.5) for hue in hues) > 0.05
    # The viewport can show it.
    root.wildseg3d.groups[0].colour = (1.0, 1.0, 0.0)
    assert tuple(_mesh(root, "Floor").color) == (1.0, 1.0, 0.0, 1.0)


def test_the_list_and_the_viewport_choose_the_same(blender: Any, root: Any) -> None:
    from wildseg3d_blender.addon.scene import groups

    layer = blender.context.view_layer
    root.wildseg3d.row = 1
    assert [item.name for item in blender.context.selected_objects] == ["Wall"]
    assert layer.objects.active == _mesh(root, "Wall") and groups.active(root).name == "Wall"
    layer.update()

    layer.objects.active = _mesh(root, "Floor")
    _mesh(root, "Floor").select_set(True)
    layer.update()  # as after a click in the viewport
    assert groups.active(root).name == "Floor" == root.wildseg3d.groups[root.wildseg3d.row].name

    # A new prompt's object becomes active without anything being selected.
    selected = list(blender.context.selected_objects)
    blender.ops.wildseg3d.prompt_add(view="wide", x=500, y=300, object="Wall")
    assert groups.active(root).name == "Wall" and blender.context.selected_objects == selected
    layer.update()
    assert groups.active(root).name == "Wall"  # nothing else was chosen since

    # Its own choice is the artist's: of a row whose mesh is hidden nothing is selected.
    _mesh(root, "Wall").hide_set(True)
    root.wildseg3d.row = 1
    assert not _mesh(root, "Wall").select_get()


def test_the_eye_hides_and_shows(root: Any) -> None:
    from wildseg3d_blender.addon.scene import groups

    item = groups.require(root, "Wall")
    assert item.visible
    item.visible = False
    assert not item.visible and _mesh(root, "Wall").hide_get()
    item.visible = True
    assert item.visible and _mesh(root, "Wall").visible_get()
    _mesh(root, "Wall").hide_viewport = True
    assert not item.visible
    item.visible = True
    assert item.visible and not _mesh(root, "Wall").hide_viewport
    assert not groups.add(root, "New").visible


def test_a_copy_as_mesh_is_independent(blender: Any, root: Any) -> None:
    wall = _mesh(root, "Wall")
    root.location.x = 3.0
    blender.context.view_layer.update()
    assert blender.ops.wildseg3d.object_duplicate(name="Wall") == {"FINISHED"}
    copy = blender.context.view_layer.objects.active
    assert copy.name == "Wall Mesh" and copy.select_get() and not wall.select_get()
    assert copy.parent is None and not copy.modifiers and copy.wildseg3d.role == "NONE"
    assert copy.data != wall.data and copy.matrix_world == wall.matrix_world
    assert len(copy.data.polygons) == len(wall.data.vertices)
    assert {"view", "pixel"}.isdisjoint(copy.data.attributes.keys())
    assert copy.data.color_attributes.active_color.name == "colour"
    assert copy.data.materials[0] is not None and copy.data.materials[0] != wall.data.materials[0]
    before = read_attribute(copy.data, "position", "vector", 3, np.float32)
    blender.ops.wildseg3d.object_remove(name="Wall")
    assert np.array_equal(read_attribute(copy.data, "position", "vector", 3, np.float32), before)
    root.wildseg3d.active_group = 0
    with pytest.raises(RuntimeError, match="no object named 'Wall'"):
        blender.ops.wildseg3d.object_duplicate(name="Wall")


def test_what_an_object_shows_is_exported(blender: Any, root: Any, tmp_path: Path) -> None:
    from wildseg3d_blender.addon.panels.object_lists import WILDSEG3D_MT_objects

    wall = _mesh(root, "Wall")
    root.wildseg3d.active_group = [item.name for item in root.wildseg3d.groups].index("Wall")
    assert "wildseg3d.object_export" in {
        button.operator for button in draw(WILDSEG3D_MT_objects, blender.context).buttons
    }
    selected = list(blender.context.selected_objects)
    assert blender.ops.wildseg3d.object_export(filepath=str(tmp_path / "wall.ply")) == {"FINISHED"}
    header = (tmp_path / "wall.ply").read_bytes()[:300]
    assert (
        f"element vertex {len(wall.data.vertices)}\n".encode() in header and b"property uchar red" in header
    )
    assert list(blender.context.selected_objects) == selected

    blender.ops.wildseg3d.make_surface(object="Wall", step=4)
    made = blender.context.object
    assert blender.ops.wildseg3d.object_export(name="Wall", filepath=str(tmp_path / "wall.glb")) == {
        "FINISHED"
    }
    before = set(blender.data.objects)
    blender.ops.import_scene.gltf(filepath=str(tmp_path / "wall.glb"))
    (read,) = [item for item in set(blender.data.objects) - before if item.type == "MESH"]
    assert len(read.data.polygons) >= len(made.data.polygons) > 100
    with pytest.raises(RuntimeError, match="ends with one of"):
        blender.ops.wildseg3d.object_export(name="Wall", filepath=str(tmp_path / "wall.xyz"))


def test_merging_in_any_order_keeps_what_each_takes_away(blender: Any, root: Any) -> None:
    from wildseg3d_blender.addon.scene import lookup, reading

    operators = blender.ops.wildseg3d
    scene = lookup.open_scene(root)
    with pytest.raises(RuntimeError, match="Wall cannot be merged with itself"):
        operators.object_merge(name="Wall", into="Wall")
    operators.prompt_add(view="wide", x=500, y=300, object="Mug")
    operators.part_add(subtract=True)
    operators.prompt_add(view="wide", x=600, y=300)
    operators.prompt_add(view="wide", x=400, y=300, object="Spoon")
    operators.object_merge(name="Mug", into="Spoon")
    assert [item.name for item in root.wildseg3d.groups] == ["Floor", "Wall", "Spoon"]
    # The mug comes first: what it takes away is not taken from the spoon.
    found = reading.read_groups(scene, root, "Spoon")
    assert [group.subtract for group in found] == [False, True, False]
    assert not lookup.prompts(root, "Mug") and all("Mug" not in item.name for item in lookup.prompts(root))
    # Without a name it is the active one, which is no object called "".
    operators.prompt_add(view="wide", x=500, y=300, object="Fork")
    root.wildseg3d.active_group = 2
    operators.object_merge(name="Fork")
    assert [item.name for item in root.wildseg3d.groups] == ["Floor", "Wall", "Spoon"]
