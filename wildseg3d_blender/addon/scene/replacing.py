# SPDX-License-Identifier: GPL-3.0-or-later
"""What makes way for a new reconstruction: an earlier one of its scene folder, and Blender's own cube."""

from __future__ import annotations

from collections.abc import Collection

import bpy

from . import groups, lookup

STARTUP = {"Cube", "Light", "Camera"}
"""What Blender's own startup file holds."""


def retire_earlier(scene: bpy.types.Scene, root: bpy.types.Object) -> list[str]:
    """Take earlier reconstructions of ``root``'s scene folder, which is overwritten, out of the way.

    One that nothing was cut out of is removed, unless the artist put something of their own under it; any
    other is hidden whole, in the viewport and in renders, with what was cut out of it.

    Returns:
        The names of the roots of those that are hidden.
    """
    folder = lookup.scene_folder(root)
    hidden = []
    for other in [item for item in scene.objects if item.wildseg3d.role == "ROOT" and item != root]:
        if lookup.scene_folder(other) != folder or other.library is not None:
            continue
        if _is_untouched(other):
            _remove(other)
        else:
            hidden.append(other.name)
            for item in (other, *other.children_recursive):
                item.hide_viewport = item.hide_render = True
    return hidden


def hide_startup_cube(layer: bpy.types.ViewLayer, before: Collection[str]) -> None:
    """Hide the cube of Blender's startup file, which stands in the middle of the result.

    Only where nothing but what Blender starts with stood ``before``, as it was.
    """
    cube = layer.objects.get("Cube")
    if cube is None or "Cube" not in before or not set(before) <= STARTUP:
        return
    as_it_was = (
        cube.type == "MESH"
        and (len(cube.data.vertices), len(cube.data.polygons)) == (8, 6)
        and all(abs(abs(value) - 1.0) < 1e-6 for vertex in cube.data.vertices for value in vertex.co)
        and cube.matrix_basis.is_identity
        and not cube.modifiers
        and not cube.constraints
        and cube.animation_data is None
    )
    if as_it_was:
        cube.hide_set(True, view_layer=layer)
        cube.hide_render = True


def _is_untouched(root: bpy.types.Object) -> bool:
    if any(groups.mesh_object(item) is not None for item in root.wildseg3d.groups):
        return False
    return all(item.wildseg3d.role != "NONE" for item in root.children_recursive)


def _remove(root: bpy.types.Object) -> None:
    """Remove a reconstruction with all that hangs under it, and its collection when that is empty then."""
    collection = lookup.collection(root)
    data = {item.data for item in root.children_recursive if item.data is not None}
    bpy.data.batch_remove([root, *root.children_recursive])
    bpy.data.batch_remove([item for item in data if not item.users])
    if not collection.all_objects and collection.library is None and collection.users:
        bpy.data.collections.remove(collection)
