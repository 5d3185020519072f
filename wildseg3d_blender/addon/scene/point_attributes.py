# SPDX-License-Identifier: GPL-3.0-or-later
"""The points of a mesh as arrays and back, with every attribute that they carry."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray

from ...errors import SceneError
from ...scene.folder import Scene

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


def set_column(mesh: bpy.types.Mesh, name: str, values: NDArray[Any]) -> None:
    """Set an attribute that a mesh's points have, (N,) or (N, values), in the mesh's own space."""
    attribute = mesh.attributes[name]
    attribute.data.foreach_set(_LAYOUT[attribute.data_type][0], np.ascontiguousarray(values).ravel())


def numbers_of(scene: Scene, view: NDArray[np.int32], pixel: NDArray[np.int32]) -> NDArray[np.int64]:
    """Each point's pixel, (N,), the pixels of all views counted on; -1 for points of no pixel.

    ``view`` and ``pixel``: the points' attributes, (N,) each.
    """
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
    """Maps (H, W, ...) of all views, by name, as one array over ``numbers_of``."""
    ordered = (np.asarray(maps[view.name]) for view in scene.views)
    return np.concatenate([values.reshape(-1, *values.shape[2:]) for values in ordered])


def _lost(name: str) -> SceneError:
    return SceneError(
        f"The points have lost their attribute {name!r}: undo that, or open the scene folder again.",
        fix="wildseg3d.open_scene",
    )
