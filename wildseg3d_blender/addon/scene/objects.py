# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be done with an object of the list: delete it, put it back, merge it with another, copy it out.

Each leaves the scene folder in step with Blender where it can be reached.
"""

from __future__ import annotations

import contextlib
from typing import Any

import bpy

from ...errors import PromptError, SceneError
from ...scene.folder import Scene
from ...scene.objects import SceneObject, read_objects, with_groups, write_object
from ...scene.ownership import owned_by
from ...scene.packed_views import ViewMasks
from . import following, groups, lookup, parts, reading, removing, splitting, visibility
from .points import show_colour


def delete(root: bpy.types.Object, name: str = "") -> str:
    """Remove an object (the active one without a name) from the list, with its prompts.

    Its points go back to the objects that they were taken from, else to the rest of the scene.

    Returns:
        Why other objects do not have their points back yet, in a sentence: the scene folder is out of reach.
        Empty when they do.

    Raises:
        SceneError: there is no such object, or a mesh that is needed was deleted or is in Edit Mode. Nothing
            is changed then.
    """
    item = groups.require(root, name)
    name = item.name
    _drop_surfaces(root, item)
    splitting.merge_back(root, name)
    groups.remove(root, name)
    try:
        splitting.settle(lookup.open_scene(root), root)
        following.follow(root)
    except SceneError as error:
        return error.message
    return ""


def put_back(root: bpy.types.Object, name: str = "") -> None:
    """Give the points of an object (the active one without a name) back; it stays listed, with its prompts.

    Segment leaves it alone until its prompts change or it is asked for.

    Raises:
        SceneError: there is no such object, it is not cut out, the scene folder is out of reach, or a mesh
            that is needed was deleted or is in Edit Mode. Nothing is changed then.
    """
    item = groups.require(root, name)
    name = item.name
    if groups.mesh_object(item) is None:
        raise SceneError(f"{name} is not cut out of the scene: there is nothing to merge back.")
    scene = lookup.open_scene(root)
    _drop_surfaces(root, item)
    splitting.merge_back(root, name)
    item.version = ""
    with contextlib.suppress(PromptError):  # prompts were moved out of the photo: changed, in any case
        item.put_back = reading.digest(reading.read_groups(scene, root, name))
    splitting.settle(scene, root)
    following.follow(root)


def merge(root: bpy.types.Object, name: str, into: str) -> bool:
    """Make two objects one: ``into`` gets the points and the prompts of ``name``, which is no more.

    What each takes away stays taken away from it; one that takes something away comes first for that, so that
    the other keeps its own.

    Returns:
        Whether the points are together now. Where prompts changed since the last Segment, or one of the two
        was not cut out yet, Segment has to do it.

    Raises:
        SceneError: there is no such object, they are the same, or the scene folder is out of reach.
        PromptError: neither has prompts to go by.
    """
    source, target = groups.require(root, name), groups.require(root, into)
    if source == target:
        raise SceneError(f"{name} cannot be merged with itself: choose another object.")
    scene = lookup.open_scene(root)
    following.follow(root)
    first, second = _in_order(root, source, target)
    together = _together(scene, root, first, second, target)
    for item in (source, target):
        _drop_surfaces(root, item)
    splitting.merge_back(root, name)
    _merge_prompts(root, first.name, second.name, into)
    groups.remove(root, name)
    target = groups.ensure(root, into)
    target.applied = ""
    if together is not None:
        write_object(scene, together)
        splitting.settle(scene, root, [into])
        target = groups.require(root, into)
        target.applied = reading.digest(reading.read_groups(scene, root, into))
    following.follow(root)
    return together is not None


def duplicate_as_mesh(context: bpy.types.Context, root: bpy.types.Object, name: str = "") -> bpy.types.Object:
    """A copy of what an object (the active one without a name) shows: a plain mesh with materials of its own.

    Nothing of WildSeg3D changes it later. It goes into the active collection, where the object is.

    Raises:
        SceneError: there is no such object, or it was not cut out yet.
    """
    item = groups.require(root, name)
    shown = groups.mesh_object(item)
    if shown is None:
        raise SceneError(f"{item.name} is not cut out yet: press Segment first.")
    depsgraph = context.evaluated_depsgraph_get()
    evaluated = shown.evaluated_get(depsgraph)
    mesh = bpy.data.meshes.new_from_object(evaluated, preserve_all_data_layers=True, depsgraph=depsgraph)
    mesh.name = f"{item.name} Mesh"
    for index, material in enumerate(mesh.materials):
        mesh.materials[index] = None if material is None else material.copy()
    show_colour(mesh)
    made = bpy.data.objects.new(mesh.name, mesh)
    made.matrix_world = shown.matrix_world
    context.collection.objects.link(made)
    return made


def _drop_surfaces(root: bpy.types.Object, item: Any) -> None:
    """Delete the surfaces made of an object, whose points are about to change, and show those instead."""
    points = groups.mesh_object(item)
    if points is None or not (made := lookup.surfaces(root, points)):
        return
    seen = visibility.is_seen(root, points)
    for surface in made:
        removing.remove(surface)
    if seen:
        visibility.hide(points, False)


def _in_order(root: bpy.types.Object, source: Any, target: Any) -> tuple[Any, Any]:
    """The two with that first whose prompts have to come first."""
    with_prompts = [item for item in (target, source) if lookup.prompts(root, item.name, parts.WHOLE)]
    if not with_prompts:
        raise PromptError(f"Neither {source.name} nor {target.name} has prompts: click on one of them first.")
    takes_away = [item for item in with_prompts if any(part.subtract for part in parts.ensure(item))]
    first = (takes_away or with_prompts)[0]
    return first, source if first == target else target


def _together(
    scene: Scene, root: bpy.types.Object, first: Any, second: Any, target: Any
) -> SceneObject | None:
    """The two as one in the scene folder; None where they are not there as their prompts stand."""
    stored = {item.name: item for item in read_objects(scene)}
    for item in (first, second):
        known = stored.get(item.name)
        if known is None or groups.mesh_object(item) is None:
            return None
        if not _is_clean(scene, root, item, known):
            return None
    one, other = stored[first.name], stored[second.name]
    masks = with_groups(one.masks, other.groups, _answers(other))
    owned = owned_by(list(stored.values()))
    mine, theirs = owned[first.name], owned[second.name]
    return SceneObject(
        target.name,
        (*one.groups, *other.groups),
        masks,
        {view: (mine[view] | theirs[view]) & mask for view, mask in masks.items()},
        order=max(one.order, other.order),
        shared=stored[target.name].shared,
        answers=(*_answers(one), *_answers(other)),
        segmenter=one.segmenter if one.segmenter == other.segmenter else "",
    )


def _is_clean(scene: Scene, root: bpy.types.Object, item: Any, known: SceneObject) -> bool:
    """Whether an object was segmented with the prompts that it has now."""
    try:
        now = reading.digest(reading.read_groups(scene, root, item.name))
    except PromptError:
        return False
    return bool(now == item.applied == reading.digest(known.groups))


def _answers(item: SceneObject) -> tuple[ViewMasks, ...]:
    return item.answers or (item.masks,)


def _merge_prompts(root: bpy.types.Object, first: str, second: str, into: str) -> None:
    """Give ``into`` the prompts of both, those of ``second`` as parts after those of ``first``."""
    numbers: dict[tuple[str, int], int] = {}
    made: list[tuple[bool, int]] = []
    for name in (first, second):
        for part in parts.ensure(groups.require(root, name)):
            if lookup.prompts(root, name, part.number):
                numbers[name, part.number] = len(made)
                made.append((part.subtract, part.size))
    moving = {name: lookup.prompts(root, name) for name in (first, second)}
    for name, prompts in moving.items():
        for prompt in prompts:
            settings = prompt.wildseg3d
            settings.part = numbers.get((name, settings.part), parts.WHOLE)
            settings.group = into
            prompt.name = prompt.name.replace(name, into, 1)
    _set_parts(groups.require(root, into), made)


def _set_parts(item: Any, made: list[tuple[bool, int]]) -> None:
    item.parts.clear()
    for number, (subtract, size) in enumerate(made):
        part = item.parts.add()
        part.number, part.subtract, part.size = number, subtract, size
    item.active_part = 0
