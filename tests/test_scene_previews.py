# SPDX-License-Identifier: GPL-3.0-or-later
"""Previews on disk: read as they were written, whole or not there, and never many of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.scenes.tiny import SIZE, write_tiny_scene
from wildseg3d_blender.errors import SceneError
from wildseg3d_blender.scene.folder import Scene
from wildseg3d_blender.scene.previews import FOLDER, KEPT, read_preview, write_preview
from wildseg3d_blender.scene.rewriting import rewriting_geometry


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return write_tiny_scene(tmp_path / "scene")


def random_masks(scene: Scene, seed: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {view.name: rng.random(SIZE[::-1]) > 0.5 for view in scene.views}


def test_read_as_written_and_only_the_latest_are_kept(scene: Scene) -> None:
    folders = []
    for seed in range(KEPT + 3):
        masks = random_masks(scene, seed)
        folders.append(write_preview(scene, masks))
        again = read_preview(scene, folders[-1])
        for name, mask in masks.items():
            np.testing.assert_array_equal(again[name], mask)
            assert again[name].dtype == bool and not isinstance(again[name], np.memmap)
    there = sorted((scene.folder / FOLDER).iterdir())
    assert there == folders[-KEPT:]
    assert all(sorted(file.name for file in folder.iterdir()) == ["masks.npy"] for folder in there)
    with pytest.raises(SceneError, match="is gone"):
        read_preview(scene, folders[0])


def test_what_was_left_half_is_cleared_away(scene: Scene) -> None:
    left = scene.folder / FOLDER / ".1.partial-0123abcd"
    left.mkdir(parents=True)
    for seed in range(KEPT):
        write_preview(scene, random_masks(scene, seed))
    assert not left.exists()
    assert len(list((scene.folder / FOLDER).iterdir())) == KEPT


def test_damaged_or_foreign_previews_are_refused(scene: Scene) -> None:
    folder = write_preview(scene, random_masks(scene, 0))
    for content, words in (
        (np.zeros(10, np.uint8), "another scene"),
        (np.zeros((3, 2), np.float32), "another scene"),
        (np.array([{"a": 1}], dtype=object), "is gone"),
    ):
        np.save(folder / "masks.npy", content, allow_pickle=True)
        with pytest.raises(SceneError, match=words):
            read_preview(scene, folder)
    (folder / "masks.npy").write_bytes(b"\x93NUMPY")
    with pytest.raises(SceneError, match="is gone"):
        read_preview(scene, folder)


def test_a_scene_that_is_gone_takes_no_preview(scene: Scene, tmp_path: Path) -> None:
    scene.folder.rename(tmp_path / "elsewhere")
    with pytest.raises(SceneError, match="is gone"):
        write_preview(scene, random_masks(scene, 0))
    assert not scene.folder.exists()


def test_new_geometry_does_not_carry_previews_along(scene: Scene) -> None:
    write_preview(scene, random_masks(scene, 0))
    pointmaps = {view.name: np.array(scene.pointmap(view)) for view in scene.views}
    confidence = {view.name: np.array(scene.confidence(view)) for view in scene.views}
    with rewriting_geometry(scene, pointmaps=pointmaps, confidence=confidence):
        pass
    assert (scene.folder / "scene.json").is_file() and not (scene.folder / FOLDER).exists()
