# SPDX-License-Identifier: GPL-3.0-or-later
"""Removing objects from the file."""

from __future__ import annotations

import bpy


def remove(item: bpy.types.Object) -> None:
    """Remove an object, and its mesh unless something else uses that."""
    mesh = item.data
    bpy.data.objects.remove(item)
    if not mesh.users:
        bpy.data.meshes.remove(mesh)
