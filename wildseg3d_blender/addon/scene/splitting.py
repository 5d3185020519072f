# SPDX-License-Identifier: GPL-3.0-or-later
"""Points move between the rest and the objects; each is in one mesh at a time, never lost nor doubled.

Points know the pixel they came from, so that whose a pixel is says where its point belongs, however often
the points were split and merged before.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

import bpy
import numpy as np
from numpy.typing import NDArray

from ...errors import SceneError
from ...scene.folder import Scene
from ...scene.objects import Shared, read_objects
from . import dealing, groups, lookup, moving, owners, point_attributes, removing
from .dealing import Deal
from .owners import REST, STAYS
from .steps import Aside, Steps, object_named, run


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
    claims = owners.claims_of(scene, object_named(root_name), stored, making)
    names = [claim.name for claim in claims]
    made = yield from moving.to_owners(
        scene, root_name, names, lambda: owners.of_claims(scene, claims), making
    )
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
    owner = owners.nobody(scene, STAYS)
    if (mesh := groups.mesh_object(item)) is not None:
        owner[owners.numbers_in(scene, mesh)] = REST
    owners.claim_pixels(scene, owner, points, 0)
    if shared == "leave":
        for other in root.wildseg3d.groups:
            if other != item and (mesh := groups.mesh_object(other)) is not None:
                owner[owners.numbers_in(scene, mesh)] = STAYS
    owner[-1] = STAYS
    return object_named(run(moving.to_owners(scene, root.name, [group], lambda: owner, [group]))[0])


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
    moving.replace_mesh(rest, dealing.hand_of(deals, REST, tuple(rest.wildseg3d.origin), rest.data.name))
    removing.remove(target)
    item.applied = ""
