# SPDX-License-Identifier: GPL-3.0-or-later
"""Which directed pairs of photos the network looks at, by quality preset."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ....progress import Progress
from ...pair_selection import (
    both_directions,
    image_similarity,
    in_capture_order,
    one_direction,
    select_pairs,
)
from ...pair_selection.selection import Pair


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
    "fine": Preset(complete_up_to=12, neighbours=6, window=2, both_up_to=np.inf),
}


def directed_pairs(images: Sequence[NDArray[np.uint8]], preset: Preset, progress: Progress) -> list[Pair]:
    """The pairs (i, j) to look at, sorted; every image in some pair, all connected, each first in some.

    Args:
        images: (H, W, 3) uint8 RGB, two or more. Their looks decide where not every pair is taken.
    """
    count = len(images)
    if count <= preset.complete_up_to:
        return chosen_pairs(np.ones((count, count)), preset)
    return chosen_pairs(image_similarity(images, progress=progress), preset)


def chosen_pairs(similarity: NDArray[np.floating], preset: Preset) -> list[Pair]:
    """As ``directed_pairs``, by a similarity (N, N); see ``pair_selection.select_pairs``."""
    pairs = select_pairs(
        similarity,
        neighbours=preset.neighbours,
        window=preset.window if in_capture_order(similarity) else 0,
        complete_up_to=preset.complete_up_to,
    )
    if len(similarity) <= preset.both_up_to:
        return both_directions(pairs)
    return one_direction(pairs, len(similarity))
