# SPDX-License-Identifier: GPL-3.0-or-later
"""Points of several meshes dealt out to new meshes by Blender's own geometry nodes, with all that they carry.

The nodes run in a scene of their own for the moment, so nothing else is evaluated. They take attributes of
every type, several times faster than reading them into Python and writing them back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray

from ...errors import SceneError

_OTHERS = "wildseg3d_others"


@dataclass(frozen=True)
class Deal:
    """A mesh whose points are dealt out.

    Attributes:
        mesh: the mesh's name.
        origin: where its own space lies in the root's, (3,).
        to: for each point the number of the hand that gets it, (N,) int32.
    """

    mesh: str
    origin: tuple[float, float, float]
    to: NDArray[np.int32]


def hand_of(deals: Sequence[Deal], hand: int, origin: Sequence[float], name: str) -> bpy.types.Mesh:
    """A new mesh with the points that ``deals`` give to ``hand``, in the order of ``deals``.

    Args:
        origin: where the new mesh's own space lies in the root's.
        name: for the new mesh.

    Raises:
        SceneError: a mesh is gone, or has other points than when they were dealt out.
    """
    giving = [deal for deal in deals if (deal.to == hand).any()]
    meshes = [_checked(deal) for deal in giving]
    if not giving:
        return _emptied(_checked(deals[0]), name)
    scene = bpy.data.scenes.new("WildSeg3D")
    made: list[Any] = [scene]
    try:
        sources = []
        for deal, mesh in zip(giving, meshes, strict=True):
            # The copy shares its arrays with the mesh; the column that only this needs is in the copy alone.
            copy = mesh.copy()
            source = bpy.data.objects.new(name, copy)
            made += [copy, source]
            column = copy.attributes.get(_OTHERS) or copy.attributes.new(_OTHERS, "BOOLEAN", "POINT")
            column.data.foreach_set("value", deal.to != hand)
            scene.collection.objects.link(source)
            sources.append((source, np.subtract(deal.origin, origin)))
        group = bpy.data.node_groups.new(name, "GeometryNodeTree")
        made.append(group)
        _build(group, sources)
        holder = sources[0][0]
        holder.modifiers.new(name, "NODES").node_group = group
        layer = scene.view_layers[0]
        layer.update()
        result = bpy.data.meshes.new_from_object(holder.evaluated_get(layer.depsgraph))
    finally:
        bpy.data.batch_remove(made)
    result.name = name
    return result


def mesh_of(name: str, count: int) -> bpy.types.Mesh:
    """The mesh of that name. SceneError when it is gone or no longer has ``count`` points."""
    mesh = bpy.data.meshes.get(name)
    if mesh is None or len(mesh.vertices) != count:
        raise SceneError(f"The points of {name} were changed meanwhile: press the button again.")
    return mesh


def _checked(deal: Deal) -> bpy.types.Mesh:
    return mesh_of(deal.mesh, len(deal.to))


def _emptied(mesh: bpy.types.Mesh, name: str) -> bpy.types.Mesh:
    """A mesh without points that knows the attributes of ``mesh``."""
    result = mesh.copy()
    result.name = name
    known = [
        (item.name, item.data_type)
        for item in mesh.attributes
        if item.domain == "POINT" and item.name[0] != "." and item.name != "position"
    ]
    result.clear_geometry()
    for attribute, kind in known:
        if attribute not in result.attributes:
            result.attributes.new(attribute, kind, "POINT")
    return result


def _build(
    group: bpy.types.NodeTree, sources: Sequence[tuple[bpy.types.Object, NDArray[np.float64]]]
) -> None:
    """Nodes that drop the others' points from each source, move the rest by its offset and join them. The
    first source's mesh is what the nodes are given."""
    sockets, nodes, link = group.interface, group.nodes, group.links.new
    for direction in ("INPUT", "OUTPUT"):
        sockets.new_socket("Geometry", in_out=direction, socket_type="NodeSocketGeometry")
    joined = nodes.new("GeometryNodeJoinGeometry")
    for source, offset in sources[::-1]:  # what is linked last comes first
        if source == sources[0][0]:
            given = nodes.new("NodeGroupInput").outputs[0]
        else:
            info = nodes.new("GeometryNodeObjectInfo")
            info.inputs["Object"].default_value = source
            given = info.outputs["Geometry"]
        others = nodes.new("GeometryNodeInputNamedAttribute")
        others.data_type = "BOOLEAN"
        others.inputs["Name"].default_value = _OTHERS
        kept = nodes.new("GeometryNodeDeleteGeometry")
        kept.domain = "POINT"
        link(given, kept.inputs["Geometry"])
        link(next(socket for socket in others.outputs if socket.enabled), kept.inputs["Selection"])
        geometry = kept.outputs[0]
        if offset.any():
            moved = nodes.new("GeometryNodeSetPosition")
            moved.inputs["Offset"].default_value = offset.tolist()
            link(geometry, moved.inputs["Geometry"])
            geometry = moved.outputs[0]
        link(geometry, joined.inputs[0])
    without = nodes.new("GeometryNodeRemoveAttribute")
    without.inputs["Name"].default_value = _OTHERS
    link(joined.outputs[0], without.inputs["Geometry"])
    link(without.outputs[0], nodes.new("NodeGroupOutput").inputs[0])
