# SPDX-License-Identifier: GPL-3.0-or-later
"""Points moved from mesh to mesh: the new meshes are made out of sight and take their places together."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray

from ...errors import PromptError
from ...scene.folder import Scene
from . import dealing, display, groups, lookup, owners, point_attributes, removing, visibility
from .dealing import Deal, Hand
from .owners import DELETED, REST, STAYS, Owner
from .points import show_colour
from .steps import Aside, Pause, Steps, mesh_named, object_named

ENOUGH = 250
"""Points of a mesh whose median is about that of all."""


@dataclass(frozen=True)
class _Held:
    """A mesh of points: its object's and its own name, the index its points have where they stay, the
    pixels they come from, and where its space lies in the root's."""

    item: str
    index: int
    view: NDArray[np.int32]
    pixel: NDArray[np.int32]
    mesh: str
    origin: tuple[float, float, float]


def to_owners(
    scene: Scene,
    root_name: str,
    names: Sequence[str],
    ownership: Callable[[], Owner],
    making: Collection[str],
) -> Steps[list[str]]:
    """Bring points to the meshes of ``names`` (or the rest) that ``ownership`` gives by pixel number.

    Returns the names of the mesh objects of ``making``, which are made where they are missing.

    Raises:
        PromptError: one of ``making`` would have no points.
        SceneError: a mesh that is needed was deleted or is in Edit Mode.
    """
    held = _all_held(object_named(root_name), names, making)
    goes = yield Aside(lambda: _destinations(scene, ownership(), held), "Sorting the points")
    deals, going = _deals(held, goes, names, making)
    hands = [_hand(number, deals, held, names) for number in going]
    made: list[tuple[Hand, str]] = []
    try:
        for batch in dealing.batches(deals, hands):
            yield Pause(len(made) / len(hands), "Moving the points")
            meshes = dealing.hands_of(deals, batch)
            made += [(hand, mesh.name) for hand, mesh in zip(batch, meshes, strict=True)]
        yield Pause(1.0, "Moving the points")
        return _put_in_place(object_named(root_name), names, held, made, making)
    except BaseException:
        for _, mesh_name in made:
            mesh = bpy.data.meshes.get(mesh_name)
            if mesh is not None and not mesh.users:
                bpy.data.meshes.remove(mesh)
        raise


def _hand(number: int, deals: Sequence[Deal], held: Sequence[_Held], names: Sequence[str]) -> Hand:
    owner = next((item for item in held if item.index == number), None)
    if owner is None:
        return Hand(number, _middle(deals, number), names[number])
    return Hand(number, owner.origin, owner.mesh)


def _all_held(root: bpy.types.Object, names: Sequence[str], making: Collection[str]) -> list[_Held]:
    """The rest and every object's mesh."""
    found = [_held(lookup.points(root), REST)]
    extra = len(names)
    for item in root.wildseg3d.groups:
        mesh = groups.mesh_object(item)
        if mesh is not None:
            index = names.index(item.name) if item.name in names else extra
            extra += item.name not in names
            found.append(_held(mesh, index))
        elif item.object is not None and item.name in making:
            found.append(_held(item.object, DELETED))
    return found


def _held(item: bpy.types.Object, index: int) -> _Held:
    point_attributes.check_readable(item)
    view, pixel = owners.pixels_of(item.data)
    return _Held(item.name, index, view, pixel, item.data.name, tuple(item.wildseg3d.origin))


def _destinations(scene: Scene, owner: Owner, held: Sequence[_Held]) -> list[Owner]:
    """For each mesh, the index that each of its points goes to, (N,)."""
    found = []
    for item in held:
        to = owners.of_points(scene, owner, item.view, item.pixel)
        np.copyto(to, REST if item.index == DELETED else item.index, where=to == STAYS)
        found.append(to)
    return found


def _deals(
    held: Sequence[_Held], goes: Sequence[Owner], names: Sequence[str], making: Collection[str]
) -> tuple[list[Deal], list[int]]:
    """The meshes whose points change, dealt out, and who gets some; the points of others are let be."""
    present = [_present(to) for to in goes]
    for index, name in enumerate(names):
        if name in making and not any(index in there for there in present):
            raise PromptError(
                f"{name} has no 3D points to cut out: nothing was measured there, other objects own the "
                "points, or they were deleted. Add a prompt in another photo."
            )
    changing: set[int] = set()
    for item, there in zip(held, present, strict=True):
        others = there - {item.index}
        if others:
            changing |= others | {item.index}
    deals = [
        Deal(item.mesh, item.origin, to)
        for item, to in zip(held, goes, strict=True)
        if item.index in changing
    ]
    return deals, sorted(changing - {DELETED})


def _present(to: Owner) -> set[int]:
    """The values in ``to``, found where it changes: faster than sorting it."""
    if not len(to):
        return set()
    return {int(to[0])} | set(np.unique(to[1:][to[1:] != to[:-1]]).tolist())


def _middle(deals: Sequence[Deal], hand: int) -> tuple[float, float, float]:
    """About the median of the points that go to ``hand``, in the root's space."""
    found = []
    for deal in deals:
        stride = max(1, len(deal.to) // 50_000)
        mine = np.flatnonzero(deal.to[::stride] == hand) * stride
        if len(mine) < ENOUGH:
            mine = np.flatnonzero(deal.to == hand)
        if len(mine) and (mesh := bpy.data.meshes.get(deal.mesh)) is not None:
            sample = mine[:: max(1, len(mine) // ENOUGH)].tolist()
            vertices, count = mesh.vertices, len(mesh.vertices)
            positions = [vertices[index].co[:] for index in sample if index < count]
            found.append(np.array(positions).reshape(-1, 3) + deal.origin)
    x, y, z = np.median(np.concatenate(found), axis=0).tolist()
    return x, y, z


def _put_in_place(
    root: bpy.types.Object,
    names: Sequence[str],
    held: Sequence[_Held],
    made: Sequence[tuple[Hand, str]],
    making: Collection[str],
) -> list[str]:
    """Give the new meshes, named in ``made``, to their objects; new objects are made."""
    owners = {item.index: object_named(item.item) for item in held if item.index != DELETED}
    meshes = [(hand, mesh_named(name)) for hand, name in made]
    for item in held:
        if item.index == DELETED:
            removing.remove(object_named(item.item))
    for hand, mesh in meshes:
        if hand.number in owners:
            replace_mesh(owners[hand.number], mesh)
        else:
            _new_object(root, groups.require(root, names[hand.number]), mesh, hand.origin)
    found = (groups.mesh_object(groups.require(root, name)) for name in making)
    return [item.name for item in found if item is not None]


def replace_mesh(item: bpy.types.Object, mesh: bpy.types.Mesh) -> None:
    """Let ``mesh`` take the place of an object's mesh wherever that is used; materials and name stay."""
    old = item.data
    materials, name = list(old.materials), old.name
    mesh.materials.clear()
    for material in materials:
        mesh.materials.append(material)
    for key, value in old.items():
        mesh[key] = value.to_dict() if hasattr(value, "to_dict") else value
    old.user_remap(mesh)
    bpy.data.meshes.remove(old)
    mesh.name = name
    show_colour(mesh)
    visibility.points_changed(item)


def _new_object(
    root: bpy.types.Object, item: Any, mesh: bpy.types.Mesh, origin: tuple[float, float, float]
) -> None:
    """An object of the list's item for ``mesh``, whose space lies at ``origin``; parented to the root."""
    mesh.materials.clear()
    mesh.name = item.name
    show_colour(mesh)
    made = bpy.data.objects.new(item.name, mesh)
    made.wildseg3d.role = "OBJECT"
    made.wildseg3d.origin = origin
    made.color = (*item.colour, 1.0)
    made.parent = root
    made.location = origin
    lookup.collection(root).objects.link(made)
    display.add_modifier(made)
    item.object = made
    display.apply_settings(root)
