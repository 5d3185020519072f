# SPDX-License-Identifier: GPL-3.0-or-later
"""The world an artist gets: Z up, supporting plane level at zero, centred, human size."""

from dataclasses import replace

import numpy as np
import pytest

from tests.synthetic import (
    FLOOR_LABEL,
    Corruption,
    TrueView,
    look_at,
    orbit,
    pair_graph,
    render,
    smooth_noise,
)
from wildseg3d_blender.conventions import project
from wildseg3d_blender.pipeline.alignment import Alignment, Sim3, align, pointmap, upright
from wildseg3d_blender.pipeline.alignment.sim3 import rotation_exp
from wildseg3d_blender.pipeline.alignment.upright import VIEWING_DISTANCE


def true_alignment(views: list[TrueView], confidence: float = 1.0) -> Alignment:
    """The truth as an alignment, in a world that is turned, moved and scaled at random."""
    alignment = Alignment(
        views=tuple(range(len(views))),
        cam_to_world=np.stack([view.cam_to_world for view in views]),
        K=np.stack([view.K for view in views]),
        depth=[view.depth.astype(np.float32) for view in views],
        confidence=[np.full(view.depth.shape, confidence, np.float32) for view in views],
        iterations=0,
        losses=(),
        edge_to_world=(),
    )
    return alignment.in_world(
        Sim3(7.3, rotation_exp(np.array([2.0, -1.0, 0.7])), np.array([40.0, -3.0, 9.0]))
    )


def points_where(alignment: Alignment, views: list[TrueView], label: int) -> np.ndarray:
    return np.concatenate([pointmap(alignment, v)[view.labels == label] for v, view in enumerate(views)])


def lean_degrees(alignment: Alignment, views: list[TrueView]) -> float:
    """Angle between the true up and z."""
    ups = [
        alignment.cam_to_world[v, :3, :3] @ view.cam_to_world[:3, :3].T[:, 2] for v, view in enumerate(views)
    ]
    return float(np.rad2deg(np.arccos(np.clip(np.mean(ups, axis=0)[2], -1, 1))))


@pytest.mark.parametrize("arc", [20.0, 110.0, 300.0])
def test_floor_is_level_and_at_zero(arc: float) -> None:
    views = orbit(6, (96, 72), arc=arc)
    result = upright(true_alignment(views))
    assert lean_degrees(result, views) < 0.2
    floor = points_where(result, views, FLOOR_LABEL)
    assert np.abs(floor[:, 2]).max() < 0.02 * VIEWING_DISTANCE
    assert (result.cam_to_world[:, 2, 3] > 0.5).all()


def test_centre_and_size() -> None:
    views = orbit(6, (96, 72))
    result = upright(true_alignment(views))
    distances = [
        np.linalg.norm(pointmap(result, v) - result.cam_to_world[v, :3, 3], axis=-1)
        for v in range(len(views))
    ]
    assert np.median(distances) == pytest.approx(VIEWING_DISTANCE, rel=0.02)
    pixels, depth = project(np.zeros((1, 3)), result.K[2], result.cam_to_world[2])
    assert depth[0] > 0
    assert (np.abs(pixels[0] / [96, 72] - 0.5) < 0.3).all()


def test_cameras_look_along_y() -> None:
    views = orbit(5, (96, 72), arc=60)
    forward = upright(true_alignment(views)).cam_to_world[:, :3, 2].mean(axis=0)
    assert abs(forward[0]) < 1e-6
    assert forward[1] > 0.5


def test_poses_stay_rigid_and_points_stay_on_their_pixels() -> None:
    views = orbit(3, (96, 72))
    before = true_alignment(views)
    after = upright(before)
    for v in range(3):
        rotation = after.cam_to_world[v, :3, :3]
        np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-9)
        pixels, _ = project(pointmap(after, v)[10, 20].astype(float), after.K[v], after.cam_to_world[v])
        np.testing.assert_allclose(pixels, [20.5, 10.5], atol=1e-3)
    one, two = (
        np.linalg.norm(a.cam_to_world[0, :3, 3] - a.cam_to_world[1, :3, 3]) / np.median(a.depth[0])
        for a in (before, after)
    )
    assert one == pytest.approx(two, rel=1e-5)


def test_without_a_plane_level_cameras_tell_up() -> None:
    """Cameras that look down from several sides: their -y axes lean, their x axes do not."""
    views = orbit(6, (96, 72), arc=110)
    hidden = true_alignment(views)
    for confidence, view in zip(hidden.confidence, views, strict=True):
        confidence[view.labels == FLOOR_LABEL] = 0.0
        confidence[view.labels >= 20] = 0.0
    mean_up = -hidden.cam_to_world[:, :3, 1].mean(axis=0)
    true_up = hidden.cam_to_world[0, :3, :3] @ views[0].cam_to_world[2, :3]
    leaning = np.rad2deg(np.arccos(mean_up @ true_up / np.linalg.norm(mean_up)))
    lean = lean_degrees(upright(hidden), views)
    assert lean < 3.0
    assert lean < leaning / 3


def test_facing_a_wall_keeps_it_upright() -> None:
    """Forward-facing photos of a wall: no supporting plane, so the wall must not become the floor."""
    K = np.array([[86.0, 0, 48], [0, 86, 36], [0, 0, 1]])
    views = [
        render(f"v{n}", K, look_at(np.array([0.3 * n, -0.5, 1.6]), np.array([0.3 * n, 2.7, 1.6])), 96, 72)
        for n in range(3)
    ]
    wall = true_alignment(views)
    for confidence, view in zip(wall.confidence, views, strict=True):
        confidence[view.labels != FLOOR_LABEL + 1] = 0.0
    result = upright(wall)
    assert lean_degrees(result, views) < 1.0
    points = points_where(result, views, FLOOR_LABEL + 1)
    assert -0.2 < np.percentile(points[:, 2], 1) < 0.2


@pytest.mark.parametrize("noise", [0.003, 0.01])
def test_floor_is_found_in_noisy_depth_with_holes(noise: float) -> None:
    views = orbit(6, (192, 144))
    clean, rng = true_alignment(views), np.random.default_rng(1)
    known = [smooth_noise(rng, 192, 144, 24) > 0 for _ in views]
    depth = [
        (d * (1 + noise * rng.normal(size=d.shape)) * mask).astype(np.float32)
        for d, mask in zip(clean.depth, known, strict=True)
    ]
    confidence = [mask.astype(np.float32) for mask in known]
    assert lean_degrees(upright(replace(clean, depth=depth, confidence=confidence)), views) < 0.3


def test_a_floor_corrects_rolled_cameras() -> None:
    roll = np.eye(4)
    roll[:3, :3] = rotation_exp(np.array([0.0, 0.0, np.deg2rad(12)]))
    views = [
        render(view.name, view.K, view.cam_to_world @ roll, 96, 72) for view in orbit(6, (96, 72), arc=20)
    ]
    assert lean_degrees(upright(true_alignment(views)), views) < 0.2


def test_scene_without_any_confident_point() -> None:
    views = orbit(3, (48, 36))
    result = upright(true_alignment(views, confidence=0.0))
    assert np.isfinite(result.cam_to_world).all()
    assert lean_degrees(result, views) < 5.0


def test_one_scene_from_photos_to_upright() -> None:
    views = orbit(5, (128, 96))
    result = upright(align(pair_graph(views, corruption=Corruption())))
    assert lean_degrees(result, views) < 1.0
    assert abs(np.median(points_where(result, views, FLOOR_LABEL)[:, 2])) < 0.02 * VIEWING_DISTANCE
