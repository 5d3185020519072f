# SPDX-License-Identifier: GPL-3.0-or-later
"""The list of objects and the viewport show the same object: choosing in one chooses in the other."""

from __future__ import annotations

from typing import Any

import bpy

from . import groups, lookup, visibility

_seen: tuple[str, str] = ("", "")
"""Scene and active object when last looked at: only a new choice counts, not each change of the file."""


def clear(view_layer: bpy.types.ViewLayer) -> None:
    """Select nothing."""
    for item in list(view_layer.objects.selected):
        item.select_set(False, view_layer=view_layer)


def only(view_layer: bpy.types.ViewLayer, item: bpy.types.Object) -> None:
    """Make ``item`` the one that is selected and active."""
    clear(view_layer)
    item.select_set(True, view_layer=view_layer)
    view_layer.objects.active = item


def select_mesh(root: bpy.types.Object) -> None:
    """Select the mesh of the list's active object, if it has one that can be selected now."""
    item = groups.active(root)
    mesh = None if item is None else groups.mesh_object(item)
    context = bpy.context
    if mesh is None or context.mode != "OBJECT" or not visibility.is_seen(root, mesh):
        return
    only(context.view_layer, visibility.stands_for(root, mesh))


def take_choice(scene: bpy.types.Scene, view_layer: bpy.types.ViewLayer) -> bool:
    """Make what was made active in the viewport active in the list too; True when that changed the list."""
    if _active(scene, view_layer) == _seen:
        return False
    keep_choice(scene, view_layer)
    chosen = view_layer.objects.active
    root = lookup.root_of(chosen)
    if chosen is None or root is None or root.library is not None or root.name not in scene.objects:
        return False
    if changed := lookup.active_root(scene) != root:
        scene.wildseg3d.root = root
    name = _listed_name(root, chosen)
    for index, item in enumerate(root.wildseg3d.groups):
        if item.name == name and root.wildseg3d.active_group != index:
            root.wildseg3d.active_group = index
            return True
    return changed


def keep_uncut(scene: bpy.types.Scene, view_layer: bpy.types.ViewLayer) -> None:
    """Undone or redone: an object that has no points yet stays the list's, whatever is active beside it."""
    root = lookup.active_root(scene)
    item = None if root is None else groups.active(root)
    if item is not None and groups.mesh_object(item) is None:
        keep_choice(scene, view_layer)


def keep_choice(scene: bpy.types.Scene, view_layer: bpy.types.ViewLayer) -> None:
    """What is active in the viewport is no new choice: a file was opened that was saved like this."""
    global _seen
    _seen = _active(scene, view_layer)


def _active(scene: bpy.types.Scene, view_layer: bpy.types.ViewLayer) -> tuple[str, str]:
    chosen = view_layer.objects.active
    return scene.name, "" if chosen is None else chosen.name


def is_visible(item: Any) -> bool:
    """Whether an object of the list is shown in the viewport, as points or as a surface."""
    mesh = groups.mesh_object(item)
    return mesh is not None and visibility.is_seen(item.id_data, mesh)


def set_visible(item: Any, value: bool) -> None:
    """Show or hide an object of the list, whether it is shown as points or as a surface."""
    if (mesh := groups.mesh_object(item)) is not None:
        visibility.set_seen(item.id_data, mesh, value)


def _listed_name(root: bpy.types.Object, chosen: bpy.types.Object) -> str:
    if chosen.wildseg3d.role == "PROMPT":
        return str(chosen.wildseg3d.group)
    points = chosen.wildseg3d.source if chosen.wildseg3d.role == "SURFACE" else chosen
    found = (item.name for item in root.wildseg3d.groups if item.object == points)
    return next(found, "")
