# SPDX-License-Identifier: GPL-3.0-or-later
"""Which pixels' points belong to an object."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.object_scene import BALL, Truth, write_object_scene
from wildseg3d_blender.pipeline.boundary_band import boundary_band
from wildseg3d_blender.pipeline.segmentation.lift import lift, view_depth
from wildseg3d_blender.scene_folder import Scene


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
