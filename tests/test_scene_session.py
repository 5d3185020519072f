# SPDX-License-Identifier: GPL-3.0-or-later
"""A session's objects: groups of prompts added and taken away, sizes, rounds that are remembered."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import cv2
import numpy as np
import pytest

from tests.scenes.ball_and_box import BALL, BOX, SIZE, TABLE
from tests.scenes.listed import (
    Listed,
    Made,
    Masks,
    core,
    known_objects,
    middle_click,
    same,
    shown,
)
from wildseg3d_blender.errors import PromptError, SceneError
from wildseg3d_blender.pipeline.evaluation import iou
from wildseg3d_blender.pipeline.segment import SceneSession
from wildseg3d_blender.pipeline.segmentation.mask_cache.building import build_mask_cache
from wildseg3d_blender.pipeline.segmentation.mask_cache.cache import FOLDER
from wildseg3d_blender.pipeline.segmentation.mask_cache.group_mapping import matching_objects
from wildseg3d_blender.pipeline.segmentation.pixel_prompts import pixel_prompts
from wildseg3d_blender.prompts import Box, Click, PromptGroup, one_group


@pytest.fixture
def ball(listed_scene: Made) -> Click:
    return middle_click(listed_scene[1], BALL)


@pytest.fixture
def box(listed_scene: Made) -> Click:
    return middle_click(listed_scene[1], BOX)


class Rounds:
    """A progress that counts how often something was solved."""

    def __init__(self) -> None:
        self.solved = 0

    def __call__(self, stage: str, fraction: float, text: str = "") -> None:
        self.solved += stage == "masks"


def test_one_group_is_what_its_prompts_mean(listed_scene: Made, ball: Click) -> None:
    preview = SceneSession(listed_scene[0].folder).preview(one_group([ball]))
    assert same(preview.masks, shown(listed_scene[1], BALL))
    assert (preview.cached, preview.larger, preview.smaller, preview.warnings) == (True, (True,), (True,), ())


def test_later_groups_are_added_and_taken_away_in_order(listed_scene: Made, ball: Click, box: Click) -> None:
    session, truths = SceneSession(listed_scene[0].folder), listed_scene[1]
    whole, part = PromptGroup((ball,), size=1), PromptGroup((box,))
    without = PromptGroup((box,), subtract=True)
    assert same(session.preview([whole]).masks, shown(truths, BALL, BOX))
    assert same(session.preview([whole, without]).masks, shown(truths, BALL))
    assert same(session.preview([*one_group([ball]), part]).masks, shown(truths, BALL, BOX))
    assert same(session.preview([*one_group([ball]), part, without]).masks, shown(truths, BALL))
    assert same(session.preview([whole, without, part]).masks, shown(truths, BALL, BOX))
    assert not session.prepared


def test_an_object_of_several_groups_is_written_and_read_again(
    listed_copy: Made, ball: Click, box: Click
) -> None:
    scene, truths = listed_copy
    groups = (PromptGroup((ball,), size=1), PromptGroup((box,), subtract=True))
    result = SceneSession(scene.folder).segment("Ball", groups)
    assert result.object.groups == groups and result.object.prompts == (ball, box)
    assert same(dict(result.object.masks), shown(truths, BALL))
    points = result.object.points
    assert all((points[name] <= result.object.masks[name]).all() for name in points)
    assert sum(mask.sum() for mask in points.values()) > 1000


def test_sizes_go_up_and_down_and_end_somewhere(listed_scene: Made, ball: Click) -> None:
    session, truths = SceneSession(listed_scene[0].folder), listed_scene[1]
    expected: dict[int, Masks] = {
        -2: core(truths, BALL),
        -1: core(truths, BALL),
        0: shown(truths, BALL),
        1: shown(truths, BALL, BOX),
        9: shown(truths, BALL, BOX),
    }
    for size, masks in expected.items():
        preview = session.preview([PromptGroup((ball,), size=size)])
        assert same(preview.masks, masks), size
        assert (preview.larger, preview.smaller) == ((size < 1,), (size > -1,))
        assert preview.steps == (max(-1, min(1, size)),), "no more than there are"
    assert not session.prepared


def test_a_size_holds_for_prompts_that_agree_with_it(listed_scene: Made, ball: Click, box: Click) -> None:
    session, truths = SceneSession(listed_scene[0].folder), listed_scene[1]
    table = Click("v2", 3.5, SIZE[1] - 3.5, positive=False)
    preview = session.preview([PromptGroup((ball, table), size=1)])
    assert same(preview.masks, shown(truths, BALL, BOX))
    inside = Click("v0", middle_click(truths, BALL, "v0").x, middle_click(truths, BALL, "v0").y)
    preview = session.preview([PromptGroup((ball, inside), size=1)])
    assert same(preview.masks, shown(truths, BALL, BOX))
    assert not session.prepared
    # Nothing that is known holds the ball without the box and is larger: what was chosen is corrected.
    refined = session.preview([PromptGroup((ball, Click(box.view, box.x, box.y, positive=False)), size=1)])
    assert not refined.cached and refined.steps == (1,)
    assert not refined.masks["v2"][int(box.y), int(box.x)] and refined.masks["v2"][int(ball.y), int(ball.x)]


def test_sizes_before_any_object_was_found_are_explained(listed_copy: Made, ball: Click) -> None:
    scene, _ = listed_copy
    shutil.rmtree(scene.folder / FOLDER)
    session = SceneSession(scene.folder)
    preview = session.preview([PromptGroup((ball,), size=1)])
    assert any("find objects first" in warning for warning in preview.warnings)
    assert preview.larger == preview.smaller == (False,)
    assert same(preview.masks, session.preview(one_group([ball])).masks)


def test_where_good_answers_disagree_the_answer_is_solved(listed_copy: Made, ball: Click) -> None:
    scene, truths = listed_copy
    nested = [shown(truths, BALL), shown(truths, BALL, BOX), shown(truths, BALL, BOX, TABLE)]
    build_mask_cache(scene, Listed(nested, [1.0, 1.1, 1.2]))
    session = SceneSession(scene.folder)
    assert session.cache is not None
    # The larger looks better each time. Near the box the middle of all is as near as that of the ball.
    row = np.flatnonzero(truths["v2"].shows[int(ball.y)] == BALL)
    clicks = [Click("v2", float(column) + 0.5, ball.y) for column in row]
    found = [matching_objects(session.cache, pixel_prompts(scene, [click])) for click in clicks]
    click = next(click for click, answers in zip(clicks, found, strict=True) if not answers.certain)
    preview = session.preview(one_group([click]))
    assert not preview.cached and session.prepared
    assert preview.masks["v2"][int(click.y), int(click.x)]


def test_segment_solves_nothing_that_was_previewed(listed_copy: Made, ball: Click, box: Click) -> None:
    scene, truths = listed_copy
    session, rounds = SceneSession(scene.folder), Rounds()
    nick = Click("v2", ball.x - 14, ball.y, positive=False)
    groups = (PromptGroup((ball, nick)), PromptGroup((box,)))
    preview = session.preview(groups, rounds)
    assert rounds.solved == 1 and not preview.cached
    result = session.segment("Ball", groups, rounds)
    assert rounds.solved == 1
    assert same(dict(result.object.masks), preview.masks)
    # Undo, and redo: the earlier prompts have their earlier answer, and nothing is solved for any of it.
    assert same(session.preview(one_group([ball]), rounds).masks, shown(truths, BALL))
    assert same(session.preview(groups, rounds).masks, preview.masks)
    assert rounds.solved == 1
    # One more click is one more round.
    session.preview([PromptGroup((ball, nick, Click("v2", ball.x + 14, ball.y))), groups[1]], rounds)
    assert rounds.solved == 2


def test_opened_again_a_scene_goes_on_from_its_objects(listed_copy: Made, ball: Click, box: Click) -> None:
    scene, _ = listed_copy
    nick = Click("v2", ball.x - 14, ball.y, positive=False)
    groups = (PromptGroup((box,)), PromptGroup((ball, nick)))
    written = SceneSession(scene.folder).segment("Both", groups).object
    session, rounds = SceneSession(scene.folder), Rounds()
    preview = session.preview(groups, rounds)
    assert rounds.solved == 0 and not session.prepared
    assert same(preview.masks, dict(written.masks))
    # Prompts that went through Blender come back a hair beside where they were.
    moved = tuple(PromptGroup(tuple(replace(p, x=p.x + 1e-4) for p in group.prompts)) for group in groups)  # type: ignore[call-arg]
    assert same(SceneSession(scene.folder).preview(moved, rounds).masks, preview.masks) and rounds.solved == 0
    more = PromptGroup((ball, nick, Click("v2", ball.x, ball.y - 14)))
    session.preview((groups[0], more), rounds)
    assert rounds.solved == 1
    # An answer that is a cached object is one again, so that lookup goes on too.
    assert session.preview(groups[:1]).cached


def test_what_another_segmenter_found_is_no_beginning(listed_copy: Made, ball: Click) -> None:
    scene, _ = listed_copy
    nick = Click("v2", ball.x - 14, ball.y, positive=False)
    folder = SceneSession(scene.folder).segment("Ball", one_group([ball, nick])).folder
    file = folder / "object.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "segmenter": "sam2"}))
    rounds = Rounds()
    SceneSession(scene.folder).preview(one_group([ball, nick]), rounds)
    assert rounds.solved == 1


def test_objects_found_meanwhile_leave_what_was_solved_alone(listed_copy: Made, ball: Click) -> None:
    scene, truths = listed_copy
    shutil.rmtree(scene.folder / FOLDER)
    session = SceneSession(scene.folder)
    solved = session.preview(one_group([ball]))
    assert session.cache is None and not solved.cached
    assert same(session.preview([PromptGroup((ball,), size=1)]).masks, solved.masks)
    build_mask_cache(scene, known_objects(truths))  # by another process
    assert session.cache is not None and len(session.cache) == 4
    assert same(session.preview(one_group([ball])).masks, solved.masks)
    assert same(session.preview([PromptGroup((ball,), size=1)]).masks, shown(truths, BALL, BOX))
    fresh = Click("v3", *_at(middle_click(truths, BALL, "v3")))
    assert session.preview(one_group([fresh])).cached


def test_bad_prompts_are_refused_before_anything_is_prepared(listed_scene: Made, ball: Click) -> None:
    session = SceneSession(listed_scene[0].folder)
    negative = Click("v0", 5, 5, positive=False)
    for groups, words in (
        ([], "no prompts yet"),
        ([PromptGroup(())], "no prompts yet"),
        ([PromptGroup((negative,))], "place at least one on the object itself"),
        ([PromptGroup((ball,), subtract=True)], "show the object itself first"),
        ([PromptGroup((ball,)), PromptGroup(())], "what is to be added"),
        ([PromptGroup((ball,)), PromptGroup((negative,), subtract=True)], "what is to be taken away"),
        ([PromptGroup((ball, Click("v2", ball.x, ball.y, positive=False)))], "both as object and as not"),
        ([PromptGroup((Click("v2", -5.0, 5.0),))], "outside v2"),
        ([PromptGroup((Click("v2", float("nan"), 5.0),))], "no valid position"),
        ([PromptGroup((Box("v2", 5, 5, 5, 50),))], "only a line"),
    ):
        with pytest.raises(PromptError, match=words):
            session.preview(groups)
        with pytest.raises(PromptError, match=words):
            session.segment("Ball", groups)
    with pytest.raises(SceneError, match="no view named 'v9'"):
        session.preview(one_group([Click("v9", 5.0, 5.0)]))
    assert not session.prepared and not list((listed_scene[0].folder / "objects").iterdir())


def test_taking_everything_away_is_explained(listed_copy: Made, ball: Click) -> None:
    session = SceneSession(listed_copy[0].folder)
    groups = [PromptGroup((ball,)), PromptGroup((ball,), subtract=True)]
    assert not any(mask.any() for mask in session.preview(groups).masks.values())
    with pytest.raises(PromptError, match="Nothing is left of Ball"):
        session.segment("Ball", groups)


def test_where_nothing_was_measured_the_mask_still_works_and_says_so(listed_copy: Made) -> None:
    scene, truths = listed_copy
    shutil.rmtree(scene.folder / FOLDER)
    sky = shown(truths, BALL)
    around = np.ones((25, 25), np.uint8)
    for view in scene.views:  # like the sky: no view measured anything there, nor close by
        file = scene.folder / "confidence" / f"{view.name}.npy"
        near = cv2.dilate(sky[view.name].astype(np.uint8), around) > 0
        np.save(file, np.where(near, 0.0, np.load(file)).astype(np.float32))
    session = SceneSession(scene.folder)
    click = middle_click(truths, BALL)
    preview = session.preview(one_group([click]))
    assert iou(preview.masks["v2"], sky["v2"]) > 0.7
    result = session.segment("Sky", [PromptGroup((click,))])
    assert not any(points.any() for points in result.owned.values())
    assert any("no 3D points" in warning for warning in result.warnings)
    assert result.object.masks["v2"][int(click.y), int(click.x)]


def test_a_damaged_cache_counts_as_none_and_is_made_anew(listed_copy: Made, ball: Click) -> None:
    scene, truths = listed_copy
    packed = scene.folder / FOLDER / "masks.npy"
    packed.write_bytes(packed.read_bytes()[:200])
    session = SceneSession(scene.folder)
    assert session.cache is None
    assert iou(session.preview(one_group([ball])).masks["v2"], shown(truths, BALL)["v2"]) > 0.8
    build_mask_cache(scene, known_objects(truths))
    assert SceneSession(scene.folder).preview(one_group([ball])).cached


def _at(click: Click) -> tuple[float, float]:
    return click.x, click.y
