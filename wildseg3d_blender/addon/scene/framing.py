# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a photo is in a 3D view that looks through its camera, so that no panel hides what is clicked on."""

from __future__ import annotations

import math
from collections.abc import Set

import bpy
import numpy as np
from bpy_extras.view3d_utils import location_3d_to_region_2d

ALONG_THE_BOTTOM = 88.0
"""Points of the interface that the photos along the bottom take, with the name of the one looked through."""

LEAST_FREE = 200.0
"""Pixels. Where panels leave less than this, the photo lies under them."""

PANELS = frozenset({"TOOLS", "UI", "HEADER", "TOOL_HEADER"})
"""Kinds of regions that stay where they are while prompts are placed."""

Rectangle = tuple[float, float, float, float]
"""Left, low, right and high, in pixels of a region."""


def free_of(area: bpy.types.Area, region: bpy.types.Region, kinds: Set[str]) -> Rectangle:
    """What regions of these kinds, which may lie on top of a 3D view, leave free of it."""
    left, low, right, high = 0.0, 0.0, float(region.width), float(region.height)
    for other in area.regions:
        if other.type not in kinds or other.width <= 1 or other.height <= 1:
            continue
        if other.type in {"HEADER", "TOOL_HEADER"}:
            if other.alignment == "TOP":
                high = min(high, float(other.y - region.y))
            else:
                low = max(low, float(other.y + other.height - region.y))
        elif other.alignment == "RIGHT":
            right = min(right, float(other.x - region.x))
        else:
            left = max(left, float(other.x + other.width - region.x))
    return left, low, right, high


def frame_in(
    region: bpy.types.Region, region_3d: bpy.types.RegionView3D, scene: bpy.types.Scene
) -> Rectangle:
    """Where the frame of the scene's camera is in a 3D view that looks through it."""
    region_3d.update()
    corners = [scene.camera.matrix_world @ corner for corner in scene.camera.data.view_frame(scene=scene)]
    places = np.array([location_3d_to_region_2d(region, region_3d, corner) for corner in corners])
    (left, low), (right, high) = places.min(0), places.max(0)
    return left, low, right, high


def zoomed(zoom: float, share: float) -> float:
    """The camera zoom of a 3D view at which a frame is ``share`` times as large as at ``zoom``.

    Blender draws it (sqrt(2) + zoom / 50)^2 / 4 times as large as the region.
    """
    root = math.sqrt(2.0)
    return 50.0 * (math.sqrt(share) * (root + zoom / 50.0) - root)


def uncover(context: bpy.types.Context, area: bpy.types.Area, region: bpy.types.Region) -> None:
    """Have the whole photo in sight: between toolbar and sidebar, above the photos along the bottom."""
    if bpy.app.background:
        return  # nothing was laid out yet, and Blender has no matrices to ask for
    left, low, right, high = free_of(area, region, PANELS)
    if context.scene.wildseg3d.thumbnails:
        low += ALONG_THE_BOTTOM * context.preferences.system.ui_scale
    if min(right - left, high - low) < LEAST_FREE:
        return
    region_3d = area.spaces.active.region_3d
    now = frame_in(region, region_3d, context.scene)
    share = min((right - left) / (now[2] - now[0]), (high - low) / (now[3] - now[1]), 1.0)
    region_3d.view_camera_zoom = zoomed(region_3d.view_camera_zoom, share)
    # Linear in the offset, by how much depends on the shapes of region and frame.
    steps = []
    for offset in (0.0, 0.1):
        region_3d.view_camera_offset = (offset, offset)
        now = frame_in(region, region_3d, context.scene)
        steps.append(np.array([now[0] + now[2], now[1] + now[3]]) / 2)
    wanted = np.array([left + right, low + high]) / 2
    region_3d.view_camera_offset = 0.1 * (wanted - steps[0]) / (steps[1] - steps[0])
