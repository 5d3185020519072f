# SPDX-License-Identifier: GPL-3.0-or-later
"""How long a job still takes: nothing is said at first, an even pace is told closely, jumps are calmed."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from wildseg3d_blender.addon.session import time_left
from wildseg3d_blender.addon.session.bar import Bar, Part
from wildseg3d_blender.addon.session.time_left import FIRST_WORD_AFTER, TimeLeft, words


def _guesses(fractions: np.ndarray, tick: float = 0.1) -> list[float | None]:
    guess = TimeLeft(0.0)
    return [guess.update(tick * (n + 1), float(fraction)) for n, fraction in enumerate(fractions)]


def test_nothing_is_said_before_it_means_something() -> None:
    early = _guesses(np.linspace(0.0, 0.5, int(FIRST_WORD_AFTER / 0.1) - 2))
    assert early == [None] * len(early)
    # However long it took: at two per cent nobody knows.
    assert _guesses(np.linspace(0.0, 0.02, 600))[-1] is None


def test_an_even_pace_is_told_closely() -> None:
    guesses = _guesses(np.linspace(0.0, 1.0, 600))  # a minute
    for n in range(150, 600):
        left = guesses[n]
        assert left is not None and abs(left - (60.0 - 0.1 * (n + 1))) < 3.0


def test_a_job_that_stands_still_does_not_run_down() -> None:
    fractions = np.concatenate([np.linspace(0.0, 0.5, 200), np.full(200, 0.5), np.linspace(0.5, 1.0, 200)])
    guesses = _guesses(fractions)
    assert guesses[199] is not None and guesses[399] is not None
    assert guesses[399] > guesses[199]
    assert guesses[-1] is not None and guesses[-1] < 6.0
    steps = np.diff([left for left in guesses if left is not None])
    assert np.abs(steps).max() < 2.0


def test_all_done_leaves_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A job is at its end before it is over: what is said then must go together."""

    class Job:
        bar, fraction = Bar(), 0.0

    job, clock, said = Job(), 0.0, {}
    monkeypatch.setattr(time_left, "time", SimpleNamespace(monotonic=lambda: clock))
    for job.fraction in (0.0, 0.5, 0.999, 1.0):
        said[job.fraction] = time_left.text(job)
        clock += 10.0
    assert said == {0.0: "0%", 0.5: "50%, about 10 s left", 0.999: "99%, a few seconds left", 1.0: "100%"}


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (1, "a few seconds left"),
        (12, "about 15 s left"),
        (31, "about 40 s left"),
        (70, "about a minute left"),
        (200, "about 3 min left"),
    ],
)
def test_words_are_as_exact_as_the_guess(seconds: float, said: str) -> None:
    assert words(seconds) == said


def test_the_guess_goes_on_from_job_to_job_of_one_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    bar, clock = Bar(), 0.0
    monkeypatch.setattr(time_left, "time", SimpleNamespace(monotonic=lambda: clock))
    parts = Part(bar, 0.0, 0.5), Part(bar, 0.5)
    for part in parts:
        for done in np.linspace(0.0, 1.0, 100):
            said = time_left.text(SimpleNamespace(bar=part.bar, fraction=part.at(float(done))))
            if clock > 10.0 and part.at(float(done)) < 1.0:
                assert "left" in said
            clock += 0.1
    assert said == "100%"
