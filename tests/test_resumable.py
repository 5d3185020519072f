# SPDX-License-Identifier: GPL-3.0-or-later
"""Work that is cancelled at once, rests, and goes on from where it was."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from tests.waiting import PATIENCE
from wildseg3d_blender.errors import Cancelled
from wildseg3d_blender.pipeline.resumable import Resumable
from wildseg3d_blender.progress import Progress, silent

STEPS = 2000


class Steps:
    """Counts to STEPS: for much longer than a few looks at it take, until there is reason to ``hurry``."""

    def __init__(self) -> None:
        self.begun = 0
        self.done: list[int] = []
        self.hurry = threading.Event()

    def __call__(self, progress: Progress) -> int:
        self.begun += 1
        for number in range(STEPS):
            progress("counting", number / STEPS, f"Step {number}")
            self.hurry.wait(0.01)
            self.done.append(number)
        return sum(self.done)


class CancelAfter:
    """A progress that cancels at its call of that number and keeps what it was told."""

    def __init__(self, calls: int) -> None:
        self.left = calls
        self.heard: list[tuple[str, float, str]] = []

    def __call__(self, stage: str, fraction: float, text: str = "") -> None:
        self.heard.append((stage, fraction, text))
        self.left -= 1
        if self.left == 0:
            raise Cancelled


@pytest.fixture
def steps() -> Steps:
    return Steps()


@pytest.fixture
def counting(steps: Steps) -> Iterator[Resumable[int]]:
    work = Resumable(steps)
    yield work
    work.stop()


def test_it_gives_what_the_work_gives_and_tells_how_far_it_is(steps: Steps, counting: Resumable[int]) -> None:
    assert not counting.begun
    watching = CancelAfter(-1)

    def progress(stage: str, fraction: float, text: str = "") -> None:
        watching(stage, fraction, text)
        if len([stage for stage, _, _ in watching.heard if stage == "counting"]) == 3:
            steps.hurry.set()

    assert counting.result(progress) == sum(range(STEPS))
    assert counting.begun and counting.result(silent) == sum(range(STEPS))
    assert steps.begun == 1
    fractions = [fraction for stage, fraction, _ in watching.heard if stage == "counting"]
    assert fractions and fractions == sorted(fractions)


def test_cancelled_again_and_again_nothing_is_done_twice(steps: Steps, counting: Resumable[int]) -> None:
    for calls in (1, 2, 1):
        with pytest.raises(Cancelled):
            counting.result(CancelAfter(calls))
        counting.settle(silent)
        before = len(steps.done)
        time.sleep(0.05)
        assert len(steps.done) == before < STEPS
    steps.hurry.set()
    assert counting.result(silent) == sum(range(STEPS))
    assert steps.begun == 1 and steps.done == list(range(STEPS))


def test_a_cancellation_does_not_wait_for_what_cannot_hear_it() -> None:
    inside, leave = threading.Event(), threading.Event()

    def deaf(progress: Progress) -> str:
        inside.set()
        leave.wait()  # like a native call
        progress("deaf", 0.5, "")
        return "done"

    work = Resumable(deaf)
    with pytest.raises(Cancelled):
        work.result(CancelAfter(2))
    assert inside.wait(PATIENCE) and not leave.is_set()
    # Whoever uses what the work uses waits until it rests, and can be cancelled too.
    with pytest.raises(Cancelled):
        work.settle(CancelAfter(1))
    leave.set()
    work.settle(silent)
    assert work.result(silent) == "done"


def test_a_failure_is_told_and_the_next_time_begins_anew() -> None:
    times = []

    def failing(progress: Progress) -> int:
        times.append(1)
        progress("failing", 0.0, "")
        if len(times) == 1:
            raise MemoryError("too much")
        return len(times)

    work = Resumable(failing)
    with pytest.raises(MemoryError, match="too much"):
        work.result(silent)
    work.settle(silent)
    assert work.result(silent) == 2


def test_stopped_work_ends(steps: Steps, counting: Resumable[int]) -> None:
    with pytest.raises(Cancelled):
        counting.result(CancelAfter(1))
    names = [thread.name for thread in threading.enumerate()]
    assert "resumable" in names
    counting.stop()
    assert len(steps.done) < STEPS
    with pytest.raises(Cancelled):
        counting.result(silent)


def test_work_within_work_goes_on_for_either(steps: Steps) -> None:
    inner = Resumable(steps)
    outer = Resumable(lambda progress: inner.result(progress) + 1)
    with pytest.raises(Cancelled):
        outer.result(CancelAfter(2))
    with pytest.raises(Cancelled):
        inner.result(CancelAfter(1))
    steps.hurry.set()
    assert outer.result(silent) == sum(range(STEPS)) + 1
    assert inner.result(silent) == sum(range(STEPS)) and steps.begun == 1
