# SPDX-License-Identifier: GPL-3.0-or-later
"""Surfaces of the garden. Object coordinates are metres, so scales are features per metre."""

from __future__ import annotations

from typing import Any

from samples.studio.nodes import Shader, rgb


def weathered_stone(name: str, light: str, dark: str, *, lichen: float = 0.5, scale: float = 1.0) -> Any:
    """Old limestone: grain, pits, streaks, spots of lichen; darker or lighter from stone to stone."""
    s = Shader(name)
    own = s.per_object()
    p = s.own_coordinates()
    broad = s.noise(p, 5.0 * scale, detail=6.0, roughness=0.65)
    grain = s.noise(p, 90.0 * scale, detail=4.0, roughness=0.75)
    pits = s.between(s.cells(p, 120.0 * scale), 0.22, 0.08)
    streaks = s.noise(s.moved(p, scale=(1.0, 1.0, 0.15)), 26.0 * scale, detail=4.0)
    spots = s.between(s.noise(p, 17.0 * scale, detail=6.0, roughness=0.7), 0.55, 0.62)
    colour = s.mix(s.between(broad, 0.32, 0.68), rgb(dark), rgb(light))
    colour = s.mix(s.math("MULTIPLY", s.between(grain, 0.40, 0.66), 0.55), colour, rgb("3b3831"))
    colour = s.mix(s.math("MULTIPLY", s.between(streaks, 0.5, 0.7), 0.4), colour, rgb("54524a"))
    colour = s.mix(s.math("MULTIPLY", spots, lichen), colour, rgb("b7a95c"))
    pale = s.between(s.noise(p, 34.0 * scale, detail=5.0), 0.60, 0.66)
    colour = s.mix(s.math("MULTIPLY", pale, lichen), colour, rgb("d9dacb"))
    colour = s.mix(s.math("MULTIPLY", pits, 0.6), colour, rgb("26241f"))
    shade = s.mix(own, rgb("a59d92"), rgb("ffffff"))
    colour = s.mix(0.7, colour, s.mix(1.0, colour, shade, "MULTIPLY"))
    height = s.math("SUBTRACT", s.math("MULTIPLY", grain, 0.7), pits)
    return s.surface(Base_Color=colour, Roughness=0.92, Normal=s.bump(height, 0.004, 0.6))


def leaf(name: str, dark: str, light: str, *, spots: float = 0.3) -> Any:
    """Leaves that differ from one to the next and have veins and spots."""
    s = Shader(name)
    own = s.node("ShaderNodeNewGeometry").outputs["Random Per Island"]
    p = s.coordinates()
    patches = s.noise(p, 45.0, detail=3.0)
    colour = s.mix(
        s.math("ADD", s.math("MULTIPLY", own, 0.75), s.math("MULTIPLY", patches, 0.3)), rgb(dark), rgb(light)
    )
    marks = s.between(s.noise(p, 160.0, detail=3.0), 0.58, 0.66)
    colour = s.mix(s.math("MULTIPLY", marks, spots), colour, rgb("b9a85a"))
    withered = s.between(own, 0.965, 0.975)
    colour = s.mix(s.math("MULTIPLY", withered, 0.7), colour, rgb("8a6a2c"))
    return s.surface(Base_Color=colour, Roughness=0.5, Specular_IOR_Level=0.3)


def soil() -> Any:
    """Ground between the grass: earth, moss, small stones."""
    s = Shader("ground")
    p = s.coordinates()
    broad = s.noise(p, 2.2, detail=6.0, roughness=0.65)
    fine = s.noise(p, 55.0, detail=5.0, roughness=0.75)
    colour = s.mix(s.between(fine, 0.35, 0.66), rgb("3a2d1d"), rgb("7b6748"))
    colour = s.mix(s.between(broad, 0.42, 0.58), colour, s.mix(fine, rgb("2f3d1c"), rgb("72803c")))
    stones = s.cells(p, 42.0)
    pebbles = s.between(stones, 0.30, 0.22)
    hue = s.cells(p, 42.0, output="Color")
    grey = s.mix(0.75, s.mix(0.5, hue, rgb("8d8676")), rgb("8d8676"))
    shown = s.math("MULTIPLY", pebbles, s.between(s.noise(p, 6.0), 0.50, 0.60))
    colour = s.mix(shown, colour, grey)
    height = s.math("ADD", fine, s.math("MULTIPLY", shown, 0.6))
    return s.surface(Base_Color=colour, Roughness=0.95, Normal=s.bump(height, 0.012, 0.7))


def zinc() -> Any:
    """Galvanised sheet: crystals, scratches, a little rust."""
    s = Shader("zinc")
    p = s.coordinates()
    crystals = s.node("ShaderNodeSeparateXYZ", {0: s.cells(p, 90.0, output="Color")}).outputs[0]
    spots = s.noise(p, 60.0, detail=6.0, roughness=0.7)
    tone = s.math("ADD", s.math("MULTIPLY", crystals, 0.45), s.between(spots, 0.3, 0.8))
    colour = s.mix(tone, rgb("5d6468"), rgb("a5acae"))
    rust = s.between(s.noise(p, 22.0, detail=7.0, roughness=0.7), 0.58, 0.68)
    colour = s.mix(s.math("MULTIPLY", rust, 0.75), colour, s.mix(spots, rgb("4c2a16"), rgb("94572c")))
    rough = s.math("ADD", 0.42, s.math("MULTIPLY", rust, 0.4))
    return s.surface(Base_Color=colour, Metallic=0.5, Roughness=rough, Normal=s.bump(spots, 0.001, 0.5))


def terracotta() -> Any:
    """Fired clay with lime and moss stains."""
    s = Shader("terracotta")
    p = s.coordinates()
    broad = s.noise(p, 14.0, detail=6.0, roughness=0.65)
    fine = s.noise(p, 230.0, detail=3.0, roughness=0.7)
    colour = s.mix(s.between(broad, 0.35, 0.65), rgb("8d4a2b"), rgb("bf7a50"))
    colour = s.mix(s.math("MULTIPLY", s.between(fine, 0.45, 0.66), 0.5), colour, rgb("5a2c18"))
    lime = s.between(s.noise(s.moved(p, scale=(1, 1, 0.4)), 26.0, detail=6.0, roughness=0.7), 0.55, 0.66)
    colour = s.mix(s.math("MULTIPLY", lime, 0.6), colour, rgb("d8cdb8"))
    moss = s.between(s.noise(p, 11.0, detail=6.0), 0.60, 0.66)
    colour = s.mix(s.math("MULTIPLY", moss, 0.6), colour, rgb("55602c"))
    return s.surface(Base_Color=colour, Roughness=0.9, Normal=s.bump(fine, 0.002, 0.5))
