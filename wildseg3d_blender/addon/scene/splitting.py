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
from . import display, groups, lookup
from .points import show_colour

# Attribute type -> (name in foreach_get, values per point, dtype). Byte colours go through their sRGB face,
# which gives back the same bytes.
_LAYOUT: dict[str, tuple[str, int, type]] = {
    "FLOAT": ("value", 1, np.float32),
    "INT": ("value", 1, np.int32),
    "INT8": ("value", 1, np.int8),
    "BOOLEAN": ("value", 1, np.bool_),
    "FLOAT_VECTOR": ("vector", 3, np.float32),
    "FLOAT2": ("vector", 2, np.float32),
    "FLOAT_COLOR": ("color", 4, np.float32),
    "BYTE_COLOR": ("color_srgb", 4, np.float32),
    "QUATERNION": ("value", 4, np.float32),
}

Attributes = dict[str, tuple[str, NDArray[Any]]]
"""Name -> (Blender's type, (N, values) array). Has "position"."""


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
    pool = _read(rest)
    if target is not None:
        pool = _joined(pool, _read(target))
    selected = _select(scene, pool, points)
    if not selected.any():
        raise PromptError(
            f"{group} has no 3D points to cut out: nothing was measured there, or other objects own the "
            "points. Add a prompt in another photo."
        )
    if target is None:
        target = _new_object(root, item, pool["position"][1][selected])
    _write(rest, _taken(pool, ~selected))
    _write(target, _taken(pool, selected))
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
    _write(rest, _joined(_read(rest), _read(target)))
    mesh = target.data
    bpy.data.objects.remove(target)
    bpy.data.meshes.remove(mesh)
    item.applied = ""


def _select(scene: Scene, pool: Attributes, points: Mapping[str, NDArray[np.bool_]]) -> NDArray[np.bool_]:
    """Which points of the pool lie on a pixel that ``points`` has set; (N,) bool."""
    for name in ("view", "pixel"):
        if name not in pool:
            raise SceneError(
                f"The points have lost their attribute {name!r}: undo that, or open the scene folder again.",
                fix="wildseg3d.open_scene",
            )
    sizes = [width * height for width, height in (view.size for view in scene.views)]
    first = np.concatenate([[0], np.cumsum(sizes)])
    flat = np.zeros(first[-1], np.bool_)
    for index, view in enumerate(scene.views):
        if view.name in points:
            flat[first[index] : first[index + 1]] = np.asarray(points[view.name]).ravel()
    in_view, pixel = pool["view"][1].ravel(), pool["pixel"][1].ravel()
    known = (in_view >= 0) & (in_view < len(sizes))
    selected = np.zeros(len(in_view), np.bool_)
    selected[known] = flat[first[in_view[known]] + pixel[known]]
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


def _read(item: bpy.types.Object) -> Attributes:
    """Every point attribute of a mesh, positions in the root's space as they were at the import."""
    if item.mode == "EDIT":
        raise SceneError(f"{item.name} is in Edit Mode: leave it first (Tab).")
    mesh = item.data
    count = len(mesh.vertices)
    found: Attributes = {}
    for attribute in mesh.attributes:
        # Names with a dot in front are Blender's own (what is selected or hidden in Edit Mode).
        if attribute.domain != "POINT" or attribute.data_type not in _LAYOUT or attribute.name[0] == ".":
            continue
        member, width, dtype = _LAYOUT[attribute.data_type]
        values: NDArray[Any] = np.empty((count, width), dtype)
        attribute.data.foreach_get(member, values.ravel())
        found[attribute.name] = (attribute.data_type, values)
    kind, position = found["position"]
    found["position"] = (kind, position + np.array(item.wildseg3d.origin, np.float32))
    return found


def _write(item: bpy.types.Object, attributes: Attributes) -> None:
    """Make ``attributes`` all there is in the mesh; its materials stay."""
    mesh = item.data
    position: NDArray[np.float32] = attributes["position"][1] - np.array(item.wildseg3d.origin, np.float32)
    mesh.clear_geometry()
    mesh.vertices.add(len(position))
    mesh.attributes["position"].data.foreach_set("vector", np.ascontiguousarray(position).ravel())
    for name, (kind, values) in attributes.items():
        if name == "position":
            continue
        attribute = mesh.attributes.get(name) or mesh.attributes.new(name, kind, "POINT")
        attribute.data.foreach_set(_LAYOUT[kind][0], values.ravel())
    show_colour(mesh)
    mesh.update()


def _joined(first: Attributes, second: Attributes) -> Attributes:
    """Both point sets; an attribute that one lacks is zero there."""
    counts = len(first["position"][1]), len(second["position"][1])
    joined: Attributes = {}
    for name in (*first, *(name for name in second if name not in first)):
        kind = (first if name in first else second)[name][0]
        _, width, dtype = _LAYOUT[kind]
        parts = [
            part[name][1] if name in part and part[name][0] == kind else np.zeros((count, width), dtype)
            for part, count in zip((first, second), counts, strict=True)
        ]
        joined[name] = (kind, np.concatenate(parts))
    return joined


def _taken(attributes: Attributes, selected: NDArray[np.bool_]) -> Attributes:
    return {name: (kind, values[selected]) for name, (kind, values) in attributes.items()}
