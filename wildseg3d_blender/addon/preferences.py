# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings that belong to the person, not to the .blend."""

from __future__ import annotations

from typing import Any

import bpy

RELEASE_AFTER = 5


def extension_package() -> str:
    """The package Blender knows the extension by: ``bl_ext.<repository>.wildseg3d`` when installed.

    In a checkout that is imported as it is, there is no package around ``wildseg3d_blender``; its own name
    then stands in.
    """
    inner = __package__.rpartition(".")[0]  # without ".addon"
    outer, _, name = inner.rpartition(".")
    return outer or name


def _folder_changed(preferences: WildSeg3DPreferences, context: bpy.types.Context) -> None:
    from . import neural_task  # which asks these preferences

    neural_task.announce_folder(context)


class WildSeg3DPreferences(bpy.types.AddonPreferences):
    """Where scenes of unsaved files go, what is done without asking, and the neural engines."""

    bl_idname = extension_package()

    scenes_folder: bpy.props.StringProperty(
        name="Scenes of Unsaved Files",
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
        self.layout.prop(self, "find_objects")
        self.layout.prop(self, "neural_folder")
        self.layout.prop(self, "release_after")
        from . import neural_preferences  # likewise

        neural_preferences.draw(self.layout, context)


def own(context: bpy.types.Context) -> Any | None:
    """This extension's preferences; None where it is not installed as one, in a checkout."""
    addon: Any = context.preferences.addons.get(extension_package())
    return None if addon is None else addon.preferences


def finds_objects(context: bpy.types.Context) -> bool:
    """Whether objects are looked for after Reconstruct without being asked."""
    preferences = own(context)
    return preferences is None or bool(preferences.find_objects)


def release_after(context: bpy.types.Context) -> int:
    """Minutes without work after which networks give their memory back; 0 for never."""
    preferences = own(context)
    return RELEASE_AFTER if preferences is None else int(preferences.release_after)


def scenes_folder(context: bpy.types.Context) -> str:
    """The person's folder for scenes of unsaved files, or "" for the default."""
    preferences = own(context)
    return "" if preferences is None else str(bpy.path.abspath(preferences.scenes_folder))


def register() -> None:
    """Called by the add-on."""
    bpy.utils.register_class(WildSeg3DPreferences)


def unregister() -> None:
    """Called by the add-on."""
    bpy.utils.unregister_class(WildSeg3DPreferences)
