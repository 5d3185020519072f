# SPDX-License-Identifier: GPL-3.0-or-later
"""Faces with photos on them -> a mesh in Blender."""

from __future__ import annotations

from dataclasses import dataclass

import bpy
import numpy as np
from numpy.typing import NDArray

from ...scene_folder import Scene
from . import cameras, display, lookup
from .points import show_colour

PHOTO_NODE = "Photo"


@dataclass(frozen=True)
class Faces:
    """Faces of n corners each, every one with a photo or with the colours of its corners.

    Attributes:
        points_world: (N, 3), root's space.
        corners: (F, n) into these.
        slot: (F,) into ``photos``.
        photos: names of views; "" for faces without a photo.
        place: (F, n, 2), of the corners in their photo: 0 to 1 from its top left.
        colour: (N, 3), 0 to 255.
    """

    points_world: NDArray[np.float32]
    corners: NDArray[np.int64]
    slot: NDArray[np.int64]
    photos: tuple[str, ...]
    place: NDArray[np.floating]
    colour: NDArray[np.number]


def build(root: bpy.types.Object, scene: Scene, faces: Faces, origin: NDArray[np.floating]) -> bpy.types.Mesh:
    """A mesh whose material slots are the photos, with ``origin`` (3,) of the root's space at its zero.

    Images are those that the cameras show behind them.
    """
    mesh = bpy.data.meshes.new("Surface")
    mesh.vertices.add(len(faces.points_world))
    position = (faces.points_world - origin).astype(np.float32)
    mesh.attributes["position"].data.foreach_set("vector", position.ravel())
    count, width = faces.corners.shape
    mesh.loops.add(count * width)
    mesh.loops.foreach_set("vertex_index", faces.corners.ravel().astype(np.int32))
    mesh.polygons.add(count)
    mesh.polygons.foreach_set("loop_start", np.arange(0, count * width, width, dtype=np.int32))
    mesh.polygons.foreach_set("material_index", faces.slot.astype(np.int32))
    layer = mesh.uv_layers.new(name="Photo", do_init=False)
    layer.uv.foreach_set("vector", (faces.place * [1, -1] + [0, 1]).astype(np.float32).ravel())
    _add_colour(mesh, faces.colour)
    mesh.update(calc_edges=True)
    images = {item.wildseg3d.view: cameras.image_of(item) for item in lookup.cameras(root)}
    for name in faces.photos:
        if not name:
            mesh.materials.append(display.material())
            continue
        image = images.get(name) or cameras.load_image(scene, scene.view(name))
        mesh.materials.append(photo_material(name, image))
    return mesh


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


def _add_colour(mesh: bpy.types.Mesh, colour: NDArray[np.number]) -> None:
    """The photos' colours (N, 3) at the vertices, for Solid and for materials of the artist's own."""
    values = np.ones((len(colour), 4), np.float32)
    values[:, :3] = colour
    values[:, :3] /= 255.0
    mesh.attributes.new("colour", "BYTE_COLOR", "POINT").data.foreach_set("color_srgb", values.ravel())
    show_colour(mesh)
