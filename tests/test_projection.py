# SPDX-License-Identifier: GPL-3.0-or-later
"""An object's points projected into a view, on scenes whose every outline is known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.synthetic import TrueView, look_at, orbit, render
from wildseg3d_blender.photo_warp import PhotoWarp
from wildseg3d_blender.pipeline.evaluation import iou
from wildseg3d_blender.pipeline.segmentation.projection import Sight, look, patches_of, project_object
from wildseg3d_blender.scene.folder import Scene, View, read_scene, write_scene

SIZE = (256, 192)
FRONT_SPHERE, BIG_SPHERE = 14, 10


def write_true_scene(
    folder: Path, views: Sequence[TrueView], measured: Callable[[TrueView], NDArray[np.bool_]] | None = None
) -> Scene:
    """A scene folder with exact points; ``measured`` says where a view has any."""
    placed = tuple(
        View(v.name, folder / f"{v.name}.jpg", v.size, v.size, v.K, v.cam_to_world, PhotoWarp(v.K, v.K))
        for v in views
    )
    everywhere = {
        v.name: np.ones(v.depth.shape, dtype=bool) if measured is None else measured(v) for v in views
    }
    write_scene(
        Scene(folder, placed, "truth"),
        pointmaps={v.name: v.points_world.astype(np.float32) for v in views},
        confidence={name: known.astype(np.float32) for name, known in everywhere.items()},
        colours={v.name: v.image for v in views},
        images={v.name: b"" for v in views},
    )
    return read_scene(folder)


def labelled(views: Sequence[TrueView], label: int) -> dict[str, NDArray[np.bool_]]:
    return {view.name: view.labels == label for view in views}


def sight_of(scene: Scene, target: TrueView, *, itself: bool = False) -> Sight:
    """What the target's camera sees of the other views' points."""
    others = [view for view in scene.views if itself or view.name != target.name]
    return look([patches_of(scene, view) for view in others], target.K, target.cam_to_world, target.size)


@pytest.fixture(scope="module")
def views() -> list[TrueView]:
    return orbit(6, SIZE, arc=70.0)


@pytest.fixture(scope="module")
def scene(views: list[TrueView], tmp_path_factory: pytest.TempPathFactory) -> Scene:
    return write_true_scene(tmp_path_factory.mktemp("projection") / "scene", views)


def test_true_points_of_other_views_give_the_true_mask(scene: Scene, views: list[TrueView]) -> None:
    """Every object that the others see from all around; the smallest (300 pixels) is 20 pixels across."""
    scores = {}
    for target in views[1:-1]:
        sight = sight_of(scene, target)
        for label in np.unique(target.labels[target.labels >= 10]):
            sizes = [int((view.labels == label).sum()) for view in views]
            if min(sizes) > 100 and sizes[views.index(target)] > 300:
                mask = sight.mask(labelled(views, label))
                scores[target.name, label] = (sizes[views.index(target)], iou(mask, target.labels == label))
    assert len(scores) >= 14
    assert all(score > 0.95 for area, score in scores.values() if area > 500)
    assert min(score for _, score in scores.values()) > 0.92
    assert np.mean([score for _, score in scores.values()]) > 0.97


def test_the_outline_is_not_swollen(scene: Scene, views: list[TrueView]) -> None:
    """Pixels too many are fewer than a tenth of a pixel all along the outline."""
    target = views[2]
    true = target.labels == FRONT_SPHERE
    mask = sight_of(scene, target).mask(labelled(views, FRONT_SPHERE))
    outline = 2 * np.sqrt(np.pi * true.sum())
    assert (mask & ~true).sum() < 0.3 * outline
    assert (true & ~mask).sum() < 0.1 * outline


def test_what_stands_in_front_hides(scene: Scene, views: list[TrueView]) -> None:
    """From low beside the front sphere, a third of the big one is out of sight; from behind it, all."""
    for eye, seen in (((2.6, -2.0, 0.55), True), ((1.9, -2.75, 0.5), False)):
        target = render("low", views[0].K, look_at(np.array(eye), np.array([0.0, 0.0, 0.4])), *SIZE)
        mask = project_object(scene, labelled(views, BIG_SPHERE), target.K, target.cam_to_world, SIZE)
        true = target.labels == BIG_SPHERE
        assert (true.sum() > 500) == seen
        assert (mask & (target.labels == FRONT_SPHERE)).sum() < 20
        assert (iou(mask, true) > 0.9) if seen else (mask.sum() < 20)


def test_gaps_are_closed_and_the_outline_stays(tmp_path: Path, views: list[TrueView]) -> None:
    """Every other view's pixels measured at random; nothing else of the scene is known around the object."""
    rng = np.random.default_rng(3)
    only_sphere = write_true_scene(
        tmp_path / "scene",
        views,
        lambda view: (view.labels == FRONT_SPHERE) & (rng.random(view.labels.shape) > 0.5),
    )
    target = views[2]
    points = {view.name: np.asarray(only_sphere.confidence(view)) > 0 for view in only_sphere.views}
    mask = project_object(
        only_sphere, points, target.K, target.cam_to_world, target.size, leave_out=[target.name]
    )
    true = target.labels == FRONT_SPHERE
    inner = true & ~mask
    assert inner.sum() < 0.01 * true.sum()
    assert (mask & ~true).sum() < 0.06 * true.sum()


def test_a_finer_and_a_coarser_camera(scene: Scene, views: list[TrueView]) -> None:
    target = views[3]
    for multiple in (0.5, 2.0):
        size = (int(SIZE[0] * multiple), int(SIZE[1] * multiple))
        K = np.diag([multiple, multiple, 1.0]) @ target.K
        true = render("again", K, target.cam_to_world, *size).labels == FRONT_SPHERE
        points = labelled(views, FRONT_SPHERE)
        assert iou(project_object(scene, points, K, target.cam_to_world, size), true) > 0.95


def test_the_view_left_out_says_nothing(scene: Scene, views: list[TrueView]) -> None:
    target = views[2]
    points = labelled(views, FRONT_SPHERE)
    points[target.name] = np.ones_like(points[target.name])
    masked = project_object(
        scene, points, target.K, target.cam_to_world, target.size, leave_out=[target.name]
    )
    honest = sight_of(scene, target)
    assert np.array_equal(masked, honest.mask(labelled(views, FRONT_SPHERE)))
    everyone = sight_of(scene, target, itself=True)
    assert everyone.mask(points).sum() > masked.sum() + 500


def test_nothing_in_sight(scene: Scene, views: list[TrueView]) -> None:
    """A camera that turns its back, an object without points, and no views at all."""
    target = views[2]
    away = target.cam_to_world @ np.diag([-1.0, 1.0, -1.0, 1.0])
    points = labelled(views, FRONT_SPHERE)
    assert not project_object(scene, points, target.K, away, SIZE).any()
    empty = {name: np.zeros_like(mask) for name, mask in points.items()}
    assert not project_object(scene, empty, target.K, target.cam_to_world, SIZE).any()
    names = [view.name for view in views]
    assert not project_object(scene, points, target.K, target.cam_to_world, SIZE, leave_out=names).any()


def test_points_that_are_nowhere_are_passed_over(tmp_path: Path, views: list[TrueView]) -> None:
    scene = write_true_scene(tmp_path / "scene", views)
    target = views[2]
    points = labelled(views, FRONT_SPHERE)
    before = project_object(scene, points, target.K, target.cam_to_world, SIZE, leave_out=[target.name])
    file = scene.folder / "pointmaps" / f"{views[0].name}.npy"
    damaged = np.load(file)
    damaged[::7, ::5] = np.nan
    damaged[3::7, ::5, 0] = np.inf
    np.save(file, damaged)
    after = project_object(scene, points, target.K, target.cam_to_world, SIZE, leave_out=[target.name])
    assert iou(before, after) > 0.97


def test_points_of_another_shape(scene: Scene, views: list[TrueView]) -> None:
    points = labelled(views, FRONT_SPHERE)
    points["view01"] = points["view01"][:-1]
    with pytest.raises(ValueError, match="view01"):
        project_object(scene, points, views[2].K, views[2].cam_to_world, SIZE)
