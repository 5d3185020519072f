# SPDX-License-Identifier: GPL-3.0-or-later
"""A scene folder that exists already -> a reconstruction in the Blender scene."""

from __future__ import annotations

from pathlib import Path

import bpy

from ...scene import never_saved
from ...wording import counted
from .. import conditions
from ..scene import importing, lookup, replacing, selecting, viewing
from ..scene.steps import object_named
from .driving import Work


def opening(folder: Path) -> Work:
    """Bring in the scene at ``folder``, its objects included, and show it.

    Raises:
        SceneError: the folder is missing, damaged, or from a newer version.
    """
    conditions.idle()
    conditions.object_mode()
    context = bpy.context
    before = {item.name for item in context.scene.objects}
    root_name = yield from importing.importing(context.scene.name, folder)
    never_saved.keep(folder)
    root = object_named(root_name)
    replacing.hide_startup_cube(bpy.context.view_layer, before)
    show_imported(bpy.context, root)
    found = [counted(len(lookup.cameras(root)), "photo")]
    if objects := len(root.wildseg3d.groups):
        found.append(counted(objects, "object"))
    return f"{', '.join(found)} from {folder.name}."


def show_imported(context: bpy.types.Context, root: bpy.types.Object) -> None:
    """Let the artist see what was just imported."""
    settings = context.scene.wildseg3d
    # The next step is below: tips with a list of photos would push it out of sight. The header counts them.
    settings.show_photos = settings.show_reconstruct = False
    context.view_layer.update()
    if context.mode == "OBJECT":  # the artist may have gone on to edit something while the photos were read
        selecting.only(context.view_layer, root)
    viewing.show_photo_colours()
    viewing.frame(root)
