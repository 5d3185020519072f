# SPDX-License-Identifier: GPL-3.0-or-later
"""A scene that was aligned again -> the points, objects and cameras that are in Blender already, in place.

Everything is found by role, view and pixel. Names, materials, modifiers, extra attributes and what the artist
did with an object's or the root's transform stay; so do cameras that the artist moved, and deleted points
stay deleted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import bpy
import numpy as np
from numpy.typing import NDArray

from ...scene.folder import Scene
from ...scene.states import state_of
from . import cameras, dealing, display, following, lookup, moving, point_attributes, prompting, splitting
from . import points as point_arrays
from .dealing import Deal
from .steps import Aside, Pause, Steps, mesh_named, object_named, run, within

_FROM_GEOMETRY = ("position", "normal", "confidence", "size")
GONE, NO_PIXEL = -1, -2
"""In place of a row of the new points: the pixel is no longer measured, or the point never had one."""

Measured = dict[str, NDArray[np.bool_]]
"""View name -> (H, W) bool, the pixels that have a point."""

READ = 0.4
"""How far the work is when the points are read, as the time goes."""


def measured(scene: Scene) -> Measured:
    """What ``refresh`` has to know of the scene folder as it was before it was aligned again."""
    return {view.name: point_arrays.measured(scene, view) for view in scene.views}


def check(root: bpy.types.Object) -> None:
    """SceneError where ``refreshing`` could not go on: points were deleted or edited away."""
    lookup.points(root)
    for item in lookup.point_objects(root):
        _held(item)


def refresh(root: bpy.types.Object, before: Mapping[str, NDArray[np.bool_]]) -> None:
    """Bring a reconstruction up to its scene folder, which has been aligned again.

    Points that are no longer measured go, pixels that ``before`` does not have come to the rest, and objects
    that are as they were segmented last get the points that the scene folder now says are theirs.

    Raises:
        SceneError: the scene folder is gone or damaged, or a mesh that is needed was deleted or is in Edit
            Mode. Nothing is changed then.
    """
    run(refreshing(root.name, before))


def refreshing(root_name: str, before: Mapping[str, NDArray[np.bool_]]) -> Steps[None]:
    """The steps of ``refresh``; all that shows changes in the last one."""
    root = object_named(root_name)
    scene, rest = lookup.open_scene(root), lookup.points(root).name
    fresh = yield Aside(lambda: _Fresh(scene, before), "Reading the points")
    held = [_held(item) for item in lookup.point_objects(object_named(root_name))]
    made: dict[str, str] = {}
    share = (1.0 - READ) / len(held)
    try:
        for number, item in enumerate(held):
            start = READ + share * number
            yield Pause(start, "Moving the points")
            work = _moving(fresh, item, takes_new=item.item == rest)
            made[item.item] = yield from within(work, start, start + share)
        yield Pause(1.0)
        root = object_named(root_name)
        for item, mesh in [(object_named(name), mesh_named(mesh)) for name, mesh in made.items()]:
            moving.replace_mesh(item, mesh)
    except BaseException:
        _remove_unused(made.values())
        raise
    for view in scene.views:
        _follow(root, scene, view.name)
    following.note(scene, root)
    splitting.settle(scene, root)
    root.wildseg3d.aligned_for = names_of(scene)
    root.wildseg3d.state = state_of(scene.folder)
    root.wildseg3d.confidence_levels = display.confidence_levels(fresh.columns["confidence"])
    display.apply_settings(root)


class _Fresh:
    """The points of a scene folder as they are now, and where they are among them by pixel number.

    Attributes:
        points: all.
        columns: their attributes that an alignment changes.
        new: rows of those whose pixels were not measured before.
    """

    def __init__(self, scene: Scene, before: Mapping[str, NDArray[np.bool_]]) -> None:
        self.scene = scene
        self.points = point_arrays.Measured(scene)
        self.columns = {name: self.points.column(name) for name in _FROM_GEOMETRY}
        view, pixel = self.points.column("view"), self.points.column("pixel")
        numbers = point_attributes.numbers_of(scene, view, pixel)
        pixels = sum(view.size[0] * view.size[1] for view in scene.views)
        # One more at the end, for the points of no pixel: their number is -1.
        self._row = np.append(np.full(pixels, GONE), NO_PIXEL)
        self._row[numbers] = np.arange(len(numbers))
        self.new = np.flatnonzero(~point_attributes.by_number(scene, before)[numbers])

    def rows_of(self, held: _Held) -> NDArray[np.int64]:
        """For each point that a mesh has, (N,), its row, GONE or NO_PIXEL."""
        rows: NDArray[np.int64] = self._row[point_attributes.numbers_of(self.scene, held.view, held.pixel)]
        return rows

    def brought(
        self, name: str, values: NDArray[np.float32], rows: NDArray[np.int64], origin: Sequence[float]
    ) -> NDArray[np.float32]:
        """``values`` of an attribute with those of the known ``rows`` as they are now."""
        known = rows >= 0
        values[known] = self.columns[name][rows[known]]
        if name == "position":
            values[known] -= np.array(origin, np.float32)
        return values


@dataclass(frozen=True)
class _Held:
    """A mesh of points: its object's and its own name, the pixels, and where its space lies in the root's."""

    item: str
    mesh: str
    view: NDArray[np.int32]
    pixel: NDArray[np.int32]
    origin: tuple[float, float, float]


def _held(item: bpy.types.Object) -> _Held:
    point_attributes.check_readable(item)
    view, pixel = (point_attributes.column(item.data, name) for name in ("view", "pixel"))
    return _Held(item.name, item.data.name, view, pixel, tuple(item.wildseg3d.origin))


def _moving(fresh: _Fresh, held: _Held, *, takes_new: bool) -> Steps[str]:
    """Make a mesh with the points of ``held`` where they are now, and the new ones; returns its name."""
    rows = yield Aside(lambda: fresh.rows_of(held))
    copy = dealing.mesh_of(held.mesh, len(rows)).copy().name
    used = [copy]
    try:
        for name in _FROM_GEOMETRY:
            found = mesh_named(copy).attributes.get(name)
            if found is None or found.data_type != point_arrays.KINDS[name] or found.domain != "POINT":
                continue
            values = point_attributes.column(mesh_named(copy), name)
            values = yield Aside(partial(fresh.brought, name, values, rows, held.origin))
            point_attributes.set_column(mesh_named(copy), name, values)
            yield Pause()
        if (rows != GONE).all() and not (takes_new and len(fresh.new)):
            return copy
        deals = [Deal(copy, held.origin, np.where(rows != GONE, 0, GONE).astype(np.int32))]
        if takes_new and len(fresh.new):
            used.append((yield from point_arrays.building_mesh(fresh.points.only(fresh.new), held.mesh)))
            deals.append(Deal(used[-1], (0.0, 0.0, 0.0), np.zeros(len(fresh.new), np.int32)))
        name = dealing.hand_of(deals, 0, held.origin, held.mesh).name
    except BaseException:
        _remove_unused(used)
        raise
    _remove_unused(used)
    return name


def _remove_unused(names: Iterable[str]) -> None:
    for name in names:
        if (mesh := bpy.data.meshes.get(name)) is not None and not mesh.users:
            bpy.data.meshes.remove(mesh)


def names_of(scene: Scene) -> str:
    """The objects that a scene was aligned for, as the panel shows them."""
    return ", ".join(scene.settings.get("aligned_for", ()))


def _follow(root: bpy.types.Object, scene: Scene, view_name: str) -> None:
    """Camera and prompts of a view; a camera that was deleted is left out."""
    camera = next((item for item in lookup.cameras(root) if item.wildseg3d.view == view_name), None)
    if camera is not None:
        lens = cameras.lens_of(camera)
        if cameras.follow(camera, scene.view(view_name)):
            prompting.follow(camera, lens)
