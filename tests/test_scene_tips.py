# SPDX-License-Identifier: GPL-3.0-or-later
"""Tips name what was measured on a poor reconstruction, and say nothing of a good one."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.scenes.ball_and_box import write_object_scene
from wildseg3d_blender.scene.folder import Scene, SkippedPhoto
from wildseg3d_blender.scene.tips import APART_DEGREES, tips


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    return write_object_scene(tmp_path_factory.mktemp("tips") / "scene")[0]


def _turned(scene: Scene, degrees: list[float]) -> Scene:
    """The cameras at these angles around the z axis through the points' middle, one file for each view."""
    middle = np.median(scene.pointmap(scene.views[0])[scene.confidence(scene.views[0]) > 0], axis=0)
    views = []
    for view, angle in zip(scene.views, np.radians(degrees), strict=False):
        pose = view.cam_to_world.copy()
        pose[:3, 3] = middle + 3.0 * np.array([np.cos(angle), np.sin(angle), 0.0])
        views.append(replace(view, cam_to_world=pose))
    return replace(scene, views=tuple(views))


def test_nothing_to_say_of_a_good_one(scene: Scene) -> None:
    assert tips(_turned(scene, [0.0, 10.0, 20.0, 30.0])) == []


def test_photos_that_fail_together_are_told_together(scene: Scene) -> None:
    skipped = tuple(
        SkippedPhoto(Path(f"/photos/{n}.jpg"), f"shares too few points: {n}", "Add some in between.")
        for n in range(5)
    )
    twin = SkippedPhoto(Path("/photos/twin.jpg"), "is the same picture as 0.jpg", "Nothing is lost.")
    good = _turned(scene, [0.0, 10.0, 20.0, 30.0])
    (tip,) = tips(replace(good, skipped=(*skipped, twin)))
    assert tip == (
        f"5 of {5 + len(good.views)} photos were not placed: 0.jpg, 1.jpg, 2.jpg and 2 more. 0.jpg shares "
        "too few points: 0. Add some in between."
    )


def test_one_photo_that_fails_is_told_alone(scene: Scene) -> None:
    alone = SkippedPhoto(Path("/photos/a.jpg"), "shows too little texture", "Take it again.")
    (tip,) = tips(replace(_turned(scene, [0.0, 10.0]), skipped=(alone,)))
    assert tip == "a.jpg was not placed: it shows too little texture. Take it again."


def test_photos_far_apart_and_all_from_one_spot(scene: Scene) -> None:
    (tip,) = tips(_turned(scene, [0.0, 10.0, 20.0 + 1.5 * APART_DEGREES]))
    assert tip.startswith(scene.views[2].name) and re.search("(39|40|41) degrees away", tip)
    (tip,) = tips(_turned(scene, [0.0, 1.0, 2.0]))
    assert "within 2.0 degrees" in tip and "Step sideways" in tip


def test_holes_are_told_with_their_share(scene: Scene, tmp_path: Path) -> None:
    holey = write_object_scene(tmp_path / "scene")[0]
    for view in holey.views:
        confidence = np.array(holey.confidence(view))
        confidence[len(confidence) // 8 :] = 0.0
        np.save(holey.folder / "confidence" / f"{view.name}.npy", confidence)
    found = tips(holey)
    assert any("of the photos' pixels got a point" in tip for tip in found)
