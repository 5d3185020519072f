# SPDX-License-Identifier: GPL-3.0-or-later
"""Cutting an object out by masks: what Segment does, without a worker and without the scene folder."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from wildseg3d_blender.scene.folder import Scene
from wildseg3d_blender.scene.objects import Shared


def split_object(
    scene: Scene,
    root: Any,
    group: str,
    points: Mapping[str, NDArray[np.bool_]],
    shared: Shared = "take",
) -> Any:
    """Make the points in ``points`` the object of the list's item ``group``; returns its mesh object.

    What the object had before goes back to the rest first; its own transform, materials and modifiers stay.
    The scene folder is not asked.

    Args:
        points: view name -> (H, W) bool on the view's grid; views left out have none.
        shared: whether points that other objects have are taken from them, or left.

    Raises:
        PromptError: no point is left to take.
    """
    from wildseg3d_blender.addon.scene import groups, moving, owners
    from wildseg3d_blender.addon.scene.steps import object_named, run

    item = groups.require(root, group)
    owner = owners.nobody(scene, owners.STAYS)
    if (mesh := groups.mesh_object(item)) is not None:
        owner[owners.numbers_in(scene, mesh)] = owners.REST
    owners.claim_pixels(scene, owner, points, 0)
    if shared == "leave":
        for other in root.wildseg3d.groups:
            if other != item and (mesh := groups.mesh_object(other)) is not None:
                owner[owners.numbers_in(scene, mesh)] = owners.STAYS
    owner[-1] = owners.STAYS
    return object_named(run(moving.to_owners(scene, root.name, [group], lambda: owner, [group]))[0])
