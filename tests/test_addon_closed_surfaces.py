# SPDX-License-Identifier: GPL-3.0-or-later
"""Closed surfaces: true where photos see them, closed where they do not, with the photos on their pixels."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.blender_reading import corners_of, read_attribute, slots_of
from tests.cut_out import split_object
from tests.scenes.ball_and_box import BALL, BALL_CENTRE, BALL_RADIUS, BOX, Truth, write_object_scene
from tests.steps_taken import whole
from wildseg3d_blender.conventions import project
from wildseg3d_blender.scene.folder import View

view_surfaces = pytest.importorskip(
    "wildseg3d_blender.addon.scene.view_surfaces", reason="needs Blender's module"
)


def test_a_ball_becomes_a_closed_ball(blender: Any, tmp_path: Path) -> None:
    """Seen from one side only, 48 degrees around: in front it is true, and at the back it is closed."""
    from wildseg3d_blender.addon.scene import groups, importing

    scene, truths = write_object_scene(tmp_path / "things", holes=False)
    root = importing.import_scene(blender.context.scene, scene.folder)
    groups.add(root, "Ball")
    split_object(scene, root, "Ball", {view.name: truths[view.name].shows == BALL for view in scene.views})
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
    slots, names = slots_of(mesh), [slot.name for slot in mesh.materials]
    assert names[0] == "WildSeg3D Photo Colours" and set(names[1:]) <= {view.name for view in scene.views}
    back = position[corners_of(mesh)].mean(1)[:, 1] > BALL_CENTRE[1] + 0.5 * BALL_RADIUS
    assert back.sum() > 100 and (slots[back] == 0).mean() > 0.98
    assert (slots[seen[corners_of(mesh)].all(1)] > 0).mean() > 0.98


def test_photos_lie_on_their_pixels_of_the_closed_mesh(blender: Any, tmp_path: Path) -> None:
    from wildseg3d_blender.addon.scene import groups, importing

    scene, truths = write_object_scene(tmp_path / "things")
    root = importing.import_scene(blender.context.scene, scene.folder)
    groups.add(root, "Box")
    points = {
        view.name: (truths[view.name].shows == BOX) & (scene.confidence(view) > 0) for view in scene.views
    }
    split_object(scene, root, "Box", points)
    blender.ops.wildseg3d.make_surface(kind="MERGED", object="Box", detail=40)
    made = blender.context.object
    assert _is_closed(made.data)
    position = read_attribute(made.data, "position", "vector", 3, np.float32) + np.array(made.location)
    uv = np.empty(len(made.data.loops) * 2, np.float32)
    made.data.uv_layers.active.uv.foreach_get("vector", uv)
    slots, corners, uv = slots_of(made.data), corners_of(made.data), uv.reshape(-1, 4, 2)
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
    fused = whole(volume.fusing(evidence, low, high, 40))
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


def _is_closed(mesh: Any) -> bool:
    """Whether an even number of faces meets at every edge: where two parts touch, four do."""
    corners = corners_of(mesh)
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
