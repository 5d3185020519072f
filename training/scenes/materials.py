# SPDX-License-Identifier: GPL-3.0-or-later
"""Random surfaces: a pattern in a few colours, from faint to loud, with a finish from chalk to chrome."""

from __future__ import annotations

import colorsys
from collections.abc import Callable
from typing import Any

import numpy as np

from samples.studio.nodes import Colour, Shader

from . import prints
from .forms import Rng, chance, pick

Pattern = Callable[[Shader, Any, Rng, list[Colour]], tuple[Any, Any]]
"""Gives a colour and a height socket (None: flat) from coordinates in which a thing is about 1 long."""


def random_colour(rng: Rng, *, calm: bool = False) -> Colour:
    """A linear colour: more often a neutral or an earthy tone than a lively one, hardly ever if ``calm``."""
    kind = rng.random() * (0.7 if calm else 1.0)
    if kind < 0.3:
        value = float(rng.choice([0.02, 0.05, 0.15, 0.35, 0.6, 0.8]))
        tint = rng.uniform(0.9, 1.1, 3)
        return _colour(value * tint)
    if kind < 0.6:
        hue, saturation, value = rng.uniform(0.03, 0.14), rng.uniform(0.25, 0.75), rng.uniform(0.05, 0.6)
    else:
        hue, saturation, value = rng.random(), rng.uniform(0.3, 0.95), rng.uniform(0.05, 0.8)
    return _colour(np.array(colorsys.hsv_to_rgb(hue, saturation, value)))


def near_colour(rng: Rng, colour: Colour, amount: float = 0.25) -> Colour:
    """A shade of ``colour``."""
    factor = np.exp(rng.normal(0, amount)) * np.exp(rng.normal(0, amount / 4, 3))
    return _colour(np.array(colour) * factor)


def _colour(values: Any) -> Colour:
    red, green, blue = (float(v) for v in np.clip(values, 0.008, 0.85))
    return red, green, blue


def _plain(s: Shader, p: Any, rng: Rng, c: list[Colour]) -> tuple[Any, Any]:
    broad = s.noise(p, rng.uniform(1, 6), detail=3.0)
    return s.mix(broad, c[0], tuple(0.8 * v for v in c[0])), s.noise(p, rng.uniform(20, 90))


def _blotches(s: Shader, p: Any, rng: Rng, c: list[Colour]) -> tuple[Any, Any]:
    n = s.noise(p, rng.uniform(1.5, 14), detail=6.0, roughness=rng.uniform(0.4, 0.75))
    width = rng.uniform(0.01, 0.2)
    return s.mix(s.between(n, 0.5 - width, 0.5 + width), c[0], c[1]), n


def _speckles(s: Shader, p: Any, rng: Rng, c: list[Colour]) -> tuple[Any, Any]:
    n = s.noise(p, rng.uniform(30, 160), detail=3.0, roughness=0.7)
    colour = s.mix(s.between(n, rng.uniform(0.35, 0.55), rng.uniform(0.58, 0.7)), c[0], c[1])
    return s.mix(s.between(s.noise(p, rng.uniform(2, 9), detail=5.0), 0.35, 0.7), colour, c[2]), n


def _stripes(s: Shader, p: Any, rng: Rng, c: list[Colour]) -> tuple[Any, Any]:
    inputs: dict[str | int, Any] = {"Vector": p, "Scale": rng.uniform(1.0, 9.0), "Distortion": 0.0}
    if chance(rng, 0.35):
        inputs |= {"Distortion": rng.uniform(0.5, 6.0), "Detail": 2.0}
    wave = s.node("ShaderNodeTexWave", inputs, bands_direction=pick(rng, ("X", "Y", "Z", "DIAGONAL")))
    soft = rng.uniform(0.01, 0.3)
    middle = rng.uniform(0.3, 0.7)
    return s.mix(s.between(wave.outputs[1], middle - soft, middle + soft), c[0], c[1]), None


def _wood(s: Shader, p: Any, rng: Rng, c: list[Colour]) -> tuple[Any, Any]:
    along = [float(v) for v in rng.permutation([rng.uniform(0.5, 1.5), *rng.uniform(5, 14, 2)])]
    stretched = s.moved(p, scale=tuple(along))
    rings = s.noise(stretched, rng.uniform(0.4, 1.2), detail=6.0, distortion=rng.uniform(0.2, 1.2))
    grain = s.noise(s.moved(p, scale=tuple(6 * a for a in along)), 1.5, detail=4.0)
    brown = _colour(np.array([0.30, 0.15, 0.06]) * np.exp(rng.normal(0, 0.5)) * rng.uniform(0.8, 1.2, 3))
    light = c[0] if chance(rng, 0.3) else brown
    dark = tuple(v * rng.uniform(0.3, 0.7) for v in light)
    tone = s.math("ADD", s.math("MULTIPLY", rings, 0.7), s.math("MULTIPLY", grain, 0.3))
    return s.mix(s.between(tone, 0.35, 0.65), light, dark), grain


def _bricks(s: Shader, p: Any, rng: Rng, c: list[Colour]) -> tuple[Any, Any]:
    inputs: dict[str | int, Any] = {"Vector": p, "Color1": c[0], "Color2": c[1], "Mortar": c[2]}
    inputs |= {"Scale": rng.uniform(1.5, 8.0), "Mortar Size": rng.uniform(0.005, 0.04)}
    inputs |= {"Brick Width": rng.uniform(0.4, 1.1), "Row Height": rng.uniform(0.2, 0.5), "Bias": 0.0}
    node = s.node("ShaderNodeTexBrick", inputs, offset=pick(rng, (0.0, 0.5, 0.5)))
    dirt = s.noise(p, rng.uniform(4, 30), detail=6.0, roughness=0.7)
    colour = s.mix(s.math("MULTIPLY", dirt, rng.uniform(0.2, 0.9)), node.outputs[0], (0.03, 0.03, 0.025))
    return colour, s.math("SUBTRACT", s.math("MULTIPLY", dirt, 0.4), node.outputs[1])


def _checks(s: Shader, p: Any, rng: Rng, c: list[Colour]) -> tuple[Any, Any]:
    inputs: dict[str | int, Any] = {"Vector": p, "Color1": c[0], "Color2": c[1]}
    node = s.node("ShaderNodeTexChecker", inputs | {"Scale": rng.uniform(2, 14)})
    n = s.noise(p, rng.uniform(5, 40), detail=4.0)
    return s.mix(s.math("MULTIPLY", n, 0.35), node.outputs[0], c[2]), None


def _cells(s: Shader, p: Any, rng: Rng, c: list[Colour]) -> tuple[Any, Any]:
    scale = rng.uniform(2, 22)
    own = s.cells(p, scale, output="Color")
    distance = s.cells(p, scale)
    colour = s.mix(rng.uniform(0.2, 0.8), s.mix(own, c[0], c[1]), own, "OVERLAY")
    if chance(rng, 0.5):
        colour = s.mix(s.between(distance, 0.3, 0.6), colour, c[2])
    return colour, s.between(distance, 0.6, 0.2)


def _dots(s: Shader, p: Any, rng: Rng, c: list[Colour]) -> tuple[Any, Any]:
    distance = s.cells(p, rng.uniform(4, 20), randomness=pick(rng, (0.0, 0.3, 1.0)))
    edge = rng.uniform(0.15, 0.4)
    return s.mix(s.between(distance, edge, edge + 0.03), c[1], c[0]), None


def _marble(s: Shader, p: Any, rng: Rng, c: list[Colour]) -> tuple[Any, Any]:
    n = s.noise(p, rng.uniform(1, 5), detail=9.0, distortion=rng.uniform(0.8, 3.0))
    veins = s.math("ABSOLUTE", s.math("SUBTRACT", n, 0.5))
    return s.mix(s.between(veins, 0.0, rng.uniform(0.02, 0.12)), c[1], s.mix(n, c[0], c[2])), None


def _weave(s: Shader, p: Any, rng: Rng, c: list[Colour]) -> tuple[Any, Any]:
    scale = rng.uniform(8, 40)
    threads = [
        s.node("ShaderNodeTexWave", {"Vector": p, "Scale": scale}, bands_direction=axis).outputs[1]
        for axis in ("X", "Y")
    ]
    height = s.math("MULTIPLY", *threads)
    broad = s.between(s.noise(p, rng.uniform(2, 8), detail=4.0), 0.4, 0.6)
    return s.mix(s.math("MULTIPLY", height, 0.8), s.mix(broad, c[0], c[2]), c[1]), height


def _tartan(s: Shader, p: Any, rng: Rng, c: list[Colour]) -> tuple[Any, Any]:
    colour: Any = c[0]
    for axis in ("X", "Y", "Z"):
        inputs: dict[str | int, Any] = {"Vector": p, "Scale": rng.uniform(0.8, 4.0)}
        wave = s.node("ShaderNodeTexWave", inputs, bands_direction=axis).outputs[1]
        band = s.between(wave, rng.uniform(0.5, 0.8), 0.85)
        colour = s.mix(s.math("MULTIPLY", band, 0.6), colour, pick(rng, c[1:]))
    return colour, None


PATTERNS: tuple[Pattern, ...] = (
    _plain, _plain, _blotches, _speckles, _stripes, _wood, _wood, _bricks,
    _checks, _cells, _dots, _marble, _weave, _tartan,
)  # fmt: skip
QUIET: tuple[Pattern, ...] = (_plain, _plain, _plain, _blotches, _speckles, _marble)

FINISHES = {
    "matt": {"Roughness": (0.7, 1.0), "Specular_IOR_Level": (0.1, 0.5)},
    "satin": {"Roughness": (0.35, 0.65), "Specular_IOR_Level": (0.3, 0.6)},
    "gloss": {"Roughness": (0.08, 0.3), "Specular_IOR_Level": (0.4, 0.7)},
    "lacquer": {"Roughness": (0.3, 0.8), "Coat_Weight": (0.5, 1.0), "Coat_Roughness": (0.02, 0.2)},
    "metal": {"Roughness": (0.15, 0.55), "Metallic": (0.8, 1.0)},
    "cloth": {"Roughness": (0.8, 1.0), "Sheen_Weight": (0.0, 0.6), "Specular_IOR_Level": (0.0, 0.2)},
    "glass": {"Roughness": (0.0, 0.1), "Transmission_Weight": (0.85, 1.0)},
}


class Paint:
    """Hands out surfaces for one scene, whose things have colours in common."""

    def __init__(self, rng: Rng) -> None:
        self.rng = rng
        calm = chance(rng, 0.5)
        self.palette = [random_colour(rng, calm=calm) for _ in range(int(rng.integers(3, 8)))]
        # In some scenes hardly a thing differs in colour from another and from what it stands on.
        self.shared = 0.9 if chance(rng, 0.2) else rng.uniform(0.0, 0.5)
        self.strength = rng.uniform(0.3, 1.0)

    def colour(self) -> Colour:
        """A shade of the scene's palette or any other colour."""
        if chance(self.rng, self.shared):
            return near_colour(self.rng, self.palette[0 if chance(self.rng, self.shared) else -1])
        return pick(self.rng, self.palette) if chance(self.rng, 0.3) else random_colour(self.rng)

    def skin(
        self,
        size: float,
        *,
        finish: str | None = None,
        quiet: bool | None = None,
        colour: Colour | None = None,
        pattern: Pattern | None = None,
        coordinates: str = "Object",
    ) -> Any:
        """A new material for something about ``size`` metres long (1 for UV coordinates).

        ``quiet``: nearly one colour; at random where None. ``colour``: its main one.
        """
        rng = self.rng
        quiet = chance(rng, 0.4) if quiet is None else quiet
        finish = finish or pick(rng, ("matt", "matt", "satin", "satin", "gloss", "lacquer", "metal"))
        s = Shader("skin")
        shift = tuple(rng.uniform(-20, 20, 3).tolist())
        p = s.moved(s.coordinates(coordinates), scale=(1 / size,) * 3, location=shift)
        main = colour or self.colour()
        others = [near_colour(rng, main, 0.6) if chance(rng, 0.4) else self.colour() for _ in range(3)]
        made = pattern or pick(rng, QUIET if quiet else PATTERNS)
        shown, height = made(s, p, rng, [main, *others])
        amount = rng.uniform(0.05, 0.5) if quiet else 1 - (1 - self.strength) * rng.random()
        inputs: dict[str, Any] = {"Base_Color": s.mix(amount, main, shown)}
        for name, (low, high) in FINISHES[finish].items():
            inputs[name] = rng.uniform(low, high)
        if height is not None and finish != "glass" and chance(rng, 0.7):
            inputs["Normal"] = s.bump(height, size * rng.uniform(0.002, 0.02), rng.uniform(0.2, 0.8))
        return s.surface(**inputs)

    def label(self, shape: float = 1.0) -> Any:
        """A printed material for UV coordinates 0..1; ``shape`` is width over height."""
        height = int(np.clip(192 / np.sqrt(shape), 64, 384))
        picture = prints.printed(self.rng, int(np.clip(height * shape, 64, 384)), height)
        s = Shader("print")
        node = s.node("ShaderNodeTexImage", {0: s.coordinates("UV")}, image=picture, extension="EXTEND")
        return s.surface(Base_Color=node.outputs[0], Roughness=self.rng.uniform(0.15, 0.9))

    def leaf(self) -> Any:
        """Leaves that differ a little from each other."""
        rng = self.rng
        hue = rng.uniform(0.2, 0.4) if chance(rng, 0.8) else rng.random()
        light = _colour(np.array(colorsys.hsv_to_rgb(hue, rng.uniform(0.4, 0.9), rng.uniform(0.15, 0.5))))
        dark = _colour(np.array(light) * rng.uniform(0.25, 0.6))
        s = Shader("leaf")
        own = s.node("ShaderNodeNewGeometry").outputs["Random Per Island"]
        return s.surface(Base_Color=s.mix(own, light, dark), Roughness=rng.uniform(0.25, 0.8))
