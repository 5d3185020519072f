# SPDX-License-Identifier: GPL-3.0-or-later
"""A scene folder in Blender: cameras to the pixel, points with their attributes, colours that show."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.blender_reading import pixel_in_blender, read_attribute
from tests.scenes.awkward import WALL, colour_at, hit, surface, write_awkward_scene
from wildseg3d_blender.conventions import pixel_centres
from wildseg3d_blender.errors import SceneError
from wildseg3d_blender.scene.folder import Scene


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return write_awkward_scene(tmp_path / "photos of a room")


def _import(bpy: Any, scene: Scene) -> Any:
    from wildseg3d_blender.addon.scene import importing

    root = importing.import_scene(bpy.context.scene, scene.folder)
    bpy.context.view_layer.update()
    return root


@pytest.mark.parametrize("name", ["wide", "tall", "plain"])
def test_a_point_lands_on_its_pixel(blender: Any, scene: Scene, name: str) -> None:
    root = _import(blender, scene)
    # Scale and orientation are the artist's: pixels must not care.
    root.scale, root.rotation_euler, root.location = (2.5,) * 3, (0.2, -0.3, 1.0), (4.0, 5.0, 6.0)
    blender.ops.wildseg3d.look(view=name)
    blender.context.view_layer.update()
    view, camera = scene.view(name), blender.context.scene.camera
    assert camera.name == name
    to_blender = np.array(root.matrix_world)
    for pixel in ([0.5, 0.5], [20.5, 50.5], [59.0, 3.25], [31.7, 33.3]):
        point = hit(view, np.array(pixel))[0]
        moved = (to_blender @ np.append(point, 1.0))[:3]
        assert np.allclose(pixel_in_blender(blender, camera, moved, view.size), pixel, atol=2e-3)


def test_frame_has_the_shape_of_the_photo(blender: Any, scene: Scene) -> None:
    _import(blender, scene)
    render = blender.context.scene.render
    assert blender.context.scene.camera.name == "wide"
    assert (render.resolution_x, render.resolution_y) == (96 * 3, 64 * 3)
    blender.ops.wildseg3d.look(step=1)  # the first press goes into the active camera
    assert blender.context.scene.camera.name == "wide"
    blender.ops.wildseg3d.look(step=1)  # by name: plain, tall, wide, and around
    assert blender.context.scene.camera.name == "plain"
    assert render.pixel_aspect_y / render.pixel_aspect_x == pytest.approx(80 / 84)


def test_cameras_show_their_photo(blender: Any, scene: Scene) -> None:
    _import(blender, scene)
    for view in scene.views:
        data = blender.data.objects[view.name].data
        assert data.show_background_images
        assert Path(blender.path.abspath(data.background_images[0].image.filepath)) == scene.image_path(view)


def test_everything_hangs_under_one_root_in_one_collection(blender: Any, scene: Scene) -> None:
    root = _import(blender, scene)
    collection = root.users_collection[0]
    assert collection.name == scene.folder.name
    assert set(collection.objects) == {root, *root.children_recursive}
    assert {item.type for item in root.children} == {"CAMERA", "MESH"}
    photos = [(item.name, item.placed, item.reason) for item in root.wildseg3d.photos]
    assert photos[0] == ("wide", True, "")
    assert photos[-1] == ("blurred.jpg", False, "No overlap with the others.")


def test_points_carry_what_the_scene_folder_says(blender: Any, scene: Scene) -> None:
    root = _import(blender, scene)
    mesh = next(item for item in root.children if item.type == "MESH").data
    view_of = read_attribute(mesh, "view", "value", 1, np.int32)
    pixel_of = read_attribute(mesh, "pixel", "value", 1, np.int32)
    position = read_attribute(mesh, "position", "vector", 3, np.float32)
    confidence = read_attribute(mesh, "confidence", "value", 1, np.float32)
    colour = read_attribute(mesh, "colour", "color_srgb", 4, np.float32)
    assert len(mesh.vertices) == sum(int((scene.confidence(view) > 0).sum()) for view in scene.views)
    assert len(mesh.polygons) == len(mesh.edges) == 0
    for index, view in enumerate(scene.views):
        mine = view_of == index
        pixels = pixel_of[mine]
        assert np.array_equal(pixels, np.flatnonzero(scene.confidence(view).ravel() > 0))
        assert np.array_equal(position[mine], scene.pointmap(view).reshape(-1, 3)[pixels])
        assert np.array_equal(confidence[mine], scene.confidence(view).ravel()[pixels])
        truth = colour_at(*hit(view, pixel_centres(*view.size))).reshape(-1, 3)[pixels]
        # JPEG blurs the edge between wall and floor; everywhere else the colour is that of the photo.
        assert np.median(np.abs(colour[mine, :3] - truth)) < 0.01
    assert mesh.color_attributes.active_color.name == "colour"


def test_normals_and_sizes_describe_the_surface(blender: Any, scene: Scene) -> None:
    root = _import(blender, scene)
    mesh = next(item for item in root.children if item.type == "MESH").data
    index, view = 1, scene.view("tall")
    mine = read_attribute(mesh, "view", "value", 1, np.int32) == index
    pixel = read_attribute(mesh, "pixel", "value", 1, np.int32)[mine]
    normal = read_attribute(mesh, "normal", "vector", 3, np.float32)[mine]
    size = read_attribute(mesh, "size", "value", 1, np.float32)[mine]
    on_wall = surface(view, WALL).ravel()[pixel]
    wall_normal = np.array([0.1, -1.0, 0.0]) / np.hypot(1.0, 0.1)
    assert np.median(normal[on_wall] @ wall_normal) > 0.999
    assert np.median(normal[~on_wall][:, 2]) > 0.999
    depth = (scene.pointmap(view).reshape(-1, 3)[pixel] - view.cam_to_world[:3, 3]) @ view.cam_to_world[:3, 2]
    assert (size >= depth / view.K[0, 0] * 0.999).all()
    assert np.median(size / (depth / view.K[0, 0])) < 2.0


def test_display_makes_a_square_of_every_point(blender: Any, scene: Scene) -> None:
    root = _import(blender, scene)
    item = next(child for child in root.children if child.type == "MESH")
    count = len(item.data.vertices)
    shown = _evaluated(blender, item)
    assert (len(shown.polygons), len(shown.vertices)) == (count, 4 * count)
    assert shown.color_attributes.active_color_name == "colour"
    assert shown.materials[0].name == "WildSeg3D Photo Colours"

    settings = root.wildseg3d
    settings.hide_uncertain = 50.0
    confidence = read_attribute(item.data, "confidence", "value", 1, np.float32)
    expected = int((confidence >= np.median(confidence)).sum())
    assert len(_evaluated(blender, item).polygons) == pytest.approx(expected, rel=0.03)
    settings.hide_uncertain, settings.share = 0.0, 25.0
    assert len(_evaluated(blender, item).polygons) == pytest.approx(count / 4, rel=0.05)
    assert len(item.data.vertices) == count


def test_squares_lie_on_the_surface_and_have_the_points_size(blender: Any, scene: Scene) -> None:
    root = _import(blender, scene)
    item = next(child for child in root.children if child.type == "MESH")
    root.wildseg3d.point_size = 1.0
    shown = _evaluated(blender, item)
    count = len(item.data.vertices)
    normal, area, centre = np.empty(count * 3, np.float32), np.empty(count, np.float32), None
    shown.polygons.foreach_get("normal", normal)
    shown.polygons.foreach_get("area", area)
    centre = np.empty(count * 3, np.float32)
    shown.polygons.foreach_get("center", centre)
    position = read_attribute(item.data, "position", "vector", 3, np.float32)
    wanted = read_attribute(item.data, "normal", "vector", 3, np.float32)
    size = read_attribute(item.data, "size", "value", 1, np.float32)
    # Squares come out in the order of their points.
    assert np.allclose(centre.reshape(-1, 3), position, atol=1e-4)
    assert np.abs((normal.reshape(-1, 3) * wanted).sum(1)).min() > 0.99
    assert np.allclose(np.sqrt(area), size, rtol=1e-2)


@pytest.mark.parametrize("name", ["wide", "tall", "plain"])
def test_cycles_renders_the_photo_from_its_camera(
    blender: Any, scene: Scene, tmp_path: Path, name: str
) -> None:
    """Colours, cameras and the display at once: what is rendered is what was photographed."""
    _import(blender, scene)
    blender.ops.wildseg3d.look(view=name)
    view, world = scene.view(name), blender.context.scene
    world.render.engine = "CYCLES"
    world.cycles.samples, world.cycles.use_denoising = 4, False
    world.view_settings.view_transform = "Standard"
    world.render.resolution_percentage = 34  # close to the view's own grid
    world.render.filepath = str(tmp_path / "render.png")
    blender.ops.render.render(write_still=True)
    rendered = _load(blender, tmp_path / "render.png")
    height, width = rendered.shape[:2]
    fine = pixel_centres(width, height) * np.array(view.size) / np.array([width, height])
    truth = colour_at(*hit(view, fine))
    measured = fine[..., 0] > view.size[0] // 5 + 2
    assert np.median(np.abs(rendered - truth)[measured]) < 0.02
    assert np.mean(np.abs(rendered - truth)[measured]) < 0.05


def test_importing_twice_keeps_both(blender: Any, scene: Scene) -> None:
    first, second = _import(blender, scene), _import(blender, scene)
    assert first.name != second.name
    assert blender.context.scene.wildseg3d.root == second
    assert len([group for group in blender.data.node_groups if group.name.startswith("WildSeg3D")]) == 1


def test_operator_and_function_import_the_same(blender: Any, scene: Scene) -> None:
    by_function = _import(blender, scene)
    assert blender.ops.wildseg3d.open_scene(filepath=str(scene.folder / "scene.json")) == {"FINISHED"}
    by_operator = blender.context.scene.wildseg3d.root
    first, second = (
        {item.wildseg3d.view or item.wildseg3d.role: item for item in root.children}
        for root in (by_function, by_operator)
    )
    assert first.keys() == second.keys()
    for key in first:
        assert first[key].matrix_world == second[key].matrix_world
    meshes = [items["POINTS"].data for items in (first, second)]
    for name, member, width in (("position", "vector", 3), ("colour", "color_srgb", 4)):
        one, other = (read_attribute(mesh, name, member, width, np.float32) for mesh in meshes)
        assert np.array_equal(one, other)


def test_missing_newer_and_damaged_folders_are_refused_whole(blender: Any, scene: Scene) -> None:
    from wildseg3d_blender.addon.scene import importing

    def refused(match: str) -> None:
        with pytest.raises(SceneError, match=match):
            importing.import_scene(blender.context.scene, scene.folder)
        with pytest.raises(RuntimeError, match=match):
            blender.ops.wildseg3d.open_scene(directory=str(scene.folder))
        assert len(blender.data.objects) == 0 and len(blender.data.collections) == 0

    file = scene.folder / "scene.json"
    good = file.read_text()
    file.write_text(json.dumps({**json.loads(good), "format": 99}))
    refused("newer WildSeg3D")
    file.write_text(good)
    (scene.folder / "images" / "tall.jpg").rename(scene.folder / "moved.jpg")
    refused(r"tall\.jpg is missing or damaged")
    (scene.folder / "moved.jpg").rename(scene.folder / "images" / "tall.jpg")
    (scene.folder / "confidence" / "tall.npy").write_bytes(b"nonsense")
    refused("missing or damaged")
    shutil.rmtree(scene.folder)
    refused("No scene at")


def _evaluated(bpy: Any, item: Any) -> Any:
    bpy.context.view_layer.update()
    return item.evaluated_get(bpy.context.evaluated_depsgraph_get()).data


def _load(bpy: Any, path: Path) -> np.ndarray:
    image = bpy.data.images.load(str(path))
    pixels = np.empty(image.size[0] * image.size[1] * image.channels, np.float32)
    image.pixels.foreach_get(pixels)
    return pixels.reshape(image.size[1], image.size[0], -1)[::-1, :, :3]


def test_view_names_and_photo_file_names_both_find_a_view(blender: Any, scene: Scene) -> None:
    _import(blender, scene)
    blender.ops.wildseg3d.look(view="tall.jpg")
    assert blender.context.scene.camera.name == "tall"
    with pytest.raises(RuntimeError, match="no view named 'sideways'"):
        blender.ops.wildseg3d.look(view="sideways")
