# SPDX-License-Identifier: GPL-3.0-or-later
"""The list of objects: each is a name that prompts refer to and, once segmented, a mesh."""

from __future__ import annotations

from typing import Any

import bpy

from ...errors import SceneError
from . import colours, lookup

DEFAULT_NAME = "Object"


def find(root: bpy.types.Object, name: str) -> Any | None:
    """The list's item of that name, or None."""
    return next((item for item in root.wildseg3d.groups if item.name == name), None)


def require(root: bpy.types.Object, name: str = "") -> Any:
    """The item of that name, the active one without a name. SceneError when there is none."""
    item = find(root, name) if name else active(root)
    if item is None:
        raise SceneError(
            f"There is no object named {name!r} in the list." if name else "There are no objects yet."
        )
    return item


def active(root: bpy.types.Object) -> Any | None:
    """The item that is active in the list; None when the list is empty."""
    settings = root.wildseg3d
    if not settings.groups:
        return None
    return settings.groups[max(0, min(settings.active_group, len(settings.groups) - 1))]


def ensure(root: bpy.types.Object, name: str = "") -> Any:
    """The item of that name, made when missing and made active; without a name, the active one."""
    settings = root.wildseg3d
    if not name and (chosen := active(root)) is not None:
        return chosen
    item = find(root, name or DEFAULT_NAME) or add(root, name or DEFAULT_NAME)
    settings.active_group = list(settings.groups).index(item)
    return item


def add(root: bpy.types.Object, name: str = DEFAULT_NAME) -> Any:
    """A new item, active; numbered when the name is taken."""
    settings = root.wildseg3d
    colour = colours.next_colour([other.colour for other in settings.groups])
    item = settings.groups.add()
    item.previous_name = ""
    item.colour = colour
    item.name = free_name(root, name, item)
    item.parts.add()
    settings.active_group = len(settings.groups) - 1
    return item


def rename(root: bpy.types.Object, item: Any) -> None:
    """Let prompts and mesh follow the item's new name. Called by Blender when the name was edited."""
    old, wanted = item.previous_name, item.name
    name = free_name(root, wanted.strip() or old or DEFAULT_NAME, item)
    if name != wanted:
        item.name = name  # comes back here with a free name
        return
    item.previous_name = name
    if not old or old == name:
        return
    for prompt in lookup.prompts(root, old):
        prompt.wildseg3d.group = name
        prompt.name = prompt.name.replace(old, name, 1)
    if item.object is not None:
        for surface in lookup.surfaces(root, item.object):
            surface.name = surface.name.replace(old, name, 1)
        item.object.name = name
        item.object.data.name = name


def remove(root: bpy.types.Object, name: str) -> None:
    """Drop the item of that name and its prompts. Its points have to be merged back before."""
    for prompt in lookup.prompts(root, name):
        bpy.data.objects.remove(prompt)
    settings = root.wildseg3d
    index = [item.name for item in settings.groups].index(name)
    settings.groups.remove(index)
    settings.active_group = max(0, min(settings.active_group, len(settings.groups) - 1))


def mesh_object(item: Any) -> bpy.types.Object | None:
    """The mesh of an item, or None when it was not segmented yet or its mesh was deleted."""
    found = item.object
    if found is None or not lookup.is_linked(found):
        return None
    # A copy of the root without what hangs under it has the list, but not the meshes.
    return found if lookup.root_of(found) in (None, item.id_data) else None


def free_name(root: bpy.types.Object, name: str = DEFAULT_NAME, item: Any | None = None) -> str:
    """That name, numbered where an object of the list other than ``item`` has it."""
    taken = {other.name for other in root.wildseg3d.groups if other != item}
    number, candidate = 2, name
    while candidate in taken:
        candidate, number = f"{name} {number}", number + 1
    return candidate
