# SPDX-License-Identifier: GPL-3.0-or-later
"""Surfaces out of points: on the true planes, with the photo on its pixels, cut at steps, without gaps."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.addon_scene import FLOOR, hit, surface
from tests.blender_reading import read_attribute
from tests.object_scene import BALL, BALL_CENTRE, BALL_RADIUS, BOX, Truth, write_object_scene
from wildseg3d_blender.conventions import camera_rays, pixel_centres, project, transform
from wildseg3d_blender.errors import SceneError
from wildseg3d_blender.photo_warp import PhotoWarp
from wildseg3d_blender.scene.folder import Scene, View

view_surfaces = pytest.importorskip(
    "wildseg3d_blender.addon.scene.view_surfaces", reason="needs Blender's module"
)


def _view(name: str = "front", pose: np.ndarray | None = None, size: tuple[int, int] = (60, 40)) -> View:
    K = np.array([[50.0, 0, size[0] / 2], [0, 50.0, size[1] / 2], [0, 0, 1]])
    return View(
        name, Path(f"{name}.jpg"), size, size, K, np.eye(4) if pose is None else pose, PhotoWarp(K, K, 0.0)
    )


def _sheet(view: View, depth: np.ndarray, here: np.ndarray | None = None) -> Any:
    """A sheet whose points lie at ``depth`` (H, W), seen head-on."""
    points = transform(view.cam_to_world, camera_rays(view.K, pixel_centres(*view.size)) * depth[..., None])
    normals = np.broadcast_to(-view.cam_to_world[:3, 2], points.shape)
    here = np.ones(depth.shape, bool) if here is None else here
    return view_surfaces.Sheet(
        view, points.astype(np.float32), normals.astype(np.float32), here, np.zeros_like(here)
    )


def _corner_depths(found: Any, view: View) -> np.ndarray:
    centre, axis = view.cam_to_world[:3, 3], view.cam_to_world[:3, 2]
    return ((found.points_world - centre) @ axis)[found.corners]


@pytest.mark.parametrize("unit", [0.001, 1.0, 1000.0])
def test_no_triangle_crosses_a_step_in_any_unit(unit: float) -> None:
    view = _view()
    depth = np.full((40, 60), 2.0)
    depth[:, 30:] = 2.4  # ten pixels' spacing
    (found,) = view_surfaces.triangulate([_sheet(view, depth * unit)])
    corners = _corner_depths(found, view)
    assert np.ptp(corners, axis=1).max() < 1e-5 * unit
    assert len(corners) == 2 * 39 * (29 + 29)


def test_what_a_photo_sees_too_slantwise_is_left_out_and_no_more() -> None:
    view = _view()
    rays = camera_rays(view.K, pixel_centres(*view.size))
    turned = np.deg2rad(60.0)  # the view spans 31 degrees to each side
    depth = 2.0 / (1.0 - np.tan(turned) * np.minimum(rays[..., 0], 0.55))
    normal = np.array([np.sin(turned), 0.0, -np.cos(turned)])
    sight = rays / np.linalg.norm(rays, axis=-1, keepdims=True)
    seen = np.rad2deg(np.arccos(np.abs(sight @ normal)))
    (found,) = view_surfaces.triangulate([_sheet(view, depth)], steepest=80.0)
    column, row = (found.pixels[found.corners].mean(1) - 0.5).T.astype(int)  # the cell's first pixel
    kept = np.zeros(depth.shape, bool)
    kept[row, column] = True
    certain = rays[..., 0] < 0.55
    assert (seen[certain] > 81).any()
    assert kept[:-1, :-1][(seen < 79)[:-1, :-1]].all()
    assert not kept[certain & (seen > 81)].any()


def test_holes_are_closed_on_the_plane_up_to_their_limit() -> None:
    view = _view()
    rays = camera_rays(view.K, pixel_centres(*view.size))
    depth = 2.0 / (1.0 - 0.5 * rays[..., 0] + 0.3 * rays[..., 1])
    here = np.ones((40, 60), bool)
    here[10:14, 20:24] = False
    here[20:32, 30:50] = False
    sheet = _sheet(view, depth, here)
    small, large = (view_surfaces.fill(sheet, hole).here for hole in (4, 12))
    assert small[10:14, 20:24].all() and not small[20:32, 30:50].any()
    assert large.all()
    filled = view_surfaces.fill(sheet, 12).points_world
    assert np.allclose(filled, _sheet(view, depth).points_world, rtol=1e-5, atol=1e-5)


def test_a_hole_that_something_else_fills_or_a_step_bounds_stays_open() -> None:
    view = _view()
    depth = np.full((40, 60), 2.0)
    here = np.ones((40, 60), bool)
    here[10:14, 20:24] = False
    sheet = _sheet(view, depth, here)
    taken = ~here
    other = view_surfaces.Sheet(view, sheet.points_world, sheet.normals, here, taken)
    assert np.array_equal(view_surfaces.fill(other, 8).here, here)
    depth[:, 30:], here[:, :] = 4.0, True
    here[:, 29:31] = False  # between the step's two sides, from top to bottom
    assert np.array_equal(view_surfaces.fill(_sheet(view, depth, here), 8).here, here)


def test_the_nearer_photo_shows_what_both_see() -> None:
    far, near = _view("far"), np.eye(4)
    near[2, 3] = 1.0  # one unit ahead, at half the distance to a wall at z = 2
    close = _view("near", near)
    first, second = view_surfaces.triangulate(
        [_sheet(far, np.full((40, 60), 2.0)), _sheet(close, np.full((40, 60), 1.0))]
    )
    assert len(second.corners) == 2 * 39 * 59
    middle = np.abs(first.pixels[first.corners].mean(1) - [30, 20])
    # All that the near one covers (half as wide and high) is gone, but for a seam of a pixel.
    assert not ((middle < [14, 9]).all(1)).any()
    assert len(first.corners) == pytest.approx(2 * 39 * 59 * 3 / 4, rel=0.05)


def test_vertices_lie_on_the_planes_and_uvs_are_their_pixels(blender: Any, scene: Scene, root: Any) -> None:
    assert blender.ops.wildseg3d.make_surface(step=1, hole=0) == {"FINISHED"}
    item = blender.context.object
    mesh = item.data
    position = read_attribute(mesh, "position", "vector", 3, np.float32)
    off_wall = np.abs(position[:, 1] - 0.1 * position[:, 0] - 3.0)
    assert np.minimum(off_wall, np.abs(position[:, 2])).max() < 1e-4
    slots, corners, uv = _faces(mesh)
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
    from wildseg3d_blender.addon.scene import groups, splitting

    groups.add(root, "Floor")
    points = {view.name: surface(view, FLOOR) & (scene.confidence(view) > 0) for view in scene.views}
    floor = splitting.split_object(scene, root, "Floor", points)
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


def test_a_ball_becomes_a_closed_ball(blender: Any, tmp_path: Path) -> None:
    """Seen from one side only, 48 degrees around: in front it is true, and at the back it is closed."""
    from wildseg3d_blender.addon.scene import groups, importing, splitting

    scene, truths = write_object_scene(tmp_path / "things", holes=False)
    root = importing.import_scene(blender.context.scene, scene.folder)
    groups.add(root, "Ball")
    splitting.split_object(
        scene, root, "Ball", {view.name: truths[view.name].shows == BALL for view in scene.views}
    )
    assert blender.ops.wildseg3d.make_surface(kind="MERGED", object="Ball", detail=48) == {"FINISHED"}
    made = blender.context.object
    mesh = made.data
    assert made.name == "Ball Surface" and made.parent == root
    assert _is_closed(mesh)
    position = read_attribute(mesh, "position", "vector", 3, np.float32) + np.array(made.location)
    seen = np.zeros(len(position), bool)
    for view in scene.views:
        seen |= _sees(view, truths[view.name], position)
    off = np.linalg.norm(position - BALL_CENTRE, axis=1) - BALL_RADIUS
    voxel = 2 * BALL_RADIUS / 48
    assert seen.sum() > 500
    assert np.median(np.abs(off[seen])) < 0.2 * voxel
    assert np.quantile(np.abs(off[seen]), 0.95) < voxel
    slots, names = _slots(mesh), [slot.name for slot in mesh.materials]
    assert names[0] == "WildSeg3D Photo Colours" and set(names[1:]) <= {view.name for view in scene.views}
    back = position[_corners(mesh)].mean(1)[:, 1] > BALL_CENTRE[1] + 0.5 * BALL_RADIUS
    assert back.sum() > 100 and (slots[back] == 0).mean() > 0.98
    assert (slots[seen[_corners(mesh)].all(1)] > 0).mean() > 0.98


def test_photos_lie_on_their_pixels_of_the_closed_mesh(blender: Any, tmp_path: Path) -> None:
    from wildseg3d_blender.addon.scene import groups, importing, splitting

    scene, truths = write_object_scene(tmp_path / "things")
    root = importing.import_scene(blender.context.scene, scene.folder)
    groups.add(root, "Box")
    points = {
        view.name: (truths[view.name].shows == BOX) & (scene.confidence(view) > 0) for view in scene.views
    }
    splitting.split_object(scene, root, "Box", points)
    blender.ops.wildseg3d.make_surface(kind="MERGED", object="Box", detail=40)
    made = blender.context.object
    assert _is_closed(made.data)
    position = read_attribute(made.data, "position", "vector", 3, np.float32) + np.array(made.location)
    uv = np.empty(len(made.data.loops) * 2, np.float32)
    made.data.uv_layers.active.uv.foreach_get("vector", uv)
    slots, corners, uv = _slots(made.data), _corners(made.data), uv.reshape(-1, 4, 2)
    textured = 0
    for number, material in enumerate(made.data.materials):
        if material.name == "WildSeg3D Photo Colours":
            continue
        view = scene.view(material.name)
        pixels, _ = project(
            position[corners[slots == number]].reshape(-1, 3).astype(float), view.K, view.cam_to_world
        )
        assert (
            np.abs(uv[slots == number].reshape(-1, 2) - (pixels / view.size * [1, -1] + [0, 1])).max() < 1e-4
        )
        textured += int((slots == number).sum())
    assert textured > 0.3 * len(slots)


def test_a_stray_that_others_look_through_is_not_in_the_closed_mesh(blender: Any, tmp_path: Path) -> None:
    """One view puts a patch of the ball far in front of it, where all others see nothing."""
    from wildseg3d_blender.addon.scene import volume

    scene, truths = write_object_scene(tmp_path / "things", holes=False)
    evidence = []
    for number, view in enumerate(scene.views):
        shows = truths[view.name].shows == BALL
        points = np.array(scene.pointmap(view))
        if number == 0:
            row, column = np.argwhere(shows).mean(0).astype(int)
            patch = np.s_[row - 6 : row + 6, column - 6 : column + 6]
            centre = view.cam_to_world[:3, 3]
            points[patch] = centre + 0.8 * (points[patch] - centre)
        normals = (points - BALL_CENTRE) / BALL_RADIUS
        sheet = view_surfaces.Sheet(
            view, points.astype(np.float32), normals.astype(np.float32), shows, ~shows
        )
        depth = (points - view.cam_to_world[:3, 3]) @ view.cam_to_world[:3, 2]
        evidence.append(volume.Evidence(sheet, depth.astype(np.float32), np.ones(shows.shape, np.float32)))
    low, high = (np.float32(BALL_CENTRE + side * np.array([1.0, 2.0, 1.0]) * BALL_RADIUS) for side in (-1, 1))
    fused = volume.fuse(evidence, low, high, 40)
    inside = np.argwhere(fused.distance < 0) * fused.voxel + fused.origin_world
    in_front = inside[:, 1] < BALL_CENTRE[1]
    assert in_front.sum() > 1000
    # The patch floats half a unit in front of the ball.
    assert np.linalg.norm(inside[in_front] - BALL_CENTRE, axis=1).max() < BALL_RADIUS + 0.1


def test_surface_nets_of_a_ball_are_closed_and_face_outwards() -> None:
    from wildseg3d_blender.addon.scene.surface_nets import islands, surface_nets

    grid = np.stack(np.meshgrid(*[np.arange(20.0)] * 3, indexing="ij"), -1)
    first, second = np.array([6.3, 6.1, 6.7]), np.array([14.2, 14.6, 14.4])
    distance = np.minimum(
        np.linalg.norm(grid - first, axis=-1) - 4.0, np.linalg.norm(grid - second, axis=-1) - 2.5
    )
    vertices, quads = surface_nets(distance.astype(np.float32))
    label = islands(quads, len(vertices))
    assert len(np.unique(label)) == 2
    for centre, radius in ((first, 4.0), (second, 2.5)):
        mine = np.abs(np.linalg.norm(vertices - centre, axis=1) - radius) < 0.2
        assert len(np.unique(label[mine])) == 1
        faces = vertices[quads[mine[quads[:, 0]]]]
        normal = np.cross(faces[:, 2] - faces[:, 0], faces[:, 3] - faces[:, 1])
        assert ((normal * (faces.mean(1) - centre)).sum(1) > 0).all()
    edges = np.sort(np.concatenate([quads[:, [i, (i + 1) % 4]] for i in range(4)]), axis=1)
    assert (np.unique(edges, axis=0, return_counts=True)[1] == 2).all()


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
    from wildseg3d_blender.addon.scene import groups, importing, splitting

    scene, truths = write_object_scene(tmp_path / "things", holes=False)
    root = importing.import_scene(blender.context.scene, scene.folder)
    groups.add(root, "Ball")
    grown = {}
    for view in scene.views:
        mask = truths[view.name].shows == BALL
        padded = np.pad(mask, 4)
        shifts = [np.roll(padded, by, axis) for axis in (0, 1) for by in range(-4, 5)]
        grown[view.name] = np.any(shifts, axis=0)[4:-4, 4:-4]
    splitting.split_object(scene, root, "Ball", grown)
    blender.ops.wildseg3d.make_surface(object="Ball", step=1, hole=0)
    made = blender.context.object
    position = read_attribute(made.data, "position", "vector", 3, np.float32) + np.array(made.location)
    _, corners, _ = _faces(made.data)
    edges = np.linalg.norm(position[corners] - position[np.roll(corners, 1, axis=1)], axis=-1)
    # A pixel at the ball's distance, about 2.6, is 0.01 wide; at 75 degrees 0.04 long.
    assert edges.max() < 0.12
    assert np.median(edges) < 0.02


def _is_closed(mesh: Any) -> bool:
    """Whether an even number of faces meets at every edge: where two parts touch, four do."""
    corners = _corners(mesh)
    edges = np.sort(np.concatenate([corners[:, [i, (i + 1) % 4]] for i in range(4)]), axis=1)
    return bool((np.unique(edges, axis=0, return_counts=True)[1] % 2 == 0).all())


def _sees(view: View, truth: Truth, points: np.ndarray) -> np.ndarray:
    """(N,) bool: whether a view shows that part of the ball, well inside its outline."""
    towards = view.cam_to_world[:3, 3] - points
    normal = points - BALL_CENTRE
    cosine = (towards * normal).sum(1) / np.linalg.norm(towards, axis=1) / np.linalg.norm(normal, axis=1)
    pixels, _ = project(points.astype(float), view.K, view.cam_to_world)
    column, row = pixels.astype(int).T
    return (cosine > 0.4) & (truth.shows[row, column] == BALL)


def _slots(mesh: Any) -> np.ndarray:
    slots = np.empty(len(mesh.polygons), np.int32)
    mesh.polygons.foreach_get("material_index", slots)
    return slots


def _corners(mesh: Any) -> np.ndarray:
    """(F, 4)."""
    corners = np.empty(len(mesh.loops), np.int32)
    mesh.loops.foreach_get("vertex_index", corners)
    return corners.reshape(len(mesh.polygons), -1)


def _faces(mesh: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Material slot (T,), corners (T, 3) and coordinates (T, 3, 2) of the triangles of a mesh."""
    uv = np.empty(len(mesh.loops) * 2, np.float32)
    mesh.uv_layers.active.uv.foreach_get("vector", uv)
    return _slots(mesh), _corners(mesh), uv.reshape(-1, 3, 2)
