# SPDX-License-Identifier: GPL-3.0-or-later
"""What open windows show.

In background mode there is nobody to see it, but a file's windows are there all the same, and saving keeps
what was set.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import bpy
import mathutils
import numpy as np
from bpy_extras.view3d_utils import region_2d_to_origin_3d, region_2d_to_vector_3d
from numpy.typing import NDArray

from ...scene.folder import View
from . import framing, lookup, visibility
from .picking import Sight

ASIDE = math.radians(15)
"""How far a view turns away from a photo to show a new mesh; prompts, seen along photos only, go then."""


def views_3d() -> Iterator[bpy.types.Area]:
    """The 3D view areas of all windows."""
    for window in bpy.context.window_manager.windows:
        yield from (area for area in window.screen.areas if area.type == "VIEW_3D")


def redraw() -> None:
    """Have all 3D views drawn anew, their sidebars included."""
    for area in views_3d():
        area.tag_redraw()


def redraw_sidebars() -> None:
    """Have the sidebars of all 3D views drawn anew, and nothing else: for what changes often."""
    for area in views_3d():
        for region in area.regions:
            if region.type == "UI":
                region.tag_redraw()


def show_photo_colours() -> None:
    """Let Solid show the points in the photos' colours, unlit: the light is in the photos already."""
    for area in views_3d():
        space = area.spaces.active
        space.shading.color_type = "VERTEX"
        space.shading.light = "FLAT"
        # Everything hangs under one root: lines from each camera to it would only clutter the picture.
        space.overlay.show_relationship_lines = False


def frame(root: bpy.types.Object) -> None:
    """Turn every 3D view to the reconstruction, seen from where its middle photo was taken."""
    areas = list(views_3d())
    if not areas:
        return
    extent = _extent(lookup.points(root).data, 0.05)
    if extent is None:
        return
    found = lookup.cameras(root)
    rotation = found[len(found) // 2].matrix_world.to_quaternion() if found else None
    for area in areas:
        _turn_to(area, root.matrix_world, *extent, rotation)
    redraw()


def show_uncovered(item: bpy.types.Object, *, astray: float = 0.0) -> None:
    """Let a mesh be seen where 3D views look through a photo, which covers it: from nearly there.

    ``astray``: this share of its points, at either end, need not be in sight.
    """
    extent = _extent(item.data, astray)
    if extent is None:
        return
    bpy.context.view_layer.update()  # where it is in the world
    aside = mathutils.Quaternion((0.0, 0.0, 1.0), ASIDE)
    for area in views_3d():
        space = area.spaces.active
        camera = photo_camera(space, space.region_3d, bpy.context.scene)
        if camera is not None:
            rotation = aside @ camera.matrix_world.to_quaternion()
            _turn_to(area, item.matrix_world, *extent, rotation)
    redraw()


def _extent(mesh: bpy.types.Mesh, astray: float) -> tuple[NDArray[np.floating], NDArray[np.floating]] | None:
    """Low and high corner, (3,) each, of a mesh but for a share of its points at either end."""
    position = np.empty(len(mesh.vertices) * 3, np.float32)
    mesh.attributes["position"].data.foreach_get("vector", position)
    position = position.reshape(-1, 3)
    position = position[:: max(1, len(position) // 50000)]
    if not len(position):
        return None
    low, high = np.quantile(position, [astray, 1.0 - astray], axis=0)
    return low, high


def _turn_to(
    area: bpy.types.Area,
    to_world: mathutils.Matrix,
    low: NDArray[np.floating],
    high: NDArray[np.floating],
    rotation: mathutils.Quaternion | None,
) -> None:
    """Turn a 3D view to a box, (3,) and (3,) in a space of its own; seen as before without a rotation."""
    region = area.spaces.active.region_3d
    if region.view_perspective == "CAMERA":
        region.view_perspective = "PERSP"
    region.view_location = to_world @ mathutils.Vector((low + high) / 2)
    # The viewport's sensor is fixed at 72 mm, along its longer edge.
    half_width = 36.0 / area.spaces.active.lens * min(1.0, area.height / max(area.width, 1))
    region.view_distance = 0.75 * to_world.median_scale * float(np.linalg.norm(high - low)) / half_width
    if rotation is not None:
        region.view_rotation = rotation


def look_through(context: bpy.types.Context, camera: bpy.types.Object) -> None:
    """Make ``camera`` the scene's and show it in the 3D view at hand, or in all when none is.

    A view that looks through a camera already keeps its zoom.
    """
    visibility.change_camera(context.scene, camera)
    own = context.area if context.area is not None and context.area.type == "VIEW_3D" else None
    for area in [own] if own is not None else views_3d():
        if area.spaces.active.region_3d.view_perspective == "CAMERA":
            continue
        area.spaces.active.region_3d.view_perspective = "CAMERA"
        region = next(region for region in area.regions if region.type == "WINDOW")
        with context.temp_override(area=area, region=region):
            if bpy.ops.view3d.view_center_camera.poll():
                bpy.ops.view3d.view_center_camera()
                framing.uncover(context, area, region)
    redraw()


def looks_through(context: bpy.types.Context) -> bool:
    """Whether the 3D view at hand (or the first one) shows the scene's camera; True when there is none."""
    own = context.area if context.area is not None and context.area.type == "VIEW_3D" else None
    area = own or next(views_3d(), None)
    return area is None or area.spaces.active.region_3d.view_perspective == "CAMERA"


def pixel_under_mouse(
    region: bpy.types.Region,
    region_3d: bpy.types.RegionView3D,
    camera: bpy.types.Object,
    view: View,
    mouse: tuple[float, float],
) -> tuple[float, float] | None:
    """The view pixel under the mouse in a 3D view that looks through ``camera``; None when outside."""
    found = pixel_towards_mouse(region, region_3d, camera, view, mouse)
    if found is None:
        return None
    inside = 0 <= found[0] <= view.size[0] and 0 <= found[1] <= view.size[1]
    return found if inside else None


def pixel_towards_mouse(
    region: bpy.types.Region,
    region_3d: bpy.types.RegionView3D,
    camera: bpy.types.Object,
    view: View,
    mouse: tuple[float, float],
) -> tuple[float, float] | None:
    """As ``pixel_under_mouse``, but beside the photo too, as if it went on; None when behind the camera."""
    direction_world = region_2d_to_vector_3d(region, region_3d, mouse)
    direction = camera.matrix_world.to_3x3().inverted() @ direction_world
    if direction.z >= 0:
        return None
    x, y, _ = view.K @ np.array([direction.x / -direction.z, direction.y / direction.z, 1.0])
    return float(x), float(y)


def sight_under_mouse(
    region: bpy.types.Region, region_3d: bpy.types.RegionView3D, mouse: tuple[float, float], radius: float
) -> Sight:
    """What lies under the mouse in a 3D view, ``radius`` pixels thick."""
    beside = (mouse[0] + radius, mouse[1])
    return Sight(
        origin=np.array(region_2d_to_origin_3d(region, region_3d, mouse)),
        direction=np.array(region_2d_to_vector_3d(region, region_3d, mouse)),
        origin_beside=np.array(region_2d_to_origin_3d(region, region_3d, beside)),
        direction_beside=np.array(region_2d_to_vector_3d(region, region_3d, beside)),
    )


def photo_camera(
    space: bpy.types.SpaceView3D, region_3d: bpy.types.RegionView3D | None, scene: bpy.types.Scene
) -> bpy.types.Object | None:
    """The camera of a photo that a 3D view looks through, or None."""
    if region_3d is None or region_3d.view_perspective != "CAMERA":
        return None
    camera = space.camera if space.use_local_camera else scene.camera
    ours = camera is not None and camera.wildseg3d.role == "CAMERA" and lookup.root_of(camera) is not None
    return camera if ours else None
