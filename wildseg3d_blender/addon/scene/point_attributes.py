# SPDX-License-Identifier: GPL-3.0-or-later
"""The points of a mesh as arrays and back, with every attribute that they carry."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray

from ...errors import SceneError
from ...scene_folder import Scene
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


def check_readable(item: bpy.types.Object) -> None:
    """SceneError while a mesh is in Edit Mode: its points are not in it then."""
    if item.mode == "EDIT":
        raise SceneError(f"{item.name} is in Edit Mode: leave it first (Tab).")


def read(item: bpy.types.Object) -> Attributes:
    """Every point attribute of a mesh, positions in the root's space as they were at the import."""
    check_readable(item)
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


def column(mesh: bpy.types.Mesh, name: str) -> NDArray[Any]:
    """One attribute of a mesh's points, (N,) or (N, values), in the mesh's own space.

    Raises:
        SceneError: the points do not have it any more.
    """
    attribute = mesh.attributes.get(name)
    if attribute is None or attribute.data_type not in _LAYOUT or attribute.domain != "POINT":
        raise _lost(name)
    member, width, dtype = _LAYOUT[attribute.data_type]
    values: NDArray[Any] = np.empty(len(mesh.vertices) * width, dtype)
    attribute.data.foreach_get(member, values)
    return values if width == 1 else values.reshape(-1, width)


def write(item: bpy.types.Object, attributes: Attributes) -> None:
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


def update(item: bpy.types.Object, attributes: Attributes) -> None:
    """Set ``attributes`` of a mesh's points, as many as it has; all else in the mesh stays."""
    origin = np.array(item.wildseg3d.origin, np.float32)
    for name, (kind, values) in attributes.items():
        found = item.data.attributes.get(name) or item.data.attributes.new(name, kind, "POINT")
        written = values - origin if name == "position" else values
        found.data.foreach_set(_LAYOUT[kind][0], np.ascontiguousarray(written).ravel())
    item.data.update()


def pixel_numbers(scene: Scene, attributes: Attributes) -> NDArray[np.int64]:
    """Each point's pixel, (N,), the pixels of all views counted on; -1 for points of no pixel.

    Raises:
        SceneError: the points do not know their pixels any more.
    """
    for name in ("view", "pixel"):
        if name not in attributes:
            raise _lost(name)
    return numbers_of(scene, attributes["view"][1].ravel(), attributes["pixel"][1].ravel())


def numbers_of(scene: Scene, view: NDArray[np.int32], pixel: NDArray[np.int32]) -> NDArray[np.int64]:
    """As ``pixel_numbers``, from the points' attributes ``view`` and ``pixel`` (N,)."""
    sizes = np.array([width * height for width, height in (view.size for view in scene.views)])
    first = np.cumsum(sizes) - sizes
    if _all_known(view, pixel, sizes):
        plain: NDArray[np.int64] = first.take(view)
        plain += pixel
        return plain
    known = (view >= 0) & (view < len(sizes)) & (pixel >= 0)
    known[known] = pixel[known] < sizes[view[known]]
    numbers = np.full(len(view), -1, np.int64)
    numbers[known] = first[view[known]] + pixel[known]
    return numbers


def _all_known(view: NDArray[np.int32], pixel: NDArray[np.int32], sizes: NDArray[np.int64]) -> bool:
    if not len(view) or view.min() < 0 or view.max() >= len(sizes) or pixel.min() < 0:
        return False
    return bool(pixel.max() < sizes.min() or (pixel < sizes.take(view)).all())


def by_number(scene: Scene, maps: Mapping[str, NDArray[Any]]) -> NDArray[Any]:
    """Maps (H, W, ...) of all views, by name, as one array over ``pixel_numbers``."""
    return np.concatenate(
        [np.asarray(maps[view.name]).reshape(-1, *maps[view.name].shape[2:]) for view in scene.views]
    )


def joined(first: Attributes, second: Attributes) -> Attributes:
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


def taken(attributes: Attributes, selected: NDArray[np.bool_ | np.integer]) -> Attributes:
    """The points where ``selected`` (N,) is set, or those of its indices."""
    indices = np.flatnonzero(selected) if selected.dtype == np.bool_ else selected
    return {name: (kind, values.take(indices, axis=0)) for name, (kind, values) in attributes.items()}


def _lost(name: str) -> SceneError:
    return SceneError(
        f"The points have lost their attribute {name!r}: undo that, or open the scene folder again.",
        fix="wildseg3d.open_scene",
    )
