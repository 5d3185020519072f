# SPDX-License-Identifier: GPL-3.0-or-later
"""Clicks from any view: the surface under the mouse, and the photo that shows it best."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.cut_out import split_object
from tests.scenes.ball_and_box import BALL, BALL_CENTRE, BALL_RADIUS, cast, write_object_scene
from wildseg3d_blender.conventions import pixel_centres, project, transform, unproject
from wildseg3d_blender.errors import PromptError
from wildseg3d_blender.prompts import Box, Click
from wildseg3d_blender.scene.folder import Scene


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return write_object_scene(tmp_path / "scene", holes=False)[0]


def _ray(origin: NDArray[np.float64], target: NDArray[np.float64], spread: float = 0.003) -> Any:
    from wildseg3d_blender.addon.scene.point_index import Ray

    towards = target - origin
    return Ray(origin, towards / np.linalg.norm(towards), 0.0, spread)


def _sight(origin: NDArray[np.float64], target: NDArray[np.float64], spread: float = 0.003) -> Any:
    from wildseg3d_blender.addon.scene.picking import Sight

    direction = (target - origin) / np.linalg.norm(target - origin)
    aside = np.cross(direction, [0.0, 0.0, 1.0])
    aside /= np.linalg.norm(aside)
    return Sight(origin, direction, origin, direction + spread * aside)


def test_the_index_finds_what_trying_every_point_finds(blender: Any) -> None:
    from wildseg3d_blender.addon.scene import point_index

    rng = np.random.default_rng(5)
    # A wavy floor in rows, as pixels are, and a plate above a part of it.
    x, y = np.meshgrid(np.linspace(-2, 2, 160), np.linspace(-2, 2, 150))
    floor = np.stack([x, y, 0.2 * np.sin(2 * x)], -1).reshape(-1, 3)
    plate = np.stack([x, y, np.full_like(x, 1.0)], -1).reshape(-1, 3)[np.abs(x.ravel() - 0.5) < 0.4]
    points = np.concatenate([floor, plate]).astype(np.float32)
    index = point_index.build(points, np.full(len(points), 0.004, np.float32))
    for _ in range(60):
        origin = np.array([*rng.uniform(-3, 3, 2), rng.uniform(2, 5)])
        ray = _ray(origin, np.array([*rng.uniform(-2.2, 2.2, 2), 0.0]), 0.01)
        offset = points - origin
        along = offset @ ray.direction
        aside = np.linalg.norm(offset - along[:, None] * ray.direction, axis=1)
        met = np.flatnonzero(aside <= np.maximum(0.004, ray.spread * along))
        found = point_index.first_met(index, ray)
        if not len(met):
            assert found is None
            continue
        assert found is not None
        number, distance = found.number, found.along
        assert number in met and distance == pytest.approx(along[number], abs=1e-4)
        on_plate = met >= len(floor)
        if on_plate.sum() >= 3:
            assert number >= len(floor)


def test_a_stray_point_before_a_surface_is_looked_through(blender: Any) -> None:
    from wildseg3d_blender.addon.scene import point_index

    x, y = np.meshgrid(np.linspace(-1, 1, 80), np.linspace(-1, 1, 80))
    wall = np.stack([x, y, np.zeros_like(x)], -1).reshape(-1, 3)
    points = np.concatenate([wall, [[0.0, 0.0, 1.0]]]).astype(np.float32)
    index = point_index.build(points, np.full(len(points), 0.01, np.float32))
    found = point_index.first_met(index, _ray(np.array([0.0, 0.0, 3.0]), np.zeros(3), 0.01))
    assert found is not None and found.along == pytest.approx(3.0, abs=0.01)
    alone = point_index.build(points[-1:], np.full(1, 0.01, np.float32))
    found = point_index.first_met(alone, _ray(np.array([0.0, 0.0, 3.0]), np.zeros(3), 0.01))
    assert found is not None and (found.number, found.support) == (0, 1)
    assert found.along == pytest.approx(2.0)


def test_what_is_picked_is_the_front_of_the_ball(blender: Any, scene: Scene, root: Any) -> None:
    from wildseg3d_blender.addon.scene import picking

    eye = np.array([-0.6, -3.0, 1.5])
    picked = picking.pick(root, _sight(eye, BALL_CENTRE))
    assert picked is not None
    front = BALL_CENTRE + BALL_RADIUS * (eye - BALL_CENTRE) / np.linalg.norm(eye - BALL_CENTRE)
    assert np.linalg.norm(picked.point_world - front) < 0.03
    assert picking.pick(root, _sight(eye, eye + np.array([0.0, 0.1, 5.0]))) is None


def test_turned_scaled_and_moved_things_are_picked_where_they_are(
    blender: Any, scene: Scene, root: Any
) -> None:
    from wildseg3d_blender.addon.scene import lookup, picking

    eye = np.array([-0.6, -3.0, 1.5])
    before = picking.pick(root, _sight(eye, BALL_CENTRE))
    root.scale, root.location, root.rotation_euler = (2.5, 2.5, 2.5), (1.0, 2.0, 3.0), (0.2, 0.1, 0.7)
    points = lookup.points(root)
    points.location = (0.3, -0.2, 0.1)
    blender.context.view_layer.update()
    moved = np.array(points.matrix_world)
    carry = lambda place: moved[:3, :3] @ place + moved[:3, 3]  # noqa: E731
    after = picking.pick(root, _sight(carry(eye), carry(BALL_CENTRE)))
    assert before is not None and after is not None
    assert np.linalg.norm(after.point_world - before.point_world) < 0.01
    assert np.allclose(after.direction_world, before.direction_world, atol=1e-4)
    points.hide_set(True)
    other = points.copy()
    other.data = points.data.copy()
    lookup.collection(root).objects.link(other)
    other.location = (0.3, -0.2, 5.0)
    blender.context.view_layer.update()
    assert picking.pick(root, _sight(carry(eye), carry(BALL_CENTRE))) is None
    other.hide_set(True)
    # Nothing is shown as points: surfaces are, perhaps.
    assert picking.pick(root, _sight(carry(eye), carry(BALL_CENTRE))) is not None


def test_points_left_behind_on_an_object_do_not_hide_it(blender: Any, scene: Scene, root: Any) -> None:
    from wildseg3d_blender.addon.scene import groups, lookup, picking

    groups.add(root, "Ball")
    random = np.random.default_rng(0)
    owned = {view.name: cast(view, pixel_centres(*view.size))[0] == BALL for view in scene.views}
    missed = {name: mask & (random.random(mask.shape) < 0.75) for name, mask in owned.items()}
    split_object(scene, root, "Ball", missed)
    blender.context.view_layer.update()
    ball = groups.mesh_object(groups.find(root, "Ball"))
    assert ball is not None and ball != lookup.points(root)
    eye = np.array([-0.6, -3.0, 1.5])
    names = []
    for aside in np.linspace(-0.5, 0.5, 21) * BALL_RADIUS:
        picked = picking.pick(root, _sight(eye, np.add(BALL_CENTRE, [aside, 0.0, 0.0]), spread=0.015))
        assert picked is not None
        names.append(picked.name)
    assert names.count(ball.name) >= 20


def test_points_that_move_are_indexed_anew(blender: Any, scene: Scene, root: Any) -> None:
    from wildseg3d_blender.addon.scene import lookup, picking

    eye = np.array([-0.6, -3.0, 1.5])
    assert picking.pick(root, _sight(eye, BALL_CENTRE)) is not None
    mesh = lookup.points(root).data
    position = np.empty(len(mesh.vertices) * 3, np.float32)
    mesh.attributes["position"].data.foreach_get("vector", position)
    mesh.attributes["position"].data.foreach_set("vector", position + np.float32(40.0))
    assert picking.pick(root, _sight(eye, BALL_CENTRE)) is None
    assert picking.pick(root, _sight(eye + 40.0, BALL_CENTRE + 40.0)) is not None


def _picked(point: NDArray[np.float64], eye: NDArray[np.float64]) -> Any:
    from wildseg3d_blender.addon.scene.picking import Picked

    return Picked(point, (point - eye) / np.linalg.norm(point - eye), np.eye(4), "points", 1.0)


def test_the_photo_that_looks_the_same_way_is_taken(blender: Any, scene: Scene) -> None:
    from wildseg3d_blender.addon.scene import best_view

    place = BALL_CENTRE + BALL_RADIUS * np.array([0.0, -0.8, 0.6])
    for number, alike in ((0, {"v0", "v1"}), (4, {"v3", "v4"})):
        eye = scene.view(f"v{number}").cam_to_world[:3, 3]
        view, pixel = best_view.best_view(scene, _picked(place, eye))
        assert view.name in alike
        assert np.allclose(pixel, project(place, view.K, view.cam_to_world)[0])


def test_a_photo_in_which_the_place_is_hidden_is_not_taken(blender: Any, scene: Scene) -> None:
    from wildseg3d_blender.addon.scene import best_view

    # On the ball's side towards the box: from the left it is seen, from the right the box is in the way.
    truth = {view.name: cast(view, pixel_centres(*view.size)) for view in scene.views}
    left, right = scene.view("v0"), scene.view("v4")
    on_ball = truth["v0"][0] == BALL
    places = transform(left.cam_to_world, unproject(truth["v0"][1], left.K))[on_ball]
    pixels, depths = project(places, right.K, right.cam_to_world)
    columns, rows = pixels.astype(int).T
    # Well inside the box's outline in v4, where depths are mixed.
    gaps = [depths - truth["v4"][1][rows, columns + by] for by in range(-6, 7)]
    place = places[np.argmax(np.min(gaps, axis=0))]
    behind = {}
    for view in scene.views:
        pixel, depth = project(place, view.K, view.cam_to_world)
        behind[view.name] = float(depth) - cast(view, pixel[None, None])[1][0, 0]
    assert behind["v0"] < 0.01 and behind["v4"] > 0.15
    eye = scene.view("v4").cam_to_world[:3, 3]
    assert behind[best_view.best_view(scene, _picked(place, eye))[0].name] < 0.15
    assert best_view.seen_at(scene, scene.view("v0"), place) is not None
    assert best_view.seen_at(scene, scene.view("v4"), place) is None
    with pytest.raises(PromptError, match="No photo shows this place"):
        best_view.best_view(scene, _picked(BALL_CENTRE, eye))


def _stand(bpy: Any, root: Any, pose: NDArray[np.float64], perspective: str = "PERSP") -> dict[str, Any]:
    """Let the file's 3D view see the scene from a pose in its frame; what ``temp_override`` takes.

    Without a window a view's matrices stay as the file has them, so the scene is what moves.
    """
    from mathutils import Matrix

    window = bpy.context.window_manager.windows[0]
    area = next(item for item in window.screen.areas if item.type == "VIEW_3D")
    region_3d = area.spaces.active.region_3d
    region_3d.view_perspective = perspective
    eye_to_blender = np.array(region_3d.view_matrix.inverted())
    root.matrix_world = Matrix(eye_to_blender @ np.linalg.inv(pose @ np.diag([1.0, -1.0, -1.0, 1.0])))
    bpy.context.view_layer.update()
    region = next(item for item in area.regions if item.type == "WINDOW")
    return {"window": window, "area": area, "region": region}


def _pose(eye: NDArray[np.float64], target: NDArray[np.float64]) -> NDArray[np.float64]:
    """OpenCV axes at ``eye``, looking at ``target``."""
    forward = (target - eye) / np.linalg.norm(target - eye)
    right = np.cross(forward, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    pose = np.eye(4)
    pose[:3, :3] = np.stack([right, np.cross(forward, right), forward], axis=1)
    pose[:3, 3] = eye
    return pose


def _mouse(bpy: Any, root: Any, point_world: NDArray[np.float64]) -> tuple[float, float]:
    """Where in the region a place of the scene is seen."""
    from bpy_extras.view3d_utils import location_3d_to_region_2d
    from mathutils import Vector

    position = root.matrix_world @ Vector(point_world)
    place = location_3d_to_region_2d(bpy.context.region, bpy.context.region_data, position)
    return place.x, place.y


def test_a_click_between_the_photos_lands_on_the_ball(blender: Any, scene: Scene, root: Any) -> None:
    from wildseg3d_blender.addon.scene import aiming, prompting

    eye = np.array([0.4, -3.4, 1.9])
    with blender.context.temp_override(**_stand(blender, root, _pose(eye, BALL_CENTRE))):
        aim = aiming.at(blender.context, scene, root, _mouse(blender, root, BALL_CENTRE))
        item = prompting.add_click(root, aim.view.name, aim.photo_pixel)
        blender.context.view_layer.update()
        shows, _, _ = cast(aim.view, np.array(aim.pixel)[None, None])
        assert shows[0, 0] == BALL
        at = np.array(root.matrix_world.inverted() @ item.matrix_world.translation)
        radius = np.linalg.norm(at - BALL_CENTRE)
        assert radius == pytest.approx(BALL_RADIUS, abs=0.02)
        with pytest.raises(PromptError, match="nothing under the mouse"):
            aiming.at(blender.context, scene, root, (blender.context.region.width / 2, 1e5))


@pytest.mark.parametrize("pierced", [False, True])
def test_a_box_drawn_between_the_photos_surrounds_the_ball(
    blender: Any, scene: Scene, root: Any, pierced: bool
) -> None:
    from wildseg3d_blender.addon.scene import aiming

    eye = np.array([0.1, -3.4, 1.6])
    if pierced:
        _pierce(root, eye, BALL_CENTRE)
    with blender.context.temp_override(**_stand(blender, root, _pose(eye, BALL_CENTRE))):
        x, y = _mouse(blender, root, BALL_CENTRE)
        edge = _mouse(blender, root, BALL_CENTRE + np.array([0.0, 0.0, BALL_RADIUS]))[1] - y
        first, second = aiming.box(blender.context, scene, root, (x - edge, y + edge), (x + edge, y - edge))
        with pytest.raises(PromptError, match="nothing in the middle of the box"):
            aiming.box(blender.context, scene, root, (1e4, 1e4), (1.1e4, 1.1e4))
    assert first.view == second.view
    shows = cast(first.view, pixel_centres(*first.view.size))[0] == BALL
    rows, columns = np.nonzero(shows)
    truth = np.array([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1])
    drawn = np.array([*first.pixel, *second.pixel])
    assert np.abs(drawn - truth).max() < 0.2 * (truth[2] - truth[0])


def _pierce(root: Any, eye: NDArray[np.float64], target: NDArray[np.float64]) -> None:
    """Take the ball's points about the line from ``eye`` to ``target`` away: what is behind is seen."""
    from wildseg3d_blender.addon.scene import lookup

    mesh = lookup.points(root).data
    position = np.empty(len(mesh.vertices) * 3, np.float32)
    mesh.attributes["position"].data.foreach_get("vector", position)
    points = position.reshape(-1, 3)
    direction = (target - eye) / np.linalg.norm(target - eye)
    along = (points - eye) @ direction
    aside = np.linalg.norm(points - eye - along[:, None] * direction, axis=1)
    points[(aside < 0.05) & (np.linalg.norm(points - target, axis=1) < BALL_RADIUS * 1.05)] += 100.0
    mesh.attributes["position"].data.foreach_set("vector", position)


def test_in_a_photo_the_pixel_itself_is_meant(blender: Any, scene: Scene, root: Any) -> None:
    from wildseg3d_blender.addon.scene import aiming

    blender.ops.wildseg3d.look(view="v1")
    view = scene.view("v1")
    with blender.context.temp_override(**_stand(blender, root, view.cam_to_world, "CAMERA")):
        assert aiming.photo(blender.context, root) == "v1"
        camera = view.cam_to_world
        place = camera[:3, 3] + 2.0 * camera[:3, 2] + 0.1 * camera[:3, 0]
        aim = aiming.at(blender.context, scene, root, _mouse(blender, root, place))
        assert aim.view.name == "v1"
        assert np.allclose(aim.pixel, project(place, view.K, view.cam_to_world)[0], atol=0.5)
        with pytest.raises(PromptError, match="beside the photo"):
            aiming.at(blender.context, scene, root, (-1e4, 0.0))
        mouse, beside = _mouse(blender, root, place), (-1e4, -1e4)
        low, high = aiming.box(blender.context, scene, root, mouse, beside)
        assert np.allclose((low.pixel[0], high.pixel[1]), (0.0, view.size[1])), "it ends where the photo does"
        assert np.allclose((high.pixel[0], low.pixel[1]), aim.pixel, atol=1e-3)
        with pytest.raises(PromptError, match="beside the photo"):
            aiming.box(blender.context, scene, root, beside, (-2e4, -2e4))


def test_a_gripped_prompt_follows_the_mouse_and_goes_back(blender: Any, scene: Scene, root: Any) -> None:
    from wildseg3d_blender.addon.scene import gripping, prompting, reading

    item = prompting.add_click(root, "v2", (250, 180), positive=False)
    before = reading.read(scene, root, item)
    eye = np.array([-1.6, -3.2, 1.6])
    with blender.context.temp_override(**_stand(blender, root, _pose(eye, BALL_CENTRE))):
        grip = gripping.grip(blender.context, item, (0.0, 0.0))
        grip.move(blender.context, _mouse(blender, root, BALL_CENTRE))
        moved = reading.read(scene, root, item)
        assert isinstance(moved, Click) and not moved.positive
        assert cast(scene.view(moved.view), np.array([[[moved.x, moved.y]]]))[0][0, 0] == BALL
        grip.move(blender.context, (1e5, 1e5))  # at nothing: it stays
        assert reading.read(scene, root, item) == moved
        grip.put_back()
    after = reading.read(scene, root, item)
    assert after.view == before.view and (after.x, after.y) == pytest.approx((before.x, before.y), abs=1e-3)


def test_gripped_boxes_stay_inside_their_photo(blender: Any, scene: Scene) -> None:
    from wildseg3d_blender.addon.scene import aiming, gripping

    box = Box("v1", 10.0, 20.0, 50.0, 80.0)
    aim = aiming.Aim(scene.view("v1"), (400.0, 100.0))
    moved = gripping.moved(box, aim, (5.0, 5.0))
    assert moved == Box("v1", 200.0, 65.0, 240.0, 125.0)
    assert gripping.moved(box, aiming.Aim(scene.view("v2"), (100.0, 100.0)), (0.0, 0.0)) is None
