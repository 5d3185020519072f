# SPDX-License-Identifier: GPL-3.0-or-later
"""The order to carry objects through views in, by the shares they have in common (``Surfaces.overlaps``)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def most_central(shares: NDArray[np.float64], candidates: Sequence[int]) -> int:
    """The candidate that shares most with all views; the first where none shares anything."""
    both = shares + shares.T
    return max(candidates, key=lambda k: (both[k].sum(), -k))


def carrying_order(shares: NDArray[np.float64], known: Sequence[int]) -> list[int]:
    """The other views, each after the ones it overlaps with most: outwards from ``known`` in all directions.

    (Prim's order. From a view in the middle of a row it goes both ways, whichever side is more alike first.)
    """
    alike = shares + shares.T
    done, rest = list(known), [v for v in range(len(alike)) if v not in known]
    while rest:
        following = max(rest, key=lambda v: (max(alike[v, k] for k in done), -v))
        done.append(following)
        rest.remove(following)
    return done[len(known) :]


def most_alike(shares: NDArray[np.float64], view: int, among: Sequence[int], most: int) -> list[int]:
    """At most ``most`` of the views ``among``, those that overlap with ``view`` most first.

    Equal ones: the one that comes last in ``among`` first.
    """
    alike = (shares + shares.T)[view]
    order = sorted(range(len(among)), key=lambda k: (-alike[among[k]], -k))
    return [among[k] for k in order[:most]]
