# SPDX-License-Identifier: GPL-3.0-or-later
"""The mask cache on a ray-cast scene: what is found, how it is kept, and what prompts get from it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from tests.object_scene import BALL, BOX, SIZE, Truth, write_object_scene
from wildseg3d_blender.cli import main
from wildseg3d_blender.errors import Cancelled, PromptError
from wildseg3d_blender.pipeline.evaluation import iou
from wildseg3d_blender.pipeline.segment import SceneSession
from wildseg3d_blender.pipeline.segmentation.build_cache import build_mask_cache
from wildseg3d_blender.pipeline.segmentation.group_mapping import matching_objects, next_size
from wildseg3d_blender.pipeline.segmentation.lift import lift
from wildseg3d_blender.pipeline.segmentation.mask_cache import FOLDER, MaskCache, read_mask_cache
from wildseg3d_blender.pipeline.segmentation.packed_masks import MaskPacker
from wildseg3d_blender.pipeline.segmentation.pixel_prompts import pixel_prompts
from wildseg3d_blender.pipeline.segmentation.proposals import Proposal
from wildseg3d_blender.progress import Progress
from wildseg3d_blender.prompts import Box, Click, Prompt
from wildseg3d_blender.scene_folder import Scene, read_scene

Made = tuple[Scene, dict[str, Truth]]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """A scene whose objects have been found; not to be changed."""
    scene, truths = write_object_scene(tmp_path_factory.mktemp("cached") / "scene")
    SceneSession(scene.folder).find_objects()
    return scene, truths


@pytest.fixture
def copied(made: Made, tmp_path: Path) -> Scene:
    """A copy of the scene and its cache that a test may damage."""
    shutil.copytree(made[0].folder, tmp_path / "scene")
    return read_scene(tmp_path / "scene")


def cache_of(scene: Scene) -> MaskCache:
    cache = read_mask_cache(scene, "graphcut")
    assert cache is not None
    return cache


def middle(truth: Truth, thing: int) -> tuple[float, float]:
    rows, columns = np.nonzero(truth.shows == thing)
    return float(np.median(columns)) + 0.5, float(np.median(rows)) + 0.5


def mean_iou(masks: dict[str, NDArray[np.bool_]], truths: dict[str, Truth], thing: int) -> float:
    return float(np.mean([iou(masks[name], truth.shows == thing) for name, truth in truths.items()]))


def answers(cache: MaskCache, scene: Scene, *prompts: Prompt) -> tuple[int, ...]:
    return matching_objects(cache, pixel_prompts(scene, prompts)).items


@pytest.mark.parametrize("thing", [BALL, BOX])
def test_every_object_is_found_before_anybody_asks(made: Made, thing: int) -> None:
    scene, truths = made
    cache = cache_of(scene)
    assert 2 <= len(cache) <= 300
    assert max(mean_iou(cache.masks_of(k), truths, thing) for k in range(len(cache))) > 0.85


def test_no_two_objects_are_nearly_the_same(made: Made) -> None:
    cache = cache_of(made[0])
    alike = cache.iou_of(np.arange(len(cache)))
    np.fill_diagonal(alike, 0.0)
    assert alike.max() < 0.97


def test_parts_lie_in_their_wholes(made: Made) -> None:
    cache = cache_of(made[0])
    parents = cache.parents()
    assert (parents >= 0).any()
    for part, whole in enumerate(parents):
        if whole >= 0:
            inner, outer = cache.masks_of(part), cache.masks_of(int(whole))
            shared = sum(int((inner[name] & outer[name]).sum()) for name in inner)
            assert shared > 0.8 * sum(int(mask.sum()) for mask in inner.values())
            assert cache.area[whole] > cache.area[part]


@pytest.mark.parametrize("thing", [BALL, BOX])
@pytest.mark.parametrize("view", ["v0", "v2"])
def test_one_click_finds_the_object_whether_cached_or_solved(made: Made, thing: int, view: str) -> None:
    scene, truths = made
    masks = SceneSession(scene.folder).masks([Click(view, *middle(truths[view], thing))])
    assert list(masks) == [v.name for v in scene.views]
    assert mean_iou(masks, truths, thing) > 0.85


class Known:
    """Proposes the ball, as it is and a little smaller, and far behind these the ball with the box."""

    name = "graphcut"

    def __init__(self, truths: dict[str, Truth]) -> None:
        self._shows = {name: truth.shows for name, truth in truths.items()}

    def proposals(self, progress: Progress) -> Iterator[Proposal]:
        ball = {name: shows == BALL for name, shows in self._shows.items()}
        smaller = {
            name: cv2.erode(mask.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
            for name, mask in ball.items()
        }
        yield Proposal(ball, 0.9)
        yield Proposal(smaller, 0.85)
        yield Proposal({name: shows > 0 for name, shows in self._shows.items()}, 0.1)


def test_where_good_answers_agree_nothing_is_solved(made: Made, copied: Scene) -> None:
    truths = made[1]
    build_mask_cache(copied, Known(truths))
    session = SceneSession(copied.folder)
    click = Click("v2", *middle(truths["v2"], BALL))
    masks = session.masks([click])
    assert session._segmenter is None
    assert mean_iou(masks, truths, BALL) == 1.0
    larger = session.step([click], larger=True)
    assert larger is not None
    assert all((larger[name] == (truth.shows > 0)).all() for name, truth in truths.items())


def test_where_they_do_not_the_best_is_a_preview_and_the_answer_is_solved(made: Made) -> None:
    scene, truths = made
    session = SceneSession(scene.folder)
    clicks = [Click(v.name, *middle(truths[v.name], thing)) for v in scene.views for thing in (BALL, BOX)]
    cache = cache_of(scene)
    found = {click: matching_objects(cache, pixel_prompts(scene, [click])) for click in clicks}
    click = next(click for click, answers in found.items() if answers.items and not answers.certain)
    preview = session.preview([click])
    assert preview is not None
    assert session._segmenter is None
    assert preview[click.view][int(click.y), int(click.x)]
    assert session.masks([click])[click.view][int(click.y), int(click.x)]
    assert session._segmenter is not None


def test_answers_hold_what_was_clicked_and_nothing_that_was_excluded(made: Made) -> None:
    scene, truths = made
    cache = cache_of(scene)
    ball, box = (Click("v2", *middle(truths["v2"], thing)) for thing in (BALL, BOX))
    without = Click("v2", box.x, box.y, positive=False)
    found = answers(cache, scene, ball, without)
    assert found
    for item in found:
        mask = cache.masks.mask(item, 2)
        assert mask[int(ball.y), int(ball.x)] and not mask[int(box.y), int(box.x)]
    assert set(found) <= set(answers(cache, scene, ball))


def test_clicks_in_several_views_count_together(made: Made) -> None:
    scene, truths = made
    cache = cache_of(scene)
    found = answers(
        cache, scene, Click("v0", *middle(truths["v0"], BALL)), Click("v4", *middle(truths["v4"], BALL))
    )
    assert mean_iou(cache.masks_of(found[0]), truths, BALL) > 0.85


def test_a_box_is_answered_by_what_fills_it(made: Made) -> None:
    scene, truths = made
    rows, columns = np.nonzero(truths["v1"].shows == BALL)
    box = Box("v1", columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
    cache = cache_of(scene)
    assert mean_iou(cache.masks_of(answers(cache, scene, box)[0]), truths, BALL) > 0.85
    assert answers(cache, scene, Box("v1", 1, 1, 5, 5)) == ()


def test_stepping_goes_to_the_next_size_and_back(made: Made) -> None:
    scene, truths = made
    cache = cache_of(scene)
    prompts = pixel_prompts(scene, [Click("v2", *middle(truths["v2"], BALL))])
    chain = [matching_objects(cache, prompts).items[0]]
    while (larger := next_size(cache, prompts, chain[-1], larger=True)) is not None:
        chain.append(larger)
    assert len(chain) > 1
    assert (np.diff(cache.area[chain]) > 0).all()
    smaller = next_size(cache, prompts, chain[1], larger=False)
    assert smaller is not None and cache.area[smaller] < cache.area[chain[1]]


def test_a_session_keeps_the_size_that_was_stepped_to(made: Made) -> None:
    scene, truths = made
    session = SceneSession(scene.folder)
    click = Click("v2", *middle(truths["v2"], BALL))
    before = session.masks([click])
    after = session.step([click], larger=True)
    assert after is not None
    assert sum(mask.sum() for mask in after.values()) > sum(mask.sum() for mask in before.values())
    assert all((session.masks([click])[name] == after[name]).all() for name in after)


def test_cached_points_are_what_lifting_gives(made: Made) -> None:
    scene, truths = made
    cache = cache_of(scene)
    item = answers(cache, scene, Click("v2", *middle(truths["v2"], BOX)))[0]
    expected = lift(scene, cache.masks_of(item))
    assert any(points.any() for points in expected.values())
    for name, points in cache.points_of(item).items():
        np.testing.assert_array_equal(points, expected[name])


def test_what_no_cached_object_satisfies_is_solved(made: Made) -> None:
    scene, truths = made
    session = SceneSession(scene.folder)
    both = [Click("v2", *middle(truths["v2"], thing)) for thing in (BALL, BOX)]
    corner = Click("v2", 1.5, 1.5, positive=False)
    spots = [Click("v2", both[0].x + dx, both[0].y, positive=False) for dx in (-18, 18)]
    assert answers(cache_of(scene), scene, *both, corner, *spots) == ()
    mask = session.masks([*both, corner, *spots])["v2"]
    assert session._segmenter is not None
    assert all(mask[int(c.y), int(c.x)] == c.positive for c in (*both, corner, *spots))


def test_a_cached_answer_is_refined_from_where_it_stands(made: Made) -> None:
    scene, truths = made
    session = SceneSession(scene.folder)
    first = Click("v2", *middle(truths["v2"], BALL))
    cached = session.masks([first])
    nick = Click("v2", first.x - 14, first.y, positive=False)
    refined = session.masks([first, nick])
    assert not refined["v2"][int(nick.y), int(nick.x)]
    assert iou(refined["v0"], cached["v0"]) > 0.3
    # Undo: the earlier prompts alone have their earlier answer.
    assert (session.masks([first])["v2"] == cached["v2"]).all()


def test_the_cache_survives_a_restart_and_a_move(made: Made, copied: Scene) -> None:
    before, after = cache_of(made[0]), cache_of(copied)
    assert len(before) == len(after)
    assert (before.masks.bits == after.masks.bits).all()
    session = SceneSession(copied.folder)
    assert session.cache is not None
    assert session.find_objects() is session.cache


def test_the_command_line_finds_objects_once(copied: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    count = len(cache_of(copied))
    made_at = (copied.folder / FOLDER / "cache.json").stat().st_mtime_ns
    assert main(["find-objects", str(copied.folder), "--json"]) == 0
    data = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert data["objects"] == count and data["parts"] > 0
    assert (copied.folder / FOLDER / "cache.json").stat().st_mtime_ns == made_at


def test_soft_masks_show_what_is_cached(made: Made) -> None:
    scene, truths = made
    soft = cache_of(scene).soft_masks()
    assert len(soft) == len(scene.views)
    for view, s in zip(scene.views, soft, strict=True):
        assert s.shape == SIZE[::-1] and s.dtype == np.float32
        assert s.min() >= 0.0 and s.max() <= 1.0
        assert s[truths[view.name].shows == BALL].mean() > 0.9


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
    ],
)
def test_an_older_or_damaged_cache_counts_as_none(copied: Scene, damage: Callable[[Path], None]) -> None:
    assert len(cache_of(copied)) > 0
    damage(copied.folder / FOLDER)
    assert read_mask_cache(copied, "graphcut") is None
    assert SceneSession(copied.folder).cache is None


def test_a_cache_of_another_scene_or_segmenter_is_not_taken(copied: Scene) -> None:
    assert read_mask_cache(copied, "sam2") is None
    file = copied.folder / "scene.json"
    data = json.loads(file.read_text())
    data["views"][0]["cam_to_world"][0][3] += 0.01
    file.write_text(json.dumps(data))
    assert read_mask_cache(read_scene(copied.folder), "graphcut") is None


def test_cancelled_the_old_cache_stays_then_it_is_made_anew_and_leftovers_go(
    made: Made, copied: Scene
) -> None:
    left = copied.folder / f".{FOLDER}.partial-0123abcd"
    left.mkdir()
    (left / "masks.npy").write_bytes(b"half")
    damage_format(copied.folder / FOLDER)
    damaged = (copied.folder / FOLDER / "cache.json").read_text()

    def cancel(stage: str, fraction: float, message: str) -> None:
        if stage == "cache":
            raise Cancelled()

    with pytest.raises(Cancelled):
        build_mask_cache(copied, Known(made[1]), cancel)
    assert (copied.folder / FOLDER / "cache.json").read_text() == damaged
    assert read_mask_cache(copied, "graphcut") is None
    build_mask_cache(copied, Known(made[1]))
    assert len(cache_of(copied)) == 3
    assert not left.exists()


class InOneView:
    """Proposes what v2 shows of the ball, and nothing in the other views."""

    name = "graphcut"

    def __init__(self, truths: dict[str, Truth]) -> None:
        self._masks = {
            name: (truth.shows == BALL) if name == "v2" else np.zeros(SIZE[::-1], dtype=bool)
            for name, truth in truths.items()
        }

    def proposals(self, progress: Progress) -> Iterator[Proposal]:
        yield Proposal(self._masks, 1.0)


def test_an_object_in_one_view_only_is_written_with_a_word_about_it(made: Made, copied: Scene) -> None:
    build_mask_cache(copied, InOneView(made[1]))
    session = SceneSession(copied.folder)
    result = session.segment("Ball", [Click("v2", *middle(made[1]["v2"], BALL))])
    assert session._segmenter is None
    assert result.object.points["v2"].any()
    assert len(result.warnings) == 1 and "in v2 only" in result.warnings[0]


def test_an_object_without_depth_keeps_its_masks_and_says_so(made: Made, copied: Scene) -> None:
    for view in copied.views:
        np.save(copied.folder / "confidence" / f"{view.name}.npy", np.zeros(SIZE[::-1], np.float32))
    build_mask_cache(copied, Known(made[1]))
    result = SceneSession(copied.folder).segment("Ball", [Click("v2", *middle(made[1]["v2"], BALL))])
    assert mean_iou(dict(result.object.masks), made[1], BALL) == 1.0
    assert len(result.warnings) == 1 and "no 3D points" in result.warnings[0]


def test_only_negative_prompts_are_explained_with_a_cache_too(made: Made) -> None:
    with pytest.raises(PromptError, match="at least one"):
        SceneSession(made[0].folder).masks([Click("v0", 5, 5, positive=False)])
    with pytest.raises(PromptError, match="both"):
        SceneSession(made[0].folder).masks([Click("v0", 50, 50), Click("v0", 50, 50, positive=False)])


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
    )
    assert cache.parents().shape == (0,)
    assert cache.soft_masks()[0].max() == 0.0
    scene, _ = write_object_scene(tmp_path / "scene")
    one = MaskCache(cache.views, packed, packed, cache.scores, cache.overlap, cache.radius)
    assert matching_objects(one, pixel_prompts(scene, [Click("v0", 5, 5)])).items == ()
