# SPDX-License-Identifier: GPL-3.0-or-later
"""The pieces of the stereo engine, each against a plain way of computing the same."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.scenes.room import arc
from wildseg3d_blender.conventions import invert_rigid, project, unproject
from wildseg3d_blender.photo_warp import PhotoWarp
from wildseg3d_blender.pipeline.engines.stereo.advice import skipped_photos, why_nothing_fits
from wildseg3d_blender.pipeline.engines.stereo.consistency import agreement, carried_over
from wildseg3d_blender.pipeline.engines.stereo.evidence import Evidence, PairMatches, rotation_explains
from wildseg3d_blender.pipeline.engines.stereo.model import PlacedPhoto, SparseModel
from wildseg3d_blender.pipeline.engines.stereo.quality import (
    has_real_lens,
    obeys,
    reliable_pair,
    reliable_part,
)
from wildseg3d_blender.pipeline.engines.stereo.smoothing import smooth_within_edges
from wildseg3d_blender.pipeline.engines.stereo.sweep import (
    JUMP,
    STEP,
    best_index,
    mean_of_best_two,
    plane_costs,
    semi_global,
    surface_costs,
)
from wildseg3d_blender.pipeline.engines.stereo.views import StereoView, shrunk
from wildseg3d_blender.pipeline.photos.reading import Photo

RNG = np.random.default_rng(0)


def nothing() -> None:
    """A check that never stops."""


@pytest.mark.parametrize("count", [2, 3, 4])
def test_mean_of_best_two_is_that(count: int) -> None:
    costs = RNG.normal(size=(count, 5, 6)).astype(np.float32)
    expected = np.sort(costs, axis=0)[:2].mean(axis=0)
    np.testing.assert_allclose(mean_of_best_two([c.copy() for c in costs]), expected, rtol=1e-6)


def test_semi_global_equals_the_textbook_recursion() -> None:
    volume = RNG.random((4, 5, 6)).astype(np.float32)
    grey = RNG.random((5, 6)).astype(np.float32)
    total = np.zeros_like(volume)
    for dy, dx in ((0, 1), (0, -1), (1, 0), (-1, 0)):
        path = np.zeros_like(volume)
        rows, columns = (range(n)[::-1] if d < 0 else range(n) for n, d in ((5, dy), (6, dx)))
        for y in rows:
            for x in columns:
                py, px = y - dy, x - dx
                if not (0 <= py < 5 and 0 <= px < 6):
                    path[:, y, x] = volume[:, y, x]
                    continue
                before = path[:, py, px]
                far = max(JUMP * np.exp(-12 * abs(grey[y, x] - grey[py, px])), 1.01 * STEP)
                for d in range(4):
                    near = [before[e] + STEP for e in (d - 1, d + 1) if 0 <= e < 4]
                    least = min([before[d], before.min() + far, *near])
                    path[d, y, x] = volume[d, y, x] + least - before.min()
        total += path
    np.testing.assert_allclose(semi_global(volume, grey, nothing), total, rtol=1e-5)


def test_best_index_finds_the_bottom_of_a_parabola() -> None:
    bottom = np.array([[1.3, 2.0, 2.75]])
    summed = ((np.arange(5)[:, None, None] - bottom) ** 2).astype(np.float32)
    index, cost = best_index(summed, np.arange(5, dtype=np.float32)[:, None, None] * np.ones((1, 1, 3), "f4"))
    np.testing.assert_allclose(index, bottom, atol=1e-4)
    np.testing.assert_array_equal(cost, [[1, 2, 3]])


def test_smoothing_solves_its_equations() -> None:
    """One round over a picture of one row is the exact minimiser of the weighted least squares."""
    values, weights = RNG.random((1, 12)).astype("f4"), RNG.random((1, 12)).astype("f4")
    image = RNG.integers(0, 255, (1, 12, 3)).astype(np.uint8)
    smooth, _ = smooth_within_edges(values, weights, image, strength=8.0, edge=0.5, rounds=1)
    difference = np.sqrt((np.diff(image.astype(float) / 255, axis=1) ** 2).sum(-1))[0]
    coupling = 8.0 * 1.5 / 3.0 * np.exp(-difference / 0.5)
    laplacian = np.diag(np.append(coupling, 0) + np.append(0, coupling))
    laplacian -= np.diag(coupling, 1) + np.diag(coupling, -1)
    system = np.eye(12) + laplacian
    expected = np.linalg.solve(system, values[0] * weights[0]) / np.linalg.solve(system, weights[0])
    np.testing.assert_allclose(smooth[0], expected, rtol=1e-4)


def test_smoothing_fills_a_hole_but_not_across_an_edge() -> None:
    image = np.zeros((20, 20, 3), np.uint8)
    image[:, 10:] = 255
    values = np.where(np.arange(20) < 10, 1.0, 3.0)[None].repeat(20, axis=0).astype("f4")
    weights = np.ones((20, 20), "f4")
    values[5:15, 4:16], weights[5:15, 4:16] = 100.0, 0.0
    smooth, reached = smooth_within_edges(values, weights, image, strength=900.0, edge=0.03, rounds=3)
    np.testing.assert_allclose(smooth[:, :10], 1.0, atol=0.05)
    np.testing.assert_allclose(smooth[:, 10:], 3.0, atol=0.05)
    assert (reached > 0.01).all()


def flat_view(pose: np.ndarray) -> StereoView:
    """A view of the plane z = 4 in world axes, textured smoothly; 96 by 64 pixels."""
    K = np.array([[90.0, 0, 48], [0, 90.0, 32], [0, 0, 1]])
    directions = unproject(np.ones((64, 96)), K) @ pose[:3, :3].T
    points = pose[:3, 3] + directions * ((4.0 - pose[2, 3]) / directions[..., 2])[..., None]
    grey = sum(
        np.sin(a * points[..., 0] + b * points[..., 1] + c)
        for a, b, c in ((9, 2, 0), (-3, 11, 1), (21, 5, 2), (4, -19, 3), (33, 27, 4))
    )
    grey = (0.5 + 0.09 * grey).astype(np.float32)
    image = np.repeat((grey * 255).astype(np.uint8)[..., None], 3, axis=-1)
    return StereoView(image, grey, np.ones(grey.shape, bool), K, pose, PhotoWarp(K, K))


def true_inverse_depth(view: StereoView) -> np.ndarray:
    directions = unproject(np.ones(view.shape), view.K) @ view.cam_to_world[:3, :3].T
    return (directions[..., 2] / (4.0 - view.cam_to_world[2, 3])).astype(np.float32)


def test_sweep_finds_a_plane_by_planes_and_by_surfaces() -> None:
    views = [flat_view(pose) for pose in arc(3)]
    truth = true_inverse_depth(views[1])
    offsets = np.linspace(-0.05, 0.05, 21)
    surfaces = surface_costs(
        views[1], [views[0], views[2]], [(truth + o).astype("f4") for o in offsets], 7, nothing
    )
    index, cost = best_index(surfaces, surfaces)
    found = truth + np.interp(index, np.arange(21), offsets)
    inner = np.s_[10:-10, 20:-20]
    assert np.abs(found / truth - 1)[inner].max() < 0.01
    assert cost[inner].max() < 0.1

    planes = np.linspace(truth.min() * 0.8, truth.max() * 1.2, 61)
    costs = plane_costs(views[1], [views[0], views[2]], planes.tolist(), 7, nothing)
    by_planes = np.interp(best_index(costs, costs)[0], np.arange(61), planes)
    assert np.median(np.abs(by_planes / truth - 1)[inner]) < 0.01


def test_agreement_counts_views_that_measured_the_same() -> None:
    views = [flat_view(pose) for pose in arc(4)]
    inverse = [true_inverse_depth(view) for view in views]
    inverse[3] = inverse[3] * np.float32(1.05)
    inner = np.s_[10:-10, 30:-30]
    found = agreement(1, views, inverse, (0, 2, 3), tolerance=0.01)
    assert (found.number[inner] == 2).all()
    assert (found.strength[inner] > 1.99).all()
    assert not found.in_the_way.any()
    # Moved towards the camera it would hide what the other views saw behind it.
    nearer = [inverse[0], inverse[1] * np.float32(1.1), *inverse[2:]]
    measured = [np.ones(view.shape, bool) for view in views]
    moved = agreement(1, views, nearer, (0, 2), tolerance=0.01, measured=measured)
    assert moved.in_the_way[inner].all()
    assert (moved.number[inner] == 0).all()


def test_carried_over_depth_lands_on_the_truth() -> None:
    views = [flat_view(pose) for pose in arc(3)]
    inverse = [true_inverse_depth(view) for view in views]
    all_of_it = [np.ones(view.shape, bool) for view in views]
    carried = carried_over(1, views, inverse, all_of_it, (0, 2))
    landed = carried > 0
    assert landed[20:-20, 20:-20].mean() > 0.9
    assert np.abs(carried / inverse[1] - 1)[landed].max() < 0.03


def test_shrinking_keeps_rays() -> None:
    view = flat_view(arc(3)[0])
    small = shrunk(view, 48)
    assert small.shape == (32, 48)
    np.testing.assert_allclose(
        unproject(np.ones((32, 48)), small.K),
        unproject(np.ones((64, 96)), view.K).reshape(32, 2, 48, 2, 3).mean((1, 3)),
    )


def synthetic_model(count: int = 4, points: int = 200) -> tuple[SparseModel, Evidence]:
    """Exact cameras, points and matches of a cloud seen by all."""
    cloud = RNG.uniform([-1, -1, 3], [1, 1, 6], (points, 3))
    size, K = (800, 600), np.array([[900.0, 0, 400], [0, 900.0, 300], [0, 0, 1]])
    photos = []
    for n, pose in enumerate(arc(count)):
        photo = Photo(str(n), Path(f"/photos/{n}.jpg"), size, None)
        pixels, _ = project(cloud, K, pose)
        photos.append(PlacedPhoto(photo, n, K, 0.0, pose, np.arange(points), pixels))
    pairs = {
        (i, j): PairMatches(photos[i].keypoints, photos[j].keypoints, False)
        for i in range(count)
        for j in range(i + 1, count)
    }
    return SparseModel(tuple(photos), cloud), Evidence(pairs, [5000] * count)


def turned(placed: PlacedPhoto, degrees: float) -> PlacedPhoto:
    """The photo with its camera rotated on the spot about y."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    pose = placed.cam_to_world.copy()
    pose[:3, :3] = pose[:3, :3] @ np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])
    return replace(placed, cam_to_world=pose)


def test_right_cameras_are_believed() -> None:
    model, evidence = synthetic_model()
    kept = reliable_part(model, evidence)
    assert kept is not None
    assert [placed.index for placed in kept.photos] == [0, 1, 2, 3]
    assert len(kept.points_world) == 200


def test_a_photo_that_contradicts_its_matches_is_taken_out() -> None:
    model, evidence = synthetic_model(5)
    photos = list(model.photos)
    photos[2] = turned(photos[2], 8.0)
    kept = reliable_part(replace(model, photos=tuple(photos)), evidence)
    assert kept is not None
    assert [placed.index for placed in kept.photos] == [0, 1, 3, 4]


def test_a_photo_that_hangs_on_one_other_is_taken_out() -> None:
    model, evidence = synthetic_model(5)
    photos = list(model.photos)
    few = photos[4].seen[:12]
    photos[4] = replace(photos[4], seen=few, keypoints=photos[4].keypoints[:12])
    kept = reliable_part(replace(model, photos=tuple(photos)), evidence)
    assert kept is not None
    assert [placed.index for placed in kept.photos] == [0, 1, 2, 3]


def test_nothing_is_left_of_a_wrong_model() -> None:
    model, evidence = synthetic_model(3)
    photos = [turned(placed, 10.0 * n) for n, placed in enumerate(model.photos)]
    assert reliable_part(replace(model, photos=tuple(photos)), evidence) is None


def test_cameras_that_only_turned_are_not_believed() -> None:
    model, evidence = synthetic_model(3)
    spot = {pair: replace(matches, from_one_spot=True) for pair, matches in evidence.pairs.items()}
    assert reliable_part(model, replace(evidence, pairs=spot)) is None


def test_two_photos_are_believed_with_points_and_angle_only() -> None:
    model, evidence = synthetic_model(2)
    assert reliable_pair(model, evidence)
    far_off = replace(model, points_world=model.points_world + np.array([0.0, 0.0, 200.0]))
    assert not reliable_pair(far_off, evidence)
    few, its_evidence = synthetic_model(2, points=50)
    assert not reliable_pair(few, its_evidence)


def test_obeying_matches_are_told_from_others() -> None:
    model, evidence = synthetic_model(2)
    first, second = model.photos
    pair = evidence.pairs[0, 1]
    assert obeys(pair, first, second).all()
    moved = replace(pair, pixels_j=pair.pixels_j + np.array([0.0, 12.0]))
    assert not obeys(moved, first, second).any()
    # On the other side of the first camera the lines still fit, but everything lies behind.
    first_to_second = invert_rigid(first.cam_to_world) @ second.cam_to_world
    first_to_second[:3, 3] *= -1.0
    beyond = replace(second, cam_to_world=first.cam_to_world @ first_to_second)
    assert not obeys(pair, first, beyond).any()


@pytest.mark.parametrize(
    ("radial", "focal", "exif", "real"),
    [
        (0.0, 900.0, None, True),
        (-0.3, 900.0, None, True),
        (1.5, 900.0, None, False),
        (-2.9, 900.0, None, False),
        (0.0, 900.0, 1000.0, True),
        (0.0, 900.0, 2000.0, False),
    ],
)
def test_lenses(radial: float, focal: float, exif: float | None, real: bool) -> None:
    placed = synthetic_model(2)[0].photos[0]
    placed = replace(placed, radial=radial, photo=replace(placed.photo, focal=exif))
    assert placed.K[0, 0] == focal
    assert has_real_lens(placed) == real


def test_a_turning_camera_is_told_from_a_moving_one() -> None:
    model, _ = synthetic_model(2)
    first, second = model.photos
    photos = first.photo, second.photo
    assert not rotation_explains(first.keypoints, second.keypoints, *photos)
    spun = turned(first, 9.0)
    pixels, _ = project(model.points_world, spun.K, spun.cam_to_world)
    assert rotation_explains(first.keypoints, pixels, *photos)


def test_reasons_name_photos_and_numbers() -> None:
    photos = [Photo(str(n), Path(f"/p/{n}.jpg"), (800, 600)) for n in range(5)]

    def matches(count: int) -> PairMatches:
        return PairMatches(np.ones((count, 2)), np.ones((count, 2)), False)

    evidence = Evidence(
        {(0, 1): matches(300), (1, 2): matches(12), (3, 4): matches(150)}, [5000, 5000, 5000, 5000, 40]
    )
    reasons = {item.photo.name: item for item in skipped_photos(photos, {0, 1}, evidence)}
    assert reasons["2.jpg"].reason == "shares too few points with any other photo: 12 with 1.jpg"
    assert reasons["3.jpg"].reason == "fits 4.jpg (150 points in common) but none of the placed photos"
    assert reasons["4.jpg"].reason == "shows too little texture or is blurred (40 features found)"
    assert set(reasons) == {"2.jpg", "3.jpg", "4.jpg"}
    sentence = why_nothing_fits(photos[:3], Evidence({(1, 2): matches(12)}, [5000] * 3))
    assert "even 1.jpg and 2.jpg share only 12 points" in sentence
