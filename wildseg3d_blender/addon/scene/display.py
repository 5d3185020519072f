# SPDX-License-Identifier: GPL-3.0-or-later
"""How points are drawn: small squares on the surface, made by geometry nodes, in the photos' colours.

A point cloud (Mesh to Points) has no colours in Solid: the workbench engine draws point clouds in the
material's colour alone. Instancing plus Realize Instances keeps the attribute but loses which colour is the
active one, so Solid shows none either. Extruding a vertex to an edge and the edge to a square keeps the
active colour, is 2 to 7 times faster than realising instances, and shows in Solid, EEVEE and Cycles alike.
"""

from __future__ import annotations

from typing import Any

import bpy
import numpy as np
from numpy.typing import NDArray

from . import lookup

GROUP_NAME = "WildSeg3D Points"
MATERIAL_NAME = "WildSeg3D Photo Colours"
MODIFIER_NAME = "Points"
CONFIDENCE_LEVELS = 21
POINT_BUDGET = 1_000_000
"""Points shown at first; beyond that, moving a slider of the display takes over a second."""

_VERSION = 1
_SIZE, _MINIMUM, _SHARE = "Size", "Minimum Confidence", "Share"


def add_modifier(item: bpy.types.Object) -> None:
    """Give a mesh of points its display."""
    modifier = item.modifiers.new(MODIFIER_NAME, "NODES")
    modifier.node_group = node_group()
    if not item.data.materials:
        item.data.materials.append(material())


def apply_settings(root: bpy.types.Object) -> None:
    """Bring the root's display settings to every mesh of points under it."""
    settings = root.wildseg3d
    values = {
        _SIZE: settings.point_size,
        _MINIMUM: minimum_confidence(settings),
        _SHARE: settings.share / 100.0,
    }
    for item in lookup.point_objects(root):
        for modifier in item.modifiers:
            if modifier.type == "NODES" and modifier.node_group and _is_ours(modifier.node_group):
                _set_inputs(modifier, values)
                item.update_tag()


def confidence_levels(confidence: NDArray[np.float32]) -> NDArray[np.float64]:
    """Confidence at ``CONFIDENCE_LEVELS`` even shares of the points, from the least to the most certain."""
    if not len(confidence):
        return np.zeros(CONFIDENCE_LEVELS)
    sample = confidence[:: max(1, len(confidence) // 100_000)]  # enough: the slider moves in percents
    return np.quantile(sample, np.linspace(0.0, 1.0, CONFIDENCE_LEVELS))


def minimum_confidence(settings: Any) -> float:
    """The confidence below which the root's "Hide Uncertain" hides points."""
    if settings.hide_uncertain <= 0.0:
        return 0.0
    shares = np.linspace(0.0, 100.0, CONFIDENCE_LEVELS)
    return float(np.interp(settings.hide_uncertain, shares, np.array(settings.confidence_levels)))


def material() -> bpy.types.Material:
    """The material that shows the photos' colours as they are, whatever the light."""
    found = bpy.data.materials.get(MATERIAL_NAME)
    if found is not None and found.library is None:
        return found
    made = unlit_material(MATERIAL_NAME, "ShaderNodeAttribute")
    made.node_tree.nodes[0].attribute_name = "colour"
    return made


def unlit_material(name: str, source: str) -> bpy.types.Material:
    """A new material that glows in the colour of a node of type ``source``, the first of its tree."""
    made = bpy.data.materials.new(name)
    if made.node_tree is None:
        made.use_nodes = True
    tree = made.node_tree
    tree.nodes.clear()
    colour = tree.nodes.new(source)
    emission = tree.nodes.new("ShaderNodeEmission")
    output = tree.nodes.new("ShaderNodeOutputMaterial")
    for column, node in enumerate((colour, emission, output)):
        node.location = (column * 220, 0)
    tree.links.new(colour.outputs["Color"], emission.inputs["Color"])
    tree.links.new(emission.outputs["Emission"], output.inputs["Surface"])
    light_nothing(made)
    return made


def light_nothing(material: bpy.types.Material) -> None:
    """Keep glowing points from being lamps: sorting a million of them takes Cycles minutes."""
    cycles = getattr(material, "cycles", None)  # missing while Cycles is switched off
    if cycles is not None:
        cycles.emission_sampling = "NONE"


def node_group() -> bpy.types.NodeTree:
    """The geometry-nodes group of the display, made when the file has none of this version."""
    for found in bpy.data.node_groups:
        if _is_ours(found) and found.library is None and found["wildseg3d"] == _VERSION:
            return found
    group = bpy.data.node_groups.new(GROUP_NAME, "GeometryNodeTree")
    group["wildseg3d"] = _VERSION
    group.is_modifier = True
    _build(group)
    return group


def _is_ours(group: bpy.types.NodeTree) -> bool:
    return "wildseg3d" in group


def _set_inputs(modifier: bpy.types.Modifier, values: dict[str, float]) -> None:
    for socket in modifier.node_group.interface.items_tree:
        if socket.item_type == "SOCKET" and socket.in_out == "INPUT" and socket.name in values:
            _set_input(modifier, socket.identifier, float(values[socket.name]))


def _set_input(modifier: bpy.types.Modifier, identifier: str, value: float) -> None:
    if hasattr(modifier, "properties"):  # Blender 5.2 and later
        getattr(modifier.properties.inputs, identifier).value = value
    else:
        modifier[identifier] = value


def _build(group: bpy.types.NodeTree) -> None:
    sockets = group.interface
    sockets.new_socket("Geometry", in_out="INPUT", socket_type="NodeSocketGeometry")
    _float_socket(sockets, _SIZE, "Size of the points; at 1 they just touch", 1.0, None)
    _float_socket(sockets, _MINIMUM, "Points less certain than this are hidden", 0.0, None)
    _float_socket(sockets, _SHARE, "Share of the points that is shown", 1.0, 1.0)
    sockets.new_socket("Geometry", in_out="OUTPUT", socket_type="NodeSocketGeometry")

    build = _Builder(group)
    given = build.node("NodeGroupInput").outputs
    confidence = build.attribute("confidence", "FLOAT")
    uncertain = build.compare("LESS_THAN", confidence, given[_MINIMUM])
    left_out = build.compare("GREATER_THAN", build.random(), given[_SHARE])
    hidden = build.node("FunctionNodeBooleanMath", operation="OR", inputs={0: uncertain, 1: left_out})
    shown = build.node(
        "GeometryNodeDeleteGeometry",
        domain="POINT",
        inputs={"Geometry": given["Geometry"], "Selection": hidden.outputs[0]},
    )
    geometry = shown.outputs[0]
    for name in ("view", "pixel"):
        geometry = build.without(geometry, name)

    # Two edge vectors of a square on the surface, from any direction that no surface has exactly.
    normal = build.attribute("normal", "FLOAT_VECTOR")
    side = build.math("MULTIPLY", build.attribute("size", "FLOAT"), given[_SIZE])
    across = build.vector("CROSS_PRODUCT", normal, (0.1317, 0.3163, 0.9395))
    across = build.vector("NORMALIZE", across)
    across = build.vector("SCALE", across, scale=side)
    along = build.vector("CROSS_PRODUCT", normal, across)
    corner = build.vector("SCALE", build.vector("ADD", across, along), scale=-0.5)

    geometry = build.node("GeometryNodeSetPosition", inputs={"Geometry": geometry, "Offset": corner}).outputs[
        0
    ]
    for mode, offset in (("VERTICES", across), ("EDGES", along)):
        geometry = build.node(
            "GeometryNodeExtrudeMesh",
            mode=mode,
            inputs={"Mesh": geometry, "Offset": offset, "Offset Scale": 1.0},
        ).outputs[0]
    for name in ("normal", "size"):
        geometry = build.without(geometry, name)
    build.node("NodeGroupOutput", inputs={0: geometry})


def _float_socket(sockets: Any, name: str, description: str, default: float, maximum: float | None) -> None:
    socket = sockets.new_socket(name, in_out="INPUT", socket_type="NodeSocketFloat", description=description)
    socket.default_value = default
    socket.min_value = 0.0
    if maximum is not None:
        socket.max_value = maximum


class _Builder:
    """Adds nodes from left to right; ``inputs`` takes sockets to link and values to set."""

    def __init__(self, group: bpy.types.NodeTree) -> None:
        self._group = group

    def node(self, kind: str, *, inputs: dict[int | str, Any] | None = None, **settings: Any) -> Any:
        node = self._group.nodes.new(kind)
        node.location = ((len(self._group.nodes) - 1) * 190, 0)
        for name, value in settings.items():
            setattr(node, name, value)
        for key, value in (inputs or {}).items():
            if isinstance(value, bpy.types.NodeSocket):
                self._group.links.new(value, node.inputs[key])
            else:
                node.inputs[key].default_value = value
        return node

    def attribute(self, name: str, kind: str) -> Any:
        node = self.node("GeometryNodeInputNamedAttribute", data_type=kind, inputs={"Name": name})
        return next(socket for socket in node.outputs if socket.enabled)

    def random(self) -> Any:
        node = self.node("FunctionNodeRandomValue", data_type="FLOAT")
        return next(socket for socket in node.outputs if socket.enabled)

    def compare(self, operation: str, a: Any, b: Any) -> Any:
        node = self.node("FunctionNodeCompare", data_type="FLOAT", operation=operation, inputs={0: a, 1: b})
        return node.outputs[0]

    def math(self, operation: str, a: Any, b: Any) -> Any:
        return self.node("ShaderNodeMath", operation=operation, inputs={0: a, 1: b}).outputs[0]

    def vector(self, operation: str, a: Any, b: Any = None, scale: Any = None) -> Any:
        inputs: dict[int | str, Any] = {0: a}
        if b is not None:
            inputs[1] = b
        if scale is not None:
            inputs["Scale"] = scale
        return self.node("ShaderNodeVectorMath", operation=operation, inputs=inputs).outputs[0]

    def without(self, geometry: Any, name: str) -> Any:
        node = self.node("GeometryNodeRemoveAttribute", inputs={"Geometry": geometry, "Name": name})
        return node.outputs[0]
