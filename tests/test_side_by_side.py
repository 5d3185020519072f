# SPDX-License-Identifier: GPL-3.0-or-later
"""The same work for many things in threads: results in order, and a cancellation heard while work is on."""

from __future__ import annotations

import threading

import pytest

from wildseg3d_blender.errors import Cancelled
from wildseg3d_blender.pipeline.side_by_side import side_by_side


def test_results_come_in_order_and_few_are_made_ahead() -> None:
    made: list[int] = []
    told: list[int] = []

    def work(number: int) -> int:
        made.append(number)
        return number * number

    results = side_by_side(work, range(200), told.append)
    assert next(results) == 0
    assert len(made) < 200
    assert list(results) == [number * number for number in range(1, 200)]
    assert sorted(made) == list(range(200))
    assert told == sorted(told) and told[0] == 0 and told[-1] == 199


def test_a_cancellation_is_heard_while_work_hangs_and_nothing_more_is_begun() -> None:
    going_on, begun, told = threading.Event(), [], []

    def work(number: int) -> int:
        begun.append(number)
        going_on.wait(60)
        return number

    def waiting(given: int) -> None:
        told.append(given)
        if len(told) == 3:
            raise Cancelled()

    with pytest.raises(Cancelled):
        list(side_by_side(work, range(1000), waiting))
    assert not going_on.is_set()
    count = len(begun)
    going_on.set()
    for thread in threading.enumerate():
        if thread.name.startswith("side-by-side"):
            thread.join(60)
    assert len(begun) == count < 1000


def test_what_work_raises_comes_out() -> None:
    def work(number: int) -> int:
        if number == 3:
            raise ValueError("three")
        return number

    with pytest.raises(ValueError, match="three"):
        list(side_by_side(work, range(10), lambda given: None))
    assert list(side_by_side(work, [], lambda given: None)) == []
