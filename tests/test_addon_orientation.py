# SPDX-License-Identifier: GPL-3.0-or-later
"""Ground and scale: exact, undoable, and the cameras keep seeing every point on its pixel."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.blender_reading import pixel_in_blender, read_attribute
from tests.cut_out import split_object
from tests.scenes.awkward import FLOOR, WALL, hit, surface
from wildseg3d_blender.errors import SceneError
from wildseg3d_blender.scene.folder import Scene


@pytest.fixture
def root(blender: Any, root: Any) -> Any:
    """The room, tilted, scaled and somewhere else."""
    root.scale, root.rotation_euler, root.location = (2.5,) * 3, (0.4, -0.3, 1.0), (4.0, 5.0, 6.0)
    blender.context.view_layer.update()
    return root


def _in_blender(root: Any, points: np.ndarray) -> np.ndarray:
    matrix = np.array(root.matrix_world)
    return np.asarray(points) @ matrix[:3, :3].T + matrix[:3, 3]


def _upward(root: Any) -> np.ndarray:
    matrix = np.array(root.matrix_world)[:3, :3]
    return matrix[:, 2] / np.linalg.norm(matrix[:, 2])


FLOOR_PLACES = np.array([[0.0, 1.0, 0.0], [1.0, 2.0, 0.0], [-1.0, 2.5, 0.0]])


def _on_the_ground(root: Any) -> bool:
    floor = _in_blender(root, np.array([[x, y, 0.0] for x in (-2, 0, 2) for y in (0, 1, 2)]))
    return bool(np.abs(floor[:, 2]).max() < 1e-4 and np.allclose(_upward(root), [0, 0, 1], atol=1e-5))


@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0)])
def test_three_places_become_the_ground_and_cameras_are_above(
    blender: Any, root: Any, order: tuple[int, ...]
) -> None:
    places = _in_blender(root, FLOOR_PLACES)[list(order)]
    assert blender.ops.wildseg3d.set_ground(places=places.ravel()) == {"FINISHED"}
    assert _on_the_ground(root)
    assert root.matrix_world.median_scale == pytest.approx(2.5)
    for item in root.children:
        if item.type == "CAMERA":
            assert item.matrix_world.translation.z == pytest.approx(2.5 * 1.1, rel=1e-4)


def test_a_point_still_lands_on_its_pixel(blender: Any, scene: Scene, root: Any) -> None:
    places = _in_blender(root, FLOOR_PLACES)
    blender.ops.wildseg3d.set_ground(places=places.ravel())
    first, second = _in_blender(root, FLOOR_PLACES[:2])
    blender.ops.wildseg3d.set_distance(first=first, second=second, length=0.37)
    for view in scene.views:
        blender.ops.wildseg3d.look(view=view.name)
        blender.context.view_layer.update()
        for pixel in ([20.5, 50.5], [59.0, 3.25]):
            moved = _in_blender(root, hit(view, np.array(pixel))[0])
            camera = blender.context.scene.camera
            assert np.allclose(pixel_in_blender(blender, camera, moved, view.size), pixel, atol=4e-3)


def test_the_ground_is_found_among_all_points(blender: Any, root: Any) -> None:
    root.rotation_euler = (0.3, -0.2, 1.0)
    blender.context.view_layer.update()
    assert blender.ops.wildseg3d.set_ground(object="") == {"FINISHED"}
    assert _on_the_ground(root)


def test_an_object_can_be_the_ground_however_it_stands(blender: Any, scene: Scene, root: Any) -> None:
    from wildseg3d_blender.addon.scene import groups

    groups.add(root, "Floor")
    points = {view.name: surface(view, FLOOR) & (scene.confidence(view) > 0) for view in scene.views}
    split_object(scene, root, "Floor", points)
    root.rotation_euler = (2.0, 0.5, 0.0)
    blender.ops.wildseg3d.set_ground(object="Floor")
    assert _on_the_ground(root)


def test_points_selected_in_edit_mode_are_the_ground(blender: Any, scene: Scene, root: Any) -> None:
    item = next(child for child in root.children if child.type == "MESH")
    view_of = read_attribute(item.data, "view", "value", 1, np.int32)
    pixel = read_attribute(item.data, "pixel", "value", 1, np.int32)
    on_wall = np.zeros(len(pixel), bool)
    for index, view in enumerate(scene.views):
        mine = view_of == index
        on_wall[mine] = surface(view, WALL).ravel()[pixel[mine]]
    item.data.vertices.foreach_set("select", on_wall)
    blender.context.view_layer.objects.active = item
    blender.ops.object.mode_set(mode="EDIT")
    try:
        blender.ops.wildseg3d.set_ground()
    finally:
        blender.ops.object.mode_set(mode="OBJECT")
    wall = _in_blender(root, np.array([[x, 3.0 + 0.1 * x, z] for x in (-1, 0, 1) for z in (0, 1, 2)]))
    assert np.abs(wall[:, 2]).max() < 1e-3


def test_the_plane_is_found_beside_many_strays() -> None:
    orientation = pytest.importorskip("wildseg3d_blender.addon.scene.orientation")
    rng = np.random.default_rng(5)
    flat = np.column_stack([rng.uniform(-3, 3, (4000, 2)), rng.normal(0, 0.004, 4000)])
    normal = np.array([0.2, -0.4, 1.0]) / np.linalg.norm([0.2, -0.4, 1.0])
    across = np.cross(normal, [1.0, 0, 0]) / np.linalg.norm(np.cross(normal, [1.0, 0, 0]))
    turned = flat @ np.stack([np.cross(across, normal), across, normal])
    points = np.array([7.0, 8.0, 9.0]) + np.concatenate([turned, rng.uniform(-3, 3, (6000, 3))])
    centre, found = orientation.fit_plane(points)
    assert abs(found @ normal) > np.cos(np.deg2rad(0.2))
    assert abs((centre - [7.0, 8.0, 9.0]) @ normal) < 0.01


def test_two_places_come_to_lie_as_far_apart_as_said(blender: Any, root: Any) -> None:
    blender.ops.wildseg3d.set_ground(places=_in_blender(root, FLOOR_PLACES).ravel())
    first, second = _in_blender(root, FLOOR_PLACES[1:])
    assert blender.ops.wildseg3d.set_distance(first=first, second=second, length=0.12) == {"FINISHED"}
    first, second = _in_blender(root, FLOOR_PLACES[1:])
    assert np.linalg.norm(first - second) == pytest.approx(0.12, rel=1e-5)
    assert _on_the_ground(root)


def test_two_selected_empties_are_the_places(blender: Any, root: Any) -> None:
    for item in blender.context.selected_objects:
        item.select_set(False)
    prompts = []
    for x, y in ((50.0, 500.0), (500.0, 600.0)):
        blender.ops.wildseg3d.prompt_add(view="wide", x=400 + x / 2, y=y, object="Thing")
    prompts = [item for item in root.children_recursive if item.wildseg3d.role == "PROMPT"]
    for item in prompts:
        item.select_set(True)
    blender.ops.wildseg3d.set_distance(length=3.0)
    first, second = (item.matrix_world.translation for item in prompts)
    assert (first - second).length == pytest.approx(3.0, rel=1e-5)


def test_undo_puts_the_root_back(blender: Any, root: Any) -> None:
    name, before = root.name, np.array(root.matrix_world)
    places = _in_blender(root, FLOOR_PLACES)
    blender.ops.ed.undo_push(message="before")
    blender.ops.wildseg3d.set_ground(places=places.ravel())
    blender.ops.ed.undo_push(message="ground")
    blender.ops.ed.undo()
    blender.context.view_layer.update()
    assert np.allclose(np.array(blender.data.objects[name].matrix_world), before, atol=1e-6)


def test_what_cannot_be_a_ground_or_a_distance_says_so(blender: Any, root: Any) -> None:
    from wildseg3d_blender.addon.scene import orientation

    line = np.array([[0.0, 0, 0], [1.0, 1, 1], [2.0, 2, 2]])
    with pytest.raises(SceneError, match="in a line"):
        orientation.set_ground(root, line)
    with pytest.raises(SceneError, match="three places"):
        orientation.set_ground(root, line[:2])
    with pytest.raises(SceneError, match="same"):
        orientation.set_distance(root, line[0], line[0], 1.0)
    with pytest.raises(SceneError, match="more than zero"):
        orientation.set_distance(root, line[0], line[1], float("nan"))
    for item in blender.context.selected_objects:
        item.select_set(False)
    with pytest.raises(RuntimeError, match="two Empties"):
        blender.ops.wildseg3d.set_distance(length=1.0)


def test_scripts_set_ground_and_distance(blender: Any, scene: Scene, root: Any) -> None:
    from wildseg3d_blender.addon import api

    root.rotation_euler = (0.3, -0.2, 1.0)
    blender.context.view_layer.update()
    api.set_ground(root)
    assert _on_the_ground(root)
    root.rotation_euler = (2.0, 0.5, 0.0)
    blender.context.view_layer.update()
    api.set_ground(root, places=_in_blender(root, FLOOR_PLACES).tolist())
    assert _on_the_ground(root)
    api.set_distance(root, *_in_blender(root, FLOOR_PLACES[:2]), length=2.0)
    first, second = _in_blender(root, FLOOR_PLACES[:2])
    assert np.linalg.norm(first - second) == pytest.approx(2.0, rel=1e-5)
