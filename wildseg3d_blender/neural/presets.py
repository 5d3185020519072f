# SPDX-License-Identifier: GPL-3.0-or-later
"""The quality presets: how many pairs of photos DUSt3R looks at."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Preset:
    """How many pairs are looked at.

    Attributes:
        complete_up_to: number of photos up to which every pair is.
        neighbours: beyond, the most similar photos that each is paired with.
        window: beyond, the photos that follow in capture order, where there is one.
        both_up_to: number of photos up to which each pair is looked at in both directions.

    What that costs in accuracy, on synthetic pointmaps with noise of each edge's own (``python -m
    benchmarks.neural_parts.presets``), median error of the points in % of the depth: ten views, fine 0.20
    (90 pairs), balanced 0.32 (45), fast 0.64 (17); six views 0.29, 0.40, 0.47. A real network's errors in the
    two directions are not independent, so there the second one should bring less.
    """

    complete_up_to: int
    neighbours: int
    window: int
    both_up_to: float


PRESETS = {
    "fast": Preset(complete_up_to=5, neighbours=3, window=1, both_up_to=2),
    "balanced": Preset(complete_up_to=12, neighbours=6, window=2, both_up_to=5),
    "fine": Preset(complete_up_to=12, neighbours=6, window=2, both_up_to=math.inf),
}
"""From the quickest to the slowest."""

MUTUAL = 0.62
"""Pairs for each photo and neighbour where not every pair is taken: many are each other's neighbours. Within
a tenth for photos taken on a line, on a circle and all over the place."""


def expected_pairs(photos: int, preset: Preset) -> int:
    """How many directed pairs that many photos come to, about where it depends on the photos."""
    every = photos * (photos - 1) // 2
    if photos > preset.complete_up_to:
        every = min(every, round(MUTUAL * preset.neighbours * photos))
    return 2 * every if photos <= preset.both_up_to else every


def expected_further_pairs(placed: int, new: int, preset: Preset) -> int:
    """How many directed pairs it takes to add ``new`` photos to placed ones, about likewise."""
    every = new * placed + new * (new - 1)
    if placed + new <= preset.complete_up_to:
        return every
    return min(every, round(2 * MUTUAL * preset.neighbours * new))
