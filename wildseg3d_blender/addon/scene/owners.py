# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose the points are, by the pixel they came from: what the list of objects and the scene folder say."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray

from ...scene.folder import Scene
from ...scene.objects import OLDEST, SceneObject
from ...scene.ownership import owned_by
from . import groups, point_attributes, reading

REST, STAYS, DELETED = -1, -2, -3
"""In place of an object's index: the point belongs to none; it stays in the mesh that has it; it is in a mesh
that was deleted in the viewport and is made again."""

Owner = NDArray[np.int16]
"""Whose pixels, or points, are, by index. Of the pixels of all views there is one more at the end, for points
of no pixel, whose number is -1."""

MOST_RUNS = 1000
"""Points in more runs than this were mixed by something else than moving objects."""


def claims_of(
    scene: Scene, root: bpy.types.Object, stored: Mapping[str, SceneObject], making: Collection[str]
) -> list[SceneObject]:
    """What each object of the list says is its own: what is ``stored``, or the points it has.

    Those without a mesh say nothing, unless they are in ``making``.
    """
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


def nobody(scene: Scene, answer: int) -> Owner:
    """``answer`` for every pixel of every view; points of no pixel stay."""
    owner = np.full(sum(view.size[0] * view.size[1] for view in scene.views) + 1, answer, np.int16)
    owner[-1] = STAYS
    return owner


def of_claims(scene: Scene, claims: Sequence[SceneObject]) -> Owner:
    """Whose each pixel is: a claim's, by its index, or nobody's."""
    owned = owned_by(claims)
    owner = nobody(scene, REST)
    for index, claim in enumerate(claims):
        claim_pixels(scene, owner, owned[claim.name], index)
    return owner


def claim_pixels(scene: Scene, owner: Owner, points: Mapping[str, NDArray[np.bool_]], index: int) -> None:
    """Make the pixels of ``points``, view name -> (H, W) bool, those of ``index``."""
    start = 0
    for view in scene.views:
        end = start + view.size[0] * view.size[1]
        if view.name in points:
            np.copyto(owner[start:end], index, where=points[view.name].ravel())
        start = end


def numbers_in(scene: Scene, item: bpy.types.Object) -> NDArray[np.int64]:
    """The pixels of a mesh's points, (N,); see ``point_attributes.numbers_of``."""
    view, pixel = pixels_of(item.data)
    return point_attributes.numbers_of(scene, view, pixel)


def pixels_of(mesh: bpy.types.Mesh) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """View and pixel of a mesh's points, (N,) each. SceneError where these do not know them any more."""
    return point_attributes.column(mesh, "view"), point_attributes.column(mesh, "pixel")


def _points_of(scene: Scene, item: bpy.types.Object) -> dict[str, NDArray[np.bool_]]:
    """The pixels whose points a mesh has, view name -> (H, W) bool."""
    flat = nobody(scene, 0) > 0
    flat[numbers_in(scene, item)] = True
    found, start = {}, 0
    for view in scene.views:
        width, height = view.size
        found[view.name] = flat[start : start + width * height].reshape(height, width)
        start += width * height
    return found


def of_points(scene: Scene, owner: Owner, view: NDArray[np.int32], pixel: NDArray[np.int32]) -> Owner:
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
