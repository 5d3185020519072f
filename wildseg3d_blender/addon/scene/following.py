# SPDX-License-Identifier: GPL-3.0-or-later
"""The scene folder follows the .blend: what exists is what Blender shows, whatever was undone or redone.

The root knows the state of the scene folder that it shows, its alignment, and each object of the list the
version it has there. Undo, redo and opening a file change which ones the .blend names; ``follow`` then puts
those in place.
"""

from __future__ import annotations

import contextlib
from typing import Any

import bpy

from ...errors import SceneError
from ...scene import history, states
from ...scene.folder import Scene
from ...scene.objects import read_objects
from . import groups, lookup, reading


def changes_state(root: bpy.types.Object) -> bool:
    """Whether ``follow`` is going to give the scene folder another alignment, or reconstruction."""
    folder, state = lookup.scene_folder(root), root.wildseg3d.state
    return state != states.state_of(folder) and states.is_kept(folder, state)


def follow(root: bpy.types.Object) -> tuple[str, ...]:
    """Give the scene folder the alignment and the objects that ``root`` has in Blender.

    An alignment that is no longer kept stays away: masks and prompts count in pixels, so all goes on with the
    one that is there, and Refine Alignment brings both together.

    Returns:
        The names of those whose claim the scene folder has lost. They keep the points they have, and Segment
        makes them anew.

    Raises:
        SceneError: the scene folder is gone or cannot be written.
    """
    if changes_state(root):
        states.go_to(lookup.scene_folder(root), root.wildseg3d.state)
    return history.bring_back(lookup.open_scene(root), _wanted(root))


def follow_if_there(root: bpy.types.Object) -> None:
    """As ``follow``; a scene folder that is out of reach can wait, as the next Segment follows anyway."""
    with contextlib.suppress(SceneError):
        follow(root)


def note(scene: Scene, root: bpy.types.Object) -> None:
    """Take in the versions of objects that were written anew with the prompts they were segmented with last.

    Raises:
        SceneError: an object of the scene folder is damaged.
    """
    for known in read_objects(scene):
        item = groups.find(root, known.name)
        if item is not None and item.applied == reading.digest(known.groups):
            item.version = known.version


def _wanted(root: bpy.types.Object) -> dict[str, Any]:
    found = {}
    for item in root.wildseg3d.groups:
        # A mesh that was deleted in the viewport is no object any more; undo brings both back.
        if groups.mesh_object(item) is not None:
            found[item.name] = item.version
    return found
