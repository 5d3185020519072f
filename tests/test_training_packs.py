# SPDX-License-Identifier: GPL-3.0-or-later
"""Packs of things in scenes to learn from: neighbours touch, none overlaps, layers lie on what is below."""

from collections.abc import Callable
from itertools import pairwise

import bpy
import numpy as np
import pytest

from training.scenes.floorplan import Floorplan
from training.scenes.materials import Paint
from training.scenes.packs import piled, side_by_side
from training.scenes.surroundings import Level
from training.scenes.things import Thing

UNIT = 0.3
SEEDS = range(10)


def _packs(pack: Callable[..., list[Thing]], seed: int) -> list[Thing]:
    bpy.ops.wm.read_factory_settings(use_empty=True)
    paint = Paint(np.random.default_rng(seed))
    level = Level((0.1, -0.2), (4 * UNIT, 2 * UNIT), 0.5, 1.5 * UNIT)
    things = pack(paint, Floorplan(level), UNIT, 8)
    for thing in things:
        assert thing.place[2] >= level.z
        assert thing.place[2] + thing.height <= level.z + level.headroom + 1e-6
    return things


def _base(things: list[Thing]) -> list[Thing]:
    return [thing for thing in things if thing.place[2] == pytest.approx(0.5)]


def test_neighbours_in_a_row_leave_a_gap_that_is_narrow() -> None:
    counts = []
    for seed in SEEDS:
        row = _base(_packs(side_by_side, seed))
        counts.append(len(row))
        for left, right in pairwise(row):
            along = (right.place - left.place)[:2] / np.linalg.norm((right.place - left.place)[:2])
            end = (left.points[:, :2] @ along).max() + left.place[:2] @ along
            start = (right.points[:, :2] @ along).min() + right.place[:2] @ along
            assert -0.15 * UNIT < start - end < 0.15 * UNIT
    assert max(counts) == 8 and sorted(counts)[len(counts) // 2] >= 3


def test_some_neighbours_are_equal_and_some_are_not() -> None:
    equal = []
    for seed in SEEDS:
        row = _base(_packs(side_by_side, seed))
        equal += [left.height == pytest.approx(right.height) for left, right in pairwise(row)]
    assert 0.3 < np.mean(equal) < 1.0


def test_a_layer_lies_on_the_one_below() -> None:
    layered = 0
    for seed in range(12):
        things = _packs(side_by_side, seed)
        tops = {round(float(thing.place[2]) + thing.height, 5) for thing in things}
        above = [thing for thing in things if thing.place[2] > 0.5 + 1e-6]
        layered += bool(above)
        assert all(round(float(thing.place[2]), 5) in tops for thing in above)
    assert layered


def test_a_pile_has_no_gaps() -> None:
    heights = []
    for seed in SEEDS:
        pile = _packs(piled, seed)
        heights.append(len(pile))
        for below, above in pairwise(pile):
            assert above.place[2] == pytest.approx(below.place[2] + below.height)
    assert max(heights) >= 4
