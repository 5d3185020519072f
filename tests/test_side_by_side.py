# SPDX-License-Identifier: GPL-3.0-or-later
"""The same work for many things in threads: results in order, and a cancellation heard while work is on."""

from __future__ import annotations

import os
import threading

import pytest

from tests.waiting import PATIENCE
from wildseg3d_blender.errors import Cancelled
from wildseg3d_blender.pipeline.side_by_side import side_by_side


def test_results_come_in_order_and_few_are_made_ahead() -> None:
    count = 50 * (os.cpu_count() or 1)
    made: list[int] = []
    told: list[int] = []

    def work(number: int) -> int:
        made.append(number)
        return number * number

    results = side_by_side(work, range(count), told.append)
    assert next(results) == 0
    assert len(made) < count
    assert list(results) == [number * number for number in range(1, count)]
    assert sorted(made) == list(range(count))
    assert told == sorted(told) and told[0] == 0 and told[-1] == count - 1


def test_a_cancellation_is_heard_while_work_hangs_and_nothing_more_is_begun() -> None:
    processors = os.cpu_count() or 1
    going_on, begun, told = threading.Event(), [], []

    def work(number: int) -> int:
        begun.append(number)
        going_on.wait(PATIENCE)
        return number

    def waiting(given: int) -> None:
        told.append(given)
        if len(told) >= 3 and len(begun) == processors:  # every thread has something to do
            raise Cancelled()

    with pytest.raises(Cancelled):
        list(side_by_side(work, range(50 * processors), waiting))
    assert not going_on.is_set()
    going_on.set()
    for thread in threading.enumerate():
        if thread.name.startswith("side-by-side"):
            thread.join(PATIENCE)
    assert len(begun) == processors


def test_what_work_raises_comes_out() -> None:
    def work(number: int) -> int:
        if number == 3:
            raise ValueError("three")
        return number

    with pytest.raises(ValueError, match="three"):
        list(side_by_side(work, range(10), lambda given: None))
    assert list(side_by_side(work, [], lambda given: None)) == []
