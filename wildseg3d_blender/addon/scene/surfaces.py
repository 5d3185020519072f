# SPDX-License-Identifier: GPL-3.0-or-later
"""Points -> a textured mesh: the surfaces that the photos show, or one closed mesh."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray

from ...errors import SceneError
from ...scene.folder import Scene, View
from . import (
    groups,
    in_parts,
    lookup,
    merged_surface,
    point_attributes,
    removing,
    surface_mesh,
    view_surfaces,
    visibility,
)
from .in_parts import Parts
from .steps import Aside, Pause, Steps, mesh_named, object_named, run, within
from .surface_mesh import Faces
from .view_surfaces import Sheet
from .volume import Evidence


@dataclass(frozen=True)
class Photos:
    """What the photos show, each place from its best photo; see ``view_surfaces.triangulating``."""

    step: int = 2
    hole: int = 16
    steepest: float = view_surfaces.STEEPEST


@dataclass(frozen=True)
class Closed:
    """One closed mesh; see ``merged_surface.merging``."""

    detail: int = 96


PHOTOS = Photos()


@dataclass(frozen=True)
class _Cloud:
    """The points of a mesh in its own space, (N, 3), (N, 3), (N,), (N,), and where that is in the root's."""

    position: NDArray[np.float32]
    normal: NDArray[np.float32]
    view: NDArray[np.int32]
    pixel: NDArray[np.int32]
    origin: tuple[float, float, float]


def make(root: bpy.types.Object, group: str = "", how: Photos | Closed = PHOTOS) -> bpy.types.Object:
    """Make a mesh of the points of an object of the list, or of those that belong to none without a name.

    Its material slots are the photos; of a closed one, what no photo shows has its neighbours' colours, in a
    slot of its own. It takes the place of an earlier surface of the same name, and the points are hidden.

    Raises:
        SceneError: no such object, it was not segmented yet or shows no surface, or the scene folder is gone.
    """
    return object_named(run(making(root.name, group, how)))


def update(root: bpy.types.Object, group: str = "") -> bpy.types.Object:
    """Make the surface of an object (or of what belongs to none) anew, of its points now, as it was made.

    Raises:
        SceneError: as ``make``, or no surface was made of it.
    """
    name = surface_name(root, group)
    for old in lookup.surfaces(root, points_of(root, group)):
        if old.name == name:
            return make(root, group, read(old.wildseg3d.made_with))
    raise SceneError(f"There is no {name} to update: make one first.", fix="wildseg3d.make_surface")


def read(settings: Any) -> Photos | Closed:
    """What ``SurfaceSettings`` say, an operator's or those of ``Object.wildseg3d.made_with``."""
    if settings.kind == "MERGED":
        return Closed(settings.detail)
    return Photos(settings.step, settings.hole, math.degrees(settings.steepest))


def write(settings: Any, how: Photos | Closed) -> None:
    """The reverse of ``read``; what the other kind asks for stays as it is."""
    if isinstance(how, Closed):
        settings.kind, settings.detail = "MERGED", how.detail
    else:
        settings.kind, settings.step, settings.hole = "VIEWS", how.step, how.hole
        settings.steepest = math.radians(how.steepest)


def making(root_name: str, group: str, how: Photos | Closed) -> Steps[str]:
    """The steps of ``make``; returns the surface's name."""
    root = object_named(root_name)
    scene, source_name = lookup.open_scene(root), points_of(root, group).name
    cloud = yield from _reading(source_name)
    if isinstance(how, Photos):
        computing = _photo_faces(scene, source_name, cloud, how)
    else:
        computing = _closed_faces(scene, source_name, cloud, how)
    faces = yield from within(in_parts.beside(computing, "Making the surface"), 0.0, 0.8)
    prepared = yield Aside(lambda: surface_mesh.ready(faces, cloud.origin), "Making the mesh")
    mesh_name = yield from within(surface_mesh.building(root_name, scene, prepared), 0.8, 1.0)
    mesh = mesh_named(mesh_name)
    try:
        root = object_named(root_name)
        made = _place(root, group, points_of(root, group), mesh)
        write(made.wildseg3d.made_with, how)
        return made.name
    except BaseException:
        bpy.data.meshes.remove(mesh)
        raise


def _photo_faces(scene: Scene, name: str, cloud: _Cloud, kind: Photos) -> Parts[Faces]:
    """The faces of what the photos show. SceneError when there are none; ``name`` is what it names."""
    sheets = [sheet for sheet in _sheets(scene, cloud) if sheet.here.any()]
    found = yield from view_surfaces.triangulating(
        sheets, step=kind.step, hole=kind.hole, steepest=kind.steepest
    )
    pairs = [(sheet, part) for sheet, part in zip(sheets, found, strict=True) if len(part.corners)]
    if not pairs:
        raise SceneError(f"{name} shows no surface at this resolution: lower Every Pixel, or raise Holes.")
    counts = [len(part.points_world) for _, part in pairs]
    first = np.cumsum(counts) - counts
    rows_columns = [tuple(part.pixels.astype(int).T[::-1]) for _, part in pairs]
    return Faces(
        points_world=np.concatenate([part.points_world for _, part in pairs]),
        corners=np.concatenate([part.corners + start for (_, part), start in zip(pairs, first, strict=True)]),
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


def _closed_faces(scene: Scene, name: str, cloud: _Cloud, kind: Closed) -> Parts[Faces]:
    """The faces of one closed mesh. SceneError when there are none; ``name`` is what it names."""
    evidence = [
        Evidence(sheet, _depth(scene, sheet.view), np.asarray(scene.confidence(sheet.view)))
        for sheet in _sheets(scene, cloud)
    ]
    colours = [scene.colours(view) for view in scene.views]
    found = yield from merged_surface.merging(evidence, colours, kind.detail)
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


def outdated(root: bpy.types.Object, group: str, source: bpy.types.Object) -> bpy.types.Object | None:
    """The surface of an object of the list (or of the rest, when empty) whose points have changed since."""
    name = surface_name(root, group)
    found = (item for item in lookup.surfaces(root, source) if item.name == name and item.wildseg3d.outdated)
    return next(found, None)


def _place(
    root: bpy.types.Object, group: str, source: bpy.types.Object, mesh: bpy.types.Mesh
) -> bpy.types.Object:
    """Put a surface of ``source`` where that is, under the root; hide the points; replace an earlier one."""
    name = surface_name(root, group)
    for old in lookup.surfaces(root, source):
        if old.name == name:
            removing.remove(old)
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


def _reading(name: str) -> Steps[_Cloud]:
    """The points of the mesh object ``name``, an attribute at a time.

    Raises:
        SceneError: they lost their attributes, are in Edit Mode, or are others than they were a step before.
    """
    found: dict[str, NDArray[Any]] = {}
    source = object_named(name)
    count = len(source.data.vertices)
    for attribute in ("position", "normal", "view", "pixel"):
        point_attributes.check_readable(source)
        if len(source.data.vertices) != count:
            raise SceneError(f"The points of {name} were changed meanwhile: press the button again.")
        found[attribute] = point_attributes.column(source.data, attribute)
        yield Pause(0.0, "Reading the points")
        source = object_named(name)
    return _Cloud(**found, origin=tuple(source.wildseg3d.origin))


def _sheets(scene: Scene, cloud: _Cloud) -> list[Sheet]:
    """The points on their views' pixel grids, one sheet per view."""
    numbers = point_attributes.numbers_of(scene, cloud.view, cloud.pixel)
    known = numbers >= 0
    pixels = [view.size[0] * view.size[1] for view in scene.views]
    positions, normals = np.zeros((2, sum(pixels), 3), np.float32)
    positions[numbers[known]] = cloud.position[known] + np.array(cloud.origin, np.float32)
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
