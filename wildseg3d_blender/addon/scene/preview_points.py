# SPDX-License-Identifier: GPL-3.0-or-later
"""The points that a preview would take, wherever they are by now: with the rest or with another object."""

from __future__ import annotations

from dataclasses import dataclass

import bpy
import numpy as np
from numpy.typing import NDArray

from ...scene.folder import Scene
from ...scene.packed_views import ViewMasks
from . import display, kept_points, lookup, point_attributes


@dataclass(frozen=True)
class Selected:
    """Points of one mesh object, in its own space: position (N, 3) and size (N,), float32."""

    position: NDArray[np.float32]
    size: NDArray[np.float32]


def fingerprint(root: bpy.types.Object) -> tuple[object, ...]:
    """Changes when points move between objects, are deleted, or are hidden by the display settings."""
    settings = root.wildseg3d
    meshes = tuple((item.name, len(item.data.vertices)) for item in lookup.point_objects(root))
    return (meshes, settings.hide_uncertain)


def selected(scene: Scene, root: bpy.types.Object, masks: ViewMasks) -> dict[str, Selected]:
    """The points whose pixels are in the masks, by the name of the mesh object that has them.

    Raises:
        SceneError: the points do not know their pixels any more.
    """
    # One more at the end, for the points of no pixel: their number is -1.
    wanted = np.append(point_attributes.by_number(scene, masks), np.False_)
    minimum = display.minimum_confidence(root.wildseg3d)
    found = {}
    for item in lookup.point_objects(root):
        if item.mode == "EDIT":
            continue  # its points are not in the mesh just now
        points = kept_points.points_of(scene, item)
        chosen = wanted[points.numbers]
        if minimum > 0:
            chosen &= points.confidence >= minimum
        if chosen.any():
            at = np.flatnonzero(chosen)
            found[item.name] = Selected(points.position[at], points.size[at])
    return found
