# SPDX-License-Identifier: GPL-3.0-or-later
"""Which pixels' points belong to an object."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.scenes.ball_and_box import BALL, TABLE, Truth, write_object_scene
from wildseg3d_blender.conventions import project
from wildseg3d_blender.pipeline.boundary_band import boundary_band
from wildseg3d_blender.pipeline.segmentation.lift import lift
from wildseg3d_blender.pipeline.segmentation.sightlines import view_depth
from wildseg3d_blender.scene.folder import Scene


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Scene, dict[str, Truth]]:
    return write_object_scene(tmp_path_factory.mktemp("lift") / "scene", holes=False)


def test_the_band_finds_mixed_depth_and_little_else(made: tuple[Scene, dict[str, Truth]]) -> None:
    scene, truths = made
    for view in scene.views:
        measured = np.asarray(scene.confidence(view)) > 0
        band = boundary_band(view_depth(scene, view), measured)
        smeared = truths[view.name].smeared
        assert band[smeared].mean() > 0.9
        assert band[~smeared].mean() < 0.02


def test_a_grazing_plane_and_a_clean_jump_are_no_band() -> None:
    plane = np.repeat((1.0 / np.linspace(0.2, 3.0, 120))[:, None], 40, axis=1)
    assert not boundary_band(plane, np.ones(plane.shape, dtype=bool)).any()
    jump = np.where(np.arange(60)[None, :] < 30, 1.0, 2.0) * np.ones((20, 1))
    assert not boundary_band(jump, np.ones(jump.shape, dtype=bool)).any()


def sphere_before(wall: float, smeared: int) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Depth (120, 160) of a ball of radius 1 three units away before a wall, and where the ball is; along
    rows, ``smeared`` pixels mix front and back at each of its outlines."""
    x, y = np.meshgrid((np.arange(160) - 79.5) / 150, (np.arange(120) - 59.5) / 150)
    a, b = x**2 + y**2 + 1, np.full(x.shape, 3.0)
    inside = b**2 - a * 8
    depth = np.where(inside > 0, (b - np.sqrt(np.maximum(inside, 0))) / a, wall)
    mixed = depth.copy()
    for row, column in zip(*np.nonzero(np.diff(inside > 0, axis=1)), strict=True):
        ends = 1 / depth[row, column - smeared // 2], 1 / depth[row, column + smeared // 2 + 2]
        for k in range(smeared):
            share = (k + 1) / (smeared + 1)
            mixed[row, column + 1 - smeared // 2 + k] = 1 / ((1 - share) * ends[0] + share * ends[1])
    return mixed, inside > 0


@pytest.mark.parametrize("wall", [3.5, 6.0])
def test_the_limb_of_a_round_thing_is_no_band_but_a_smear_there_is(wall: float) -> None:
    depth, ball = sphere_before(wall, 0)
    band = boundary_band(depth, np.ones(ball.shape, dtype=bool))
    assert band.sum() < 0.02 * ball.sum()
    assert not (boundary_band(depth, ball) & ball).any()  # before the sky
    smeared, _ = sphere_before(wall, 3)
    changed = smeared != depth
    assert changed.sum() > 300
    band = boundary_band(smeared, np.ones(ball.shape, dtype=bool))
    assert band[changed].mean() > 0.8


def looks(
    made: tuple[Scene, dict[str, Truth]], points_world: NDArray[np.float64], name: str
) -> tuple[NDArray[np.int64], NDArray[np.bool_], NDArray[np.bool_]]:
    """What the view shows where points (n, 3) fall, -1 beyond its frame, and where it sees them or something
    in front of them, by the exact depth."""
    scene, truths = made
    view, truth = scene.view(name), truths[name]
    pixel, z = project(points_world, view.K, view.cam_to_world)
    column, row = np.floor(pixel).astype(np.int64).T
    inside = (row >= 0) & (row < view.size[1]) & (column >= 0) & (column < view.size[0])
    row, column = np.where(inside, row, 0), np.where(inside, column, 0)
    there = truth.depth[row, column]
    sees = inside & (np.abs(there - z) < 0.01 * z)
    return np.where(inside, truth.shows[row, column], -1), sees, inside & (there < 0.95 * z)


def test_a_view_in_which_an_occluder_hides_a_point_has_no_say(made: tuple[Scene, dict[str, Truth]]) -> None:
    scene, truths = made
    judged = 0
    for view, other in itertools.permutations(scene.views, 2):
        mask = truths[view.name].shows == TABLE
        row, column = np.nonzero(mask & ~truths[view.name].smeared)
        points_world = np.asarray(scene.pointmap(view), dtype=np.float64)[row, column]
        shows, _, in_front = looks(made, points_world, other.name)
        hidden = in_front & (shows != TABLE)
        two = replace(scene, views=(view, other))
        kept = lift(two, {view.name: mask, other.name: truths[other.name].shows == TABLE})[view.name]
        judged += int(hidden.sum())
        if hidden.any():
            assert kept[row, column][hidden].mean() > 0.9
    assert judged > 1000


def test_what_an_occluder_hides_does_not_come_along(made: tuple[Scene, dict[str, Truth]]) -> None:
    scene, truths = made
    masks = {name: truth.shows == BALL for name, truth in truths.items()}
    judged = 0
    for view in scene.views:
        # In this view alone the mask takes in everything around the ball.
        row, column = np.nonzero((truths[view.name].shows != BALL) & ~truths[view.name].smeared)
        points_world = np.asarray(scene.pointmap(view), dtype=np.float64)[row, column]
        others = [looks(made, points_world, other.name) for other in scene.views if other is not view]
        hidden = sum((in_front & (shows == BALL)).astype(int) for shows, _, in_front in others)
        seen = sum((sees & (shows != BALL)).astype(int) for shows, sees, _ in others)
        behind = (hidden > seen) & (seen > 0)
        judged += int(behind.sum())
        generous = lift(scene, {**masks, view.name: np.ones(masks[view.name].shape, dtype=bool)})
        if behind.any():
            assert generous[view.name][row, column][behind].mean() < 0.25
    assert judged > 50


def test_true_masks_keep_their_points(made: tuple[Scene, dict[str, Truth]]) -> None:
    scene, truths = made
    masks = {name: truth.shows == BALL for name, truth in truths.items()}
    points = lift(scene, masks)
    for name, mask in masks.items():
        assert not (points[name] & ~mask).any()
        assert not (points[name] & truths[name].smeared).any() or (
            (points[name] & truths[name].smeared).mean() < 0.001
        )
        assert points[name].sum() > 0.85 * (mask & ~truths[name].smeared).sum()


def test_other_views_vote_out_what_one_mask_took_in_too_much(made: tuple[Scene, dict[str, Truth]]) -> None:
    scene, truths = made
    masks = {name: truth.shows == BALL for name, truth in truths.items()}
    generous = masks["v2"].copy()
    rows, columns = np.nonzero(masks["v2"])
    generous[rows.max() - 8 : rows.max() + 12, columns.min() : columns.max()] = True
    masks["v2"] = generous
    extra = generous & (truths["v2"].shows != BALL)
    assert extra.sum() > 300
    assert lift(scene, masks)["v2"][extra].mean() < 0.1


def test_pixels_without_depth_are_left_out(tmp_path: Path) -> None:
    scene, truths = write_object_scene(tmp_path / "scene", holes=True)
    masks = {name: truth.shows == BALL for name, truth in truths.items()}
    for view in scene.views:
        assert not (lift(scene, masks)[view.name] & (np.asarray(scene.confidence(view)) == 0)).any()
