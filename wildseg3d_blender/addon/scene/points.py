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

from ...scene.folder import Scene, View
from ...scene.point_surface import measured_pixels
from .steps import Aside, Pause, Steps, mesh_named

KINDS = {
    "position": "FLOAT_VECTOR",
    "colour": "BYTE_COLOR",
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


def linear_light(encoded: NDArray[np.floating]) -> NDArray[np.float32]:
    """IEC 61966-2-1; Blender makes the same bytes of it again."""
    linear = np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)
    return linear.astype(np.float32)


RUN = 64
"""Points of a sample that follow each other."""

_ENCODED = (np.arange(256) / 255.0).astype(np.float32)
_LINEAR = linear_light(np.arange(256) / 255.0)


class Measured:
    """The measured points of a scene, one per pixel with confidence, view after view.

    Reads files and nothing of Blender's, so that it may be used beside it. Nothing but the numbers of the
    pixels is kept in memory; the files stay mapped.

    Raises:
        SceneError: an array of the scene folder is missing or damaged.
    """

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self._maps = [_maps(scene, view) for view in scene.views]
        self._pixels = [
            _pixels(scene, view, maps) for view, maps in zip(scene.views, self._maps, strict=True)
        ]
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
        for index, (maps, pixels) in enumerate(zip(self._maps, self._pixels, strict=True)):
            own = made[start : start + len(pixels)]
            start += len(pixels)
            if name == "view":
                own[:] = index
            elif name == "pixel":
                own[:, 0] = pixels
            elif name == "colour":
                _take_colours(maps[name], pixels, _ENCODED, own)
            else:
                _take(maps[name], pixels, own)
        return made if width > 1 else made[:, 0]

    def linear_colour(self, scratch: Scratch) -> NDArray[np.float32]:
        """As ``column("colour", scratch)``, as linear light."""
        made = scratch.array(4 * self.count, np.float32).reshape(-1, 4)
        start = 0
        for maps, pixels in zip(self._maps, self._pixels, strict=True):
            own = made[start : start + len(pixels)]
            _take_colours(maps["colour"], pixels, _LINEAR, own)
            start += len(pixels)
        return made

    def only(self, rows: NDArray[np.integer]) -> Measured:
        """The points of these ``rows``, (M,) in ascending order."""
        ends = np.cumsum([len(pixels) for pixels in self._pixels])
        parts = np.split(rows, np.searchsorted(rows, ends)[:-1])
        starts = ends - [len(pixels) for pixels in self._pixels]
        return self._with(
            [pixels[part - start] for pixels, part, start in zip(self._pixels, parts, starts, strict=True)]
        )

    def sample(self, name: str, enough: int = 50_000) -> NDArray[Any]:
        """As ``column``, of about ``enough`` points in short runs, evenly among all."""
        every = max(1, self.count // enough)
        # Runs, because a file is read by the page.
        inside = [np.arange(len(pixels)) // RUN % every == 0 for pixels in self._pixels]
        some = self._with([pixels[one] for pixels, one in zip(self._pixels, inside, strict=True)])
        return some.column(name)

    def _with(self, pixels: list[NDArray[np.intp]]) -> Measured:
        other = copy.copy(self)
        other._pixels, other.count = pixels, sum(len(some) for some in pixels)
        return other


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
        linear = yield Aside(lambda: points.linear_colour(scratch), "Making the points")
        yield from writing_colour(name, linear)
        for number, (attribute, kind) in enumerate(KINDS.items()):
            if attribute == "colour":
                continue
            values = yield Aside(functools.partial(points.column, attribute, scratch))
            mesh = mesh_named(name)
            made = mesh.attributes.get(attribute) or mesh.attributes.new(attribute, kind, "POINT")
            made.data.foreach_set(_MEMBERS[kind], values.ravel())
            yield Pause((number + 1) / len(KINDS), "Making the points")
        show_colour(mesh_named(name))
    except BaseException:
        if (left := bpy.data.meshes.get(name)) is not None:
            bpy.data.meshes.remove(left)
        raise
    return name


def writing_colour(name: str, linear: NDArray[np.float32]) -> Steps[None]:
    """Give the mesh of that name the points' colours (N, 4), linear light, as bytes.

    Floats that Blender makes bytes of: bytes that are set one by one take longer, and in one piece.
    """
    colour = mesh_named(name).attributes.new("colour", "FLOAT_COLOR", "POINT")
    colour.data.foreach_set("color", linear.ravel())
    yield Pause()
    mesh = mesh_named(name)
    if not len(linear):  # what has no points cannot be converted
        mesh.attributes.remove(mesh.attributes["colour"])
        mesh.attributes.new("colour", "BYTE_COLOR", "POINT")
        return
    mesh.attributes.active = mesh.attributes["colour"]
    holder = bpy.data.objects.new(name, mesh)
    try:
        with bpy.context.temp_override(object=holder, edit_object=None):
            bpy.ops.geometry.attribute_convert(mode="GENERIC", domain="POINT", data_type="BYTE_COLOR")
    finally:
        bpy.data.objects.remove(holder)
    if (selected := mesh.attributes.get(".select_vert")) is not None:  # made on the way, for nothing
        mesh.attributes.remove(selected)


def show_colour(mesh: bpy.types.Mesh) -> None:
    """Make the photo colour the one that Solid's "Attribute" and renders take by default."""
    colours = mesh.color_attributes
    index = colours.find("colour")
    if index >= 0:
        colours.active_color_index = index
        colours.render_color_index = index


def _maps(scene: Scene, view: View) -> dict[str, NDArray[Any]]:
    """The view's arrays on its pixel grid, by attribute."""
    normals, sizes = scene.patches(view)
    return {
        "position": scene.pointmap(view),
        "normal": normals,
        "colour": scene.colours(view),
        "confidence": scene.confidence(view),
        "size": sizes,
    }


def _pixels(scene: Scene, view: View, maps: dict[str, NDArray[Any]]) -> NDArray[np.intp]:
    """Numbers of the pixels that have a point, (N,)."""
    if scene.has_patches(view):
        return np.flatnonzero(maps["confidence"] > 0)
    return np.flatnonzero(measured_pixels(maps["position"], maps["confidence"]))


def _take(grid: NDArray[Any], pixels: NDArray[np.intp], out: NDArray[Any]) -> None:
    rows = grid.reshape(-1, out.shape[1])
    np.take(rows, pixels, axis=0, out=out, mode="clip")  # "raise" would copy ``out`` first


def _take_colours(
    grid: NDArray[np.uint8], pixels: NDArray[np.intp], table: NDArray[np.float32], out: NDArray[np.float32]
) -> None:
    """Colours (H, W, 3) of ``pixels``, through a table of 256 values, with alpha into ``out`` (N, 4)."""
    rows = grid.reshape(-1, 3)
    padded = np.full((len(rows), 4), 255, np.uint8)
    for channel in range(3):  # one after the other is several times faster than three at a time
        padded[:, channel] = rows[:, channel]
    chosen = padded.view(np.uint32).take(pixels).view(np.uint8).reshape(-1, 4)
    np.take(table, chosen, out=out, mode="clip")
