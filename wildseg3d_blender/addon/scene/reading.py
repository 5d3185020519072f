# SPDX-License-Identifier: GPL-3.0-or-later
"""Empties -> prompts: each counts where its camera sees it now."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from typing import Any

import bpy
import mathutils
import numpy as np

from ...errors import PromptError
from ...prompts import Box, Click, Prompt, PromptGroup, prompt_to_json
from ...scene.folder import Scene, View
from . import groups, lookup, parts


def read(scene: Scene, root: bpy.types.Object, item: bpy.types.Object) -> Prompt:
    """The prompt that an Empty stands for where it is now, in view pixels.

    Raises:
        PromptError: it was moved out of the photo or behind its camera.
    """
    settings = item.wildseg3d
    view = scene.view(settings.view)
    camera = lookup.camera(root, view.name)
    if item.parent == camera and not item.constraints:
        # From its own transform, not from matrix_world: that one is stale until Blender's next update, and
        # for good in a collection that is hidden.
        to_camera = item.matrix_parent_inverse @ item.matrix_basis
    else:
        to_camera = camera.matrix_world.inverted() @ item.matrix_world
    if not settings.is_box:
        x, y = _project(view, to_camera @ mathutils.Vector((0.0, 0.0, 0.0)), item.name)
        if not (0 <= x <= view.size[0] and 0 <= y <= view.size[1]):
            raise PromptError(
                f"{item.name} was moved out of the photo {view.name}: move it back or delete it."
            )
        return Click(view.name, x, y, settings.positive)
    corners = [
        _project(view, to_camera @ mathutils.Vector((x, y, 0.0)), item.name)
        for x in (-1.0, 1.0)
        for y in (-1.0, 1.0)
    ]
    # A box may reach over the border once it was moved; what lies outside is cut off.
    x0, y0 = np.clip(np.min(corners, axis=0), 0.0, view.size)
    x1, y1 = np.clip(np.max(corners, axis=0), 0.0, view.size)
    if x1 - x0 < 1 or y1 - y0 < 1:
        raise PromptError(f"{item.name} no longer covers the photo {view.name}: move it back or delete it.")
    return Box(view.name, float(x0), float(y0), float(x1), float(y1))


def read_groups(scene: Scene, root: bpy.types.Object, name: str) -> tuple[PromptGroup, ...]:
    """All prompts of an object by part, each part's in the order in which they were placed.

    Further parts that have no prompts yet are left out.

    Raises:
        PromptError: the object itself has none, a part has only such that exclude, or one lies outside its
            photo.
    """
    with lookup.remembering():
        return _groups_of(scene, root, name)


def digest(prompt_groups: Sequence[PromptGroup]) -> str:
    """A short text that changes with any group, and when a prompt is moved by a fiftieth of a pixel."""
    rounded = [
        [
            group.subtract,
            group.size,
            [
                {
                    key: round(value * 50) if isinstance(value, float) else value
                    for key, value in prompt_to_json(prompt).items()
                }
                for prompt in group.prompts
            ],
        ]
        for group in prompt_groups
    ]
    return hashlib.sha1(json.dumps(rounded).encode(), usedforsecurity=False).hexdigest()


def _groups_of(scene: Scene, root: bpy.types.Object, name: str) -> tuple[PromptGroup, ...]:
    item = groups.find(root, name)
    if item is None or not lookup.prompts(root, name, parts.WHOLE):
        raise PromptError(f"{name} has no prompts: press Add Prompt and click on it in a photo.")
    found = []
    for number, subtract, size in _parts_of(item):
        prompts = tuple(read(scene, root, empty) for empty in lookup.prompts(root, name, number))
        if not prompts:
            continue
        if not any(isinstance(prompt, Box) or prompt.positive for prompt in prompts):
            raise PromptError(_all_exclude(name, number, subtract))
        found.append(PromptGroup(prompts, subtract, size))
    return tuple(found)


def _parts_of(item: Any) -> list[tuple[int, bool, int]]:
    """Number, subtract and size of each part; reads only, so that drawing code may call it too."""
    found = [(part.number, part.subtract, part.size) for part in item.parts]
    return found or [(parts.WHOLE, False, 0)]


def _all_exclude(name: str, number: int, subtract: bool) -> str:
    if number == parts.WHOLE:
        return f"Every prompt of {name} excludes: place at least one on the object itself."
    what = "taken away from" if subtract else "added to"
    return f"Every prompt of a part {what} {name} excludes: place at least one on the part itself."


def _project(view: View, position: mathutils.Vector, name: str) -> tuple[float, float]:
    """View pixel of a point in Blender's camera axes."""
    if position.z >= 0:
        raise PromptError(f"{name} lies behind the camera of {view.name}: move it back or delete it.")
    x, y, _ = view.K @ np.array([position.x / -position.z, -position.y / -position.z, 1.0])
    return float(x), float(y)
