# SPDX-License-Identifier: GPL-3.0-or-later
"""Meshes: boxes, lathes, tubes, sheets and ellipsoids. Metres, Z up."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import cos, pi, sin
from typing import Any

import bmesh
import bpy
import numpy as np
from mathutils import Matrix, Vector, noise
from numpy.typing import NDArray

Point = tuple[float, float, float]
Profile = Sequence[tuple[float, float]]


def add_mesh(
    name: str,
    vertices: Sequence[Sequence[float]],
    faces: Sequence[Sequence[int]],
    material: Any,
    *,
    uv: Sequence[Sequence[float]] | None = None,
    smooth: bool = True,
) -> Any:
    """A mesh object in the scene. ``uv`` is per vertex."""
    mesh = bpy.data.meshes.new(name)
    mesh.from_pydata([tuple(v) for v in vertices], [], [tuple(f) for f in faces])
    if uv is not None:
        layer = mesh.uv_layers.new(name="UVMap")
        corners = np.asarray(uv, dtype=np.float32)[[loop.vertex_index for loop in mesh.loops]]
        layer.data.foreach_set("uv", corners.ravel())
    mesh.polygons.foreach_set("use_smooth", [smooth] * len(mesh.polygons))
    mesh.materials.append(material)
    mesh.update()
    thing = bpy.data.objects.new(name, mesh)
    bpy.context.collection.objects.link(thing)
    return thing


def box(
    name: str,
    size: Point,
    material: Any,
    *,
    centre: Point = (0, 0, 0),
    bevel: float = 0.001,
    dents: float = 0,
) -> Any:
    """A box with rounded edges; ``dents`` is how far its faces are pushed about."""
    mesh = bmesh.new()
    bmesh.ops.create_cube(mesh, size=1.0)
    bmesh.ops.scale(mesh, vec=size, verts=mesh.verts)
    if dents:
        bmesh.ops.subdivide_edges(mesh, edges=mesh.edges[:], cuts=24, use_grid_fill=True)
    else:
        bmesh.ops.bevel(
            mesh,
            geom=mesh.edges[:],
            offset=bevel,
            segments=3,
            profile=0.6,
            affect="EDGES",
            clamp_overlap=True,
        )
    if dents:
        for vertex in mesh.verts:
            push = noise.noise_vector(vertex.co * 9.0) + 0.4 * noise.noise_vector(vertex.co * 31.0)
            vertex.co += dents * push
    bmesh.ops.translate(mesh, vec=centre, verts=mesh.verts)
    data = bpy.data.meshes.new(name)
    mesh.to_mesh(data)
    mesh.free()
    data.polygons.foreach_set("use_smooth", [True] * len(data.polygons))
    data.set_sharp_from_angle(angle=0.7)
    data.materials.append(material)
    thing = bpy.data.objects.new(name, data)
    bpy.context.collection.objects.link(thing)
    return thing


def lathe(name: str, profile: Profile, material: Any, *, segments: int = 96, wobble: float = 0.0) -> Any:
    """``profile`` of (radius, height) turned about Z; U goes around, V along the profile."""
    lengths = [0.0]
    for (r0, z0), (r1, z1) in pairwise(profile):
        lengths.append(lengths[-1] + float(np.hypot(r1 - r0, z1 - z0)))
    vertices, uv, faces = [], [], []
    for row, (radius, height) in enumerate(profile):
        for step in range(segments + 1):
            angle = 2 * pi * step / segments
            hand = 1 + wobble * noise.noise(Vector((cos(angle), sin(angle), height * 20)))
            vertices.append((radius * hand * cos(angle), radius * hand * sin(angle), height))
            uv.append((step / segments, lengths[row] / lengths[-1]))
    for row in range(len(profile) - 1):
        for step in range(segments):
            a = row * (segments + 1) + step
            faces.append((a, a + 1, a + segments + 2, a + segments + 1))
    return add_mesh(name, vertices, faces, material, uv=uv)


def tube(
    name: str, path: Sequence[Point], radii: Sequence[float], material: Any, *, flat: float = 1.0
) -> Any:
    """A round tube along ``path``; ``flat`` squeezes it along its frame's second axis."""
    points = [Vector(p) for p in path]
    vertices: list[Sequence[float]] = []
    faces: list[Sequence[int]] = []
    sides = 20
    side = Vector((0, 1, 0))
    for index, point in enumerate(points):
        tangent = (points[min(index + 1, len(points) - 1)] - points[max(index - 1, 0)]).normalized()
        side = (side - tangent * side.dot(tangent)).normalized()
        other = tangent.cross(side)
        for step in range(sides):
            angle = 2 * pi * step / sides
            offset = side * cos(angle) + other * (sin(angle) * flat)
            vertices.append(tuple(point + offset * radii[index]))
    for row in range(len(points) - 1):
        for step in range(sides):
            a, b = row * sides + step, row * sides + (step + 1) % sides
            faces.append((a, b, b + sides, a + sides))
    faces.append(tuple(range(sides)))
    faces.append(tuple(reversed(range(len(vertices) - sides, len(vertices)))))
    return add_mesh(name, vertices, faces, material)


def sheet(
    name: str,
    size: tuple[float, float],
    material: Any,
    *,
    curl: float = 0.0,
    ripple: float = 0.0,
    cells: int = 24,
) -> Any:
    """A flat piece in the xy plane with UV 0..1, its corners lifted by ``curl``, wavy by ``ripple``."""
    vertices, uv, faces = [], [], []
    for row in range(cells + 1):
        for column in range(cells + 1):
            u, v = column / cells, row / cells
            x, y = (u - 0.5) * size[0], (v - 0.5) * size[1]
            lift = curl * (abs(2 * u - 1) * abs(2 * v - 1)) ** 3
            wave = ripple * (0.5 + 0.5 * noise.noise(Vector((x * 14, y * 14, 3.0))))
            vertices.append((x, y, lift + wave))
            uv.append((u, v))
    for row in range(cells):
        for column in range(cells):
            a = row * (cells + 1) + column
            faces.append((a, a + 1, a + cells + 2, a + cells + 1))
    return add_mesh(name, vertices, faces, material, uv=uv)


def ellipsoid(name: str, centre: Point, radii: Point, material: Any, *, turn: Matrix | None = None) -> Any:
    """A smooth ellipsoid; ``turn`` is a 3x3 rotation about its centre."""
    mesh = bmesh.new()
    bmesh.ops.create_icosphere(mesh, subdivisions=5, radius=1.0)
    bmesh.ops.scale(mesh, vec=radii, verts=mesh.verts)
    if turn is not None:
        bmesh.ops.rotate(mesh, matrix=turn, verts=mesh.verts)
    bmesh.ops.translate(mesh, vec=centre, verts=mesh.verts)
    data = bpy.data.meshes.new(name)
    mesh.to_mesh(data)
    mesh.free()
    data.polygons.foreach_set("use_smooth", [True] * len(data.polygons))
    data.materials.append(material)
    thing = bpy.data.objects.new(name, data)
    bpy.context.collection.objects.link(thing)
    return thing


def group(name: str, parts: Sequence[Any], *, location: Point, turn_z: float = 0.0) -> list[Any]:
    """Parent ``parts`` to an Empty placed on the table; ``turn_z`` in degrees. Gives the parts."""
    holder = bpy.data.objects.new(name, None)
    bpy.context.collection.objects.link(holder)
    for part in parts:
        part.parent = holder
    holder.location = location
    holder.rotation_euler = (0.0, 0.0, turn_z * pi / 180.0)
    return list(parts)


def add_arrays(
    name: str,
    vertices: NDArray[np.floating],
    faces: NDArray[np.integer],
    material: Any,
    *,
    smooth: bool = True,
) -> Any:
    """A mesh object of (V, 3) vertices and (F, n) faces: ``add_mesh`` for a hundred thousand faces."""
    mesh = bpy.data.meshes.new(name)
    count, corners = faces.shape
    mesh.vertices.add(len(vertices))
    mesh.vertices.foreach_set("co", vertices.astype(np.float32).ravel())
    mesh.loops.add(count * corners)
    mesh.loops.foreach_set("vertex_index", faces.astype(np.int32).ravel())
    mesh.polygons.add(count)
    mesh.polygons.foreach_set("loop_start", np.arange(count, dtype=np.int32) * corners)
    mesh.polygons.foreach_set("use_smooth", np.full(count, smooth))
    mesh.materials.append(material)
    mesh.update()
    mesh.validate()
    thing = bpy.data.objects.new(name, mesh)
    bpy.context.collection.objects.link(thing)
    return thing


def melted(name: str, lumps: Sequence[Any], material: Any, *, cell: float, rounds: int = 6) -> Any:
    """Overlapping closed meshes made one skin: remeshed with ``cell`` metres, smoothed. Uses ``lumps`` up."""
    whole = bmesh.new()
    for lump in lumps:
        whole.from_mesh(lump.data)
        bpy.data.objects.remove(lump)
    data = bpy.data.meshes.new(name)
    whole.to_mesh(data)
    whole.free()
    thing = bpy.data.objects.new(name, data)
    bpy.context.collection.objects.link(thing)
    skin = thing.modifiers.new("skin", "REMESH")
    skin.mode, skin.voxel_size = "VOXEL", cell
    even = thing.modifiers.new("even", "SMOOTH")
    even.factor, even.iterations = 0.5, rounds
    evaluated = thing.evaluated_get(bpy.context.evaluated_depsgraph_get())
    thing.data = bpy.data.meshes.new_from_object(evaluated)
    thing.modifiers.clear()
    thing.data.polygons.foreach_set("use_smooth", [True] * len(thing.data.polygons))
    thing.data.materials.clear()
    thing.data.materials.append(material)
    return thing
