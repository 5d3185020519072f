# SPDX-License-Identifier: GPL-3.0-or-later
"""Where things stand: pushed together until they touch, in rows, on top of others, or loosely.

Seen from above, each thing is the union of its parts' convex outlines. A map of what is taken tells where
a newcomer fits; it slides towards its goal until the next step would overlap.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from .forms import Array, chance, pick
from .materials import Paint
from .surroundings import Level, Stage
from .things import Maker, Thing, make, random_maker

CELLS = 320
"""Of the map of a level along its longer side."""
STEPS = 60
"""From the level's edge to its middle."""


class Floorplan:
    """What of a level is taken."""

    def __init__(self, level: Level) -> None:
        self.level = level
        self.per_metre = CELLS / (2 * max(level.half))
        size = [round(2 * h * self.per_metre) for h in level.half]
        self.taken: NDArray[np.uint8] = np.zeros((size[1], size[0]), dtype=np.uint8)

    def _cells(self, outlines: list[Array], place: Array) -> list[NDArray[np.int32]]:
        corner = np.array(self.level.centre) - self.level.half
        return [np.rint((o + place - corner) * self.per_metre).astype(np.int32) for o in outlines]

    def fits(self, thing: Thing, place: Array, over: float = 0.0) -> bool:
        """Whether it is on the level, ``over`` metres beyond its edge at most, and touches nothing."""
        cells = self._cells(thing.outlines, place)
        height, width = self.taken.shape
        slack = over * self.per_metre
        low = np.min([c.min(0) for c in cells], axis=0)
        high = np.max([c.max(0) for c in cells], axis=0)
        if (low < -slack).any() or high[0] > width + slack or high[1] > height + slack:
            return False
        drawn = np.zeros_like(self.taken)
        for polygon in cells:
            cv2.fillConvexPoly(drawn, polygon, 1)
        return not bool((drawn & self.taken).any())

    def take(self, thing: Thing, place: Array) -> None:
        """Mark where it stands."""
        for polygon in self._cells(thing.outlines, place):
            cv2.fillConvexPoly(self.taken, polygon, 1)

    def slide(self, thing: Thing, start: Array, goal: Array) -> Array | None:
        """The last free place on the way from ``start`` to ``goal``, None if there is none."""
        last = None
        for t in np.linspace(0, 1, STEPS):
            place = start + t * (goal - start)
            if self.fits(thing, place):
                last = place
            elif last is not None:
                break
        return last


def furnish(paint: Paint, stage: Stage, unit: float, count: int) -> list[Thing]:
    """Put about ``count`` things onto the stage's levels."""
    rng = paint.rng
    plans = [Floorplan(level) for level in stage.levels]
    things: list[Thing] = []
    failed = 0
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
