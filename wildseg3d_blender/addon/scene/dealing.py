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

MOST_AT_ONCE = 2_000_000
"""So many points are dealt out in one go: Blender takes about 20 ms for a million."""

_MINE = "wildseg3d_mine"


@dataclass(frozen=True)
class Deal:
    """A mesh whose points are dealt out.

    Attributes:
        mesh: the mesh's name.
        origin: where its own space lies in the root's, (3,).
        to: for each point the number of the hand that gets it, (N,) of any integers.
    """

    mesh: str
    origin: tuple[float, float, float]
    to: NDArray[np.integer[Any]]


@dataclass(frozen=True)
class Hand:
    """A mesh to be made of the points that are dealt to ``number``.

    Attributes:
        number: what ``Deal.to`` says of its points.
        origin: where its own space lies in the root's, (3,).
        name: for the mesh.
    """

    number: int
    origin: tuple[float, float, float]
    name: str


def batches(deals: Sequence[Deal], hands: Sequence[Hand]) -> list[list[Hand]]:
    """The hands in turn, as many together as Blender makes without standing still."""
    if hands and sum(len(deal.to) for deal in deals) <= MOST_AT_ONCE:
        return [list(hands)]
    found: list[list[Hand]] = []
    room = 0
    for hand in hands:
        count = sum(int(np.count_nonzero(deal.to == hand.number)) for deal in deals)
        room -= count
        if not found or room < 0:
            found.append([])
            room = MOST_AT_ONCE - count
        found[-1].append(hand)
    return found


def hand_of(
    deals: Sequence[Deal], number: int, origin: tuple[float, float, float], name: str
) -> bpy.types.Mesh:
    """As ``hands_of``, of one hand."""
    return hands_of(deals, [Hand(number, origin, name)])[0]


def hands_of(deals: Sequence[Deal], hands: Sequence[Hand]) -> list[bpy.types.Mesh]:
    """For each of ``hands`` a new mesh with its points, in the order of ``deals``.

    All are evaluated in one go, which Blender does on several threads.

    Raises:
        SceneError: a mesh is gone, or has other points than when they were dealt out.
    """
    meshes = [mesh_of(deal.mesh, len(deal.to)) for deal in deals]
    scene = bpy.data.scenes.new("WildSeg3D")
    used: list[Any] = [scene]
    made: list[bpy.types.Mesh] = []
    try:
        holders = [_holder(scene, deals, meshes, hand, used) for hand in hands]
        layer = scene.view_layers[0]
        layer.update()
        for holder, hand in zip(holders, hands, strict=True):
            made.append(_result(holder, layer.depsgraph) if holder else _emptied(meshes[0]))
            made[-1].name = hand.name
    except BaseException:
        bpy.data.batch_remove(made)
        raise
    finally:
        bpy.data.batch_remove(used)
    return made


def _holder(
    scene: bpy.types.Scene,
    deals: Sequence[Deal],
    meshes: Sequence[bpy.types.Mesh],
    hand: Hand,
    used: list[Any],
) -> bpy.types.Object | None:
    """An object of ``scene`` whose nodes make the mesh of ``hand``; None where no point is dealt to it.

    What is made on the way is added to ``used``.
    """
    sources = []
    for deal, mesh in zip(deals, meshes, strict=True):
        mine = deal.to == hand.number
        if not mine.any():
            continue
        # The copy shares its arrays with the mesh; the column that only this needs is in the copy alone.
        copy = mesh.copy()
        source = bpy.data.objects.new(hand.name, copy)
        used += [copy, source]
        column = copy.attributes.get(_MINE) or copy.attributes.new(_MINE, "BOOLEAN", "POINT")
        column.data.foreach_set("value", mine)
        scene.collection.objects.link(source)
        sources.append((source, np.subtract(deal.origin, hand.origin)))
    if not sources:
        return None
    group = bpy.data.node_groups.new(hand.name, "GeometryNodeTree")
    used.append(group)
    _build(group, sources)
    holder = sources[0][0]
    holder.modifiers.new(hand.name, "NODES").node_group = group
    return holder


def _result(holder: bpy.types.Object, depsgraph: bpy.types.Depsgraph) -> bpy.types.Mesh:
    result = bpy.data.meshes.new_from_object(holder.evaluated_get(depsgraph))
    result.attributes.remove(result.attributes[_MINE])
    return result


def mesh_of(name: str, count: int) -> bpy.types.Mesh:
    """The mesh of that name. SceneError when it is gone or no longer has ``count`` points."""
    mesh = bpy.data.meshes.get(name)
    if mesh is None or len(mesh.vertices) != count:
        raise SceneError(f"The points of {name} were changed meanwhile: press the button again.")
    return mesh


def _emptied(mesh: bpy.types.Mesh) -> bpy.types.Mesh:
    """A mesh without points that knows the attributes of ``mesh``."""
    result = mesh.copy()
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
    """Nodes that take the hand's points from each source, move them by its offset and join them. The first
    source's mesh is what the nodes are given."""
    sockets, nodes, link = group.interface, group.nodes, group.links.new
    for direction in ("INPUT", "OUTPUT"):
        sockets.new_socket("Geometry", in_out=direction, socket_type="NodeSocketGeometry")
    mine = nodes.new("GeometryNodeInputNamedAttribute")
    mine.data_type = "BOOLEAN"
    mine.inputs["Name"].default_value = _MINE
    selection = next(socket for socket in mine.outputs if socket.enabled)
    parts: list[bpy.types.NodeSocket] = []
    for source, offset in sources:
        if not parts:
            given = nodes.new("NodeGroupInput").outputs[0]
        else:
            info = nodes.new("GeometryNodeObjectInfo")
            info.inputs["Object"].default_value = source
            given = info.outputs["Geometry"]
        kept = nodes.new("GeometryNodeSeparateGeometry")
        kept.domain = "POINT"
        link(given, kept.inputs["Geometry"])
        link(selection, kept.inputs["Selection"])
        geometry = kept.outputs["Selection"]
        if offset.any():
            moved = nodes.new("GeometryNodeSetPosition")
            moved.inputs["Offset"].default_value = offset.tolist()
            link(geometry, moved.inputs["Geometry"])
            geometry = moved.outputs[0]
        parts.append(geometry)
    joined = nodes.new("GeometryNodeJoinGeometry").inputs[0] if len(parts) > 1 else None
    output = nodes.new("NodeGroupOutput").inputs[0]
    for geometry in parts[::-1]:  # what is linked last comes first
        link(geometry, output if joined is None else joined)
    if joined is not None:
        link(joined.node.outputs[0], output)
