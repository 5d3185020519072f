# SPDX-License-Identifier: GPL-3.0-or-later
"""Views with known cameras -> a depth map and a confidence per view, coarse to fine."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import cv2
import numpy as np
from numpy.typing import NDArray

from ....conventions import project, transform, unproject
from ....progress import Progress, span
from .consistency import agreement, carried_over
from .parallel import Check, each
from .smoothing import smooth_within_edges
from .sweep import best_index, plane_costs, semi_global, surface_costs
from .views import StereoView, Surroundings, shrunk

Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]

_COARSEST_SIDE = 320
_COARSE_WINDOW, _FINE_WINDOW = 7, 5
_FEWEST_PLANES, _MOST_PLANES = 48, 128
_FINE_STEPS = 5  # hypotheses on either side of the coarse surface
_CLEAR_MATCH, _FAIR_MATCH = 0.6, 0.7  # 1 - correlation
_TOLERANCE = 0.01  # relative difference of depth between views that agree
_LEAST_REACH = 0.05  # weight that must have reached a filled pixel
_FILLED_SHARE = 0.1


@dataclass(frozen=True)
class DepthMap:
    """Depth of one view.

    Attributes:
        depth: (H, W) float32 along the camera's z, model units; finite and positive everywhere.
        confidence: (H, W) float32. Measured pixels: the match's correlation, in (0, 1], times the sum over
            the views that confirm the depth, each counting exp(-(difference / 1 %)²). So it is about 0.3
            where two views just agree, and 3 where four agree closely. Filled pixels (no match of their
            own, but their surface goes on and the filled maps of other views agree): a tenth of that.
            0: no measurement.
    """

    depth: Floats
    confidence: Floats


@dataclass(frozen=True)
class _Sweep:
    """Inverse depth and matching cost of one view at one resolution, and the step between hypotheses."""

    inverse: Floats
    cost: Floats
    step: float


def depth_maps(
    views: Sequence[StereoView], surroundings: Sequence[Surroundings], progress: Progress
) -> list[DepthMap]:
    """Measure the depth of every view. Progress stages 'depth' and 'consistency'."""
    sides = _pyramid(max(max(view.shape) for view in views))
    measured_until = len(sides) / (len(sides) + 1)
    sweeps = _swept(views, surroundings, sides, span(progress, 0.0, measured_until))
    return _confirmed(views, surroundings, sweeps, span(progress, measured_until, 1.0))


def _swept(
    views: Sequence[StereoView],
    surroundings: Sequence[Surroundings],
    sides: Sequence[int],
    progress: Progress,
) -> list[_Sweep]:
    """Every view's depth by itself, at one resolution after the other."""
    indices = range(len(views))
    level = [shrunk(view, sides[0]) for view in views]
    sweeps = each(
        partial(_plane_sweep, views=level, surroundings=surroundings),
        indices,
        _stage(span(progress, 0.0, 1 / len(sides)), "depth", "Measuring depth"),
    )
    for number, side in enumerate(sides[1:], start=1):
        part = span(progress, number / len(sides), (number + 1) / len(sides))
        steady = each(
            partial(_steady, views=level, sweeps=sweeps, surroundings=surroundings),
            indices,
            _stage(span(part, 0.0, 0.1), "depth", "Comparing depth"),
        )
        finer = [shrunk(view, side) for view in views]
        sweeps = each(
            partial(
                _refinement,
                finer=finer,
                coarser=level,
                sweeps=sweeps,
                steady=steady,
                surroundings=surroundings,
            ),
            indices,
            _stage(span(part, 0.1, 1.0), "depth", "Refining depth"),
        )
        level = finer
    return sweeps


def _confirmed(
    views: Sequence[StereoView],
    surroundings: Sequence[Surroundings],
    sweeps: Sequence[_Sweep],
    progress: Progress,
) -> list[DepthMap]:
    """What the views' depths are worth together, gaps closed."""
    indices = range(len(views))
    measured = each(
        partial(_measured_confidence, views=views, sweeps=sweeps, surroundings=surroundings),
        indices,
        _stage(span(progress, 0.0, 0.3), "consistency", "Comparing depth"),
    )
    filled = each(
        partial(_filled, views=views, sweeps=sweeps, measured=measured, surroundings=surroundings),
        indices,
        _stage(span(progress, 0.3, 0.7), "consistency", "Closing gaps"),
    )
    return each(
        partial(_finished, views=views, filled=filled, measured=measured, surroundings=surroundings),
        indices,
        _stage(span(progress, 0.7, 1.0), "consistency", "Comparing depth"),
    )


def _stage(progress: Progress, name: str, text: str) -> Callable[[float], None]:
    return lambda fraction: progress(name, fraction, text)


def _pyramid(side: int) -> list[int]:
    """Longer sides to work at, at least two, each about twice the one before."""
    sides = [side, side // 2]
    while sides[-1] > _COARSEST_SIDE:
        sides.append(sides[-1] // 2)
    return sides[::-1]


def _plane_sweep(
    i: int,
    check: Check,
    *,
    views: Sequence[StereoView],
    surroundings: Sequence[Surroundings],
) -> _Sweep:
    """The whole depth range, in planes about one pixel of the neighbours apart."""
    around = surroundings[i]
    view = views[i]
    neighbours = [views[j] for j in around.neighbours]
    low, high = 1.0 / around.farthest, 1.0 / around.nearest
    parallax = np.median([_parallax(view, neighbour, low, high) for neighbour in neighbours])
    count = int(np.clip(parallax, _FEWEST_PLANES, _MOST_PLANES))
    planes = np.linspace(low, high, count)
    costs = plane_costs(view, neighbours, planes.tolist(), _COARSE_WINDOW, check)
    index, cost = best_index(semi_global(costs, view.grey, check), costs)
    step = (high - low) / (count - 1)
    return _Sweep((low + index * step).astype(np.float32), cost, step)


def _parallax(view: StereoView, neighbour: StereoView, low: float, high: float) -> float:
    """Pixels that a point in the middle of the view moves in the neighbour over the whole range."""
    height, width = view.shape
    ends = []
    for inverse_depth in (low, high):
        flat = np.full(view.shape, 1.0 / inverse_depth)
        points_cam = unproject(flat, view.K)[:: max(height // 4, 1), :: max(width // 4, 1)].reshape(-1, 3)
        ends.append(project(transform(view.cam_to_world, points_cam), neighbour.K, neighbour.cam_to_world)[0])
    moved = np.linalg.norm(ends[1] - ends[0], axis=-1)
    return float(np.median(moved[np.isfinite(moved)])) if np.isfinite(moved).any() else float(_MOST_PLANES)


def _needed(around: Surroundings) -> int:
    """Views that must confirm a depth: two, where there are two to ask."""
    return min(2, len(around.witnesses))


def _steady(
    i: int,
    check: Check,
    *,
    views: Sequence[StereoView],
    sweeps: Sequence[_Sweep],
    surroundings: Sequence[Surroundings],
) -> Mask:
    """Pixels of the coarse map to build on."""
    around = surroundings[i]
    inverse = [sweep.inverse for sweep in sweeps]
    confirmed = agreement(i, views, inverse, around.witnesses, tolerance=2 * _TOLERANCE)
    return (confirmed.number >= _needed(around)) & (sweeps[i].cost < _CLEAR_MATCH)


def _refinement(
    i: int,
    check: Check,
    *,
    finer: Sequence[StereoView],
    coarser: Sequence[StereoView],
    sweeps: Sequence[_Sweep],
    steady: Sequence[Mask],
    surroundings: Sequence[Surroundings],
) -> _Sweep:
    """A narrow sweep about the smoothed coarse surface: its hypotheses follow slants."""
    around = surroundings[i]
    view = finer[i]
    inverse = [sweep.inverse for sweep in sweeps]
    carried = carried_over(i, coarser, inverse, steady, around.neighbours)
    start = np.where(steady[i] | (carried == 0), inverse[i], carried)
    weight = np.where(steady[i], 1.0, np.where(carried > 0, 0.25, 0.02)).astype(np.float32)
    start, weight = (
        cv2.resize(values, view.shape[::-1], interpolation=cv2.INTER_NEAREST)
        for values in (cv2.medianBlur(start, 5), weight)
    )
    check()
    smooth, _ = smooth_within_edges(start, weight, view.image, strength=60.0, edge=0.04)
    # Where smoothing runs over a depth edge it is not followed, unless nothing better is known.
    keeps = (np.abs(smooth - start) < 2.5 * sweeps[i].step) | (weight < 0.1)
    base = np.where(keeps, smooth, start)
    check()

    step = sweeps[i].step * max(coarser[i].shape) / max(view.shape)
    low, high = 0.5 / around.farthest, 1.3 / around.nearest
    offsets = np.arange(-_FINE_STEPS, _FINE_STEPS + 1) * step
    surfaces = [np.clip(base + offset, low, high).astype(np.float32) for offset in offsets]
    costs = surface_costs(view, [finer[j] for j in around.neighbours], surfaces, _FINE_WINDOW, check)
    index, cost = best_index(semi_global(costs, view.grey, check), costs)
    refined = np.clip(base + (index - _FINE_STEPS) * step, low, high)
    return _Sweep(refined.astype(np.float32), cost, step)


def _measured_confidence(
    i: int,
    check: Check,
    *,
    views: Sequence[StereoView],
    sweeps: Sequence[_Sweep],
    surroundings: Sequence[Surroundings],
) -> Floats:
    """Confidence of the pixels measured well and confirmed, 0 elsewhere; (H, W)."""
    around = surroundings[i]
    inverse = [sweep.inverse for sweep in sweeps]
    confirmed = agreement(i, views, inverse, around.witnesses, tolerance=_TOLERANCE)
    good = (confirmed.number >= _needed(around)) & (sweeps[i].cost < _FAIR_MATCH) & views[i].inside
    # Lone pixels agree by chance.
    good &= cv2.medianBlur(good.astype(np.uint8), 3) > 0
    correlation = np.clip(1.0 - sweeps[i].cost, 0.05, 1.0)
    return np.where(good, correlation * confirmed.strength, 0.0).astype(np.float32)


def _filled(
    i: int,
    check: Check,
    *,
    views: Sequence[StereoView],
    sweeps: Sequence[_Sweep],
    measured: Sequence[Floats],
    surroundings: Sequence[Surroundings],
) -> tuple[Floats, Floats]:
    """Inverse depth with its gaps closed within image edges, and the weight that reached each pixel."""
    around = surroundings[i]
    inverse = [sweep.inverse for sweep in sweeps]
    known = [confidence > 0 for confidence in measured]
    carried = carried_over(i, views, inverse, known, around.neighbours)
    values = np.where(known[i] | (carried == 0), inverse[i], carried)
    weights = np.where(known[i], 1.0, np.where(carried > 0, 0.3, 0.001)).astype(np.float32)
    smooth, reach = smooth_within_edges(values, weights, views[i].image, strength=900.0, edge=0.03, rounds=3)
    return np.where(known[i], inverse[i], smooth), reach


def _finished(
    i: int,
    check: Check,
    *,
    views: Sequence[StereoView],
    filled: Sequence[tuple[Floats, Floats]],
    measured: Sequence[Floats],
    surroundings: Sequence[Surroundings],
) -> DepthMap:
    around = surroundings[i]
    inverse = [values for values, _ in filled]
    known = [confidence > 0 for confidence in measured]
    confirmed = agreement(i, views, inverse, around.witnesses, tolerance=_TOLERANCE, measured=known)
    closed = (confirmed.number >= _needed(around)) & (filled[i][1] > _LEAST_REACH) & views[i].inside
    # Smoothing may hang a curtain between two surfaces; other views look through it.
    closed &= ~confirmed.in_the_way
    confidence = np.where(closed, np.float32(_FILLED_SHARE) * confirmed.strength, 0.0)
    confidence = np.where(measured[i] > 0, measured[i], confidence)
    return DepthMap((1.0 / inverse[i]).astype(np.float32), confidence.astype(np.float32))
