# SPDX-License-Identifier: GPL-3.0-or-later
"""Things as people put them away: side by side without a gap, in layers, in piles.

Neighbours that look alike are told apart by nothing but the line between them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from .floorplan import Floorplan
from .forms import Array, chance, pick
from .materials import Paint
from .things import PACKED, PILED, STACKED, Maker, Thing, make

LONGEST_SERIES = 6
"""So many neighbours are equal at most."""


def side_by_side(paint: Paint, plan: Floorplan, unit: float, count: int) -> list[Thing]:
    """Up to ``count`` things in a row, series of them alike, perhaps with further layers of them above."""
    rng, level = paint.rng, plan.level
    maker = pick(rng, PACKED)
    size = min(unit * float(np.exp(rng.normal(-0.35, 0.3))), 0.9 * level.headroom)
    angle = float(rng.normal(0, 0.2))
    along, aside = np.array([np.cos(angle), np.sin(angle)]), np.array([-np.sin(angle), np.cos(angle)])
    start = np.array(level.centre) + level.half * rng.uniform((-0.95, -0.6), (0.0, 0.6))
    # Where things go has numbers of its own: those of ``paint`` are wound back to make equal things.
    loose = np.random.default_rng(int(rng.integers(2**31)))
    tight, uneven = abs(loose.normal(0, 0.01)), abs(loose.normal(0, 0.03))
    layered = maker in STACKED and chance(loose, 0.6)
    look = rng.bit_generator.state
    row: list[Thing] = []
    reach = 0.0
    for thing in _series(paint, maker, size, angle, count, loose, shortest=LONGEST_SERIES if layered else 1):
        across = thing.points[:, :2] @ along
        shift = along * (reach - across.min()) + aside * loose.normal(0, uneven) * size
        if not _stands(plan, thing, start + shift):
            thing.remove()
            break
        x, y = (start + shift).tolist()
        thing.move(x, y, level.z)
        reach += float(np.ptp(across)) + tight * size * loose.random()
        row.append(thing)
    for thing in row:
        plan.take(thing, thing.place[:2])
    if not layered:
        return row

    def another() -> Thing:
        rng.bit_generator.state = look
        return make(paint, maker, size, turn=angle + float(loose.normal(0, 0.015)))

    return row + _layers(plan, row, loose, another)


def piled(paint: Paint, plan: Floorplan, unit: float, count: int) -> list[Thing]:
    """Up to ``count`` flat things on top of each other, each turned a little."""
    rng, level = paint.rng, plan.level
    maker = pick(rng, PILED)
    size = min(unit * float(np.exp(rng.normal(-0.2, 0.3))), 0.9 * level.headroom)
    angle = float(rng.uniform(-np.pi, np.pi))
    place = np.array(level.centre) + level.half * rng.uniform(-0.8, 0.8, 2)
    loose = np.random.default_rng(int(rng.integers(2**31)))
    uneven = loose.uniform(0, 0.15)
    pile: list[Thing] = []
    z = level.z
    for thing in _series(paint, maker, size, angle, count, loose, uneven=uneven):
        top = z - level.z + thing.height
        if (not pile and not plan.fits(thing, place)) or top > min(level.headroom, 2.2 * unit):
            thing.remove()
            break
        x, y = (place + loose.normal(0, 0.15 * uneven * size, 2)).tolist()
        thing.move(x, y, z)
        pile.append(thing)
        z += thing.height
    if pile:
        plan.take(pile[0], pile[0].place[:2])
    return pile


def _series(
    paint: Paint,
    maker: Maker,
    size: float,
    angle: float,
    count: int,
    loose: np.random.Generator,
    *,
    uneven: float = 0.015,
    shortest: int = 1,
) -> Iterator[Thing]:
    """Things of one kind, each equal to the one before or of a new look."""
    state, left = paint.rng.bit_generator.state, 0
    for _ in range(count):
        if left:
            paint.rng.bit_generator.state = state
        else:
            state, left = paint.rng.bit_generator.state, int(loose.integers(shortest, LONGEST_SERIES + 1))
        left -= 1
        yield make(paint, maker, size, turn=angle + float(loose.normal(0, uneven)))


def _layers(
    plan: Floorplan, row: list[Thing], loose: np.random.Generator, another: Callable[[], Thing]
) -> list[Thing]:
    """Further rows of equal things, right above those below or above the gaps between them."""
    level, shifted = plan.level, chance(loose, 0.5)
    made: list[Thing] = []
    below = row
    for _ in range(int(loose.integers(1, 4))):
        above: list[Thing] = []
        for left, right in zip(below, below[1:] if shifted else below, strict=False):
            top = float(left.place[2]) + left.height
            if top + left.height > level.z + min(level.headroom, 4 * left.height) or chance(loose, 0.12):
                continue
            thing = another()
            middle = (left.place + right.place) / 2
            thing.move(float(middle[0]), float(middle[1]), top)
            above.append(thing)
        made += above
        below = above
    return made


def _stands(plan: Floorplan, thing: Thing, place: Array) -> bool:
    return bool(thing.height < plan.level.headroom and plan.fits(thing, place))
