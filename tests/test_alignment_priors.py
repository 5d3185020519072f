# SPDX-License-Identifier: GPL-3.0-or-later
"""Known intrinsics, one focal length for several views, known poses: kept, and of use."""

from dataclasses import replace

import numpy as np
import pytest

from tests.synthetic import Corruption, TrueView, errors, orbit, pair_graph
from wildseg3d_blender.errors import AlignmentError
from wildseg3d_blender.pipeline.alignment import KnownPose, Priors, Sim3, align
from wildseg3d_blender.pipeline.alignment.sim3 import rotation_angle, rotation_exp
from wildseg3d_blender.pipeline.pair_graph import PairGraph

ELSEWHERE = Sim3(0.25, rotation_exp(np.array([0.3, -1.0, 2.0])), np.array([-4.0, 9.0, 1.0]))


@pytest.fixture(scope="module")
def noisy(views: list[TrueView]) -> PairGraph:
    return pair_graph(views, corruption=Corruption())


def poses_elsewhere(views: list[TrueView]) -> np.ndarray:
    return np.stack([ELSEWHERE.apply_to_pose(view.cam_to_world) for view in views])


def test_known_intrinsics_are_kept_and_the_others_found(views: list[TrueView], noisy: PairGraph) -> None:
    alignment = align(noisy, priors=Priors(K={1: views[1].K, 3: views[3].K}))
    np.testing.assert_array_equal(alignment.K[[1, 3]], [views[1].K, views[3].K])
    assert 0 < errors(alignment, views).focal < 0.8
    assert errors(alignment, views).centre < 0.6


def test_one_focal_length_for_all(views: list[TrueView], noisy: PairGraph) -> None:
    shared = align(noisy, priors=Priors(same_focal=[range(5)]))
    assert np.ptp(shared.K[:, 0, 0]) < 1e-9 * shared.K[0, 0, 0]
    assert errors(shared, views).focal <= errors(align(noisy), views).focal + 0.05


def test_one_focal_length_is_a_share_of_each_views_size() -> None:
    views = orbit(4, [(128, 96), (96, 128), (160, 120), (64, 64)])
    alignment = align(pair_graph(views), priors=Priors(same_focal=[(0, 1, 2)]))
    focal = alignment.K[:, 0, 0]
    np.testing.assert_allclose(focal[:3] / [128, 128, 160], focal[0] / 128)
    np.testing.assert_allclose(alignment.K, [view.K for view in views], rtol=2e-4)


def test_group_takes_the_focal_length_known_of_one(views: list[TrueView], noisy: PairGraph) -> None:
    alignment = align(noisy, priors=Priors(K={2: views[2].K}, same_focal=[(0, 2)]))
    np.testing.assert_allclose(alignment.K[[0, 2]], [views[0].K, views[2].K])
    assert abs(alignment.K[1, 0, 0] / views[1].K[0, 0] - 1) > 1e-6


@pytest.mark.parametrize("hints", [False, True], ids=["no hints", "hints of another world"])
def test_known_poses_are_kept_and_make_the_world(views: list[TrueView], hints: bool) -> None:
    poses = poses_elsewhere(views)
    graph = pair_graph(views, corruption=Corruption(), hints=hints)
    alignment = align(graph, priors=Priors(poses={v: KnownPose(poses[v]) for v in (0, 2, 3)}))
    np.testing.assert_allclose(alignment.cam_to_world[[0, 2, 3]], poses[[0, 2, 3]], atol=1e-12)
    depth = ELSEWHERE.scale * float(np.median(views[0].depth))
    off = np.linalg.norm(alignment.cam_to_world[:, :3, 3] - poses[:, :3, 3], axis=-1) / depth
    assert off.max() < 0.02
    for v, view in enumerate(views):
        ratio = np.median(alignment.depth[v] / (ELSEWHERE.scale * view.depth))
        assert ratio == pytest.approx(1.0, abs=0.01)


def test_all_poses_known(views: list[TrueView], noisy: PairGraph) -> None:
    poses = poses_elsewhere(views)
    alignment = align(noisy, priors=Priors(poses={v: KnownPose(poses[v]) for v in range(5)}))
    np.testing.assert_allclose(alignment.cam_to_world, poses, atol=1e-12)
    for v, view in enumerate(views):
        assert np.median(alignment.depth[v] / view.depth) == pytest.approx(ELSEWHERE.scale, rel=0.005)


def test_one_known_pose_places_the_scene(views: list[TrueView], noisy: PairGraph) -> None:
    pose = poses_elsewhere(views)[3]
    alignment = align(noisy, priors=Priors(poses={3: KnownPose(pose)}))
    np.testing.assert_allclose(alignment.cam_to_world[3], pose, atol=1e-12)
    assert errors(alignment, views).centre < 0.6


def test_soft_poses_give_way_as_much_as_they_say(views: list[TrueView], noisy: PairGraph) -> None:
    """Poses with an error of two per cent of the depth: kept when said to be exact, else bettered."""
    rng = np.random.default_rng(2)
    poses = np.stack([view.cam_to_world for view in views])
    depth = float(np.median(views[0].depth))
    poses[:, :3, 3] += 0.02 * depth * rng.normal(size=(5, 3)) / np.sqrt(3)
    given = errors(replace(align(noisy), cam_to_world=poses), views).centre

    def centre(sigma: float) -> float:
        known = {v: KnownPose(pose, np.rad2deg(sigma), sigma * depth) for v, pose in enumerate(poses)}
        return errors(align(noisy, priors=Priors(poses=known)), views).centre

    tight, loose, free = centre(1e-5), centre(0.02), errors(align(noisy), views).centre
    assert tight == pytest.approx(given, rel=0.05)
    assert loose < 0.5 * tight
    assert loose < 2.0 * free


def test_soft_poses_hold_the_world(views: list[TrueView], noisy: PairGraph) -> None:
    poses = poses_elsewhere(views)
    depth = ELSEWHERE.scale * float(np.median(views[0].depth))
    known = {v: KnownPose(poses[v], 0.5, 0.01 * depth) for v in (0, 1, 4)}
    alignment = align(noisy, priors=Priors(poses=known))
    off = np.linalg.norm(alignment.cam_to_world[:, :3, 3] - poses[:, :3, 3], axis=-1) / depth
    turned = rotation_angle(np.swapaxes(poses[:, :3, :3], 1, 2) @ alignment.cam_to_world[:, :3, :3])
    assert 0 < off.max() < 0.015
    assert np.rad2deg(turned.max()) < 0.5


def test_known_poses_on_one_spot_do_not_tell_the_scale(views: list[TrueView], noisy: PairGraph) -> None:
    """Two views are said to be on one spot, against all appearances: no error, no collapse of the scene."""
    first = views[0].cam_to_world
    beside = views[1].cam_to_world.copy()
    beside[:3, 3] = first[:3, 3]
    alignment = align(noisy, priors=Priors(poses={0: KnownPose(first), 1: KnownPose(beside)}))
    assert np.isfinite(alignment.cam_to_world).all()
    assert min(np.median(depth) for depth in alignment.depth) > 0.1


def test_earlier_alignment_and_known_poses(views: list[TrueView], noisy: PairGraph) -> None:
    poses = poses_elsewhere(views)
    before = align(noisy)
    after = align(
        noisy, start=before, priors=Priors(K={0: views[0].K}, poses={v: KnownPose(poses[v]) for v in (1, 4)})
    )
    np.testing.assert_allclose(after.cam_to_world[[1, 4]], poses[[1, 4]], atol=1e-12)
    np.testing.assert_array_equal(after.K[0], views[0].K)
    assert errors(after, views).centre < 0.6


@pytest.mark.parametrize(
    ("priors", "words"),
    [
        (Priors(K={9: np.eye(3)}), "view 9.*0 to 4"),
        (Priors(same_focal=[(0, 1), (1, 2)]), "two groups"),
        (Priors(K={0: np.diag([0.0, 100.0, 1.0])}), "view 0.*camera matrix"),
        (Priors(poses={1: KnownPose(2.0 * np.eye(4))}), "view 1.*rigid"),
        (Priors(poses={1: KnownPose(np.eye(4), sigma_degrees=1.0)}), "view 1.*both spreads"),
    ],
)
def test_priors_that_make_no_sense_are_refused(noisy: PairGraph, priors: Priors, words: str) -> None:
    with pytest.raises(AlignmentError, match=words):
        align(noisy, priors=priors)
