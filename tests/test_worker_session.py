# SPDX-License-Identifier: GPL-3.0-or-later
"""Previews, objects and finding them through a worker that is a real process."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.scenes.ball_and_box import BALL, BOX
from tests.scenes.listed import Listed, Made, core, middle_click, same, shown
from tests.scenes.tiny import write_tiny_scene
from tests.test_worker_server import Peer
from wildseg3d_blender.errors import Cancelled, PromptError, SceneError
from wildseg3d_blender.pipeline.evaluation import iou
from wildseg3d_blender.pipeline.segment import SceneSession
from wildseg3d_blender.pipeline.segmentation.mask_cache.building import build_mask_cache
from wildseg3d_blender.pipeline.segmentation.mask_cache.cache import FOLDER, read_mask_cache
from wildseg3d_blender.prompts import Box, Click, PromptGroup, one_group
from wildseg3d_blender.scene.objects import object_folders
from wildseg3d_blender.scene.ownership import owned_points
from wildseg3d_blender.scene.previews import FOLDER as PREVIEWS
from wildseg3d_blender.scene.previews import read_preview
from wildseg3d_blender.worker import protocol
from wildseg3d_blender.worker.messages import (
    FindObjects,
    FoundObjects,
    Preview,
    Previewed,
    Segment,
    Segmented,
)
from wildseg3d_blender.worker.params import Params


class Worker:
    """A worker process that is asked and answers; progress is kept apart."""

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        self.id = 0
        self.stages: list[str] = []
        peer.initialize()

    def send(self, method: str, params: Params) -> int:
        self.id += 1
        self.peer.send(protocol.request(self.id, method, params.to_json()))
        return self.id

    def cancel(self, id: int) -> None:
        self.peer.send(protocol.notification("cancel", {"id": id}))

    def wait_for_progress(self) -> None:
        assert self.peer.receive().get("method") == "progress"

    def answer(self, id: int) -> Any:
        self.stages = []
        while (message := self.peer.receive()).get("id") != id:
            assert message.get("method") == "progress", message
            self.stages.append(message["params"]["stage"])
        if "error" in message:
            raise protocol.error_from_json(message["error"])
        return message["result"]

    def preview(self, scene: Path, *groups: PromptGroup) -> Previewed:
        return Previewed.from_json(self.answer(self.send("preview", Preview(str(scene), groups))))

    def segment(self, scene: Path, name: str, *groups: PromptGroup) -> Segmented:
        return Segmented.from_json(self.answer(self.send("segment", Segment(str(scene), name, groups))))

    def find_objects(self, scene: Path) -> FoundObjects:
        return FoundObjects.from_json(self.answer(self.send("find_objects", FindObjects(str(scene)))))


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[Worker]:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    peer = Peer(temporary, "-m", "wildseg3d_blender.worker")
    yield Worker(peer)
    peer.process.kill()
    peer.process.wait()
    for pipe in (peer.process.stdin, peer.process.stdout, peer.process.stderr):
        if pipe is not None:
            pipe.close()


def test_a_preview_is_what_segment_then_cuts_out(listed_copy: Made, worker: Worker) -> None:
    scene, truths = listed_copy
    ball, box = middle_click(truths, BALL), middle_click(truths, BOX)
    groups = (PromptGroup((ball,), size=1), PromptGroup((box,), subtract=True))
    seen = worker.preview(scene.folder, *groups)
    assert (seen.cached, seen.larger, seen.smaller, seen.warnings) == (True, (False, True), (True, False), ())
    assert same(read_preview(scene, seen.folder), shown(truths, BALL))
    assert not object_folders(scene)
    cut = worker.segment(scene.folder, "Ball", *groups)
    assert "masks" not in worker.stages and "graph" not in worker.stages
    assert cut.masks == {name: int(mask.sum()) for name, mask in shown(truths, BALL).items()}
    assert cut.points == sum(int(mask.sum()) for mask in owned_points(scene)["Ball"].values())
    both = worker.segment(scene.folder, "Both", *one_group([ball, box]))
    assert both.changed == ("Ball",)


def test_a_solved_preview_is_not_solved_again(listed_copy: Made, worker: Worker) -> None:
    scene, truths = listed_copy
    ball = middle_click(truths, BALL)
    group = PromptGroup((ball, Click("v2", ball.x - 14, ball.y, positive=False)))
    seen = worker.preview(scene.folder, group)
    assert not seen.cached and "masks" in worker.stages
    masks = read_preview(scene, seen.folder)
    cut = worker.segment(scene.folder, "Ball", group)
    assert "masks" not in worker.stages
    assert cut.masks == {name: int(mask.sum()) for name, mask in masks.items()}
    here = SceneSession(scene.folder).preview([group])
    assert same(here.masks, masks)


def test_finding_objects_is_cancelled_and_taken_up_again(listed_copy: Made, worker: Worker) -> None:
    scene, truths = listed_copy
    shutil.rmtree(scene.folder / FOLDER)
    before = sorted(path.name for path in scene.folder.iterdir())
    for _ in range(2):
        id = worker.send("find_objects", FindObjects(str(scene.folder)))
        worker.wait_for_progress()
        worker.cancel(id)
        with pytest.raises(Cancelled):
            worker.answer(id)
        assert sorted(path.name for path in scene.folder.iterdir()) == before
    # What is asked meanwhile is answered by solving.
    seen = worker.preview(scene.folder, *one_group([middle_click(truths, BALL)]))
    assert not seen.cached
    found = worker.find_objects(scene.folder)
    cache = read_mask_cache(scene, "graphcut")
    assert cache is not None and len(cache) == found.count > 1
    assert found.parts == int((cache.parents() >= 0).sum())
    assert worker.find_objects(scene.folder) == found
    assert worker.stages == []


def test_one_that_waits_is_cancelled_too(listed_copy: Made, worker: Worker) -> None:
    scene, truths = listed_copy
    shutil.rmtree(scene.folder / FOLDER)
    running = worker.send("find_objects", FindObjects(str(scene.folder)))
    waiting = worker.send("preview", Preview(str(scene.folder), one_group([middle_click(truths, BALL)])))
    worker.cancel(waiting)
    with pytest.raises(Cancelled):
        worker.answer(waiting)
    worker.cancel(running)
    with pytest.raises(Cancelled):
        worker.answer(running)


def test_what_another_process_changed_is_seen(listed_copy: Made, worker: Worker, tmp_path: Path) -> None:
    scene, truths = listed_copy
    ball = middle_click(truths, BALL)
    seen = worker.preview(scene.folder, *one_group([ball]))
    assert same(read_preview(scene, seen.folder), shown(truths, BALL))
    # Other objects in the cache.
    shutil.rmtree(scene.folder / FOLDER)
    build_mask_cache(scene, Listed([core(truths, BALL), shown(truths, BOX)], [1.0, 0.9]))
    seen = worker.preview(scene.folder, *one_group([ball]))
    assert same(read_preview(scene, seen.folder), core(truths, BALL))
    # Another scene in its place, while the old one is open.
    scene.folder.rename(tmp_path / "old")
    other = write_tiny_scene(scene.folder)
    seen = worker.preview(other.folder, *one_group([Click("middle", 80.0, 58.0)]))
    assert read_preview(other, seen.folder).keys() == {"left", "middle", "right"}
    # None at all.
    shutil.rmtree(other.folder)
    with pytest.raises(SceneError, match="press Reconstruct"):
        worker.preview(other.folder, *one_group([ball]))


def test_bad_prompts_arrive_as_sentences_and_do_no_harm(listed_copy: Made, worker: Worker) -> None:
    scene, truths = listed_copy
    ball = middle_click(truths, BALL)
    negative = Click("v0", 5.0, 5.0, positive=False)
    for groups, words in (
        ((), "no prompts yet"),
        (one_group([negative]), "place at least one on the object itself"),
        (one_group([ball, Click("v2", ball.x, ball.y, positive=False)]), "both as object and as not object"),
        ((PromptGroup((ball,), subtract=True),), "show the object itself first"),
        ((*one_group([ball]), PromptGroup((ball,), subtract=True)), "Nothing is left of Ball"),
        (one_group([Click("v2", 500.0, 5.0)]), "outside v2"),
        (one_group([Box("v2", 5.0, 5.0, 5.0, 50.0)]), "only a line"),
    ):
        with pytest.raises(PromptError, match=words):
            worker.segment(scene.folder, "Ball", *groups)
    assert not object_folders(scene)
    assert worker.segment(scene.folder, "Ball", *one_group([ball])).points > 500


@pytest.mark.parametrize("damage", ["older", "half"])
def test_an_older_or_half_written_cache_is_worked_without_and_made_anew(
    listed_copy: Made, worker: Worker, damage: str
) -> None:
    scene, truths = listed_copy
    file = scene.folder / FOLDER / ("cache.json" if damage == "older" else "points.npy")
    if damage == "older":
        file.write_text(json.dumps({**json.loads(file.read_text()), "format": 0}))
    else:
        file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    seen = worker.preview(scene.folder, *one_group([middle_click(truths, BALL)]))
    assert not seen.cached
    assert iou(read_preview(scene, seen.folder)["v2"], shown(truths, BALL)["v2"]) > 0.8
    assert worker.find_objects(scene.folder).count > 1
    cache = read_mask_cache(scene, "graphcut")
    assert cache is not None and len(cache) > 1


def test_where_nothing_was_measured_a_preview_says_so(listed_copy: Made, worker: Worker) -> None:
    scene, truths = listed_copy
    for view in scene.views:
        file = scene.folder / "confidence" / f"{view.name}.npy"
        np.save(file, np.zeros_like(np.load(file)))
    seen = worker.preview(scene.folder, *one_group([middle_click(truths, BALL)]))
    assert any("no 3D points" in warning for warning in seen.warnings)
    assert same(read_preview(scene, seen.folder), shown(truths, BALL))


def test_a_scene_that_cannot_be_written_is_explained(listed_copy: Made, worker: Worker) -> None:
    scene, truths = listed_copy
    (scene.folder / PREVIEWS).write_text("in the way")
    with pytest.raises(SceneError, match="permissions"):
        worker.preview(scene.folder, *one_group([middle_click(truths, BALL)]))
