# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings that belong to the person, not to the .blend; ``panels.preferences`` declares and shows them."""

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
