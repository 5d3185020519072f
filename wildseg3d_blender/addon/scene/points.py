# SPDX-License-Identifier: GPL-3.0-or-later
"""Pointmaps as one mesh of loose vertices with named attributes, written by ``foreach_set`` alone.

colour      byte colour, sRGB            the photo's colour
confidence  float >= 0                   how sure the measurement is
view        int                          index into the scene's views
pixel       int                          row * width + column on that view's grid
normal      vector, unit, root's space   the surface's direction, towards the camera
size        float, scene units           side of the square that the pixel covers on the surface
"""

from __future__ import annotations

from dataclasses import dataclass

import bpy
import numpy as np
from numpy.typing import NDArray

from ...scene_folder import Scene, View

STEEPEST = 0.35
"""Cosine at which a slanted pixel stops growing; beyond it, one pixel would smear over the scene."""


@dataclass(frozen=True)
class Points:
    """Points in the root's space; see the module for units.

    Attributes:
        position, normal: (N, 3) float32.
        colour: (N, 4) float32 sRGB with alpha.
        confidence, size: (N,) float32.
        view, pixel: (N,) int32.
    """

    position: NDArray[np.float32]
    normal: NDArray[np.float32]
    colour: NDArray[np.float32]
    confidence: NDArray[np.float32]
    size: NDArray[np.float32]
    view: NDArray[np.int32]
    pixel: NDArray[np.int32]


def measured(scene: Scene, view: View) -> NDArray[np.bool_]:
    """(H, W) bool: the pixels that have a point."""
    valid = np.asarray(scene.confidence(view)) > 0
    return valid & np.isfinite(np.asarray(scene.pointmap(view))).all(-1)


def gather(scene: Scene) -> Points:
    """All measured points of a scene, one per pixel with confidence, view after view.

    Raises:
        SceneError: an array of the scene folder is missing or damaged.
    """
    parts = [_gather_view(scene, index) for index in range(len(scene.views))]
    names = Points.__dataclass_fields__
    return Points(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in names})


def to_mesh(points: Points, name: str) -> bpy.types.Mesh:
    """A new mesh holding ``points``."""
    mesh = bpy.data.meshes.new(name)
    mesh.vertices.add(len(points.position))
    mesh.attributes["position"].data.foreach_set("vector", points.position.ravel())
    # The colour comes first: Blender takes the first as the one that Solid shows.
    colour = mesh.attributes.new("colour", "BYTE_COLOR", "POINT")
    colour.data.foreach_set("color_srgb", points.colour.ravel())
    for attribute, kind, values in (
        ("confidence", "FLOAT", points.confidence),
        ("view", "INT", points.view),
        ("pixel", "INT", points.pixel),
        ("size", "FLOAT", points.size),
    ):
        mesh.attributes.new(attribute, kind, "POINT").data.foreach_set("value", values)
    normal = mesh.attributes.new("normal", "FLOAT_VECTOR", "POINT")
    normal.data.foreach_set("vector", points.normal.ravel())
    show_colour(mesh)
    return mesh


def show_colour(mesh: bpy.types.Mesh) -> None:
    """Make the photo colour the one that Solid's "Attribute" and renders take by default."""
    colours = mesh.color_attributes
    index = colours.find("colour")
    if index >= 0:
        colours.active_color_index = index
        colours.render_color_index = index


def _gather_view(scene: Scene, index: int) -> Points:
    view = scene.views[index]
    points_world = np.asarray(scene.pointmap(view), np.float32)
    confidence = np.asarray(scene.confidence(view))
    valid = measured(scene, view)
    normal, size = _surface(view, points_world, valid)
    count = int(valid.sum())
    colour = np.ones((count, 4), np.float32)
    colour[:, :3] = scene.colours(view)[valid]
    colour[:, :3] /= 255.0
    return Points(
        position=points_world[valid],
        normal=normal[valid],
        colour=colour,
        confidence=confidence[valid].astype(np.float32),
        size=size[valid],
        view=np.full(count, index, np.int32),
        pixel=np.flatnonzero(valid.ravel()).astype(np.int32),
    )


def _surface(
    view: View, points_world: NDArray[np.float32], valid: NDArray[np.bool_]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Normals (H, W, 3), unit, and sizes (H, W) of the patches that the pixels cover.

    The normal is the cross product of central differences over two pixels each way; across depth breaks
    and at the border of the valid area there is none, and the patch faces the camera.
    """
    centre = view.cam_to_world[:3, 3].astype(np.float32)
    axis = view.cam_to_world[:3, 2].astype(np.float32)
    to_camera = centre - points_world
    distance = np.linalg.norm(to_camera, axis=-1, keepdims=True)
    to_camera = to_camera / np.maximum(distance, 1e-12)
    spacing = np.maximum(((points_world - centre) @ axis) / np.float32(view.K[0, 0]), 0.0)

    across, across_valid = _difference(points_world, valid, axis=1)
    down, down_valid = _difference(points_world, valid, axis=0)
    # A step of four pixels on a surface at 80 degrees is 23 spacings long; more than that is a depth break.
    longest = 23.0 * spacing
    smooth = across_valid & down_valid
    smooth &= (np.linalg.norm(across, axis=-1) < longest) & (np.linalg.norm(down, axis=-1) < longest)

    normal = np.cross(down, across)
    length = np.linalg.norm(normal, axis=-1, keepdims=True)
    smooth &= length[..., 0] > 0
    normal = np.where(smooth[..., None], normal / np.maximum(length, 1e-20), to_camera)
    cosine = (normal * to_camera).sum(-1)
    normal = np.where((cosine < 0)[..., None], -normal, normal)
    size = spacing / np.maximum(np.abs(cosine), STEEPEST)
    return normal.astype(np.float32), size.astype(np.float32)


def _difference(
    points: NDArray[np.float32], valid: NDArray[np.bool_], axis: int, reach: int = 2
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Central differences over ``reach`` pixels each way and where both ends are valid."""
    difference = np.zeros_like(points)
    usable = np.zeros_like(valid)
    length = points.shape[axis]
    if length > 2 * reach:
        before = [slice(None)] * 2
        after, middle = list(before), list(before)
        before[axis] = slice(0, length - 2 * reach)
        after[axis] = slice(2 * reach, length)
        middle[axis] = slice(reach, length - reach)
        difference[tuple(middle)] = points[tuple(after)] - points[tuple(before)]
        usable[tuple(middle)] = valid[tuple(after)] & valid[tuple(before)]
    return difference, usable
