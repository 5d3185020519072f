# SPDX-License-Identifier: GPL-3.0-or-later
"""Clicks that say that most of an answer is wrong, or most of the thing missing: what all clicks together may
mean instead.

A correction changes what is around its click. Where a whole row of books was taken for one of them, that is
another click for every book that is too much; where a head was taken for the whole frog, one for every limb.
So when a click takes away the middle of an answer, or adds something, what walks from all clicks reach on the
contracted graph is tried as well: whatever is not in that goes, or whatever is comes.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from .contract import Contracted
from .contradiction import Contradiction
from .graph import Selection
from .hypotheses import Hypothesis, walked
from .outline import centredness

MIDDLE = 0.5
"""A click is in the middle of an answer where this share of its greatest depth or more is around it."""

MOST, NOT_ALL = 0.5, 0.95
"""Shares of an answer's pixels in the clicked view: more than the one has to go, less than the other."""

NEARER = 0.3
"""Share of what goes that walks reach from the click rather than from clicks against it."""

LOSS = 0.1
"""How local those walks are."""

LARGER = 1.5
"""By how much the answer's pixels in the clicked view grow at least where most of the thing was missing.

With such answers a frog and a book have a mean IoU of .795 after two clicks, and .750 without; rendered
things (``benchmarks/corrections.py``) are the same on average.
"""

HANDICAP = 0.3
"""What the outline of one thing among its like is weaker by than that of all of them, as judged.

Mean IoU in views not clicked, for three clicked views of each of ten things on a shelf, after 2, 3, 4 and 5
clicks: without smaller answers .447 .485 .521 .547, with .2 .546 .565 .605 .634, with .3 .556 .586 .621 .645.
On table, garden, kermit and apple no click was answered otherwise.
"""


def anew(asked: Contradiction, small: Contracted) -> list[Hypothesis]:
    """Answers of which less than half is left, or that are much larger; none where that is unlikely.

    Args:
        small: what ``rough.contracted`` made of the graph.
    """
    if not asked.click.positive and centredness(asked.mask, asked.click) < MIDDLE:
        return []
    inside = np.unique(small.of_node[asked.inside])
    outside = np.setdiff1d(np.unique(small.of_node[asked.outside]), inside)
    starts = walked(small.graph, inside, outside, on_surfaces=False)
    return _larger(asked, small, starts) if asked.click.positive else _smaller(asked, small, starts, inside)


def _larger(asked: Contradiction, small: Contracted, starts: list[Hypothesis]) -> list[Hypothesis]:
    """The answer with all that walks from all clicks reach, where that is much more."""
    labels, answer = asked.graph.views[asked.click.view].labels, np.count_nonzero(asked.mask)
    found = []
    for start in starts:
        new = np.flatnonzero(~asked.previous & small.up(start.selection))
        selection = asked.flipped(np.setdiff1d(new, asked.outside))
        if np.count_nonzero(selection[labels]) >= LARGER * answer:
            found.append(asked.judged(selection, f"mostly missing, {start.note}"))
    return found


def _smaller(
    asked: Contradiction, small: Contracted, starts: list[Hypothesis], inside: NDArray[np.int64]
) -> list[Hypothesis]:
    """What walks from all clicks reach of the answer, where that is less than half of it."""
    nearer, area = _nearer(asked, small, inside), asked.graph.nodes.area
    labels, answer = asked.graph.views[asked.click.view].labels, np.count_nonzero(asked.mask)
    found = []
    for start in starts:
        gone = np.flatnonzero(asked.previous & ~small.up(start.selection))
        selection = asked.flipped(np.setdiff1d(gone, asked.inside))
        share = 1.0 - np.count_nonzero(selection[labels] & asked.mask) / answer
        if not MOST <= share <= NOT_ALL or area[gone] @ nearer[gone] < NEARER * area[gone].sum():
            continue
        guess = asked.judged(selection, f"mostly wrong, {start.note}")
        found.append(replace(guess, score=guess.score + HANDICAP))
    return found


def _nearer(asked: Contradiction, small: Contracted, inside: NDArray[np.int64]) -> Selection:
    """Nodes (n,) that walks reach from the click rather than from the merged nodes ``inside``."""
    clicked = np.setdiff1d(small.of_node[[asked.node]], inside)
    walk = small.graph.walk
    return small.up(walk.reach(clicked, inside, LOSS) > walk.reach(inside, clicked, LOSS))
