# SPDX-License-Identifier: GPL-3.0-or-later
"""First answers: shown while an object is being solved, replaced by the answer, which they never change."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from tests.scenes.ball_and_box import BALL, BOX
from tests.scenes.listed import Listed, Made, Masks, copied, middle_click, same, shown
from tests.waiting import PATIENCE
from wildseg3d_blender.addon.session import worker_client
from wildseg3d_blender.addon.session.worker_client import Request, WorkerClient
from wildseg3d_blender.errors import Cancelled
from wildseg3d_blender.pipeline.evaluation import iou
from wildseg3d_blender.pipeline.segment import SceneSession
from wildseg3d_blender.pipeline.segmentation.mask_cache.building import build_mask_cache
from wildseg3d_blender.pipeline.segmentation.mask_cache.cache import FOLDER
from wildseg3d_blender.prompts import Box, Click, PromptGroup, one_group
from wildseg3d_blender.scene.previews import read_preview
from wildseg3d_blender.worker.messages import EarlyPreview, Prepare, Prepared, Preview, Previewed


@pytest.fixture
def uncached(listed_scene: Made, tmp_path: Path) -> Made:
    """One without a cache, in which every first click is solved."""
    scene, truths = copied(listed_scene, tmp_path / "scene")
    shutil.rmtree(scene.folder / FOLDER)
    return scene, truths


@pytest.fixture
def ball(listed_scene: Made) -> Click:
    return middle_click(listed_scene[1], BALL)


def _whole(one: Masks, other: Masks) -> float:
    return iou(*(np.concatenate([masks[view].ravel() for view in one]) for masks in (one, other)))


def test_a_first_answer_is_about_what_is_found_and_does_not_change_it(uncached: Made, ball: Click) -> None:
    scene, truths = uncached
    told: list[Masks] = []
    preview = SceneSession(scene.folder).preview(one_group([ball]), early=told.append)
    assert len(told) == 1 and list(told[0]) == [view.name for view in scene.views]
    assert told[0][ball.view][int(ball.y), int(ball.x)]
    assert _whole(told[0], preview.masks) > 0.6
    assert not same(told[0], preview.masks)
    assert same(SceneSession(scene.folder).preview(one_group([ball])).masks, preview.masks)
    assert _whole(preview.masks, shown(truths, BALL)) > 0.8


def test_only_what_takes_long_is_told_early(listed_scene: Made, uncached: Made, ball: Click) -> None:
    told: list[Masks] = []
    assert SceneSession(listed_scene[0].folder).preview(one_group([ball]), early=told.append).cached
    assert not told
    session = SceneSession(uncached[0].folder)
    session.preview(one_group([ball]))
    session.preview(one_group([ball]), early=told.append)
    nick = Click(ball.view, ball.x - 14, ball.y, positive=False)
    session.preview(one_group([ball, nick]), early=told.append)
    assert not told


def test_a_box_and_an_excluded_spot(uncached: Made, ball: Click) -> None:
    scene, truths = uncached
    session, told = SceneSession(scene.folder), []
    box = middle_click(truths, BOX)
    session.preview([PromptGroup((ball,)), PromptGroup((box,), subtract=True)], early=told.append)
    assert len(told) == 1 and not told[0][box.view][int(box.y), int(box.x)]
    rows, columns = np.nonzero(shown(truths, BALL)["v2"])
    frame = Box("v2", float(columns.min()), float(rows.min()), columns.max() + 1.0, rows.max() + 1.0)
    found = session.preview(one_group([frame]), early=told.append)
    assert len(told) == 1, "boxes have no first answer where nothing is cached"
    assert iou(found.masks["v2"], shown(truths, BALL)["v2"]) > 0.7


def test_before_the_segmenter_is_prepared_the_likeliest_cached_object_is_shown(
    uncached: Made, ball: Click
) -> None:
    scene, truths = uncached
    alone, both = shown(truths, BALL), shown(truths, BALL, BOX)
    build_mask_cache(scene, Listed([both, alone], [1.13, 1.0]))
    session, told = SceneSession(scene.folder), []
    states: list[bool] = []

    def early(masks: Masks) -> None:
        states.append(session.prepared)
        told.append(masks)

    preview = session.preview(one_group([ball]), early=early)
    assert not preview.cached, "either may be meant, so it is solved"
    assert states == [False]
    assert same(told[0], alone) or same(told[0], both)


def test_cancelled_after_its_first_answer_it_is_found_when_asked_again(uncached: Made, ball: Click) -> None:
    scene, truths = uncached
    session, told = SceneSession(scene.folder), []

    def progress(stage: str, fraction: float, text: str = "") -> None:
        if told:
            raise Cancelled

    with pytest.raises(Cancelled):
        session.preview(one_group([ball]), progress, told.append)
    assert len(told) == 1
    other = middle_click(truths, BOX)
    assert _whole(session.preview(one_group([other])).masks, shown(truths, BOX)) > 0.6
    again = session.preview(one_group([ball])).masks
    assert same(again, SceneSession(scene.folder).preview(one_group([ball])).masks)


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Iterator[WorkerClient]:
    """One that never ends its worker because a busy machine is slow to hear a cancellation."""
    monkeypatch.setattr(worker_client, "PATIENCE", PATIENCE)
    made = WorkerClient()
    yield made
    made.close()


def test_the_worker_tells_the_first_answer_and_then_the_answer(
    uncached: Made, ball: Click, client: WorkerClient
) -> None:
    scene, _ = uncached
    groups, told = one_group([ball]), []

    def early(answer: EarlyPreview) -> None:
        told.append((answer.id, read_preview(scene, answer.folder)))

    # Not asked for, none comes; and it is the same answer.
    plain = client.request("preview", Preview(str(scene.folder), groups).to_json(), on_early=early)
    assert plain.wait(PATIENCE) and not told
    final = read_preview(scene, Previewed.from_json(plain.result()).folder)
    other = one_group([Click(ball.view, ball.x + 1, ball.y)])
    asked = client.request("preview", Preview(str(scene.folder), other, early=True).to_json(), on_early=early)
    assert asked.wait(PATIENCE)
    assert [id for id, _ in told] == [asked.id]
    answered = read_preview(scene, Previewed.from_json(asked.result()).folder)
    assert same(answered, SceneSession(scene.folder).preview(other).masks)
    assert _whole(told[0][1], answered) > 0.6 and _whole(final, answered) > 0.8


def test_another_prompt_right_after_the_first_answer(
    uncached: Made, ball: Click, client: WorkerClient
) -> None:
    scene, truths = uncached
    told: list[int] = []

    def ask(groups: Sequence[PromptGroup]) -> Request:
        params = Preview(str(scene.folder), tuple(groups), early=True).to_json()
        return client.request("preview", params, on_early=lambda answer: told.append(answer.id))

    first = ask(one_group([ball]))
    while not told and not first.done:
        client.poll(block=0.05)
    first.cancel(gently=True)
    pid = client.pid
    box = one_group([middle_click(truths, BOX)])
    second = ask(box)
    assert second.wait(PATIENCE) and first.done and client.pid == pid
    assert told == [first.id, second.id]
    masks = read_preview(scene, Previewed.from_json(second.result()).folder)
    assert same(masks, SceneSession(scene.folder).preview(box).masks)


def test_prepared_the_worker_answers_roughly_at_once(
    uncached: Made, ball: Click, client: WorkerClient
) -> None:
    scene, _ = uncached
    prepare = client.request("prepare", Prepare(str(scene.folder)).to_json())
    prepare.cancel(gently=True)
    assert prepare.wait(PATIENCE)
    with pytest.raises(Cancelled):
        prepare.result()
    prepare = client.request("prepare", Prepare(str(scene.folder)).to_json())
    assert prepare.wait(PATIENCE) and Prepared.from_json(prepare.result()).segmenter == "graphcut"
    stages: list[str] = []
    params = Preview(str(scene.folder), tuple(one_group([ball])), early=True).to_json()
    asked = client.request("preview", params, on_progress=lambda report: stages.append(report.stage))
    assert asked.wait(PATIENCE) and not Previewed.from_json(asked.result()).cached
    assert "segmenter" not in stages


def test_a_cancelled_request_tells_nothing_more(uncached: Made, ball: Click, client: WorkerClient) -> None:
    scene, _ = uncached
    told: list[int] = []
    params = Preview(str(scene.folder), one_group([ball]), early=True).to_json()
    request = client.request("preview", params, on_early=lambda e: told.append(e.id))
    request.cancel(gently=True)
    assert request.wait(PATIENCE) and not told
    with pytest.raises(Cancelled):
        request.result()
