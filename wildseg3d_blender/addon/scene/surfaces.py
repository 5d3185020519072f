# SPDX-License-Identifier: GPL-3.0-or-later
"""Points -> a textured mesh: the surfaces that the photos show, or one closed mesh.

What takes time, ``Plan.compute``, touches no data of Blender's: it may run on a thread of its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import bpy
import numpy as np
from numpy.typing import NDArray

from ...errors import SceneError
from ...scene_folder import Scene, View
from . import groups, lookup, merged_surface, point_attributes, surface_mesh, view_surfaces, visibility
from .surface_mesh import Faces
from .view_surfaces import Sheet
from .volume import Evidence


@dataclass(frozen=True)
class Plan:
    """A surface to be made.

    Attributes:
        root, group: names of the reconstruction and of the object in its list (or "" for the rest).
        compute: gives the faces. SceneError when there are none.
    """

    root: str
    group: str
    compute: Callable[[], Faces]


@dataclass(frozen=True)
class _Cloud:
    """The points of a mesh as they are in the root's space: (N, 3), (N, 3), (N,), (N,)."""

    position: NDArray[np.float32]
    normal: NDArray[np.float32]
    view: NDArray[np.int32]
    pixel: NDArray[np.int32]


def from_photos(
    root: bpy.types.Object,
    group: str = "",
    *,
    step: int = 2,
    hole: int = 16,
    steepest: float = view_surfaces.STEEPEST,
) -> bpy.types.Object:
    """Make the surfaces that the photos show of an object of the list, each place from its best photo.

    The result is one mesh whose material slots are the photos. It takes the place of an earlier surface of
    the same name, and the points are hidden.

    Args:
        group: name in the list; the points that belong to none when empty.
        step, hole, steepest: see ``view_surfaces.triangulate``.

    Raises:
        SceneError: no such object, it was not segmented yet or shows no surface, or the scene folder is gone.
    """
    plan = plan_photos(root, group, step=step, hole=hole, steepest=steepest)
    return finish(plan, plan.compute())


def merged(root: bpy.types.Object, group: str = "", *, detail: int = 96) -> bpy.types.Object:
    """Make one closed mesh of an object of the list; the photos are on it where they show it.

    Otherwise as ``from_photos``; what no photo shows has its neighbours' colours, in a slot of its own.

    Args:
        detail: see ``merged_surface.merge``.
    """
    plan = plan_merged(root, group, detail=detail)
    return finish(plan, plan.compute())


def plan_photos(root: bpy.types.Object, group: str, *, step: int, hole: int, steepest: float) -> Plan:
    """What ``from_photos`` does, up to the making of the mesh."""
    scene, source = lookup.open_scene(root), points_of(root, group)
    name, cloud = source.name, _cloud(source)

    def compute() -> Faces:
        sheets = [sheet for sheet in _sheets(scene, cloud) if sheet.here.any()]
        found = view_surfaces.triangulate(sheets, step=step, hole=hole, steepest=steepest)
        pairs = [(sheet, part) for sheet, part in zip(sheets, found, strict=True) if len(part.corners)]
        if not pairs:
            raise SceneError(
                f"{name} shows no surface at this resolution: lower Every Pixel, or raise Holes."
            )
        counts = [len(part.points_world) for _, part in pairs]
        first = np.cumsum(counts) - counts
        rows_columns = [tuple(part.pixels.astype(int).T[::-1]) for _, part in pairs]
        return Faces(
            points_world=np.concatenate([part.points_world for _, part in pairs]),
            corners=np.concatenate(
                [part.corners + start for (_, part), start in zip(pairs, first, strict=True)]
            ),
            slot=np.repeat(np.arange(len(pairs)), [len(part.corners) for _, part in pairs]),
            photos=tuple(sheet.view.name for sheet, _ in pairs),
            place=np.concatenate([part.pixels[part.corners] / sheet.view.size for sheet, part in pairs]),
            colour=np.concatenate(
                [
                    np.asarray(scene.colours(sheet.view))[at]
                    for (sheet, _), at in zip(pairs, rows_columns, strict=True)
                ]
            ),
        )

    return Plan(root.name, group, compute)


def plan_merged(root: bpy.types.Object, group: str, *, detail: int) -> Plan:
    """What ``merged`` does, up to the making of the mesh."""
    scene, source = lookup.open_scene(root), points_of(root, group)
    name, cloud = source.name, _cloud(source)

    def compute() -> Faces:
        evidence = [
            Evidence(sheet, _depth(scene, sheet.view), np.asarray(scene.confidence(sheet.view)))
            for sheet in _sheets(scene, cloud)
        ]
        found = merged_surface.merge(evidence, [scene.colours(view) for view in scene.views], detail)
        if found is None:
            raise SceneError(f"{name} shows no surface at this resolution: raise Detail.")
        shown, slot = np.unique(found.photo, return_inverse=True)
        sizes = np.array([view.size for view in scene.views])[found.photo]
        return Faces(
            points_world=found.points_world,
            corners=found.corners,
            slot=slot.ravel(),
            photos=tuple("" if n == merged_surface.NO_PHOTO else scene.views[n].name for n in shown),
            place=found.pixels / sizes[:, None],
            colour=found.colour,
        )

    return Plan(root.name, group, compute)


def finish(plan: Plan, faces: Faces) -> bpy.types.Object:
    """Make the mesh of computed faces; returns its object.

    Raises:
        SceneError: the reconstruction or the points were deleted meanwhile.
    """
    root = bpy.data.objects.get(plan.root)
    if root is None:
        raise SceneError(f"{plan.root} was deleted while its surface was computed: undo that, and try again.")
    source = points_of(root, plan.group)
    mesh = surface_mesh.build(root, lookup.open_scene(root), faces, np.array(source.wildseg3d.origin))
    return _place(root, plan.group, source, mesh)


def points_of(root: bpy.types.Object, group: str) -> bpy.types.Object:
    """The points of an object of the list, or those that belong to none when ``group`` is empty.

    Raises:
        SceneError: there is no such object, or it has no points yet.
    """
    if not group:
        return lookup.points(root)
    item = groups.find(root, group)
    if item is None:
        raise SceneError(f"There is no object named {group!r} in the list.")
    found = groups.mesh_object(item)
    if found is None:
        raise SceneError(f"{group} has no points yet: press Segment first.", fix="wildseg3d.segment")
    return found


def surface_name(root: bpy.types.Object, group: str) -> str:
    """What the surface of an object of the list (or of the rest, when empty) is called."""
    return f"{group or root.name} Surface"


def _place(
    root: bpy.types.Object, group: str, source: bpy.types.Object, mesh: bpy.types.Mesh
) -> bpy.types.Object:
    """Put a surface of ``source`` where that is, under the root; hide the points; replace an earlier one."""
    name = surface_name(root, group)
    for old in lookup.surfaces(root, source):
        if old.name == name:
            _delete(old)
    made = bpy.data.objects.new(name, mesh)
    mesh.name = name
    made.wildseg3d.role = "SURFACE"
    made.wildseg3d.source = source
    made.parent = root
    made.matrix_parent_inverse = source.matrix_parent_inverse
    made.matrix_basis = source.matrix_basis
    lookup.collection(root).objects.link(made)
    visibility.hide(source, True)
    return made


def _cloud(source: bpy.types.Object) -> _Cloud:
    """The points of a mesh. SceneError when they lost their attributes or are in Edit Mode."""
    if source.mode == "EDIT":
        raise SceneError(f"{source.name} is in Edit Mode: leave it first (Tab).")
    position: NDArray[np.float32] = point_attributes.column(source.data, "position")
    normal: NDArray[np.float32] = point_attributes.column(source.data, "normal")
    view: NDArray[np.int32] = point_attributes.column(source.data, "view")
    pixel: NDArray[np.int32] = point_attributes.column(source.data, "pixel")
    return _Cloud(position + np.array(source.wildseg3d.origin, np.float32), normal, view, pixel)


def _sheets(scene: Scene, cloud: _Cloud) -> list[Sheet]:
    """The points on their views' pixel grids, one sheet per view."""
    numbers = point_attributes.numbers_of(scene, cloud.view, cloud.pixel)
    known = numbers >= 0
    pixels = [view.size[0] * view.size[1] for view in scene.views]
    positions, normals = np.zeros((2, sum(pixels), 3), np.float32)
    positions[numbers[known]] = cloud.position[known]
    normals[numbers[known]] = cloud.normal[known]
    here = np.zeros(sum(pixels), np.bool_)
    here[numbers[known]] = True
    sheets, start = [], 0
    for view, count in zip(scene.views, pixels, strict=True):
        own, shape = slice(start, start + count), view.size[::-1]
        start += count
        mine = here[own].reshape(shape)
        taken = (np.asarray(scene.confidence(view)) > 0) & ~mine
        sheets.append(
            Sheet(view, positions[own].reshape(*shape, 3), normals[own].reshape(*shape, 3), mine, taken)
        )
    return sheets


def _depth(scene: Scene, view: View) -> NDArray[np.float32]:
    """Depth (H, W) of all that a view measured."""
    centre, axis = view.cam_to_world[:3, 3], view.cam_to_world[:3, 2]
    return ((np.asarray(scene.pointmap(view)) - centre) @ axis).astype(np.float32)


def _delete(item: bpy.types.Object) -> None:
    mesh = item.data
    bpy.data.objects.remove(item)
    if not mesh.users:
        bpy.data.meshes.remove(mesh)
