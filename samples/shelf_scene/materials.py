# SPDX-License-Identifier: GPL-3.0-or-later
"""Surfaces of the shelf. Object coordinates are metres; every object is worn in places of its own."""

from __future__ import annotations

from typing import Any

from samples.studio.nodes import Shader, rgb


def glaze() -> Any:
    """Cream glaze with a net of cracks and iron specks."""
    s = Shader("glaze")
    p = s.own_coordinates()
    flow = s.noise(p, 26.0, detail=6.0, roughness=0.65)
    net = s.noise(p, 75.0, detail=6.0, distortion=1.2)
    cracks = s.math("MULTIPLY", s.between(net, 0.485, 0.5), s.between(net, 0.515, 0.5))
    swarms = s.between(s.noise(p, 60.0), 0.44, 0.54)
    specks = s.math("MULTIPLY", s.between(s.cells(p, 240.0), 0.22, 0.12), swarms)
    colour = s.mix(s.between(flow, 0.34, 0.66), rgb("b9ab8c"), rgb("e3d9c0"))
    colour = s.mix(s.math("MULTIPLY", cracks, 0.6), colour, rgb("6b5a44"))
    colour = s.mix(s.math("MULTIPLY", specks, 0.85), colour, rgb("4a3322"))
    return s.surface(Base_Color=colour, Roughness=0.28, Normal=s.bump(flow, 0.001, 0.4))


def cloth(code: str) -> Any:
    """Book cloth, rubbed along the edges, faded in patches."""
    s = Shader(f"cloth {code}")
    p = s.own_coordinates()
    weave = s.noise(s.moved(p, scale=(6, 6, 1)), 190.0, detail=2.0)
    rubbed = s.between(s.noise(p, 38.0, detail=6.0, roughness=0.7), 0.54, 0.70)
    colour = s.mix(s.between(weave, 0.3, 0.7), s.mix(1.0, rgb(code), rgb("8a8a8a"), "MULTIPLY"), rgb(code))
    colour = s.mix(s.math("MULTIPLY", rubbed, 0.35), colour, rgb("b0a58f"))
    return s.surface(Base_Color=colour, Roughness=0.8, Normal=s.bump(weave, 0.0005, 0.5))


def wood(name: str, dark: str, light: str, *, along: tuple[float, float, float]) -> Any:
    """Planed wood; ``along`` is small on the axis of the grain."""
    s = Shader(name)
    p = s.own_coordinates()
    grain = s.noise(s.moved(p, scale=along), 3.2, detail=6.0, roughness=0.7, distortion=0.6)
    fibres = s.noise(s.moved(p, scale=tuple(6 * a for a in along)), 9.0, detail=3.0, roughness=0.8)
    dents = s.between(s.noise(p, 90.0, detail=4.0), 0.62, 0.68)
    tone = s.math("ADD", s.math("MULTIPLY", grain, 0.7), s.math("MULTIPLY", fibres, 0.4))
    colour = s.mix(s.between(tone, 0.36, 0.74), rgb(dark), rgb(light))
    colour = s.mix(s.math("MULTIPLY", dents, 0.5), colour, rgb(dark))
    return s.surface(Base_Color=colour, Roughness=0.55, Normal=s.bump(fibres, 0.0008, 0.5))


def brass() -> Any:
    """Tarnished brass."""
    s = Shader("brass")
    p = s.coordinates()
    spots = s.noise(p, 130.0, detail=6.0, roughness=0.7)
    colour = s.mix(s.between(spots, 0.36, 0.62), rgb("6e4f22"), rgb("c69a4e"))
    rough = s.math("ADD", 0.3, s.math("MULTIPLY", spots, 0.3))
    return s.surface(Base_Color=colour, Metallic=0.7, Roughness=rough)
