# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose a 3D point is: objects may claim the same points, but never share one.

Nothing about ownership is stored but each object's claim and its place in an order. So an object that is
removed or made smaller gives back what it had taken, whatever happened in between.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ..prompts import Box, Click, Prompt, PromptGroup, is_positive, spot_of
from .folder import Scene
from .objects import OLDEST, SceneObject, Shared, read_objects
from .packed_views import ViewMasks

HOLDS = 0.8
"""A box is drawn around what it holds this share of, and ..."""

FILLS = 0.5
"""... which reaches over this share of the box: else it is drawn around something larger."""

Owned = dict[str, dict[str, NDArray[np.bool_]]]
"""Object name -> view name -> (H, W) bool: the pixels whose 3D points are the object's own."""


def owned_points(scene: Scene) -> Owned:
    """The points of every object of a scene, no point twice.

    Raises:
        SceneError: an object is damaged.
    """
    return owned_by(read_objects(scene))


def owned_by(objects: Sequence[SceneObject]) -> Owned:
    """The points of every object, no point twice: a point is the last's in ``order`` that claims it."""
    free: dict[str, NDArray[np.bool_]] = {}
    owned: Owned = {}
    for item in sorted(objects, key=lambda item: item.order)[::-1]:
        mine = {}
        for view, claim in item.points.items():
            if view not in free:
                free[view] = np.ones(claim.shape, dtype=bool)
            mine[view] = claim & free[view]
            free[view] &= ~claim
        owned[item.name] = mine
    return owned


def changed(before: Owned, after: Owned, *, but: str | None = None) -> tuple[str, ...]:
    """Names of the objects in both, ``but`` one, whose points are not the same; in alphabetical order."""
    common = sorted(before.keys() & after.keys() - {but})
    return tuple(name for name in common if not _same(before[name], after[name]))


def lost_unasked(before: Owned, after: Owned, groups: Sequence[PromptGroup], name: str) -> dict[str, float]:
    """The share of its points that each other object lost to ``name`` where no prompt asked for them.

    Who clicks on another object's points, or draws a box around that object, wants them.

    Args:
        groups: the prompts of ``name``.

    Returns:
        Other object's name -> share, 0 < share <= 1; alphabetical.
    """
    found = {}
    for other in changed(before, after, but=name):
        had = sum(int(np.count_nonzero(points)) for points in before[other].values())
        has = sum(int(np.count_nonzero(points)) for points in after[other].values())
        if has < had and not _meant(_taking(groups), {other: before[other]}, name):
            found[other] = (had - has) / had
    return found


def order_for(
    groups: Sequence[PromptGroup],
    shared: Shared,
    before: SceneObject | None,
    others: Sequence[SceneObject],
    owned: Owned,
) -> int:
    """The place in the order of an object that is written anew.

    A new object takes what it shares, or leaves it, as ``shared`` says. One that was there keeps its place,
    so that correcting it in one spot takes nothing from others in another. It moves when ``shared`` says
    something else than before, or when a new prompt asks for what another object owns: a click on a point of
    it, or a box around it.

    Args:
        groups: the object's, now.
        before: the object as it was; None when it is new.
        others: all other objects.
        owned: the points of all objects as they were before.
    """
    if before is not None and before.shared == shared:
        prompts = _new_prompts(groups, before)
        if shared == "leave" or not _meant(prompts, owned, before.name):
            return before.order
    orders = [other.order for other in others] or [OLDEST]
    return max(orders) + 1 if shared == "take" else min(orders) - 1


def _new_prompts(groups: Sequence[PromptGroup], before: SceneObject) -> list[Prompt]:
    known = {spot_of(prompt) for prompt in _taking(before.groups)}
    return [prompt for prompt in _taking(groups) if spot_of(prompt) not in known]


def _taking(groups: Sequence[PromptGroup]) -> list[Prompt]:
    """The clicks and boxes that say what is the object's."""
    prompts = [prompt for group in groups if not group.subtract for prompt in group.prompts]
    return [prompt for prompt in prompts if is_positive(prompt)]


def _meant(prompts: Sequence[Prompt], owned: Owned, name: str) -> bool:
    """Whether any of the prompts asks for points of an object other than ``name``."""
    for prompt in prompts:
        for other, points in owned.items():
            mask = points.get(prompt.view)
            if other == name or mask is None:
                continue
            if isinstance(prompt, Box) and _is_around(prompt, mask):
                return True
            if isinstance(prompt, Click) and _is_on(prompt, mask):
                return True
    return False


def _is_on(click: Click, mask: NDArray[np.bool_]) -> bool:
    row = min(max(int(click.y), 0), mask.shape[0] - 1)
    column = min(max(int(click.x), 0), mask.shape[1] - 1)
    return bool(mask[row, column])


def _is_around(box: Box, mask: NDArray[np.bool_]) -> bool:
    """Whether the box was drawn around what the mask shows, not around something larger."""
    inside = mask[max(round(box.y0), 0) : round(box.y1), max(round(box.x0), 0) : round(box.x1)]
    if not inside.any() or np.count_nonzero(inside) < HOLDS * np.count_nonzero(mask):
        return False
    spans = (np.flatnonzero(inside.any(axis=axis)) for axis in (0, 1))
    width, height = (int(span[-1] - span[0]) + 1 for span in spans)
    return width * height >= FILLS * inside.size


def _same(one: ViewMasks, other: ViewMasks) -> bool:
    return one.keys() == other.keys() and all(np.array_equal(one[view], other[view]) for view in one)
