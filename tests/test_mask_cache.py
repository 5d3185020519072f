# SPDX-License-Identifier: GPL-3.0-or-later
"""The mask cache on disk: what is kept comes back, and what does not fit counts as none."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.command_line import last_object
from tests.scenes.ball_and_box import BALL, SIZE, Truth, write_object_scene
from tests.scenes.cached import Known, Made, cache_of
from wildseg3d_blender.cli.main import main
from wildseg3d_blender.errors import SceneError
from wildseg3d_blender.pipeline.segment import SceneSession
from wildseg3d_blender.pipeline.segmentation.mask_cache.building import build_mask_cache
from wildseg3d_blender.pipeline.segmentation.mask_cache.cache import FOLDER, MaskCache, read_mask_cache
from wildseg3d_blender.pipeline.segmentation.mask_cache.group_mapping import matching_objects
from wildseg3d_blender.pipeline.segmentation.mask_cache.packed_masks import MaskPacker
from wildseg3d_blender.pipeline.segmentation.pixel_prompts import pixel_prompts
from wildseg3d_blender.pipeline.segmentation.proposals import Proposal
from wildseg3d_blender.progress import Progress
from wildseg3d_blender.prompts import Click
from wildseg3d_blender.scene.folder import Scene, read_scene


def test_the_cache_survives_a_restart_and_a_move(cached_scene: Made, cached_copy: Scene) -> None:
    before, after = cache_of(cached_scene[0]), cache_of(cached_copy)
    assert len(before) == len(after)
    assert (before.masks.bits == after.masks.bits).all()
    session = SceneSession(cached_copy.folder)
    assert session.cache is not None
    assert session.find_objects() is session.cache


def test_the_command_line_finds_objects_once(cached_copy: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    count = len(cache_of(cached_copy))
    made_at = (cached_copy.folder / FOLDER / "cache.json").stat().st_mtime_ns
    assert main(["find-objects", str(cached_copy.folder), "--json"]) == 0
    data = last_object(capsys.readouterr().out)
    assert data["objects"] == count and data["parts"] > 0
    assert (cached_copy.folder / FOLDER / "cache.json").stat().st_mtime_ns == made_at


def test_soft_masks_show_what_is_cached(cached_scene: Made) -> None:
    scene, truths = cached_scene
    soft = cache_of(scene).soft_masks()
    assert len(soft) == len(scene.views)
    for view, s in zip(scene.views, soft, strict=True):
        assert s.shape == SIZE[::-1] and s.dtype == np.float32
        assert s.min() >= 0.0 and s.max() <= 1.0
        assert s[truths[view.name].shows == BALL].mean() > 0.9


class Soft(Known):
    """Proposes what ``Known`` does, with a likelihood per pixel except in the last view."""

    def proposals(self, progress: Progress) -> Iterator[Proposal]:
        for proposal in super().proposals(progress):
            names = list(proposal.masks)[:-1]
            soft = {name: np.where(proposal.masks[name], np.float32(0.8), np.float32(0.1)) for name in names}
            yield replace(proposal, soft=soft)


def test_soft_masks_of_a_segmenter_are_kept_beside_its_hard_ones(
    cached_scene: Made, cached_copy: Scene
) -> None:
    truths = cached_scene[1]
    build_mask_cache(cached_copy, Soft(truths))
    cache = cache_of(cached_copy)
    *likely, last = cache.soft_masks()
    for view, soft in zip(cached_copy.views, likely, strict=False):
        expected = np.where(truths[view.name].shows > 0, 0.8, 0.1)
        assert soft.dtype == np.float32
        np.testing.assert_allclose(soft, expected, atol=0.5 / 255)
    # A view without likelihoods has the hard masks with a soft edge.
    shows = truths[cached_copy.views[-1].name].shows > 0
    assert last[shows].mean() > 0.9 and 0.0 < last[~shows].max() < 1.0
    hard = last_soft_mask_of_hard_ones(cached_copy, truths)
    np.testing.assert_allclose(last, hard, atol=0.5 / 255)


def last_soft_mask_of_hard_ones(scene: Scene, truths: dict[str, Truth]) -> NDArray[np.float32]:
    """The soft mask of the last view when the same objects come without likelihoods."""
    build_mask_cache(scene, Known(truths))
    cache = cache_of(scene)
    assert len(cache.soft) == 0
    return cache.soft_masks()[-1]


@pytest.mark.parametrize("wrong", [np.full(SIZE[::-1], 1.5), np.full(SIZE[::-1], np.nan), np.zeros((2, 2))])
def test_soft_masks_that_are_none_are_refused(
    cached_scene: Made, cached_copy: Scene, wrong: NDArray[np.float64]
) -> None:
    class Wrong(Known):
        def proposals(self, progress: Progress) -> Iterator[Proposal]:
            for proposal in super().proposals(progress):
                yield replace(proposal, soft={"v0": wrong.astype(np.float32)})

    before = (cached_copy.folder / FOLDER / "cache.json").read_bytes()
    with pytest.raises(SceneError, match="v0"):
        build_mask_cache(cached_copy, Wrong(cached_scene[1]))
    assert (cached_copy.folder / FOLDER / "cache.json").read_bytes() == before


def damage_soft(folder: Path) -> None:
    np.save(folder / "soft.npy", np.zeros(10, dtype=np.uint8))


def damage_format(folder: Path) -> None:
    data = json.loads((folder / "cache.json").read_text())
    (folder / "cache.json").write_text(json.dumps({**data, "format": 0}))


def damage_text(folder: Path) -> None:
    (folder / "cache.json").write_text("[1, 2")


def damage_list(folder: Path) -> None:
    (folder / "cache.json").write_text("[]")


def damage_missing(folder: Path) -> None:
    (folder / "radius.npy").unlink()


def damage_cut_short(folder: Path) -> None:
    data = (folder / "masks.npy").read_bytes()
    (folder / "masks.npy").write_bytes(data[: len(data) // 2])


def damage_smaller(folder: Path) -> None:
    for name in ("masks", "points"):
        np.save(folder / f"{name}.npy", np.zeros(10, dtype=np.uint8))


def damage_boxes(folder: Path) -> None:
    boxes = np.load(folder / "boxes.npy")
    boxes[0, 0] = [0, 100_000, 0, 10]
    np.save(folder / "boxes.npy", boxes)


@pytest.mark.parametrize(
    "damage",
    [
        damage_format,
        damage_text,
        damage_list,
        damage_missing,
        damage_cut_short,
        damage_smaller,
        damage_boxes,
        damage_soft,
    ],
)
def test_an_older_or_damaged_cache_counts_as_none(cached_copy: Scene, damage: Callable[[Path], None]) -> None:
    assert len(cache_of(cached_copy)) > 0
    damage(cached_copy.folder / FOLDER)
    assert read_mask_cache(cached_copy, "graphcut") is None
    assert SceneSession(cached_copy.folder).cache is None


def test_a_cache_of_another_scene_or_segmenter_is_not_taken(cached_copy: Scene) -> None:
    assert read_mask_cache(cached_copy, "sam2") is None
    file = cached_copy.folder / "scene.json"
    data = json.loads(file.read_text())
    data["views"][0]["cam_to_world"][0][3] += 0.01
    file.write_text(json.dumps(data))
    assert read_mask_cache(read_scene(cached_copy.folder), "graphcut") is None


def test_packed_masks_come_back_as_they_were() -> None:
    rng = np.random.default_rng(0)
    shapes = [(37, 53), (20, 9)]
    packer = MaskPacker(shapes)
    objects = [[rng.random(shape) > 0.6 for shape in shapes] for _ in range(4)]
    objects[2][0][:] = False
    objects[1][1][:12] = False
    for masks in objects:
        packer.add(masks)
    packed = packer.packed()
    for item, masks in enumerate(objects):
        for view, mask in enumerate(masks):
            np.testing.assert_array_equal(packed.mask(item, view), mask)
    for view, (height, width) in enumerate(shapes):
        for row, column in ((0, 0), (height - 1, width - 1), (height // 2, width // 3)):
            expected = [bool(masks[view][row, column]) for masks in objects]
            assert packed.holding(view, row, column).tolist() == expected


def test_a_scene_without_any_object_has_an_empty_cache(tmp_path: Path) -> None:
    packed = MaskPacker([SIZE[::-1]]).packed()
    cache = MaskCache(
        ("v0",),
        packed,
        packed,
        np.zeros(0, np.float32),
        np.zeros((0, 0), np.float32),
        np.zeros((0, 1), np.float32),
        np.zeros(0, np.uint8),
    )
    assert cache.parents().shape == (0,)
    assert cache.soft_masks()[0].max() == 0.0
    scene, _ = write_object_scene(tmp_path / "scene")
    one = MaskCache(cache.views, packed, packed, cache.scores, cache.overlap, cache.radius, cache.soft)
    assert matching_objects(one, pixel_prompts(scene, [Click("v0", 5, 5)])).items == ()
