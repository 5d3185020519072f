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

import copy
import functools
from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray

from ...point_surface import measured_pixels
from ...scene_folder import Scene, View
from .steps import Aside, Pause, Steps

KINDS = {
    "position": "FLOAT_VECTOR",
    "colour": "BYTE_COLOR",  # the first colour is the one that Solid shows
    "confidence": "FLOAT",
    "view": "INT",
    "pixel": "INT",
    "size": "FLOAT",
    "normal": "FLOAT_VECTOR",
}
"""Blender's types of the attributes, in the order in which they are made."""

_MEMBERS = {"FLOAT_VECTOR": "vector", "BYTE_COLOR": "color_srgb", "FLOAT": "value", "INT": "value"}
_WIDTHS: dict[str, tuple[int, type]] = {
    "FLOAT_VECTOR": (3, np.float32),
    "BYTE_COLOR": (4, np.float32),
    "FLOAT": (1, np.float32),
    "INT": (1, np.int32),
}


class Measured:
    """The measured points of a scene, one per pixel with confidence, view after view.

    Reads files and nothing of Blender's, so that it may be used beside it. Nothing but the numbers of the
    pixels is kept in memory.

    Raises:
        SceneError: an array of the scene folder is missing or damaged.
    """

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self._pixels = [_pixels(scene, view) for view in scene.views]
        self.count = sum(len(pixels) for pixels in self._pixels)

    def column(self, name: str, scratch: Scratch | None = None) -> NDArray[Any]:
        """The attribute ``name``: (N, 3) float32 position and normal, in the root's space, unit normals;
        (N, 4) float32 sRGB colour; (N,) float32 confidence and size; (N,) int32 view and pixel.

        Args:
            scratch: memory to put it into, until its next use.
        """
        width, dtype = _WIDTHS[KINDS[name]]
        made = (scratch or Scratch()).array(self.count * width, dtype).reshape(-1, width)
        start = 0
        for index, (view, pixels) in enumerate(zip(self.scene.views, self._pixels, strict=True)):
            own = made[start : start + len(pixels)]
            start += len(pixels)
            if name == "view":
                own[:] = index
            elif name == "pixel":
                own[:, 0] = pixels
            elif name == "colour":
                _colours(self.scene.colours(view), pixels, own)
            else:
                _take(self._grid(name, view), pixels, own)
        return made if width > 1 else made[:, 0]

    def sample(self, name: str, enough: int = 50_000) -> NDArray[Any]:
        """As ``column``, of about ``enough`` points, evenly among all."""
        every = max(1, self.count // enough)
        return self._only([pixels[::every] for pixels in self._pixels]).column(name)

    def _only(self, pixels: list[NDArray[np.intp]]) -> Measured:
        other = copy.copy(self)
        other._pixels, other.count = pixels, sum(len(some) for some in pixels)
        return other

    def _grid(self, name: str, view: View) -> NDArray[np.float32]:
        if name == "position":
            return self.scene.pointmap(view)
        if name == "confidence":
            return self.scene.confidence(view)
        normals, sizes = self.scene.patches(view)
        return normals if name == "normal" else sizes


class Scratch:
    """Memory that is used again: fresh memory costs more than what is written into it."""

    def __init__(self, size: int = 0) -> None:
        self._bytes: NDArray[np.uint8] = np.empty(size, np.uint8)

    def array(self, count: int, dtype: type) -> NDArray[Any]:
        """An array (count,) of ``dtype``, good until the next call."""
        size = count * np.dtype(dtype).itemsize
        if len(self._bytes) < size:
            self._bytes = np.empty(size, np.uint8)
        return self._bytes[:size].view(dtype)


def measured(scene: Scene, view: View) -> NDArray[np.bool_]:
    """(H, W) bool: the pixels that have a point."""
    return measured_pixels(scene.pointmap(view), scene.confidence(view))


def building_mesh(points: Measured, name: str) -> Steps[str]:
    """Make a mesh of ``points``; returns its name. Closed before the end, it leaves no mesh."""
    mesh = bpy.data.meshes.new(name)
    name, scratch = mesh.name, Scratch(16 * points.count)
    try:
        mesh.vertices.add(points.count)
        for number, (attribute, kind) in enumerate(KINDS.items()):
            values = yield Aside(functools.partial(points.column, attribute, scratch))
            mesh = bpy.data.meshes[name]
            made = mesh.attributes.get(attribute) or mesh.attributes.new(attribute, kind, "POINT")
            made.data.foreach_set(_MEMBERS[kind], values.ravel())
            yield Pause((number + 1) / len(KINDS), "Making the points")
        show_colour(bpy.data.meshes[name])
    except BaseException:
        if (left := bpy.data.meshes.get(name)) is not None:
            bpy.data.meshes.remove(left)
        raise
    return name


def show_colour(mesh: bpy.types.Mesh) -> None:
    """Make the photo colour the one that Solid's "Attribute" and renders take by default."""
    colours = mesh.color_attributes
    index = colours.find("colour")
    if index >= 0:
        colours.active_color_index = index
        colours.render_color_index = index


def _pixels(scene: Scene, view: View) -> NDArray[np.intp]:
    """Numbers of the pixels that have a point, (N,)."""
    if scene.has_patches(view):
        return np.flatnonzero(scene.confidence(view) > 0)
    return np.flatnonzero(measured(scene, view))


def _take(grid: NDArray[Any], pixels: NDArray[np.intp], out: NDArray[Any]) -> None:
    rows = grid.reshape(-1, out.shape[1])
    np.take(rows, pixels, axis=0, out=out, mode="clip")  # "raise" would copy ``out`` first


def _colours(grid: NDArray[np.uint8], pixels: NDArray[np.intp], out: NDArray[np.float32]) -> None:
    rows = grid.reshape(-1, 3)
    padded = np.full((len(rows), 4), 255, np.uint8)
    for channel in range(3):  # one after the other is several times faster than three at a time
        padded[:, channel] = rows[:, channel]
    chosen = padded.view(np.uint32).take(pixels).view(np.uint8).reshape(-1, 4)
    np.multiply(chosen, np.float32(1 / 255), out=out, dtype=np.float32)
