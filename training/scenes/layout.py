# SPDX-License-Identifier: GPL-3.0-or-later
"""Where things stand: pushed together until they touch, in rows, packed, on top of others, or loosely."""

from __future__ import annotations

import numpy as np

from .floorplan import Floorplan
from .forms import chance, pick
from .materials import Paint
from .packs import piled, side_by_side
from .surroundings import Level, Stage
from .things import Maker, Thing, make, random_maker

PACKED_SHARE = 0.65
"""How many scenes have packs of things."""


def furnish(paint: Paint, stage: Stage, unit: float, count: int) -> list[Thing]:
    """Put about ``count`` things onto the stage's levels."""
    rng = paint.rng
    plans = [Floorplan(level) for level in stage.levels]
    # Packs need room, so they come first.
    packs = int(rng.integers(1, 4)) if chance(rng, PACKED_SHARE) else 0
    things: list[Thing] = []
    for _ in range(packs):
        put_together = pick(rng, (side_by_side, side_by_side, side_by_side, piled))
        things += put_together(paint, pick(rng, plans), unit, int(rng.integers(3, 12)))
    count, failed = count + len(things) // 2, 0
    while len(things) < count and failed < 10:
        plan = pick(rng, plans)
        left = count - len(things)
        if chance(rng, 0.12) and left >= 3:
            things += _row(paint, plan, stage, unit, int(rng.integers(3, min(left, 6) + 1)))
            failed += 1
            continue
        maker = random_maker(rng, stage.large)
        thing = _fitting(paint, maker, plan.level, unit)
        if not _settle(paint, plan, thing):
            thing.remove()
            failed += 1
            continue
        things.append(thing)
        if thing.flat and chance(rng, 0.5):
            above = _on_top(paint, plan.level, thing, stage.large)
            things += [above] if above else []
    return things


def _fitting(paint: Paint, maker: Maker, level: Level, unit: float) -> Thing:
    """A thing of about ``unit`` metres that is not too tall for its level."""
    size = unit * float(np.exp(paint.rng.normal(0, 0.3)))
    size = min(size, 0.85 * level.headroom)
    thing = make(paint, maker, size)
    if thing.height > 0.98 * level.headroom:
        thing.remove()
        thing = make(paint, maker, 0.6 * size)
    return thing


def _settle(paint: Paint, plan: Floorplan, thing: Thing) -> bool:
    """Stand it somewhere: mostly pushed towards the middle until it touches, otherwise anywhere free."""
    rng, level = paint.rng, plan.level
    half, centre = np.array(level.half), np.array(level.centre)
    together = chance(rng, 0.8)
    for _ in range(8):
        edge = centre + half * rng.uniform(-1, 1, 2)
        if together:
            away = rng.normal(size=2)
            edge = centre + half * 0.95 * away / np.abs(away).max()
        goal = centre + (half * rng.normal(0, 0.12, 2) if together else half * rng.uniform(-0.9, 0.9, 2))
        place = plan.slide(thing, edge, goal) if together else (goal if plan.fits(thing, goal) else None)
        if place is None:
            continue
        plan.take(thing, place)
        thing.move(float(place[0]), float(place[1]), level.z)
        return True
    return False


def _row(paint: Paint, plan: Floorplan, stage: Stage, unit: float, count: int) -> list[Thing]:
    """Things of one kind side by side, some of them all but equal."""
    rng, level = paint.rng, plan.level
    maker = random_maker(rng, stage.large)
    size = min(unit * float(np.exp(rng.normal(-0.2, 0.25))), 0.8 * level.headroom)
    y = level.centre[1] + level.half[1] * rng.uniform(-0.5, 0.6)
    left = level.centre[0] - level.half[0] * rng.uniform(0.3, 0.95)
    alike, state = chance(rng, 0.6), rng.bit_generator.state
    things: list[Thing] = []
    for _ in range(count):
        if alike:
            rng.bit_generator.state = state
        thing = make(paint, maker, size)
        start = np.array([level.centre[0] + level.half[0], y])
        goal = np.array([left, y])
        place = plan.slide(thing, start, goal) if thing.height < level.headroom else None
        if place is None:
            thing.remove()
            break
        plan.take(thing, place)
        thing.move(float(place[0]), float(place[1]), level.z)
        things.append(thing)
    return things


def _on_top(paint: Paint, level: Level, below: Thing, large: bool) -> Thing | None:
    """Something smaller on a flat thing."""
    rng = paint.rng
    room = level.headroom - below.height
    size = min(1.6 * float(np.min(np.ptp(below.points[:, :2], axis=0))), 0.85 * room)
    thing = make(paint, random_maker(rng, large), size)
    middle = (below.points[:, :2].max(0) + below.points[:, :2].min(0)) / 2
    if (
        np.ptp(thing.points[:, :2], axis=0).max() > 1.3 * np.ptp(below.points[:, :2], axis=0).max()
        or thing.height > room
    ):
        thing.remove()
        return None
    x, y = below.place[:2] + middle
    thing.move(float(x), float(y), float(below.place[2]) + below.height)
    return thing
