# SPDX-License-Identifier: GPL-3.0-or-later
"""A short way to write shader node trees."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import bpy

Colour = tuple[float, float, float]
Value = Any
"""A node socket to link from, or a constant: number, 3-vector or colour."""


def rgb(code: str) -> Colour:
    """Linear colour of an sRGB hex code such as "c08040"."""

    def linear(byte: int) -> float:
        c = byte / 255.0
        return c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4

    return (linear(int(code[0:2], 16)), linear(int(code[2:4], 16)), linear(int(code[4:6], 16)))


class Shader:
    """One material under construction: every method adds a node and returns its output socket."""

    def __init__(self, name: str) -> None:
        self.material = bpy.data.materials.new(name)
        self.material.use_nodes = True
        self.tree = self.material.node_tree
        self.tree.nodes.clear()

    def node(self, kind: str, inputs: dict[str | int, Value] | None = None, **properties: Any) -> Any:
        """Add a node; ``inputs`` by name or index take sockets or constants."""
        node = self.tree.nodes.new(kind)
        for key, value in properties.items():
            setattr(node, key, value)
        for slot, value in (inputs or {}).items():
            socket = node.inputs[slot]
            if isinstance(value, bpy.types.NodeSocket):
                self.tree.links.new(value, socket)
            elif isinstance(value, Sequence) and socket.type == "RGBA":
                socket.default_value = (*value[:3], 1.0)
            else:
                socket.default_value = value
        return node

    def coordinates(self, kind: str = "Object") -> Any:
        """Texture coordinates: "Object" in metres, "UV" or "Generated"."""
        return self.node("ShaderNodeTexCoord").outputs[kind]

    def per_object(self) -> Any:
        """A random number in 0..1 for each object that wears the material."""
        return self.node("ShaderNodeObjectInfo").outputs["Random"]

    def own_coordinates(self) -> Any:
        """Object coordinates in metres, shifted by an amount of each object's own."""
        own = self.per_object()
        shift: dict[str | int, Value] = {k: self.math("MULTIPLY", own, 31.0 + 9 * k) for k in range(3)}
        inputs: dict[str | int, Value] = {0: self.coordinates()}
        inputs[1] = self.node("ShaderNodeCombineXYZ", shift).outputs[0]
        return self.node("ShaderNodeVectorMath", inputs, operation="ADD").outputs[0]

    def moved(self, vector: Value, *, scale: Value = (1, 1, 1), location: Value = (0, 0, 0)) -> Any:
        """``vector * scale + location``."""
        inputs: dict[str | int, Value] = {"Vector": vector, "Scale": scale, "Location": location}
        return self.node("ShaderNodeMapping", inputs).outputs[0]

    def noise(
        self,
        vector: Value,
        scale: float,
        *,
        detail: float = 4.0,
        roughness: float = 0.55,
        distortion: float = 0.0,
    ) -> Any:
        """Fractal noise in 0..1."""
        inputs: dict[str | int, Value] = {
            "Vector": vector,
            "Scale": scale,
            "Detail": detail,
            "Roughness": roughness,
            "Distortion": distortion,
        }
        return self.node("ShaderNodeTexNoise", inputs).outputs[0]

    def cells(self, vector: Value, scale: float, *, output: str = "Distance", randomness: float = 1.0) -> Any:
        """Voronoi cells: "Distance" to the nearest seed, or the cell's random "Color"."""
        inputs: dict[str | int, Value] = {"Vector": vector, "Scale": scale, "Randomness": randomness}
        return self.node("ShaderNodeTexVoronoi", inputs).outputs[output]

    def math(self, operation: str, a: Value, b: Value = 0.0, *, clamp: bool = False) -> Any:
        """``a operation b``."""
        inputs: dict[str | int, Value] = {0: a, 1: b}
        return self.node("ShaderNodeMath", inputs, operation=operation, use_clamp=clamp).outputs[0]

    def between(self, value: Value, low: float, high: float) -> Any:
        """0 below ``low``, 1 above ``high``, smooth between them; ``low > high`` turns it round."""
        inputs: dict[str | int, Value] = {0: value, 1: min(low, high), 2: max(low, high), 3: 0.0, 4: 1.0}
        if low > high:
            inputs[3], inputs[4] = 1.0, 0.0
        node = self.node("ShaderNodeMapRange", inputs, interpolation_type="SMOOTHSTEP", clamp=True)
        return node.outputs[0]

    def ramp(self, fac: Value, stops: Sequence[tuple[float, Colour]]) -> Any:
        """A colour ramp."""
        node = self.node("ShaderNodeValToRGB", {0: fac})
        elements = node.color_ramp.elements
        while len(elements) < len(stops):
            elements.new(0.5)
        for element, (position, colour) in zip(elements, stops, strict=True):
            element.position = position
            element.color = (*colour, 1.0)
        return node.outputs[0]

    def mix(self, fac: Value, a: Value, b: Value, blend: str = "MIX") -> Any:
        """Two colours mixed, or blended as in "MULTIPLY" and "OVERLAY"."""
        inputs: dict[str | int, Value] = {0: fac, 6: a, 7: b}
        return self.node("ShaderNodeMix", inputs, data_type="RGBA", blend_type=blend).outputs[2]

    def image(self, file: Path, vector: Value) -> tuple[Any, Any]:
        """An image texture: its colour and alpha."""
        picture = bpy.data.images.load(str(file), check_existing=True)
        node = self.node("ShaderNodeTexImage", {0: vector}, image=picture, interpolation="Cubic")
        node.extension = "EXTEND"
        return node.outputs[0], node.outputs[1]

    def bump(self, height: Value, distance: float, strength: float = 1.0, normal: Value = None) -> Any:
        """A normal bent by ``height * distance`` metres."""
        inputs: dict[str | int, Value] = {"Height": height, "Distance": distance, "Strength": strength}
        if normal is not None:
            inputs["Normal"] = normal
        return self.node("ShaderNodeBump", inputs).outputs[0]

    def surface(self, **inputs: Value) -> Any:
        """Finish with a Principled BSDF; ``Base_Color`` stands for "Base Color". Gives the material."""
        named: dict[str | int, Value] = {key.replace("_", " "): value for key, value in inputs.items()}
        shader = self.node("ShaderNodeBsdfPrincipled", named)
        self.tree.links.new(shader.outputs[0], self.node("ShaderNodeOutputMaterial").inputs[0])
        return self.material
