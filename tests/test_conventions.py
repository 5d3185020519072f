# SPDX-License-Identifier: GPL-3.0-or-later
"""The frames and pixel rules of ``conventions`` and ``photo_warp``."""

import numpy as np
import pytest

from wildseg3d_blender.conventions import invert_rigid, pixel_centres, project, transform, unproject
from wildseg3d_blender.photo_warp import PhotoWarp

K = np.array([[500.0, 0, 256], [0, 510, 144], [0, 0, 1]])


def random_pose(rng: np.random.Generator) -> np.ndarray:
    rotation, _ = np.linalg.qr(rng.normal(size=(3, 3)))
    pose = np.eye(4)
    pose[:3, :3] = rotation * np.sign(np.linalg.det(rotation))
    pose[:3, 3] = rng.normal(size=3)
    return pose


def test_first_pixel_centre_is_a_half() -> None:
    centres = pixel_centres(4, 3)
    assert centres.shape == (3, 4, 2)
    assert centres[0, 0].tolist() == [0.5, 0.5]
    assert centres[2, 3].tolist() == [3.5, 2.5]


def test_project_inverts_unproject() -> None:
    rng = np.random.default_rng(0)
    cam_to_world = random_pose(rng)
    depth = rng.uniform(1, 5, size=(9, 16))
    points_world = transform(cam_to_world, unproject(depth, K))
    pixels, depth_again = project(points_world, K, cam_to_world)
    np.testing.assert_allclose(pixels, pixel_centres(16, 9), atol=1e-9)
    np.testing.assert_allclose(depth_again, depth)


def test_points_behind_the_camera_have_no_pixel() -> None:
    pixels, depth = project(np.array([[0.0, 0.0, -1.0]]), K, np.eye(4))
    assert np.isnan(pixels).all()
    assert depth[0] == -1


def test_invert_rigid() -> None:
    pose = random_pose(np.random.default_rng(1))
    np.testing.assert_allclose(pose @ invert_rigid(pose), np.eye(4), atol=1e-12)


@pytest.mark.parametrize("radial", [-0.25, -0.05, 0.0, 0.1, 0.3])
def test_photo_warp_round_trip(radial: float) -> None:
    photo_K = np.array([[1800.0, 0, 960], [0, 1800, 540], [0, 0, 1]])
    warp = PhotoWarp(photo_K, K, radial)
    view_pixels = pixel_centres(512, 288)[::16, ::16]
    np.testing.assert_allclose(warp.to_view(warp.to_photo(view_pixels)), view_pixels, atol=1e-6)
    np.testing.assert_allclose(warp.to_photo(np.array([256.0, 144.0])), [960, 540])
