# SPDX-License-Identifier: GPL-3.0-or-later
"""Which directed pairs of photos the network looks at, by quality preset."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ....neural.presets import PRESETS, Preset
from ....progress import Progress
from ...pair_selection import (
    both_directions,
    image_similarity,
    in_capture_order,
    one_direction,
    select_pairs,
)
from ...pair_selection.selection import Pair

__all__ = ["PRESETS", "Preset", "chosen_pairs", "directed_pairs", "further_pairs"]

PARTNERS = 3
"""Placed views that a new one is paired with at least: two have to agree on it, and one may be mistaken."""


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


def further_pairs(
    images: Sequence[NDArray[np.uint8]], placed: int, preset: Preset, progress: Progress
) -> list[Pair]:
    """The pairs (i, j) that join new views to placed ones, sorted: of all chosen, those with a new view.

    A new view is first: its own map is in its own frame then, whoever the partner. Two new views are paired
    both ways.

    Args:
        images: (H, W, 3) uint8 RGB of all views, the ``placed`` ones first.
    """
    alike = image_similarity(images, progress=progress)
    pairs = set()
    for i, j in chosen_pairs(alike, preset):
        if max(i, j) >= placed:
            pairs.add((max(i, j), min(i, j)))
        if min(i, j) >= placed:
            pairs.add((min(i, j), max(i, j)))
    for new in range(placed, len(images)):
        pairs.update((new, int(view)) for view in np.argsort(-alike[new, :placed], kind="stable")[:PARTNERS])
    return sorted(pairs)
