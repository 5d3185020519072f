# SPDX-License-Identifier: GPL-3.0-or-later
"""One bar from the first moment to the last, whatever part of the work is the worker's and what Blender's."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from wildseg3d_blender.errors import Cancelled
from wildseg3d_blender.scene.folder import Scene

DEADLINE = 120.0


def _fractions(work: Any) -> list[float]:
    """How full the bar was, at every look while ``work`` was done; all its jobs must share it."""
    from wildseg3d_blender.addon.session import runtime
    from wildseg3d_blender.addon.tasks.driving import Run

    run, found, bars, ends = Run(work, "Work", lambda text: None), [], set(), time.monotonic() + DEADLINE
    run.begin()
    try:
        while (job := run.job) is not None and time.monotonic() < ends:
            found.append(job.fraction)
            bars.add(job.bar)
            runtime.poll(0.01 if run.waits else 0.0)
            run.go_on(0.0)
    finally:
        run.stop()
    assert len(bars) == 1
    return found


def test_the_bar_fills_once(blender: Any, aligned_scene: Scene, tmp_path: Path) -> None:
    from wildseg3d_blender.addon import api
    from wildseg3d_blender.addon.scene import surfaces
    from wildseg3d_blender.addon.scene.importing import importing
    from wildseg3d_blender.addon.tasks.refining import refining
    from wildseg3d_blender.addon.tasks.segmenting import segmenting

    folder = shutil.copytree(aligned_scene.folder, tmp_path / "scene")
    root = api.open_scene(folder)
    works = (
        refining(root, ["Ball"]),
        segmenting(root, "Ball"),
        importing(blender.context.scene.name, folder),
        surfaces.making(root.name, "", surfaces.Photos()),
        surfaces.making(root.name, "", surfaces.Closed(16)),
    )
    for work in works:
        found = _fractions(work)
        assert found == sorted(found) and found[0] == 0.0 and 0.8 < found[-1] <= 1.0, work


def test_a_piece_of_longer_work_fills_its_share() -> None:
    from wildseg3d_blender.addon.scene.steps import Aside, Pause, within

    def piece() -> Any:
        yield Pause(0.5, "Half")
        answer = yield Aside(lambda: 3)
        yield Pause()
        return answer + 1

    work = within(piece(), 0.6, 0.8)
    assert next(work) == Pause(pytest.approx(0.7), "Half")
    assert work.send(None).compute() == 3
    assert work.send(3) == Pause()
    with pytest.raises(StopIteration) as ended:
        work.send(None)
    assert ended.value.value == 4


@pytest.mark.parametrize("by", ["throwing", "closing"])
def test_a_piece_of_longer_work_cleans_up(by: str) -> None:
    from wildseg3d_blender.addon.scene.steps import Pause, within

    cleaned = []

    def piece() -> Any:
        try:
            yield Pause(0.5)
        finally:
            cleaned.append(True)

    work = within(piece(), 0.0, 1.0)
    next(work)
    if by == "throwing":
        with pytest.raises(Cancelled):
            work.throw(Cancelled())
    else:
        work.close()
    assert cleaned == [True]
