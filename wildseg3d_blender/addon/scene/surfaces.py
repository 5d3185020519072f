# SPDX-License-Identifier: GPL-3.0-or-later
"""Points -> a textured mesh: the surfaces that the photos show, each with its own photo on it."""

from __future__ import annotations

from collections.abc import Sequence

import bpy
import numpy as np
from numpy.typing import NDArray

from ...errors import SceneError
from ...scene_folder import Scene, View
from . import cameras, display, groups, lookup, merged_surface, point_attributes, view_surfaces, visibility
from .points import show_colour
from .view_surfaces import Sheet
from .volume import Evidence

PHOTO_NODE = "Photo"


def from_photos(
    root: bpy.types.Object,
    group: str = "",
    *,
    step: int = 2,
    hole: int = 8,
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
    scene = lookup.open_scene(root)
    source = points_of(root, group)
    sheets = [sheet for sheet in sheets_of(scene, source) if sheet.here.any()]
    found = view_surfaces.triangulate(sheets, step=step, hole=hole, steepest=steepest)
    pairs = [(sheet, part) for sheet, part in zip(sheets, found, strict=True) if len(part.corners)]
    if not pairs:
        raise SceneError(
            f"{source.name} shows no surface at this resolution: lower Every Pixel, or raise Holes."
        )
    first = np.cumsum([0] + [len(part.points_world) for _, part in pairs])
    pixels = np.concatenate([part.pixels[part.corners] / sheet.view.size for sheet, part in pairs])
    colour = [
        np.asarray(scene.colours(sheet.view))[tuple(part.pixels.astype(int).T[::-1])] for sheet, part in pairs
    ]
    mesh = _mesh(
        np.concatenate([part.points_world for _, part in pairs]) - source.wildseg3d.origin,
        np.concatenate([part.corners + start for (_, part), start in zip(pairs, first, strict=False)]),
        np.repeat(np.arange(len(pairs)), [len(part.corners) for _, part in pairs]),
        pixels,
        np.concatenate(colour),
    )
    for material in _photo_materials(root, scene, [sheet.view for sheet, _ in pairs]):
        mesh.materials.append(material)
    return place(root, group, source, mesh)


def merged(root: bpy.types.Object, group: str = "", *, detail: int = 96) -> bpy.types.Object:
    """Make one closed mesh of an object of the list; the photos are on it where they show it.

    Otherwise as ``from_photos``; what no photo shows has its neighbours' colours, in a slot of its own.

    Args:
        detail: see ``merged_surface.merge``.
    """
    scene = lookup.open_scene(root)
    source = points_of(root, group)
    evidence = [
        Evidence(sheet, _depth(scene, sheet.view), np.asarray(scene.confidence(sheet.view)))
        for sheet in sheets_of(scene, source)
    ]
    found = merged_surface.merge(evidence, [scene.colours(view) for view in scene.views], detail)
    if found is None:
        raise SceneError(f"{source.name} shows no surface at this resolution: raise Detail.")
    shown, slot = np.unique(found.photo, return_inverse=True)
    sizes = np.array([view.size for view in scene.views])[found.photo]
    mesh = _mesh(
        found.points_world - source.wildseg3d.origin,
        found.corners,
        slot.ravel(),
        found.pixels / sizes[:, None],
        found.colour,
    )
    views = [scene.views[number] for number in shown if number != merged_surface.NO_PHOTO]
    plain = [display.material()] if len(views) < len(shown) else []  # NO_PHOTO sorts first
    for material in plain + _photo_materials(root, scene, views):
        mesh.materials.append(material)
    return place(root, group, source, mesh)


def sheets_of(scene: Scene, source: bpy.types.Object) -> list[Sheet]:
    """The points of a mesh on their views' pixel grids, in the root's space; one sheet per view."""
    attributes = point_attributes.read(source)
    numbers = point_attributes.pixel_numbers(scene, attributes)
    known = numbers >= 0
    pixels = [view.size[0] * view.size[1] for view in scene.views]
    grids = {}
    for name in ("position", "normal"):
        grid = np.zeros((sum(pixels), 3), np.float32)
        if name in attributes:
            grid[numbers[known]] = attributes[name][1][known]
        grids[name] = grid
    here = np.zeros(sum(pixels), np.bool_)
    here[numbers[known]] = True
    sheets, start = [], 0
    for view, count in zip(scene.views, pixels, strict=True):
        own, shape = slice(start, start + count), view.size[::-1]
        start += count
        mine = here[own].reshape(shape)
        position, normal = (grids[name][own].reshape(*shape, 3) for name in ("position", "normal"))
        taken = (np.asarray(scene.confidence(view)) > 0) & ~mine
        sheets.append(Sheet(view, position, normal, mine, taken))
    return sheets


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


def photo_material(view_name: str, image: bpy.types.Image) -> bpy.types.Material:
    """The material that shows a photo as it is, whatever the light; made when the file has none."""
    for found in bpy.data.materials:
        if found.library is None and found.node_tree is not None:
            node = found.node_tree.nodes.get(PHOTO_NODE)
            if found.name.startswith(view_name) and getattr(node, "image", None) == image:
                return found
    made = display.unlit_material(view_name, "ShaderNodeTexImage")
    node = made.node_tree.nodes[0]
    node.name = node.label = PHOTO_NODE
    node.image = image
    node.extension = "EXTEND"
    return made


def place(
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


def _depth(scene: Scene, view: View) -> NDArray[np.float32]:
    """Depth (H, W) of all that a view measured."""
    centre, axis = view.cam_to_world[:3, 3], view.cam_to_world[:3, 2]
    return ((np.asarray(scene.pointmap(view)) - centre) @ axis).astype(np.float32)


def _photo_materials(root: bpy.types.Object, scene: Scene, views: Sequence[View]) -> list[bpy.types.Material]:
    """Materials of the photos, with the images that the cameras show behind them."""
    images = {item.wildseg3d.view: cameras.image_of(item) for item in lookup.cameras(root)}
    return [
        photo_material(view.name, images.get(view.name) or cameras.load_image(scene, view)) for view in views
    ]


def _mesh(
    position: NDArray[np.floating],
    corners: NDArray[np.int64],
    slot: NDArray[np.int64],
    place: NDArray[np.floating],
    colour: NDArray[np.number],
) -> bpy.types.Mesh:
    """A mesh of faces (F, n).

    Args:
        position: (N, 3).
        slot: (F,), of the material.
        place: (F, n, 2), of the corners in their photo: 0 to 1 from its top left.
        colour: (N, 3), 0 to 255.
    """
    mesh = bpy.data.meshes.new("Surface")
    mesh.vertices.add(len(position))
    mesh.attributes["position"].data.foreach_set("vector", position.astype(np.float32).ravel())
    mesh.loops.add(corners.size)
    mesh.loops.foreach_set("vertex_index", corners.ravel().astype(np.int32))
    mesh.polygons.add(len(corners))
    starts = np.arange(0, corners.size, corners.shape[1], dtype=np.int32)
    mesh.polygons.foreach_set("loop_start", starts)
    mesh.polygons.foreach_set("material_index", slot.astype(np.int32))
    layer = mesh.uv_layers.new(name="Photo", do_init=False)
    layer.uv.foreach_set("vector", (place * [1, -1] + [0, 1]).astype(np.float32).ravel())
    _add_colour(mesh, colour)
    mesh.update(calc_edges=True)
    return mesh


def _add_colour(mesh: bpy.types.Mesh, colour: NDArray[np.number]) -> None:
    """The photos' colours (N, 3) at the vertices, for Solid and for materials of the artist's own."""
    values = np.ones((len(colour), 4), np.float32)
    values[:, :3] = colour
    values[:, :3] /= 255.0
    mesh.attributes.new("colour", "BYTE_COLOR", "POINT").data.foreach_set("color_srgb", values.ravel())
    show_colour(mesh)


def _delete(item: bpy.types.Object) -> None:
    mesh = item.data
    bpy.data.objects.remove(item)
    if not mesh.users:
        bpy.data.meshes.remove(mesh)
