# SPDX-License-Identifier: GPL-3.0-or-later
"""The surface under the mouse, from any view: what is displayed, wherever the artist moved it.

Indices of the points are kept between picks: a million points take some 50 ms to prepare and a few to ask.
"""

from __future__ import annotations

from dataclasses import dataclass

import bpy
import numpy as np
from numpy.typing import NDArray

from ...scene.folder import Scene
from . import display, kept_points, lookup, point_index, visibility
from .kept_points import KeptPoints
from .point_index import PointIndex, Ray


@dataclass(frozen=True)
class Picked:
    """A place on a surface, in the world frame of the scene folder.

    Attributes:
        point_world: (3,).
        direction_world: (3,), unit, from the artist's eye towards it.
        from_blender: (4, 4), Blender's world to that of the scene folder, for what was picked: it may have
            been moved.
        name: of the mesh that it belongs to.
        distance: from the artist's eye, in Blender's world.
    """

    point_world: NDArray[np.float64]
    direction_world: NDArray[np.float64]
    from_blender: NDArray[np.float64]
    name: str
    distance: float


@dataclass(frozen=True)
class Sight:
    """What lies under the mouse in Blender's world: a ray, and one beside it that says how thick it is.

    Attributes:
        origin, direction: (3,).
        origin_beside, direction_beside: (3,), of a ray some pixels aside.
    """

    origin: NDArray[np.float64]
    direction: NDArray[np.float64]
    origin_beside: NDArray[np.float64]
    direction_beside: NDArray[np.float64]


@dataclass(frozen=True)
class _Candidate:
    """What one mesh has in sight, how far from the eye points are of the same surface, and how many are."""

    picked: Picked
    behind: float
    support: int


_indices: dict[str, tuple[tuple[object, ...], KeptPoints, PointIndex]] = {}


def forget() -> None:
    """Free the indices."""
    _indices.clear()


def pick(root: bpy.types.Object, sight: Sight) -> Picked | None:
    """The first surface of a reconstruction's points and objects in sight; None when there is none.

    Hidden objects are looked through, unless all are hidden. Points whose surface is shown are not hidden.

    Raises:
        SceneError: the points lost their attributes, or the scene folder is gone.
    """
    scene = lookup.open_scene(root)
    items = [item for item in lookup.point_objects(root) if item.mode != "EDIT"]
    found: list[_Candidate] = []
    for item in [item for item in items if visibility.is_seen(root, item)] or items:
        to_world = np.array(item.matrix_world)
        if abs(np.linalg.det(to_world[:3, :3])) < 1e-12:
            continue  # scaled to nothing
        from_world = np.linalg.inv(to_world)
        ray = _ray_in(from_world, sight)
        index = _index(scene, root, item)
        met = point_index.first_met(index, ray)
        if met is None:
            continue
        scale = float(np.linalg.norm(to_world[:3, :3] @ ray.direction))
        origin = np.array(item.wildseg3d.origin)
        from_world[:3, 3] += origin
        point = np.asarray(index.points[met.number] + origin, np.float64)
        picked = Picked(point, ray.direction, from_world, item.name, met.along * scale)
        found.append(_Candidate(picked, met.behind * scale, met.support))
    return _of_most_points(found)


def _of_most_points(found: list[_Candidate]) -> Picked | None:
    """Of the candidates on the first surface the one with the most points there.

    Objects leave some of their points behind in the scene, about as far in front of theirs as behind them.
    """
    if not found:
        return None
    first = min(found, key=lambda candidate: candidate.picked.distance)
    there = [candidate for candidate in found if candidate.picked.distance <= first.behind]
    return max(there, key=lambda candidate: candidate.support).picked


def _ray_in(from_world: NDArray[np.float64], sight: Sight) -> Ray:
    """The sight in a mesh's own space."""
    turn = from_world[:3, :3]
    origin, beside = (turn @ place + from_world[:3, 3] for place in (sight.origin, sight.origin_beside))
    direction, direction_beside = turn @ sight.direction, turn @ sight.direction_beside
    length = float(np.linalg.norm(direction))
    radius = float(np.linalg.norm(beside - origin))
    spread = float(np.linalg.norm(direction_beside - direction)) / length
    return Ray(origin, direction / length, radius, spread)


def _index(scene: Scene, root: bpy.types.Object, item: bpy.types.Object) -> PointIndex:
    minimum = display.minimum_confidence(root.wildseg3d)
    points = kept_points.points_of(scene, item)
    key = (id(points), root.wildseg3d.point_size, minimum)
    known = _indices.get(item.name)
    if known is not None and known[0] == key:
        return known[2]
    for name in [name for name in _indices if name not in bpy.data.objects]:
        del _indices[name]
    position, reach = points.position, points.size * (root.wildseg3d.point_size / 2)
    if minimum > 0:
        certain = points.confidence >= minimum
        position, reach = position[certain], reach[certain]
    made = point_index.build(position, reach)
    # The points are held, so that no others come to have their id.
    _indices[item.name] = key, points, made
    return made
