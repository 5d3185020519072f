# SPDX-License-Identifier: GPL-3.0-or-later
"""Points move between the rest and the objects; each is in one mesh at a time, never lost nor doubled.

Points know the pixel they came from, so that whose a pixel is says where its point belongs, however often
the points were split and merged before.
"""

from __future__ import annotations

from collections.abc import Collection

import bpy
import numpy as np

from ...errors import SceneError
from ...scene.folder import Scene
from ...scene.objects import read_objects
from . import dealing, groups, lookup, moving, owners, point_attributes, removing
from .dealing import Deal
from .owners import REST
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
