# SPDX-License-Identifier: GPL-3.0-or-later
"""Meshes' points as arrays, kept from one look to the next while they stay what they are.

Reading a million points out of Blender takes longer than what a click or a preview needs them for.
"""

from __future__ import annotations

from dataclasses import dataclass

import bpy
import numpy as np
from numpy.typing import NDArray

from ...scene.folder import Scene
from . import point_attributes

SAMPLES = 32
"""So many points of a mesh are looked at to see whether it is still the one that was read."""


@dataclass(frozen=True)
class KeptPoints:
    """Points in their mesh's own space.

    Attributes:
        position: (N, 3) float32.
        size, confidence: (N,) float32.
        numbers: (N,) int32, each point's pixel, the pixels of all views counted on; -1 for none.
    """

    position: NDArray[np.float32]
    size: NDArray[np.float32]
    confidence: NDArray[np.float32]
    numbers: NDArray[np.int32]


_kept: dict[str, tuple[tuple[object, ...], KeptPoints]] = {}


def forget() -> None:
    """Free them."""
    _kept.clear()


def points_of(scene: Scene, item: bpy.types.Object) -> KeptPoints:
    """The points of a mesh object that is not in Edit Mode.

    Raises:
        SceneError: they lost an attribute.
    """
    key = (str(scene.folder), fingerprint(item))
    known = _kept.get(item.name)
    if known is not None and known[0] == key:
        return known[1]
    for name in [name for name in _kept if name not in bpy.data.objects]:
        del _kept[name]
    view, pixel = (point_attributes.column(item.data, name) for name in ("view", "pixel"))
    made = KeptPoints(
        position=point_attributes.column(item.data, "position"),
        size=point_attributes.column(item.data, "size"),
        confidence=point_attributes.column(item.data, "confidence"),
        numbers=point_attributes.numbers_of(scene, view, pixel).astype(np.int32),
    )
    _kept[item.name] = key, made
    return made


def fingerprint(item: bpy.types.Object) -> tuple[object, ...]:
    """Changes with the number of a mesh's points and, all but surely, when they move."""
    count = len(item.data.vertices)
    numbers = range(0, count, max(1, count // SAMPLES))
    return (count, *(tuple(item.data.vertices[number].co) for number in numbers))
