# SPDX-License-Identifier: GPL-3.0-or-later
"""Splitting objects out of the points: nothing lost, nothing doubled, everything carried along."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.blender_reading import read_attribute
from tests.cut_out import split_object
from tests.scenes.awkward import FLOOR, WALL, surface
from wildseg3d_blender.errors import PromptError, SceneError
from wildseg3d_blender.scene.folder import Scene
from wildseg3d_blender.scene.objects import SceneObject, write_object


@pytest.fixture
def root(root: Any) -> Any:
    """With a wall and a floor in the list."""
    from wildseg3d_blender.addon.scene import groups

    groups.add(root, "Wall")
    groups.add(root, "Floor")
    return root


def _points(scene: Scene, what: int) -> dict[str, np.ndarray]:
    return {view.name: surface(view, what) & (scene.confidence(view) > 0) for view in scene.views}


def _identities(*items: Any) -> list[tuple[int, int]]:
    """(view, pixel) of all points of the meshes, sorted."""
    found = []
    for item in items:
        view = read_attribute(item.data, "view", "value", 1, np.int32)
        pixel = read_attribute(item.data, "pixel", "value", 1, np.int32)
        found += list(zip(view.tolist(), pixel.tolist(), strict=True))
    return sorted(found)


def _rest(root: Any) -> Any:
    return next(item for item in root.children if item.wildseg3d.role == "POINTS")


def _world_positions(bpy: Any, item: Any) -> dict[tuple[int, int], np.ndarray]:
    bpy.context.view_layer.update()
    position = read_attribute(item.data, "position", "vector", 3, np.float32)
    matrix = np.array(item.matrix_world)
    world = position @ matrix[:3, :3].T + matrix[:3, 3]
    view = read_attribute(item.data, "view", "value", 1, np.int32)
    pixel = read_attribute(item.data, "pixel", "value", 1, np.int32)
    return dict(zip(zip(view.tolist(), pixel.tolist(), strict=True), world, strict=True))


def test_split_takes_exactly_the_masked_points_and_leaves_them_in_place(
    blender: Any, scene: Scene, root: Any
) -> None:
    root.scale, root.location = (2.0, 2.0, 2.0), (1.0, 2.0, 3.0)
    before = _world_positions(blender, _rest(root))
    masks = _points(scene, FLOOR)
    floor = split_object(scene, root, "Floor", masks)
    wanted = sorted(
        (index, int(pixel))
        for index, view in enumerate(scene.views)
        for pixel in np.flatnonzero(masks[view.name].ravel())
    )
    assert _identities(floor) == wanted
    assert _identities(floor, _rest(root)) == sorted(before)
    for item in (floor, _rest(root)):
        after = _world_positions(blender, item)
        assert max(np.abs(after[key] - before[key]).max() for key in after) < 1e-5
    assert floor.name == "Floor" and floor.parent == root
    assert floor.users_collection == root.users_collection
    # An origin inside the object, so that turning and scaling do what one expects.
    assert np.abs(np.array(floor.location) - [0, 1.7, 0]).max() < 1.0
    assert np.abs(read_attribute(floor.data, "position", "vector", 3, np.float32)[:, 2]).max() < 0.05


def test_split_carries_every_attribute_and_the_display(blender: Any, scene: Scene, root: Any) -> None:
    rest = _rest(root)
    extra = rest.data.attributes.new("mine", "FLOAT2", "POINT")
    values = np.random.default_rng(1).random((len(rest.data.vertices), 2), np.float32)
    extra.data.foreach_set("vector", values.ravel())
    members = {
        "colour": ("color_srgb", 4, np.float32),
        "confidence": ("value", 1, np.float32),
        "normal": ("vector", 3, np.float32),
        "size": ("value", 1, np.float32),
        "mine": ("vector", 2, np.float32),
    }
    keys = _unsorted_identities(rest)
    before = {name: read_attribute(rest.data, name, *layout) for name, layout in members.items()}
    wall = split_object(scene, root, "Wall", _points(scene, WALL))
    for item in (wall, rest):
        rows = [keys.index(key) for key in _unsorted_identities(item)]
        for name, layout in members.items():
            assert np.array_equal(read_attribute(item.data, name, *layout), before[name][rows]), name
        assert item.data.color_attributes.active_color.name == "colour"
        assert item.data.materials[0].name == "WildSeg3D Photo Colours"
        blender.context.view_layer.update()
        shown = item.evaluated_get(blender.context.evaluated_depsgraph_get()).data
        assert len(shown.polygons) == len(item.data.vertices)


def _unsorted_identities(item: Any) -> list[tuple[int, int]]:
    view = read_attribute(item.data, "view", "value", 1, np.int32)
    pixel = read_attribute(item.data, "pixel", "value", 1, np.int32)
    return list(zip(view.tolist(), pixel.tolist(), strict=True))


def test_splitting_again_merges_back_first(blender: Any, scene: Scene, root: Any) -> None:
    from wildseg3d_blender.addon.scene import splitting

    everything = _identities(_rest(root))
    floor = split_object(scene, root, "Floor", _points(scene, FLOOR))
    floor.location.x += 5.0  # the artist put it aside; it stays there
    name, moved = floor.name, tuple(floor.location)
    smaller = {
        view: mask & (np.arange(mask.shape[1]) % 2 == 0) for view, mask in _points(scene, FLOOR).items()
    }
    again = split_object(scene, root, "Floor", smaller)
    assert (again.name, tuple(again.location)) == (name, moved)
    assert len(again.data.vertices) == sum(int(mask.sum()) for mask in smaller.values())
    assert _identities(again, _rest(root)) == everything

    all_pixels = {k: np.ones_like(v) for k, v in smaller.items()}
    wall = split_object(scene, root, "Wall", all_pixels, shared="leave")
    # All pixels were asked for, but what the floor owns stays with the floor.
    assert _identities(wall) == sorted(set(everything) - set(_identities(again)))
    assert len(_rest(root).data.vertices) == 0
    splitting.merge_back(root, "Wall")
    splitting.merge_back(root, "Floor")
    assert _identities(_rest(root)) == everything
    assert "Floor" not in blender.data.objects


def test_removing_an_object_from_the_list_gives_its_points_back(
    blender: Any, scene: Scene, root: Any
) -> None:
    everything = _world_positions(blender, _rest(root))
    split_object(scene, root, "Floor", _points(scene, FLOOR))
    root.wildseg3d.active_group = 1
    assert blender.ops.wildseg3d.object_remove() == {"FINISHED"}
    assert [group.name for group in root.wildseg3d.groups] == ["Wall"]
    after = _world_positions(blender, _rest(root))
    assert after.keys() == everything.keys()
    assert max(np.abs(after[key] - everything[key]).max() for key in after) < 1e-5


def test_nothing_to_take_is_refused_and_changes_nothing(blender: Any, scene: Scene, root: Any) -> None:
    everything = _identities(_rest(root))
    nothing = {view.name: scene.confidence(view) <= 0 for view in scene.views}
    with pytest.raises(PromptError, match="no 3D points"):
        split_object(scene, root, "Floor", nothing)
    assert _identities(_rest(root)) == everything and "Floor" not in blender.data.objects


def test_points_deleted_by_hand_stay_deleted(blender: Any, scene: Scene, root: Any) -> None:
    rest = _rest(root)
    removed = len(rest.data.vertices) // 2
    import bmesh

    shape = bmesh.new()
    shape.from_mesh(rest.data)
    shape.verts.ensure_lookup_table()
    bmesh.ops.delete(shape, geom=shape.verts[:removed], context="VERTS")
    shape.to_mesh(rest.data)
    shape.free()
    left = _identities(rest)
    floor = split_object(scene, root, "Floor", _points(scene, FLOOR))
    assert _identities(floor, rest) == left


def test_deleted_points_are_said_to_be_missing(blender: Any, scene: Scene, root: Any) -> None:
    blender.data.objects.remove(_rest(root))
    with pytest.raises(SceneError, match="were deleted"):
        split_object(scene, root, "Floor", _points(scene, FLOOR))


def test_objects_of_the_scene_folder_come_back_with_it(blender: Any, scene: Scene) -> None:
    from wildseg3d_blender.addon.scene import importing, lookup
    from wildseg3d_blender.prompts import Box, Click, one_group

    prompts = (
        Click("wide", 60.0, 60.0),
        Click("tall", 30.0, 10.0, False),
        Box("plain", 20.0, 40.0, 70.0, 59.0),
    )
    masks = {view.name: surface(view, FLOOR) for view in scene.views}
    write_object(scene, SceneObject("Floor", one_group(prompts), masks, _points(scene, FLOOR)))
    root = importing.import_scene(blender.context.scene, scene.folder)
    floor = blender.data.objects["Floor"]
    assert len(floor.data.vertices) == sum(int(mask.sum()) for mask in _points(scene, FLOOR).values())
    assert [item.wildseg3d.view for item in lookup.prompts(root, "Floor")] == ["wide", "tall", "plain"]
