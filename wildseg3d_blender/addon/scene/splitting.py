# SPDX-License-Identifier: GPL-3.0-or-later
"""An object's points -> a mesh of its own; the rest keeps what remains. Points are never lost nor doubled.

Points know the pixel they came from, so masks select them with one look-up per point, however often the
points were split and merged before.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray

from ...errors import PromptError, SceneError
from ...scene_folder import Scene
from . import display, groups, lookup, point_attributes


def split_object(
    scene: Scene, root: bpy.types.Object, group: str, points: Mapping[str, NDArray[np.bool_]]
) -> bpy.types.Object:
    """Make the points in ``points`` the object of the list's item ``group``; returns its mesh object.

    What the object had before goes back to the rest first; its own transform, materials and modifiers stay.
    Points that other objects own stay with them.

    Args:
        points: view name -> (H, W) bool on the view's grid; views left out have none.

    Raises:
        PromptError: no point is left to take.
        SceneError: a mesh that is needed was deleted or is in Edit Mode.
    """
    item = groups.find(root, group)
    if item is None:
        raise SceneError(f"There is no object named {group!r} in the list of {root.name}.")
    rest, target = lookup.points(root), groups.mesh_object(item)
    pool = point_attributes.read(rest)
    if target is not None:
        pool = point_attributes.joined(pool, point_attributes.read(target))
    selected = _select(scene, pool, points)
    if not selected.any():
        raise PromptError(
            f"{group} has no 3D points to cut out: nothing was measured there, or other objects own the "
            "points. Add a prompt in another photo."
        )
    if target is None:
        target = _new_object(root, item, pool["position"][1][selected])
    point_attributes.write(rest, point_attributes.taken(pool, ~selected))
    point_attributes.write(target, point_attributes.taken(pool, selected))
    return target


def merge_back(root: bpy.types.Object, group: str) -> None:
    """Give the object's points back to the rest and delete its mesh; its prompts stay.

    Raises:
        SceneError: a mesh that is needed was deleted or is in Edit Mode.
    """
    item = groups.find(root, group)
    target = None if item is None else groups.mesh_object(item)
    if item is None or target is None:
        return
    rest = lookup.points(root)
    pool = point_attributes.joined(point_attributes.read(rest), point_attributes.read(target))
    point_attributes.write(rest, pool)
    mesh = target.data
    bpy.data.objects.remove(target)
    bpy.data.meshes.remove(mesh)
    item.applied = ""


def _select(
    scene: Scene, pool: point_attributes.Attributes, points: Mapping[str, NDArray[np.bool_]]
) -> NDArray[np.bool_]:
    """Which points of the pool lie on a pixel that ``points`` has set; (N,) bool."""
    numbers = point_attributes.pixel_numbers(scene, pool)
    nothing = {view.name: np.zeros(view.size[::-1], np.bool_) for view in scene.views}
    # One more at the end, for the points of no pixel: their number is -1.
    flat = np.append(point_attributes.by_number(scene, {**nothing, **points}), np.False_)
    selected: NDArray[np.bool_] = flat[numbers]
    return selected


def _new_object(root: bpy.types.Object, item: Any, position: NDArray[np.float32]) -> bpy.types.Object:
    """An empty mesh object whose origin is the median of ``position``, parented to the root."""
    mesh = bpy.data.meshes.new(item.name)
    made = bpy.data.objects.new(item.name, mesh)
    origin = np.median(position, axis=0)
    made.wildseg3d.role = "OBJECT"
    made.wildseg3d.origin = origin
    made.parent = root
    made.location = origin
    lookup.collection(root).objects.link(made)
    display.add_modifier(made)
    item.object = made
    display.apply_settings(root)
    return made
