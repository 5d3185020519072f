# SPDX-License-Identifier: GPL-3.0-or-later
"""Why a reconstruction is poor, measured on it, and what the artist can do about it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .folder import Scene, SkippedPhoto

MEASURED = 0.35
"""Share of the photos' pixels with a point below which there are holes worth a word."""

APART_DEGREES = 20.0
"""Angle between neighbouring photos, seen from the scene, from which matching them starts to fail."""

TOGETHER_DEGREES = 4.0
"""Angle between the outermost photos below which depth is a guess."""

_TWIN = "is the same picture as"
_NAMED = 3
_SAMPLES = 2000


def tips(scene: Scene) -> list[str]:
    """A sentence or two for each thing that is poor; none when all is well. Reads every confidence map."""
    found = _not_placed([photo for photo in scene.skipped if not photo.reason.startswith(_TWIN)], scene)
    centre = _centre(scene)
    if centre is not None and len(scene.views) >= 2:
        found += _spacing(scene, centre)
    found += _holes(scene)
    return found


def _not_placed(skipped: list[SkippedPhoto], scene: Scene) -> list[str]:
    """One tip for each advice there is: photos that fail together mostly do so for one reason."""
    by_advice: dict[str, list[SkippedPhoto]] = {}
    for photo in skipped:
        by_advice.setdefault(photo.advice, []).append(photo)
    given = len(skipped) + len(scene.views)
    return [_group(photos, given) for photos in by_advice.values()]


def _group(photos: list[SkippedPhoto], given: int) -> str:
    first = photos[0]
    if len(photos) == 1:
        return f"{first.photo.name} was not placed: it {first.reason}. {first.advice}"
    names = _names([item.photo.name for item in photos])
    return (
        f"{len(photos)} of {given} photos were not placed: {names}. {first.photo.name} {first.reason}. "
        f"{first.advice}"
    )


def _spacing(scene: Scene, centre: NDArray[np.float64]) -> list[str]:
    """How far apart the cameras stand, as the scene's centre sees them."""
    towards = np.stack([view.cam_to_world[:3, 3] for view in scene.views]) - centre
    towards /= np.maximum(np.linalg.norm(towards, axis=1, keepdims=True), 1e-12)
    angles = np.degrees(np.arccos(np.clip(towards @ towards.T, -1.0, 1.0)))
    widest = float(angles.max())
    if widest < TOGETHER_DEGREES:
        return [
            f"All photos were taken within {widest:.1f} degrees, so depth is uncertain. Step sideways "
            "between photos, farther than feels needed."
        ]
    np.fill_diagonal(angles, np.inf)
    nearest = angles.min(axis=1)
    alone = np.flatnonzero(nearest > APART_DEGREES)
    if not len(alone):
        return []
    names = _names([scene.views[v].name for v in alone])
    return [
        f"{names}: the nearest other photo is {nearest[alone].max():.0f} degrees away. Add photos in "
        "between, one every 10 to 15 degrees."
    ]


def _holes(scene: Scene) -> list[str]:
    shares = np.array([np.count_nonzero(scene.confidence(view)) / np.prod(view.size) for view in scene.views])
    share = float(shares.mean())
    if share >= MEASURED:
        return []
    return [
        f"Only {share:.0%} of the photos' pixels got a point. Plain, shiny and see-through surfaces leave "
        "holes, and so do photos far apart: add photos in between, more light, or something patterned."
    ]


def _centre(scene: Scene) -> NDArray[np.float64] | None:
    """Median of points of all views, world frame; None without points."""
    chosen = []
    for view in scene.views:
        measured = np.flatnonzero(np.asarray(scene.confidence(view)).ravel() > 0)
        some = measured[:: max(1, len(measured) // _SAMPLES)]
        chosen.append(scene.pointmap(view).reshape(-1, 3)[some])
    points_world = np.concatenate(chosen) if chosen else np.zeros((0, 3))
    return np.median(points_world, axis=0).astype(np.float64) if len(points_world) else None


def _names(names: list[str]) -> str:
    if len(names) > _NAMED:
        return f"{', '.join(names[:_NAMED])} and {len(names) - _NAMED} more"
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else names[0]
