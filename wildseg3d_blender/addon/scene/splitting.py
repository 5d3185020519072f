# SPDX-License-Identifier: GPL-3.0-or-later
"""Points move between the rest and the objects; each is in one mesh at a time, never lost nor doubled.

Points know the pixel they came from, so that whose a pixel is says where its point belongs, however often
the points were split and merged before.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray

from ...errors import PromptError, SceneError
from ...scene.folder import Scene
from ...scene.objects import OLDEST, SceneObject, Shared, read_objects
from ...scene.ownership import owned_by
from . import dealing, display, groups, lookup, point_attributes, reading, visibility
from .dealing import Deal, Hand
from .points import show_colour
from .steps import Aside, Pause, Steps, mesh_named, object_named, run

REST, STAYS, DELETED = -1, -2, -3
"""In place of an object's index: the point belongs to none; it stays in the mesh that has it; it is in a mesh
that was deleted in the viewport and is made again."""

MOST_RUNS = 1000
"""Points in more runs than this were mixed by something else than moving objects."""

Numbers = NDArray[np.int64]
Owner = NDArray[np.int16]
"""Whose pixels, or points, are, by index. Of the pixels of all views there is one more at the end, for points
of no pixel, whose number is -1."""


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
    return [object_named(name) for name in run(settling(scene, root.name, making))]


def settling(scene: Scene, root_name: str, making: Collection[str] = ()) -> Steps[list[str]]:
    """The steps of ``settle``; all changes come in the last one. Returns the names of the mesh objects."""
    stored = yield Aside(lambda: {item.name: item for item in read_objects(scene)}, "Reading the objects")
    if missing := [name for name in making if name not in stored]:
        raise SceneError(f"The scene folder has no object named {missing[0]!r}: press Segment again.")
    claims = _claims(scene, object_named(root_name), stored, making)
    names = [claim.name for claim in claims]
    made = yield from _moving(scene, root_name, names, lambda: _owner_of(scene, claims), making)
    root = object_named(root_name)
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
    owner = _nobody(scene, STAYS)
    if (mesh := groups.mesh_object(item)) is not None:
        owner[_numbers(scene, mesh)] = REST
    _claim(scene, owner, points, 0)
    if shared == "leave":
        for other in root.wildseg3d.groups:
            if other != item and (mesh := groups.mesh_object(other)) is not None:
                owner[_numbers(scene, mesh)] = STAYS
    owner[-1] = STAYS
    return object_named(run(_moving(scene, root.name, [group], lambda: owner, [group]))[0])


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
    deals = []
    for giving in (rest, target):
        point_attributes.check_readable(giving)
        count = len(giving.data.vertices)
        deals.append(Deal(giving.data.name, tuple(giving.wildseg3d.origin), np.full(count, REST, np.int16)))
    replace_mesh(rest, dealing.hand_of(deals, REST, tuple(rest.wildseg3d.origin), rest.data.name))
    _delete(target)
    item.applied = ""


def _claims(
    scene: Scene, root: bpy.types.Object, stored: Mapping[str, SceneObject], making: Collection[str]
) -> list[SceneObject]:
    """What each object of the list that counts says is its own."""
    claims = []
    for item in root.wildseg3d.groups:
        known, mesh = stored.get(item.name), groups.mesh_object(item)
        if item.name in making or (known is not None and mesh is not None and _is_as(item, known)):
            claims.append(stored[item.name])
        elif mesh is not None:
            order = OLDEST if known is None else known.order
            claims.append(SceneObject(item.name, (), {}, _points_of(scene, mesh), order))
    return claims


def _is_as(item: Any, known: SceneObject) -> bool:
    if item.version:
        return bool(item.version == known.version)
    return bool(item.applied == reading.digest(known.groups))


def _nobody(scene: Scene, answer: int) -> Owner:
    owner = np.full(sum(view.size[0] * view.size[1] for view in scene.views) + 1, answer, np.int16)
    owner[-1] = STAYS
    return owner


def _owner_of(scene: Scene, claims: Sequence[SceneObject]) -> Owner:
    owned = owned_by(claims)
    owner = _nobody(scene, REST)
    for index, claim in enumerate(claims):
        _claim(scene, owner, owned[claim.name], index)
    return owner


def _claim(scene: Scene, owner: Owner, points: Mapping[str, NDArray[np.bool_]], index: int) -> None:
    """Make the pixels of ``points``, view name -> (H, W) bool, those of ``index``."""
    start = 0
    for view in scene.views:
        end = start + view.size[0] * view.size[1]
        if view.name in points:
            np.copyto(owner[start:end], index, where=points[view.name].ravel())
        start = end


def _numbers(scene: Scene, item: bpy.types.Object) -> Numbers:
    view, pixel = _pixels(item.data)
    return point_attributes.numbers_of(scene, view, pixel)


def _pixels(mesh: bpy.types.Mesh) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    return point_attributes.column(mesh, "view"), point_attributes.column(mesh, "pixel")


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


def _moving(
    scene: Scene,
    root_name: str,
    names: Sequence[str],
    ownership: Callable[[], Owner],
    making: Collection[str],
) -> Steps[list[str]]:
    """Bring points to the meshes of ``names`` (or the rest) that ``ownership`` gives by pixel number.

    The new meshes are made out of sight and take their places together. Returns the names of the mesh
    objects of ``making``.
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
    view, pixel = _pixels(item.data)
    return _Held(item.name, index, view, pixel, item.data.name, tuple(item.wildseg3d.origin))


def _destinations(scene: Scene, owner: Owner, held: Sequence[_Held]) -> list[Owner]:
    """For each mesh, the index that each of its points goes to, (N,)."""
    found = []
    for item in held:
        to = _owners(scene, owner, item.view, item.pixel)
        np.copyto(to, REST if item.index == DELETED else item.index, where=to == STAYS)
        found.append(to)
    return found


def _owners(scene: Scene, owner: Owner, view: NDArray[np.int32], pixel: NDArray[np.int32]) -> Owner:
    """What ``owner`` says about each point, (N,): run by run, because points come in runs of one view."""
    found: Owner = np.empty(len(view), np.int16)
    ends = [*(np.flatnonzero(view[1:] != view[:-1]) + 1).tolist(), len(view)]
    if len(ends) > MOST_RUNS:
        return owner.take(point_attributes.numbers_of(scene, view, pixel))
    sizes = [width * height for width, height in (item.size for item in scene.views)]
    start = 0
    for end in ends if len(view) else ():
        index, pixels = int(view[start]), pixel[start:end]
        # As unsigned numbers those below zero are the largest.
        if 0 <= index < len(sizes) and pixels.view(np.uint32).max() < sizes[index]:
            own = owner[sum(sizes[:index]) : sum(sizes[: index + 1])]
            np.take(own, pixels, out=found[start:end], mode="clip")
        else:
            numbers = point_attributes.numbers_of(scene, view[start:end], pixels)
            found[start:end] = owner[numbers]  # -1 is the last one's number
        start = end
    return found


def _deals(
    held: Sequence[_Held], goes: Sequence[Owner], names: Sequence[str], making: Collection[str]
) -> tuple[list[Deal], list[int]]:
    """The meshes whose points change, dealt out, and who gets some; the points of others are let be."""
    present = [_present(to) for to in goes]
    for index, name in enumerate(names):
        if name in making and not any(index in there for there in present):
            raise PromptError(
                f"{name} has no 3D points to cut out: nothing was measured there, or other objects own the "
                "points. Add a prompt in another photo."
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


def _middle(deals: Sequence[Deal], hand: int, enough: int = 250) -> tuple[float, float, float]:
    """About the median of the points that go to ``hand``, in the root's space."""
    found = []
    for deal in deals:
        stride = max(1, len(deal.to) // 50_000)
        mine = np.flatnonzero(deal.to[::stride] == hand) * stride
        if len(mine) < enough:
            mine = np.flatnonzero(deal.to == hand)
        if len(mine) and (mesh := bpy.data.meshes.get(deal.mesh)) is not None:
            sample = mine[:: max(1, len(mine) // enough)].tolist()
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
            _delete(object_named(item.item))
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


def _delete(item: bpy.types.Object) -> None:
    mesh = item.data
    bpy.data.objects.remove(item)
    if not mesh.users:
        bpy.data.meshes.remove(mesh)


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
