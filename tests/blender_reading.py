# SPDX-License-Identifier: GPL-3.0-or-later
"""What Blender says of meshes and cameras, as arrays."""

from __future__ import annotations

from typing import Any

import numpy as np


def read_attribute(mesh: Any, name: str, member: str, width: int, dtype: Any) -> np.ndarray:
    """An attribute of a mesh, (N,) or (N, width)."""
    values = np.empty(len(mesh.attributes[name].data) * width, dtype)
    mesh.attributes[name].data.foreach_get(member, values)
    return values.reshape(-1, width) if width > 1 else values


def pixel_in_blender(bpy: Any, camera: Any, point: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Where Blender's own projection puts a point, in pixels from the top left."""
    from bpy_extras.object_utils import world_to_camera_view
    from mathutils import Vector

    x, y, _ = world_to_camera_view(bpy.context.scene, camera, Vector(point))
    return np.array([x * size[0], (1 - y) * size[1]])


def slots_of(mesh: Any) -> np.ndarray:
    """The material slots of a mesh's faces, (F,)."""
    slots = np.empty(len(mesh.polygons), np.int32)
    mesh.polygons.foreach_get("material_index", slots)
    return slots


def corners_of(mesh: Any) -> np.ndarray:
    """The vertices of a mesh's faces, (F, corners): as many of each."""
    corners = np.empty(len(mesh.loops), np.int32)
    mesh.loops.foreach_get("vertex_index", corners)
    return corners.reshape(len(mesh.polygons), -1)


def faces_of(mesh: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Material slot (T,), corners (T, 3) and coordinates (T, 3, 2) of the triangles of a mesh."""
    uv = np.empty(len(mesh.loops) * 2, np.float32)
    mesh.uv_layers.active.uv.foreach_get("vector", uv)
    return slots_of(mesh), corners_of(mesh), uv.reshape(-1, 3, 2)
