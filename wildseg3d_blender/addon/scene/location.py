# SPDX-License-Identifier: GPL-3.0-or-later
"""Where scene folders are kept, and how a .blend remembers them."""

from __future__ import annotations

import os
from pathlib import Path

import bpy

from ...files.names import file_stem
from .. import preferences


def default_folder(context: bpy.types.Context, photos: Path) -> Path:
    """A free place for the scene of these photos: beside the .blend, or in the person's own folder.

    Named after the photos' folder, with a number when that is taken.
    """
    blend = bpy.data.filepath
    parent = Path(blend).parent / "wildseg3d" if blend else unsaved_folder(context)
    name = file_stem(photos.name)
    number, folder = 2, parent / name
    while folder.exists():
        folder, number = parent / f"{name}_{number}", number + 1
    return folder


def unsaved_folder(context: bpy.types.Context) -> Path:
    """Where scenes of unsaved files go: the preference, or Blender's folder of the user's data.

    Not the extension's user folder: Blender deletes that when the extension is removed.
    """
    chosen = preferences.scenes_folder(context)
    return Path(chosen or bpy.utils.user_resource("DATAFILES", path="wildseg3d"))


def remembered(folder: Path, blend: str) -> str:
    """``folder`` as a .blend at ``blend`` stores it: relative where both share a drive, else absolute."""
    if not blend:
        return str(folder)
    try:
        relative = os.path.relpath(folder, Path(blend).parent)
    except ValueError:
        return str(folder)
    return "//" + Path(relative).as_posix()
