# SPDX-License-Identifier: GPL-3.0-or-later
"""A session with a mask cache: cached answers, solved ones, and rounds that go on from either."""

from __future__ import annotations

import gc
import shutil
import weakref
from pathlib import Path

import numpy as np
import pytest

from tests.scenes.ball_and_box import BALL, BOX, SIZE
from tests.scenes.cached import InOneView, Known, Made, answers, cache_of, mean_iou, middle
from tests.waiting import wait_until
from wildseg3d_blender.errors import PromptError
from wildseg3d_blender.pipeline import segment
from wildseg3d_blender.pipeline.evaluation import iou
from wildseg3d_blender.pipeline.segment import SceneSession
from wildseg3d_blender.pipeline.segmentation.lift import Lifting
from wildseg3d_blender.pipeline.segmentation.mask_cache import building
from wildseg3d_blender.pipeline.segmentation.mask_cache.building import build_mask_cache
from wildseg3d_blender.pipeline.segmentation.mask_cache.cache import FOLDER
from wildseg3d_blender.prompts import Click, PromptGroup, one_group
from wildseg3d_blender.scene.folder import Scene


@pytest.mark.parametrize("thing", [BALL, BOX])
@pytest.mark.parametrize("view", ["v0", "v2"])
def test_one_click_finds_the_object_whether_cached_or_solved(
    cached_scene: Made, thing: int, view: str
) -> None:
    scene, truths = cached_scene
    masks = SceneSession(scene.folder).masks([Click(view, *middle(truths[view], thing))])
    assert list(masks) == [v.name for v in scene.views]
    assert mean_iou(masks, truths, thing) > 0.85


def test_where_good_answers_agree_nothing_is_solved(cached_scene: Made, cached_copy: Scene) -> None:
    truths = cached_scene[1]
    build_mask_cache(cached_copy, Known(truths))
    session = SceneSession(cached_copy.folder)
    click = Click("v2", *middle(truths["v2"], BALL))
    masks = session.masks([click])
    assert not session.prepared
    assert mean_iou(masks, truths, BALL) == 1.0
    larger = session.preview([PromptGroup((click,), size=1)])
    assert larger.cached and not session.prepared
    assert all((larger.masks[name] == (truth.shows > 0)).all() for name, truth in truths.items())


def test_the_geometry_is_made_once_for_finding_and_for_segmenting(
    cached_copy: Scene, cached_scene: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[Scene] = []

    def lifting(scene: Scene) -> Lifting:
        made.append(scene)
        return Lifting(scene)

    monkeypatch.setattr(segment, "Lifting", lifting)
    monkeypatch.setattr(building, "Lifting", lifting)
    shutil.rmtree(cached_copy.folder / FOLDER, ignore_errors=True)
    session = SceneSession(cached_copy.folder)
    session.find_objects()
    (ball, box) = (Click("v2", *middle(cached_scene[1]["v2"], thing)) for thing in (BALL, BOX))
    groups = [PromptGroup((ball,)), PromptGroup((box,))]
    assert any(mask.any() for mask in session.segment("Both", groups).owned.values())
    assert len(made) == 1


def test_a_session_that_is_dropped_lets_its_files_go_at_once(cached_copy: Scene, cached_scene: Made) -> None:
    """Windows removes no folder of which a file is mapped; Python's collector may come by much later."""
    thing = Click("v2", *middle(cached_scene[1]["v2"], BALL))
    spot = Click("v2", thing.x - 14, thing.y, positive=False)
    session = SceneSession(cached_copy.folder)
    assert session.cache is not None
    known = [weakref.ref(session), weakref.ref(session.cache)]
    gc.disable()
    try:
        session.preview(one_group([thing]))
        session.preview(one_group([thing, spot]), early=lambda masks: None)
        shutil.rmtree(cached_copy.folder / FOLDER)
        known.append(weakref.ref(session.find_objects()))
        session.segment("Ball", one_group([thing, spot]))
        assert session.prepared
        session.close()
        del session
        # The thread that found objects may be a moment from its end.
        wait_until(lambda: all(one() is None for one in known))
        assert not _mapped(cached_copy.folder)
    finally:
        gc.enable()


def _mapped(folder: Path) -> list[str]:
    """The files under a folder that this process has mapped, on systems that say so."""
    maps = Path("/proc/self/maps")
    return [line for line in maps.read_text().splitlines() if str(folder) in line] if maps.exists() else []


def test_what_no_cached_object_satisfies_is_solved(cached_scene: Made) -> None:
    scene, truths = cached_scene
    session = SceneSession(scene.folder)
    both = [Click("v2", *middle(truths["v2"], thing)) for thing in (BALL, BOX)]
    corner = Click("v2", 1.5, 1.5, positive=False)
    spots = [Click("v2", both[0].x + dx, both[0].y, positive=False) for dx in (-18, 18)]
    assert answers(cache_of(scene), scene, *both, corner, *spots) == ()
    mask = session.masks([*both, corner, *spots])["v2"]
    assert session.prepared
    assert all(mask[int(c.y), int(c.x)] == c.positive for c in (*both, corner, *spots))


def test_a_cached_answer_is_refined_from_where_it_stands(cached_scene: Made) -> None:
    scene, truths = cached_scene
    session = SceneSession(scene.folder)
    first = Click("v2", *middle(truths["v2"], BALL))
    cached = session.masks([first])
    nick = Click("v2", first.x - 14, first.y, positive=False)
    refined = session.masks([first, nick])
    assert not refined["v2"][int(nick.y), int(nick.x)]
    assert iou(refined["v0"], cached["v0"]) > 0.3
    # Undo: the earlier prompts alone have their earlier answer.
    assert (session.masks([first])["v2"] == cached["v2"]).all()


def test_an_object_in_one_view_only_is_written_with_a_word_about_it(
    cached_scene: Made, cached_copy: Scene
) -> None:
    build_mask_cache(cached_copy, InOneView(cached_scene[1]))
    session = SceneSession(cached_copy.folder)
    result = session.segment("Ball", one_group([Click("v2", *middle(cached_scene[1]["v2"], BALL))]))
    assert not session.prepared
    assert result.object.points["v2"].any()
    assert len(result.warnings) == 1 and "in v2 only" in result.warnings[0]


def test_an_object_without_depth_keeps_its_masks_and_says_so(cached_scene: Made, cached_copy: Scene) -> None:
    for view in cached_copy.views:
        np.save(cached_copy.folder / "confidence" / f"{view.name}.npy", np.zeros(SIZE[::-1], np.float32))
    build_mask_cache(cached_copy, Known(cached_scene[1]))
    result = SceneSession(cached_copy.folder).segment(
        "Ball", one_group([Click("v2", *middle(cached_scene[1]["v2"], BALL))])
    )
    assert mean_iou(dict(result.object.masks), cached_scene[1], BALL) == 1.0
    assert len(result.warnings) == 1 and "no 3D points" in result.warnings[0]


def test_only_negative_prompts_are_explained_with_a_cache_too(cached_scene: Made) -> None:
    with pytest.raises(PromptError, match="at least one"):
        SceneSession(cached_scene[0].folder).masks([Click("v0", 5, 5, positive=False)])
    with pytest.raises(PromptError, match="both"):
        SceneSession(cached_scene[0].folder).masks([Click("v0", 50, 50), Click("v0", 50, 50, positive=False)])
