# SPDX-License-Identifier: GPL-3.0-or-later
"""Points move between the rest and the objects; each is in one mesh at a time, never lost nor doubled.

Points know the pixel they came from, so that whose a pixel is says where its point belongs, however often
the points were split and merged before.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray

from ...errors import PromptError, SceneError
from ...ownership import owned_by
from ...scene_folder import Scene
from ...scene_objects import OLDEST, SceneObject, Shared, read_objects
from . import display, groups, lookup, point_attributes, reading
from .point_attributes import Attributes

REST, STAYS, DELETED = -1, -2, -3
"""In place of an object's index: the point belongs to none; it stays in the mesh that has it; it is in a mesh
that was deleted in the viewport and is made again."""

Numbers = NDArray[np.int64]


def settle(scene: Scene, root: bpy.types.Object, making: Collection[str] = ()) -> list[bpy.types.Object]:
    """Bring every point to the object that owns it, as the scene folder says.

    Returns the meshes of the objects in ``making``, which are made where they are missing.
    Objects of the list that have no mesh own nothing, unless they are in ``making``. One that is not as the
    scene folder has it (its last Segment was undone) claims the points that it has now.

    Raises:
        PromptError: one of ``making`` would have no points.
        SceneError: a mesh that is needed was deleted or is in Edit Mode, or an object of the scene folder is
            damaged or missing. Nothing is changed then.
    """
    stored = {item.name: item for item in read_objects(scene)}
    if missing := [name for name in making if name not in stored]:
        raise SceneError(f"The scene folder has no object named {missing[0]!r}: press Segment again.")
    claims = []
    for item in root.wildseg3d.groups:
        known, mesh = stored.get(item.name), groups.mesh_object(item)
        if item.name in making or (known is not None and mesh is not None and _is_as(item, known)):
            claims.append(stored[item.name])
        elif mesh is not None:
            order = OLDEST if known is None else known.order
            claims.append(SceneObject(item.name, (), {}, _points_of(scene, mesh), order))
    names = [claim.name for claim in claims]
    owned = owned_by(claims)
    owner = _nobody(scene, REST)
    for index, name in enumerate(names):
        owner[:-1][point_attributes.by_number(scene, owned[name])] = index
    made = _move(scene, root, names, owner, making)
    for name in making:
        groups.require(root, name).version = stored[name].version
    return made


def split_object(
    scene: Scene,
    root: bpy.types.Object,
    group: str,
    points: Mapping[str, NDArray[np.bool_]],
    shared: Shared = "take",
) -> bpy.types.Object:
    """Make the points in ``points`` the object of the list's item ``group``; returns its mesh object.

    What the object had before goes back to the rest first; its own transform, materials and modifiers stay.
    The scene folder is not asked.

    Args:
        points: view name -> (H, W) bool on the view's grid; views left out have none.
        shared: whether points that other objects have are taken from them, or left.

    Raises:
        PromptError: no point is left to take.
        SceneError: a mesh that is needed was deleted or is in Edit Mode.
    """
    item = groups.find(root, group)
    if item is None:
        raise SceneError(f"There is no object named {group!r} in the list of {root.name}.")
    nothing = {view.name: np.zeros(view.size[::-1], np.bool_) for view in scene.views}
    wanted = point_attributes.by_number(scene, {**nothing, **points})
    owner = _nobody(scene, STAYS)
    if (mesh := groups.mesh_object(item)) is not None:
        owner[_numbers(scene, mesh)] = REST
    owner[:-1][wanted] = 0
    if shared == "leave":
        for other in root.wildseg3d.groups:
            if other != item and (mesh := groups.mesh_object(other)) is not None:
                owner[_numbers(scene, mesh)] = STAYS
    owner[-1] = STAYS
    return _move(scene, root, [group], owner, [group])[0]


def merge_back(root: bpy.types.Object, group: str) -> None:
    """Give the object's points back to the rest and delete its mesh; its prompts stay.

    Raises:
        SceneError: a mesh that is needed was deleted or is in Edit Mode.
    """
    item = groups.find(root, group)
    target = None if item is None else item.object
    if item is None or target is None:
        return
    rest = lookup.points(root)
    pool = point_attributes.joined(point_attributes.read(rest), point_attributes.read(target))
    point_attributes.write(rest, pool)
    _delete(target)
    item.applied = ""


def _is_as(item: Any, known: SceneObject) -> bool:
    if item.version:
        return bool(item.version == known.version)
    return bool(item.applied == reading.digest(known.groups))


def _nobody(scene: Scene, answer: int) -> NDArray[np.int32]:
    """Whose the pixels of all views are. One more at the end, for points of no pixel, whose number is -1."""
    owner = np.full(sum(view.size[0] * view.size[1] for view in scene.views) + 1, answer, np.int32)
    owner[-1] = STAYS
    return owner


def _numbers(scene: Scene, item: bpy.types.Object) -> Numbers:
    mesh = item.data
    view, pixel = (point_attributes.column(mesh, name) for name in ("view", "pixel"))
    return point_attributes.numbers_of(scene, view, pixel)


def _points_of(scene: Scene, item: bpy.types.Object) -> dict[str, NDArray[np.bool_]]:
    """The pixels whose points a mesh has, view name -> (H, W) bool."""
    flat = _nobody(scene, 0) > 0
    flat[_numbers(scene, item)] = True
    found, start = {}, 0
    for view in scene.views:
        width, height = view.size
        found[view.name] = flat[start : start + width * height].reshape(height, width)
        start += width * height
    return found


def _move(
    scene: Scene,
    root: bpy.types.Object,
    names: Sequence[str],
    owner: NDArray[np.int32],
    making: Collection[str],
) -> list[bpy.types.Object]:
    """Bring points to the meshes of ``names`` (or the rest) that ``owner`` gives by pixel number."""
    meshes = _meshes(root, names, making)
    goes = {}
    for index, item in meshes:
        wanted = owner[_numbers(scene, item)]
        goes[item.name] = np.where(wanted == STAYS, REST if index == DELETED else index, wanted)
    for index, name in enumerate(names):
        if name in making and not any((there == index).any() for there in goes.values()):
            raise PromptError(
                f"{name} has no 3D points to cut out: nothing was measured there, or other objects own the "
                "points. Add a prompt in another photo."
            )
    # All is read before anything is written, because reading is what can fail.
    moving = [(index, item) for index, item in meshes if (goes[item.name] != index).any()]
    getting = {int(to) for index, item in moving for to in np.unique(goes[item.name]) if to != index}
    involved = [(index, item) for index, item in meshes if (index, item) in moving or index in getting]
    had = {item.name: point_attributes.read(item) for _, item in involved}
    parts = {
        to: _joined([point_attributes.taken(had[item.name], goes[item.name] == to) for _, item in involved])
        for to in ({index for index, _ in involved} | getting) - {DELETED}
    }
    existing = {index: item.name for index, item in involved}
    for item in [item for index, item in involved if index == DELETED]:
        _delete(item)
    for to, points in parts.items():
        item = _new_object(root, groups.find(root, names[to]), points) if to not in existing else None
        point_attributes.write(item or bpy.data.objects[existing[to]], points)
    made = (groups.mesh_object(groups.find(root, name)) for name in making)
    return [item for item in made if item is not None]


def _meshes(
    root: bpy.types.Object, names: Sequence[str], making: Collection[str]
) -> list[tuple[int, bpy.types.Object]]:
    """The rest and every object's mesh, with the index that its points have where they stay."""
    found = [(REST, lookup.points(root))]
    extra = len(names)
    for item in root.wildseg3d.groups:
        mesh = groups.mesh_object(item)
        if mesh is not None:
            index = names.index(item.name) if item.name in names else extra
            extra += item.name not in names
            found.append((index, mesh))
        elif item.object is not None and item.name in making:
            found.append((DELETED, item.object))
    return found


def _joined(found: Sequence[Attributes]) -> Attributes:
    whole = found[0]
    for more in found[1:]:
        if len(more["position"][1]):
            whole = point_attributes.joined(whole, more)
    return whole


def _delete(item: bpy.types.Object) -> None:
    mesh = item.data
    bpy.data.objects.remove(item)
    if not mesh.users:
        bpy.data.meshes.remove(mesh)


def _new_object(root: bpy.types.Object, item: Any, points: Attributes) -> bpy.types.Object:
    """An empty mesh object whose origin is the median of ``points``, parented to the root."""
    mesh = bpy.data.meshes.new(item.name)
    made = bpy.data.objects.new(item.name, mesh)
    origin = np.median(points["position"][1], axis=0)
    made.wildseg3d.role = "OBJECT"
    made.wildseg3d.origin = origin
    made.color = (*item.colour, 1.0)
    made.parent = root
    made.location = origin
    lookup.collection(root).objects.link(made)
    display.add_modifier(made)
    item.object = made
    display.apply_settings(root)
    return made
