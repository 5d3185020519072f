# SPDX-License-Identifier: GPL-3.0-or-later
"""A small plush bear with real fur: ellipsoids for the body, one hair curve per strand."""

from __future__ import annotations

from dataclasses import dataclass
from math import radians
from typing import Any

import bpy
import numpy as np
from mathutils import Euler
from numpy.typing import NDArray

from samples.studio import shapes
from samples.studio.nodes import Shader, rgb

from . import materials

STRANDS_PER_CM2 = 170
STRAND_POINTS = 5


@dataclass(frozen=True)
class Lump:
    """One stuffed part: an ellipsoid with fur of a length (metres) and a colour, 0 cream .. 1 tan."""

    centre: tuple[float, float, float]
    radii: tuple[float, float, float]
    fur: float = 0.0085
    tan: float = 0.0
    turn: tuple[float, float, float] = (0.0, 0.0, 0.0)

    def rotation(self) -> NDArray[np.float64]:
        """3x3, part to bear."""
        return np.array(Euler([radians(a) for a in self.turn]).to_matrix())


LUMPS = (
    Lump((0, 0, 0.062), (0.047, 0.042, 0.060)),
    Lump((0, -0.008, 0.146), (0.043, 0.038, 0.037)),
    Lump((0, -0.041, 0.135), (0.021, 0.019, 0.016), fur=0.004, tan=0.8),
    Lump((-0.034, 0.002, 0.180), (0.017, 0.008, 0.017), fur=0.006),
    Lump((0.034, 0.002, 0.180), (0.017, 0.008, 0.017), fur=0.006),
    Lump((-0.034, -0.0045, 0.180), (0.010, 0.004, 0.010), fur=0.003, tan=1.0),
    Lump((0.034, -0.0045, 0.180), (0.010, 0.004, 0.010), fur=0.003, tan=1.0),
    Lump((-0.052, -0.020, 0.082), (0.017, 0.017, 0.040), turn=(-38, 24, 0)),
    Lump((0.052, -0.020, 0.082), (0.017, 0.017, 0.040), turn=(-38, -24, 0)),
    Lump((-0.038, -0.058, 0.024), (0.021, 0.044, 0.021), turn=(0, 0, -20)),
    Lump((0.038, -0.058, 0.024), (0.021, 0.044, 0.021), turn=(0, 0, 20)),
    Lump((-0.053, -0.099, 0.027), (0.019, 0.007, 0.023), fur=0.003, tan=1.0, turn=(0, 0, -20)),
    Lump((0.053, -0.099, 0.027), (0.019, 0.007, 0.023), fur=0.003, tan=1.0, turn=(0, 0, 20)),
)


def teddy() -> list[Any]:
    """The bear, sitting, leaning back on the parcel. Gives its parts."""
    rng = np.random.default_rng(3)
    cloth = materials.speckled("backing", "b6a387", "6d5b43", "d6c6ab", scale=600, roughness=1.0)
    parts = []
    for lump in LUMPS:
        turn = Euler([radians(a) for a in lump.turn]).to_matrix()
        parts.append(shapes.ellipsoid("bear part", lump.centre, lump.radii, cloth, turn=turn))
    for tan, material in (
        (False, _fur("fur", "efe4cc", "c2ab86")),
        (True, _fur("tan fur", "a97a4c", "70492a")),
    ):
        chosen = [lump for lump in LUMPS if (lump.tan > 0.5) == tan]
        parts.append(_strands("fur", np.concatenate([_grow(lump, rng) for lump in chosen]), material))
    black = Shader("button").surface(Base_Color=rgb("140d0a"), Roughness=0.18)
    eye = (0.0056, 0.0045, 0.0056)
    parts += [shapes.ellipsoid("eye", (x, -0.0425, 0.1555), eye, black) for x in (-0.0165, 0.0165)]
    nose = materials.speckled("nose", "2a1812", "120a08", "4c3226", scale=1500, roughness=0.6)
    parts.append(shapes.ellipsoid("nose", (0, -0.0625, 0.1415), (0.0082, 0.005, 0.0056), nose))
    wool = materials.speckled("wool", "9c2f35", "4c1218", "cf6a62", scale=900, roughness=1.0)
    parts += _scarf(wool)
    shapes.group("teddy", parts, location=(-0.088, 0.142, 0.002), turn_z=-14)
    parts[0].parent.rotation_euler = (radians(-5), radians(3), radians(-14))
    return parts


def _grow(lump: Lump, rng: np.random.Generator) -> NDArray[np.float64]:
    """Strands of one lump, (S, STRAND_POINTS, 3), those that start inside another lump left out."""
    radii = np.array(lump.radii)
    p = 1.6
    a, b, c = radii**p
    area_cm2 = 4 * np.pi * ((a * b + a * c + b * c) / 3) ** (1 / p) * 1e4
    count = int(area_cm2 * STRANDS_PER_CM2)
    on_sphere = rng.normal(size=(count, 3))
    on_sphere /= np.linalg.norm(on_sphere, axis=1, keepdims=True)
    rotation = lump.rotation()
    root = (on_sphere * radii) @ rotation.T + np.array(lump.centre)
    normal = (on_sphere / radii) @ rotation.T
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    keep = np.ones(count, dtype=bool)
    for other in LUMPS:
        if other is lump:
            continue
        inside = ((root - np.array(other.centre)) @ other.rotation() / np.array(other.radii)) ** 2
        keep &= inside.sum(1) > 1.0
    root, normal = root[keep], normal[keep]
    # Neighbouring strands lean together: a tuft's lean is a smooth function of where it grows.
    cell = np.floor(root / 0.0032).astype(np.int64)
    tuft = np.stack(
        [np.sin(cell @ np.array(k) * 12.9898) * 43758.5453 for k in ((1, 57, 113), (7, 91, 29), (31, 3, 71))]
    )
    lean = (tuft.T - np.floor(tuft.T)) * 2 - 1
    wild = rng.normal(size=root.shape)
    direction = normal + 0.55 * lean + 0.22 * wild + np.array([0.0, 0.0, -0.28])
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    length = lump.fur * rng.uniform(0.65, 1.1, (len(root), 1))
    curl = 0.30 * np.cross(direction, lean) + 0.12 * rng.normal(size=root.shape)
    steps = np.linspace(0, 1, STRAND_POINTS)[:, None, None]
    strand = root + steps * length * direction + steps**2 * length * curl
    strand[..., 2] = np.maximum(strand[..., 2], 0.0006)
    return np.transpose(strand, (1, 0, 2))


def _strands(name: str, strands: NDArray[np.float64], material: Any) -> Any:
    curves = bpy.data.hair_curves.new(name)
    count = len(strands)
    curves.add_curves([STRAND_POINTS] * count)
    curves.points.foreach_set("position", strands.astype(np.float32).ravel())
    thickness = np.tile(np.linspace(0.00016, 0.00006, STRAND_POINTS, dtype=np.float32), count)
    curves.points.foreach_set("radius", thickness)
    curves.materials.append(material)
    thing = bpy.data.objects.new(name, curves)
    bpy.context.collection.objects.link(thing)
    return thing


def _fur(name: str, light: str, dark: str) -> Any:
    s = Shader(name)
    strand = s.node("ShaderNodeHairInfo")
    broad = s.noise(s.coordinates(), 95.0, detail=5.0)
    tone = s.math("ADD", s.math("MULTIPLY", strand.outputs["Random"], 0.6), s.math("MULTIPLY", broad, 0.5))
    colour = s.mix(s.between(tone, 0.2, 0.85), rgb(dark), rgb(light))
    colour = s.mix(
        s.between(strand.outputs["Intercept"], 0.7, 0.0),
        colour,
        s.mix(1.0, colour, rgb("a89a88"), "MULTIPLY"),
    )
    return s.surface(Base_Color=colour, Roughness=0.75, Specular_IOR_Level=0.25)


def _scarf(wool: Any) -> list[Any]:
    """A twisted woollen band around the neck with a hanging end."""
    ring = []
    for strand in range(3):
        path, radii = [], []
        for k in range(121):
            angle = 2 * np.pi * k / 120
            twist = 9 * angle + strand * 2 * np.pi / 3
            reach = 1 + 0.09 * np.cos(twist)
            path.append(
                (
                    0.0375 * reach * np.cos(angle),
                    -0.004 + 0.0345 * reach * np.sin(angle),
                    0.1135 + 0.0036 * np.sin(twist),
                )
            )
            radii.append(0.0040)
        ring.append(shapes.tube("scarf", path, radii, wool))
    for strand in range(3):
        path, radii = [], []
        for k in range(50):
            t = k / 49
            twist = 16 * t + strand * 2 * np.pi / 3
            path.append(
                (
                    0.020 + 0.006 * t + 0.0035 * np.cos(twist),
                    -0.040 - 0.012 * np.sin(2.6 * t) + 0.0035 * np.sin(twist),
                    0.112 - 0.052 * t,
                )
            )
            radii.append(0.0039)
        ring.append(shapes.tube("scarf end", path, radii, wool))
    return ring
