# SPDX-License-Identifier: GPL-3.0-or-later
"""The scene folder follows the .blend: what exists is what Blender shows, whatever was undone or redone.

Each object of the list knows the version it has in the scene folder. Undo, redo and opening a file change
which versions the .blend names; ``follow`` then puts those in place.
"""

from __future__ import annotations

import contextlib
from typing import Any

import bpy

from ... import scene_history
from ...errors import SceneError
from ...scene_folder import Scene
from ...scene_objects import read_objects
from . import groups, lookup, reading


def follow(root: bpy.types.Object) -> tuple[str, ...]:
    """Make the objects in the scene folder those that ``root`` has in Blender.

    Returns:
        The names of those whose claim the scene folder has lost. They keep the points they have, and Segment
        makes them anew.

    Raises:
        SceneError: the scene folder is gone or cannot be written.
    """
    return scene_history.bring_back(lookup.open_scene(root), _wanted(root))


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
