# SPDX-License-Identifier: GPL-3.0-or-later
"""Where nothing can be written, that is said before any work is done for it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.artist import Artist
from tests.drawn_panels import panel_texts
from tests.scenes.ball_and_box import BALL
from tests.scenes.listed import Made, copied, middle_click
from tests.small_video import frames_along, write_video
from tests.waiting import wait_until
from wildseg3d_blender.errors import SceneError
from wildseg3d_blender.pipeline.photos.video import key_frames
from wildseg3d_blender.pipeline.realign import realign
from wildseg3d_blender.prompts import one_group
from wildseg3d_blender.worker.jobs import Jobs
from wildseg3d_blender.worker.messages import FindObjects, Preview, Segment


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Nobody, root included, can make anything in ``folder`` itself."""
    folder.chmod(0o555)
    fixed = (
        os.access(folder, os.W_OK) and subprocess.run(["chattr", "+i", folder], check=False).returncode == 0
    )
    try:
        if os.access(folder, os.W_OK) and not fixed:
            pytest.skip("this system lets root write everywhere")
        yield
    finally:
        if fixed:
            subprocess.run(["chattr", "-i", folder], check=True)
        folder.chmod(0o755)


def no_work(stage: str, fraction: float, text: str = "") -> None:
    """A progress of work that must not begin."""
    assert fraction == 0.0 and "Reading" in text, f"{stage} {fraction}: {text}"


@pytest.fixture
def copy(object_scene: Made, tmp_path: Path) -> Made:
    """One to write into, whose objects were not found yet."""
    return copied(object_scene, tmp_path / "scene")


def test_objects_are_neither_looked_for_nor_cut_out_in_vain(copy: Made) -> None:
    scene, truths = copy
    groups = one_group([middle_click(truths, BALL)])
    place, jobs = str(scene.folder), Jobs()
    before = sorted(scene.folder.rglob("*"))
    with read_only(scene.folder):
        for ask in (
            lambda: jobs.find_objects(FindObjects(place, "graphcut"), no_work),
            lambda: jobs.preview(Preview(place, groups, "graphcut"), no_work, lambda folder: None),
            lambda: jobs.segment(Segment(place, "Ball", groups), no_work),
        ):
            with pytest.raises(SceneError, match=r"Cannot write to .*open a copy"):
                ask()
    assert sorted(scene.folder.rglob("*")) == before


def test_blender_says_so_before_the_first_click_and_once(blender: Any, copy: Made) -> None:
    from wildseg3d_blender.addon import background
    from wildseg3d_blender.addon.session import previewing

    def told() -> list[str]:
        texts = " ".join(panel_texts(blender))
        return [part for part in ("is protected from writing", "Cannot write to") if part in texts]

    def step(until: Callable[[], object]) -> bool:
        background.step(blender.context.scene)
        return bool(until())

    artist = Artist(blender, copy)
    with read_only(copy[0].folder):
        blender.ops.wildseg3d.open_scene(directory=str(copy[0].folder))
        assert told() == ["is protected from writing"]
        artist.click("Ball", BALL)
        wait_until(lambda: step(previewing.problem))
        assert "Cannot write to" in previewing.problem()
        assert told() == ["is protected from writing"]
    previewing.touch()  # as any click does
    wait_until(lambda: step(previewing.answer))
    assert told() == []


def test_a_scene_is_not_aligned_in_vain(copy: Made) -> None:
    with read_only(copy[0].folder.parent), pytest.raises(SceneError, match="Cannot write to"):
        realign(copy[0].folder, progress=no_work)


def test_a_video_is_not_looked_through_in_vain(tmp_path: Path) -> None:
    video = write_video(tmp_path / "clip.mp4", frames_along(np.linspace(0.0, 1.0, 20)))
    with read_only(tmp_path), pytest.raises(SceneError, match="where the frames would be kept"):
        key_frames(video, tmp_path, progress=no_work)
