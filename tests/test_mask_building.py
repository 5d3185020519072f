# SPDX-License-Identifier: GPL-3.0-or-later
"""Making the mask cache: which objects are found, and what happens when making it is broken off."""

from __future__ import annotations

import numpy as np
import pytest

from tests.scenes.ball_and_box import BALL, BOX
from tests.scenes.cached import Known, Made, cache_of, mean_iou
from wildseg3d_blender.errors import Cancelled
from wildseg3d_blender.pipeline.segmentation.mask_cache.building import build_mask_cache
from wildseg3d_blender.pipeline.segmentation.mask_cache.cache import FOLDER, read_mask_cache
from wildseg3d_blender.scene.folder import Scene


@pytest.mark.parametrize("thing", [BALL, BOX])
def test_every_object_is_found_before_anybody_asks(cached_scene: Made, thing: int) -> None:
    scene, truths = cached_scene
    cache = cache_of(scene)
    assert 2 <= len(cache) <= 300
    assert max(mean_iou(cache.masks_of(k), truths, thing) for k in range(len(cache))) > 0.85


def test_no_two_objects_are_nearly_the_same(cached_scene: Made) -> None:
    cache = cache_of(cached_scene[0])
    alike = cache.iou_of(np.arange(len(cache)))
    np.fill_diagonal(alike, 0.0)
    assert alike.max() < 0.97


def test_parts_lie_in_their_wholes(cached_scene: Made) -> None:
    cache = cache_of(cached_scene[0])
    parents = cache.parents()
    assert (parents >= 0).any()
    for part, whole in enumerate(parents):
        if whole >= 0:
            inner, outer = cache.masks_of(part), cache.masks_of(int(whole))
            shared = sum(int((inner[name] & outer[name]).sum()) for name in inner)
            assert shared > 0.8 * sum(int(mask.sum()) for mask in inner.values())
            assert cache.area[whole] > cache.area[part]


def test_cancelled_the_old_cache_stays_then_it_is_made_anew_and_leftovers_go(
    cached_scene: Made, cached_copy: Scene
) -> None:
    left = cached_copy.folder / f".{FOLDER}.partial-0123abcd"
    left.mkdir()
    (left / "masks.npy").write_bytes(b"half")
    damaged = "written by nobody"
    (cached_copy.folder / FOLDER / "cache.json").write_text(damaged)

    def cancel(stage: str, fraction: float, message: str) -> None:
        if stage == "cache":
            raise Cancelled()

    with pytest.raises(Cancelled):
        build_mask_cache(cached_copy, Known(cached_scene[1]), cancel)
    assert (cached_copy.folder / FOLDER / "cache.json").read_text() == damaged
    assert read_mask_cache(cached_copy, "graphcut") is None
    build_mask_cache(cached_copy, Known(cached_scene[1]))
    assert len(cache_of(cached_copy)) == 3
    assert not left.exists()
