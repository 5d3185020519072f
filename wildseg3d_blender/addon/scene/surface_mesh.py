# SPDX-License-Identifier: GPL-3.0-or-later
"""Faces with photos on them -> a mesh in Blender."""

from __future__ import annotations

from dataclasses import dataclass

import bpy
import numpy as np
from numpy.typing import NDArray

from ...scene.folder import Scene
from . import cameras, display, lookup
from .points import linear_light, show_colour, writing_colour
from .steps import Pause, Steps, mesh_named, object_named

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


@dataclass(frozen=True)
class Ready:
    """Faces as Blender's arrays have them; world is the space of the object that the mesh is for.

    Attributes:
        position: (N, 3) float32.
        corners, edge_of: (F, n) int32, each corner's vertex and the edge to the next corner.
        edges: (E, 2) int32.
        slot: (F,) int32.
        photos: as in ``Faces``.
        place: (F, n, 2) float32, from the bottom left.
        colour: (N, 4) float32, linear light.
    """

    position: NDArray[np.float32]
    corners: NDArray[np.int32]
    edge_of: NDArray[np.int32]
    edges: NDArray[np.int32]
    slot: NDArray[np.int32]
    photos: tuple[str, ...]
    place: NDArray[np.float32]
    colour: NDArray[np.float32]


def ready(faces: Faces, origin: tuple[float, float, float]) -> Ready:
    """Everything that can be prepared without Blender; ``origin``, root's space, is the mesh's zero."""
    edges, edge_of = edges_of(faces.corners)
    colour = np.ones((len(faces.colour), 4), np.float32)
    colour[:, :3] = linear_light((faces.colour / 255.0).astype(np.float32))
    return Ready(
        position=(faces.points_world - np.array(origin)).astype(np.float32),
        corners=faces.corners.astype(np.int32),
        edge_of=edge_of,
        edges=edges,
        slot=faces.slot.astype(np.int32),
        photos=faces.photos,
        place=(faces.place * [1, -1] + [0, 1]).astype(np.float32),
        colour=colour,
    )


def edges_of(corners: NDArray[np.int64]) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """The edges (E, 2) of faces (F, n), each once, and for each corner the one to the next corner (F, n)."""
    following = np.roll(corners, -1, axis=1)
    ends = (np.minimum(corners, following) << 32) | np.maximum(corners, following)
    edges, number = np.unique(ends, return_inverse=True)
    both = np.stack([edges >> 32, edges & 0xFFFFFFFF], axis=-1)
    return both.astype(np.int32), number.reshape(corners.shape).astype(np.int32)


def building(root_name: str, scene: Scene, faces: Ready) -> Steps[str]:
    """Make a mesh whose material slots are the photos; returns its name. Closed before, it leaves no mesh.

    Images are those that the cameras show behind them.
    """
    name = bpy.data.meshes.new("Surface").name
    try:
        _add_shape(mesh_named(name), faces)
        yield Pause(0.3, "Making the mesh")
        _add_faces(mesh_named(name), faces)
        yield Pause(0.6)
        yield from writing_colour(name, faces.colour)
        show_colour(mesh_named(name))
        for number, photo in enumerate(faces.photos):
            yield Pause(0.7 + 0.3 * number / len(faces.photos))
            mesh_named(name).materials.append(_material(object_named(root_name), scene, photo))
    except BaseException:
        if (left := bpy.data.meshes.get(name)) is not None:
            bpy.data.meshes.remove(left)
        raise
    return name


def _add_shape(mesh: bpy.types.Mesh, faces: Ready) -> None:
    """Vertices and edges, by the attributes behind Blender's collections: a hundred times faster."""
    mesh.vertices.add(len(faces.position))
    mesh.attributes["position"].data.foreach_set("vector", faces.position.ravel())
    mesh.edges.add(len(faces.edges))
    mesh.attributes[".edge_verts"].data.foreach_set("value", faces.edges.ravel())


def _add_faces(mesh: bpy.types.Mesh, faces: Ready) -> None:
    count, width = faces.corners.shape
    mesh.loops.add(count * width)
    mesh.attributes[".corner_vert"].data.foreach_set("value", faces.corners.ravel())
    mesh.attributes[".corner_edge"].data.foreach_set("value", faces.edge_of.ravel())
    mesh.polygons.add(count)
    mesh.polygons.foreach_set("loop_start", np.arange(0, count * width, width, dtype=np.int32))
    mesh.attributes.new("material_index", "INT", "FACE").data.foreach_set("value", faces.slot)
    layer = mesh.uv_layers.new(name="Photo", do_init=False)
    layer.uv.foreach_set("vector", faces.place.ravel())
    mesh.update()


def _material(root: bpy.types.Object, scene: Scene, photo: str) -> bpy.types.Material:
    if not photo:
        return display.material()
    images = (cameras.image_of(item) for item in lookup.cameras(root) if item.wildseg3d.view == photo)
    return photo_material(photo, next(images, None) or cameras.load_image(scene, scene.view(photo)))


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
