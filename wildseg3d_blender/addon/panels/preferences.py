# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings that belong to the person, as Blender keeps and shows them; ``addon.preferences`` reads them."""

from __future__ import annotations

import bpy

from ...neural.space import readable
from ...wording import counted
from .. import neural_task, unsaved_scenes
from ..preferences import RELEASE_AFTER, extension_package
from ..scene import location
from . import neural_preferences


def _folder_changed(preferences: WildSeg3DPreferences, context: bpy.types.Context) -> None:
    neural_task.announce_folder(context)


class WildSeg3DPreferences(bpy.types.AddonPreferences):
    """Where scenes of unsaved files go, what is done without asking, and the neural engines."""

    bl_idname = extension_package()

    scenes_folder: bpy.props.StringProperty(
        name="Unsaved Scenes In",
        description="Where reconstructions are kept while the .blend has no place of its own yet. "
        "Empty: Blender's folder of your data, which stays when the extension is removed",
        subtype="DIR_PATH",
        default="",
    )

    find_objects: bpy.props.BoolProperty(
        name="Find Objects After Reconstruct",
        description="Look for objects in the background, so that clicks on them are answered at once. Other "
        "work always goes first",
        default=True,
    )

    neural_folder: bpy.props.StringProperty(
        name="Neural Engines In",
        description="Folder for the environment of the neural engines, which takes some gigabytes. Empty: "
        "the extension's user folder",
        subtype="DIR_PATH",
        default="",
        update=_folder_changed,
    )

    release_after: bpy.props.IntProperty(
        name="Release Memory After (Minutes)",
        description="Time without work after which networks give their memory back, a graphics card's "
        "included. They are loaded again when they are needed. 0: they keep it until Blender quits",
        default=RELEASE_AFTER,
        min=0,
        soft_max=60,
    )

    def draw(self, context: bpy.types.Context) -> None:
        """Blender shows this under Edit > Preferences > Add-ons."""
        self.layout.prop(self, "scenes_folder")
        draw_unsaved_scenes(self.layout, context)
        self.layout.prop(self, "find_objects")
        self.layout.prop(self, "neural_folder")
        self.layout.prop(self, "release_after")
        neural_preferences.draw(self.layout, context)


def draw_unsaved_scenes(layout: bpy.types.UILayout, context: bpy.types.Context) -> None:
    """How much lies there that no file needs, the button that removes it, and one that shows all."""
    folder = location.unsaved_folder(context)
    if not folder.is_dir():
        return
    row = layout.split(factor=0.7)
    if found := unsaved_scenes.drawn_left_over(context):
        size = readable(unsaved_scenes.size(found))
        row.label(text=f"Of files never saved: {counted(len(found), 'scene')}, {size}")
    else:
        row.label(text="Of files never saved: nothing to remove")
    buttons = row.row(align=True)
    buttons.operator("wildseg3d.remove_unsaved_scenes", text="Remove", icon="TRASH")
    buttons.operator("wm.path_open", text="", icon="FILE_FOLDER").filepath = str(folder)


def register() -> None:
    """Called by the add-on."""
    bpy.utils.register_class(WildSeg3DPreferences)


def unregister() -> None:
    """Called by the add-on."""
    bpy.utils.unregister_class(WildSeg3DPreferences)
