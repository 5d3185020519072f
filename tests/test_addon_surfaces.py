# SPDX-License-Identifier: GPL-3.0-or-later
"""Surfaces that the photos show: on the true planes, with the photo on its pixels, without gaps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.blender_reading import faces_of, read_attribute
from tests.cut_out import split_object
from tests.scenes.awkward import FLOOR, hit, surface
from tests.scenes.ball_and_box import BALL, write_object_scene
from wildseg3d_blender.conventions import project
from wildseg3d_blender.errors import SceneError
from wildseg3d_blender.scene.folder import Scene


def test_vertices_lie_on_the_planes_and_uvs_are_their_pixels(blender: Any, scene: Scene, root: Any) -> None:
    assert blender.ops.wildseg3d.make_surface(step=1, hole=0) == {"FINISHED"}
    item = blender.context.object
    mesh = item.data
    position = read_attribute(mesh, "position", "vector", 3, np.float32)
    off_wall = np.abs(position[:, 1] - 0.1 * position[:, 0] - 3.0)
    assert np.minimum(off_wall, np.abs(position[:, 2])).max() < 1e-4
    slots, corners, uv = faces_of(mesh)
    names = [slot.name for slot in mesh.materials]
    assert sorted(names) == ["plain", "tall", "wide"]
    for number, name in enumerate(names):
        view = scene.view(name)
        mine = corners[slots == number].ravel()
        pixels, _ = project(position[mine].astype(float), view.K, view.cam_to_world)
        wanted = pixels / view.size * [1, -1] + [0, 1]
        assert np.abs(uv[slots == number].reshape(-1, 2) - wanted).max() < 1e-4
        # The left fifth was not measured.
        assert pixels[:, 0].min() > view.size[0] // 5


def test_textures_are_the_images_behind_the_cameras(blender: Any, scene: Scene, root: Any) -> None:
    count = len(blender.data.images)
    blender.ops.wildseg3d.make_surface()
    for slot in blender.context.object.data.materials:
        camera = next(item for item in root.children if item.wildseg3d.view == slot.name)
        assert slot.node_tree.nodes["Photo"].image == camera.data.background_images[0].image
    assert len(blender.data.images) == count
    materials = len(blender.data.materials)
    blender.ops.wildseg3d.make_surface()
    assert len(blender.data.materials) == materials


@pytest.mark.parametrize("step", [1, 2])
def test_every_measured_pixel_is_covered_where_it_was_measured(
    blender: Any, scene: Scene, root: Any, step: int
) -> None:
    """Choosing the best photo for each place must not tear the surface."""
    from mathutils import Vector

    blender.ops.wildseg3d.make_surface(step=step, steepest=np.deg2rad(89))
    item = blender.context.object
    tolerance = 0.015 * (step + 1)  # a chord cuts the corner between wall and floor
    missed = tried = 0
    for view in scene.views:
        margin = 2 * step + 1
        width, height = view.size
        for x in range(width // 5 + margin, width - margin, 3):
            for y in range(margin, height - margin, 3):
                point = hit(view, np.array([x + 0.3, y + 0.6]))[0]
                centre = view.cam_to_world[:3, 3]
                way = point - centre
                found, place, _, _ = item.ray_cast(Vector(centre), Vector(way).normalized())
                tried += 1
                missed += not found or (Vector(point) - place).length > tolerance * np.linalg.norm(way)
    assert tried > 500
    assert missed == 0


def test_an_objects_surface_stays_with_the_object(blender: Any, scene: Scene, root: Any) -> None:
    from wildseg3d_blender.addon.scene import groups

    groups.add(root, "Floor")
    points = {view.name: surface(view, FLOOR) & (scene.confidence(view) > 0) for view in scene.views}
    floor = split_object(scene, root, "Floor", points)
    floor.location.x += 2.0
    blender.context.view_layer.update()
    blender.ops.wildseg3d.make_surface(object="Floor", step=1)
    made = blender.context.object
    blender.context.view_layer.update()
    assert made.name == "Floor Surface" and made.select_get() and made.parent == root
    assert made.matrix_world == floor.matrix_world
    assert set(made.users_collection) == set(root.users_collection)
    position = read_attribute(made.data, "position", "vector", 3, np.float32)
    assert np.abs(position[:, 2] + made.location.z).max() < 1e-4
    assert floor.hide_get() and floor.hide_render


def test_pressed_again_it_replaces_unless_renamed(blender: Any, scene: Scene, root: Any) -> None:
    name = f"{root.name} Surface"
    blender.ops.wildseg3d.make_surface(step=4)
    coarse = len(blender.context.object.data.polygons)
    blender.ops.wildseg3d.make_surface(step=1)
    surfaces = [item for item in root.children if item.wildseg3d.role == "SURFACE"]
    assert [item.name for item in surfaces] == [name]
    assert len(surfaces[0].data.polygons) > 3 * coarse
    surfaces[0].name = "Mine"
    blender.ops.wildseg3d.make_surface(step=4)
    assert sorted(item.name for item in root.children if item.wildseg3d.role == "SURFACE") == ["Mine", name]


def test_undo_takes_the_surface_away_and_shows_the_points(blender: Any, scene: Scene, root: Any) -> None:
    name = root.name
    blender.ops.ed.undo_push(message="before")
    blender.ops.wildseg3d.make_surface()
    blender.ops.ed.undo_push(message="surface")
    blender.ops.ed.undo()
    children = blender.data.objects[name].children
    assert not [item for item in children if item.wildseg3d.role == "SURFACE"]
    points = next(item for item in children if item.wildseg3d.role == "POINTS")
    assert not points.hide_get() and not points.hide_render


def test_wrong_names_and_empty_results_say_what_to_do(blender: Any, scene: Scene, root: Any) -> None:
    from wildseg3d_blender.addon.scene import groups, surfaces

    with pytest.raises(SceneError, match="no object named 'Lamp'"):
        surfaces.make(root, "Lamp")
    groups.add(root, "Lamp")
    with pytest.raises(SceneError, match="press Segment first"):
        surfaces.make(root, "Lamp")
    with pytest.raises(SceneError, match="lower Every Pixel"):
        surfaces.make(root, how=surfaces.Photos(step=200))
    with pytest.raises(RuntimeError, match="no object named 'Mug'"):
        blender.ops.wildseg3d.make_surface(object="Mug")


def test_an_objects_surface_leaves_out_what_lies_behind(blender: Any, tmp_path: Path) -> None:
    """The ball's mask takes in some pixels of the table: depth, not the mask, ends the surface."""
    from wildseg3d_blender.addon.scene import groups, importing

    scene, truths = write_object_scene(tmp_path / "things", holes=False)
    root = importing.import_scene(blender.context.scene, scene.folder)
    groups.add(root, "Ball")
    grown = {}
    for view in scene.views:
        mask = truths[view.name].shows == BALL
        padded = np.pad(mask, 4)
        shifts = [np.roll(padded, by, axis) for axis in (0, 1) for by in range(-4, 5)]
        grown[view.name] = np.any(shifts, axis=0)[4:-4, 4:-4]
    split_object(scene, root, "Ball", grown)
    blender.ops.wildseg3d.make_surface(object="Ball", step=1, hole=0)
    made = blender.context.object
    position = read_attribute(made.data, "position", "vector", 3, np.float32) + np.array(made.location)
    _, corners, _ = faces_of(made.data)
    edges = np.linalg.norm(position[corners] - position[np.roll(corners, 1, axis=1)], axis=-1)
    # A pixel at the ball's distance, about 2.6, is 0.01 wide; at 75 degrees 0.04 long.
    assert edges.max() < 0.12
    assert np.median(edges) < 0.02
