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
