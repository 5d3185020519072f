# SPDX-License-Identifier: GPL-3.0-or-later
"""Small pictures of photos for lists. Blender loads each when it is first drawn, in the background."""

from __future__ import annotations

from pathlib import Path

import bpy
import bpy.utils.previews

MOST = 400
"""Pictures kept; beyond that all are dropped and loaded anew as they are drawn."""

_pictures: list[bpy.utils.previews.ImagePreviewCollection] = []


def icon_of(photo: str) -> int:
    """Number of the icon of a photo file, for ``icon_value``; 0 where there is no such file."""
    if not photo or not _pictures:
        return 0
    pictures = _pictures[0]
    if photo not in pictures:
        if not Path(photo).is_file():
            return 0
        if len(pictures) >= MOST:
            pictures.clear()
        pictures.load(photo, photo, "IMAGE")
    icon: int = pictures[photo].icon_id
    return icon


def register() -> None:
    """Called by the add-on. Nothing is loaded before it is drawn."""
    _pictures.append(bpy.utils.previews.new())


def unregister() -> None:
    """Called by the add-on."""
    while _pictures:
        bpy.utils.previews.remove(_pictures.pop())
