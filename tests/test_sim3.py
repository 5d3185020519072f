# SPDX-License-Identifier: GPL-3.0-or-later
"""Similarities: algebra, and fits to clean, weighted and spoilt point pairs."""

import numpy as np
import pytest

from wildseg3d_blender.conventions import transform
from wildseg3d_blender.pipeline.alignment import Sim3, fit_sim3
from wildseg3d_blender.pipeline.alignment.robust import fit_scale, weighted_median
from wildseg3d_blender.pipeline.alignment.sim3 import fit_sim3_robust, rotation_angle, rotation_exp, skew


def random_sim3(rng: np.random.Generator) -> Sim3:
    return Sim3(float(np.exp(rng.normal())), rotation_exp(2.0 * rng.normal(size=3)), rng.normal(size=3))


def test_skew_is_the_cross_product() -> None:
    rng = np.random.default_rng(0)
    a, b = rng.normal(size=(2, 5, 3))
    np.testing.assert_allclose((skew(a) @ b[..., None])[..., 0], np.cross(a, b))


@pytest.mark.parametrize("angle", [0.0, 1e-9, 1e-4, 1.0, np.pi - 1e-6])
def test_rotation_exp_turns_by_its_length(angle: float) -> None:
    axis = np.array([2.0, -1.0, 0.5]) / np.linalg.norm([2.0, -1.0, 0.5])
    rotation = rotation_exp(angle * axis)
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(rotation) == pytest.approx(1.0)
    np.testing.assert_allclose(rotation @ axis, axis, atol=1e-12)
    assert rotation_angle(rotation) == pytest.approx(angle, abs=1e-12)


def test_rotation_exp_turns_counterclockwise() -> None:
    quarter = rotation_exp(np.array([0.0, 0.0, np.pi / 2]))
    np.testing.assert_allclose(quarter @ [1.0, 0.0, 0.0], [0.0, 1.0, 0.0], atol=1e-12)


def test_compose_and_invert() -> None:
    rng = np.random.default_rng(1)
    first, second, points = random_sim3(rng), random_sim3(rng), rng.normal(size=(4, 6, 3))
    np.testing.assert_allclose((second @ first).apply(points), second.apply(first.apply(points)))
    np.testing.assert_allclose(first.inverse().apply(first.apply(points)), points, atol=1e-12)


def test_apply_to_pose_moves_what_the_camera_sees() -> None:
    rng = np.random.default_rng(2)
    sim, camera = random_sim3(rng), random_sim3(rng)
    pose = np.eye(4)
    pose[:3, :3], pose[:3, 3] = camera.rotation, camera.translation
    points_cam = rng.normal(size=(7, 3))
    moved = sim.apply_to_pose(pose)
    np.testing.assert_allclose(
        transform(moved, sim.scale * points_cam), sim.apply(transform(pose, points_cam))
    )


def test_fit_is_exact_on_exact_pairs() -> None:
    rng = np.random.default_rng(3)
    truth, points = random_sim3(rng), rng.normal(size=(10, 3))
    fit = fit_sim3(points, truth.apply(points))
    assert fit.scale == pytest.approx(truth.scale)
    np.testing.assert_allclose(fit.rotation, truth.rotation, atol=1e-10)
    np.testing.assert_allclose(fit.translation, truth.translation, atol=1e-10)


def test_fit_never_mirrors() -> None:
    rng = np.random.default_rng(4)
    points = rng.normal(size=(10, 3))
    assert np.linalg.det(fit_sim3(points, points * [1.0, 1.0, -1.0]).rotation) == pytest.approx(1.0)


def test_points_without_weight_do_not_count() -> None:
    rng = np.random.default_rng(5)
    truth, points = random_sim3(rng), rng.normal(size=(20, 3))
    target = truth.apply(points)
    target[10:] += 100.0
    fit = fit_sim3(points, target, np.repeat([1.0, 0.0], 10))
    np.testing.assert_allclose(fit.apply(points[:10]), target[:10], atol=1e-9)


def test_robust_fit_ignores_a_quarter_of_outliers() -> None:
    rng = np.random.default_rng(6)
    truth, points = random_sim3(rng), rng.normal(size=(400, 3))
    target = truth.apply(points) + 1e-3 * rng.normal(size=(400, 3))
    target[::4] += rng.normal(size=(100, 3)) * truth.scale + 2.0
    fit, residual = fit_sim3_robust(points, target)
    plain = fit_sim3(points, target)
    off, plain_off = (np.abs(f.apply(points) - truth.apply(points)).max() for f in (fit, plain))
    assert off < 0.02 < plain_off
    assert residual > 0.1  # the outliers are not hidden from whoever asks how well it fits


@pytest.mark.parametrize("weights", [np.zeros(5), None])
def test_fit_without_information_says_so(weights: np.ndarray | None) -> None:
    same = np.ones((5, 3))
    with pytest.raises(ValueError, match="cannot be fitted"):
        fit_sim3(same, same, weights)


def test_weighted_median() -> None:
    values = np.array([[5.0, 1.0], [1.0, 2.0], [3.0, 3.0]])
    weights = np.array([[1.0, 0.0], [1.0, 0.0], [1.0, 0.0]])
    median = weighted_median(values, weights)
    assert median[0] == 3.0
    assert np.isnan(median[1])
    assert weighted_median(np.array([1.0, 2.0, 9.0]), np.array([1.0, 1.0, 5.0])) == 9.0


def test_fit_scale_ignores_outliers_and_units() -> None:
    rng = np.random.default_rng(7)
    for unit in (1e-6, 1.0, 1e6):
        a = unit * rng.normal(size=(300, 3))
        b = 2.5 * a
        b[:60] *= -rng.uniform(1, 20, size=(60, 1))
        assert fit_scale(a, b, np.ones(300)) == pytest.approx(2.5, rel=0.02)
