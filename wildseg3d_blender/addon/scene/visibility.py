# SPDX-License-Identifier: GPL-3.0-or-later
"""What of a reconstruction is seen: one thing alone, all but the rest, points or surfaces.

Hidden is what the outliner's eye says, and hidden in renders too: what is put away must not come back there.
"""

from __future__ import annotations

import bpy


def hide(item: bpy.types.Object, hidden: bool) -> None:
    """Hide an object in the viewport and in renders, or show it again."""
    if not hidden:
        item.hide_viewport = False
    item.hide_render = hidden
    if item.name in bpy.context.view_layer.objects:
        item.hide_set(hidden)
