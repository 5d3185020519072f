# SPDX-License-Identifier: GPL-3.0-or-later
"""A scene that was aligned again -> the points, objects and cameras that are in Blender already, in place.

Everything is found by role, view and pixel. Names, materials, modifiers, extra attributes and what the artist
did with an object's or the root's transform stay; so do cameras that the artist moved, and deleted points
stay deleted.
"""

from __future__ import annotations

from collections.abc import Mapping

import bpy
import numpy as np
from numpy.typing import NDArray

from ...scene_folder import Scene
from . import cameras, display, following, lookup, point_attributes, prompting, splitting
from . import points as point_arrays
from .point_attributes import Attributes

_FROM_GEOMETRY = ("position", "normal", "confidence", "size")
GONE, NO_PIXEL = -1, -2
"""In place of a row of the new points: the pixel is no longer measured, or the point never had one."""

Measured = dict[str, NDArray[np.bool_]]
"""View name -> (H, W) bool, the pixels that have a point."""


def measured(scene: Scene) -> Measured:
    """What ``refresh`` has to know of the scene folder as it was before it was aligned again."""
    return {view.name: point_arrays.measured(scene, view) for view in scene.views}


def refresh(root: bpy.types.Object, before: Mapping[str, NDArray[np.bool_]]) -> None:
    """Bring a reconstruction up to its scene folder, which has been aligned again.

    Points that are no longer measured go, pixels that ``before`` does not have come to the rest, and objects
    that are as they were segmented last get the points that the scene folder now says are theirs.

    Raises:
        SceneError: the scene folder is gone or damaged, or a mesh that is needed was deleted or is in Edit
            Mode. Nothing is changed then.
    """
    scene = lookup.open_scene(root)
    fresh = _attributes(point_arrays.Measured(scene))
    numbers = point_attributes.pixel_numbers(scene, fresh)
    pixels = sum(view.size[0] * view.size[1] for view in scene.views)
    # One more at the end, for the points of no pixel: their number is -1.
    row = np.append(np.full(pixels, GONE), NO_PIXEL)
    row[numbers] = np.arange(len(numbers))
    rest = lookup.points(root).name
    new = np.flatnonzero(~point_attributes.by_number(scene, before)[numbers])
    # All is read before anything is written, because reading is what can fail.
    found = {item.name: point_attributes.read(item) for item in lookup.point_objects(root)}
    rows = {name: row[point_attributes.pixel_numbers(scene, points)] for name, points in found.items()}
    for name, points in found.items():
        _refresh(bpy.data.objects[name], points, rows[name], fresh, new if name == rest else new[:0])
    for view in scene.views:
        _follow(root, scene, view.name)
    following.note(scene, root)
    splitting.settle(scene, root)
    root.wildseg3d.aligned_for = names_of(scene)
    root.wildseg3d.confidence_levels = display.confidence_levels(fresh["confidence"][1].ravel())
    display.apply_settings(root)


def _refresh(
    item: bpy.types.Object,
    points: Attributes,
    rows: NDArray[np.int64],
    fresh: Attributes,
    new: NDArray[np.int64],
) -> None:
    """Give a mesh, whose points are ``points``, the rows of ``fresh`` in their place, and the new ones."""
    kept = rows != GONE
    points, rows = point_attributes.taken(points, kept), rows[kept]
    known = rows >= 0
    for name in _FROM_GEOMETRY:
        if name in points and points[name][0] == fresh[name][0]:
            points[name][1][known] = fresh[name][1][rows[known]]
    if kept.all() and not len(new):
        point_attributes.update(item, {name: points[name] for name in _FROM_GEOMETRY if name in points})
    else:
        point_attributes.write(item, point_attributes.joined(points, point_attributes.taken(fresh, new)))


def names_of(scene: Scene) -> str:
    """The objects that a scene was aligned for, as the panel shows them."""
    return ", ".join(scene.settings.get("aligned_for", ()))


def _attributes(points: point_arrays.Measured) -> Attributes:
    found: Attributes = {}
    for name, kind in point_arrays.KINDS.items():
        values = points.column(name)
        found[name] = (kind, values.reshape(len(values), -1))
    return found


def _follow(root: bpy.types.Object, scene: Scene, view_name: str) -> None:
    """Camera and prompts of a view; a camera that was deleted is left out."""
    camera = next((item for item in lookup.cameras(root) if item.wildseg3d.view == view_name), None)
    if camera is not None:
        lens = cameras.lens_of(camera)
        if cameras.follow(camera, scene.view(view_name)):
            prompting.follow(camera, lens)
