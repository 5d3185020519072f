# SPDX-License-Identifier: GPL-3.0-or-later
"""Surfaces of the sample scene. Object coordinates are metres, so scales are features per metre."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from samples.studio.nodes import Shader, rgb


def oak() -> Any:
    """Oiled boards: contour-line grain, knots, fibres, pores, scratches; the grain runs along x."""
    s = Shader("oak")
    own = s.per_object()
    offset = s.node(
        "ShaderNodeCombineXYZ", {0: s.math("MULTIPLY", own, 37.0), 1: s.math("MULTIPLY", own, 11.0)}
    )
    p = s.node("ShaderNodeVectorMath", {0: s.coordinates(), 1: offset.outputs[0]}, operation="ADD").outputs[0]
    knots = s.between(s.cells(s.moved(p, scale=(1.0, 2.6, 1.0)), 2.3), 0.20, 0.02)
    field = s.noise(s.moved(p, scale=(0.5, 8.0, 8.0)), 2.4, detail=2.0, distortion=0.35)
    field = s.math("ADD", field, s.math("MULTIPLY", knots, 0.35))
    rings = s.math("FRACT", s.math("MULTIPLY", field, 17.0))
    rings = s.math("MULTIPLY", s.between(rings, 0.0, 0.75), s.between(rings, 1.0, 0.86))
    fibres = s.noise(s.moved(p, scale=(10.0, 330.0, 330.0)), 1.0, detail=3.0, roughness=0.75)
    pores = s.between(s.noise(s.moved(p, scale=(42.0, 480.0, 480.0)), 1.0, detail=1.0), 0.61, 0.69)
    blotch = s.noise(p, 7.0, detail=4.0)
    tone = s.math("ADD", s.math("MULTIPLY", rings, 0.26), s.math("MULTIPLY", fibres, 0.72))
    colour = s.ramp(
        tone, [(0.16, rgb("47311f")), (0.38, rgb("775840")), (0.58, rgb("957352")), (0.85, rgb("b89a76"))]
    )
    colour = s.mix(s.math("MULTIPLY", pores, 0.6), colour, rgb("38210f"))
    colour = s.mix(s.math("MULTIPLY", knots, 0.75), colour, rgb("2c180c"))
    colour = s.mix(s.between(blotch, 0.35, 0.75), colour, s.mix(1.0, colour, rgb("c9ac8c"), "MULTIPLY"))
    colour = s.mix(s.math("MULTIPLY", own, 0.45), colour, s.mix(1.0, colour, rgb("b98f6d"), "MULTIPLY"))
    scratch_p = s.node("ShaderNodeVectorRotate", {0: p, 3: 0.6}).outputs[0]
    scratches = s.between(s.noise(s.moved(scratch_p, scale=(6.0, 700.0, 1.0)), 1.0, detail=1.0), 0.70, 0.76)
    scratches = s.math("MULTIPLY", scratches, s.between(s.noise(p, 9.0), 0.5, 0.65))
    colour = s.mix(s.math("MULTIPLY", scratches, 0.5), colour, rgb("d0ab80"))
    rough = s.math("ADD", 0.40, s.math("MULTIPLY", blotch, 0.25))
    height = s.math("SUBTRACT", s.math("MULTIPLY", fibres, 0.6), s.math("ADD", pores, scratches))
    return s.surface(Base_Color=colour, Roughness=rough, Normal=s.bump(height, 0.0004, 0.55))


def plaster(light: str, dark: str) -> Any:
    """A hand-trowelled wall with stains and hairline marks."""
    s = Shader("plaster")
    p = s.coordinates()
    broad = s.noise(p, 2.1, detail=5.0, roughness=0.6)
    trowel = s.noise(s.moved(p, scale=(1.0, 1.0, 1.4)), 11.0, detail=5.0, roughness=0.68)
    grain = s.noise(p, 260.0, detail=2.0, roughness=0.7)
    chips = s.between(s.noise(p, 19.0, detail=4.0, roughness=0.72), 0.66, 0.70)
    colour = s.mix(s.between(broad, 0.36, 0.66), rgb(light), rgb(dark))
    colour = s.mix(s.math("MULTIPLY", s.between(trowel, 0.46, 0.74), 0.35), colour, rgb("d9d3c4"))
    colour = s.mix(s.math("MULTIPLY", s.between(trowel, 0.42, 0.26), 0.35), colour, rgb("6f7268"))
    colour = s.mix(s.math("MULTIPLY", s.between(grain, 0.45, 0.7), 0.25), colour, rgb("5e5a50"))
    colour = s.mix(s.math("MULTIPLY", chips, 0.55), colour, rgb("e2dccd"))
    height = s.math("ADD", s.math("MULTIPLY", trowel, 1.0), s.math("MULTIPLY", grain, 0.22))
    return s.surface(Base_Color=colour, Roughness=0.88, Normal=s.bump(height, 0.005, 0.5))


def paper(picture: Path, *, wear: float = 0.5, roughness: float = 0.5, gloss_dust: bool = True) -> Any:
    """A print on paper or cloth: UV image, rubbed where it was handled; transparent where the print is."""
    s = Shader(f"print {picture.stem}")
    uv, p = s.coordinates("UV"), s.coordinates()
    colour, alpha = s.image(picture, uv)
    rubbed = s.between(s.noise(p, 60.0, detail=7.0, roughness=0.72), 0.56, 0.74)
    colour = s.mix(s.math("MULTIPLY", rubbed, wear * 0.4), colour, rgb("d8d0c0"))
    grain = s.noise(p, 1100.0, detail=2.0)
    colour = s.mix(s.math("MULTIPLY", grain, 0.22), colour, rgb("1c1a18"))
    if gloss_dust:
        dust = s.between(s.cells(p, 260.0), 0.10, 0.05)
        colour = s.mix(s.math("MULTIPLY", dust, 0.25), colour, rgb("efe9dd"))
    normal = s.bump(grain, 0.0003, 0.35)
    return s.surface(Base_Color=colour, Alpha=alpha, Roughness=roughness, Normal=normal)


def bookcloth(code: str) -> Any:
    """Woven cloth over board."""
    s = Shader("bookcloth")
    p = s.coordinates()
    weave = s.math(
        "MULTIPLY", s.noise(s.moved(p, scale=(1, 6, 6)), 300.0), s.noise(s.moved(p, scale=(6, 1, 1)), 300.0)
    )
    worn = s.between(s.noise(p, 45.0, detail=6.0), 0.55, 0.78)
    colour = s.mix(s.between(weave, 0.12, 0.42), rgb("0c1526"), rgb(code))
    colour = s.mix(s.math("MULTIPLY", worn, 0.35), colour, rgb("a9a294"))
    return s.surface(Base_Color=colour, Roughness=0.75, Normal=s.bump(weave, 0.0004, 0.5))


def pages() -> Any:
    """The edge of a block of paper: lines along the leaves, yellowed."""
    s = Shader("pages")
    p = s.coordinates()
    leaves = s.noise(s.moved(p, scale=(7, 7, 2600)), 1.0, detail=3.0, roughness=0.75)
    foxing = s.between(s.noise(p, 70.0, detail=5.0), 0.55, 0.74)
    colour = s.ramp(leaves, [(0.3, rgb("8f7a58")), (0.5, rgb("d6c7a3")), (0.7, rgb("efe5cb"))])
    colour = s.mix(s.math("MULTIPLY", foxing, 0.45), colour, rgb("a07b4a"))
    return s.surface(Base_Color=colour, Roughness=0.9, Normal=s.bump(leaves, 0.0008, 0.6))


def cardboard() -> Any:
    """Brown corrugated board: flutes showing through, fibres, scuffs, a water stain."""
    s = Shader("cardboard")
    p = s.coordinates()
    flutes = s.node(
        "ShaderNodeTexWave", {"Vector": p, "Scale": 42.0, "Distortion": 0.6}, bands_direction="X"
    ).outputs[1]
    fibres = s.noise(s.moved(p, scale=(1, 1, 1)), 520.0, detail=4.0, roughness=0.75)
    flecks = s.between(s.cells(s.moved(p, scale=(1, 2.2, 1)), 330.0), 0.16, 0.06)
    blotch = s.noise(p, 16.0, detail=7.0, roughness=0.62)
    scuffs = s.between(s.noise(s.moved(p, scale=(20, 160, 60)), 1.0, detail=5.0), 0.62, 0.74)
    stain = s.between(s.noise(p, 6.0, detail=2.0), 0.60, 0.63)
    colour = s.mix(s.between(blotch, 0.3, 0.7), rgb("a37a4b"), rgb("c39a68"))
    colour = s.mix(s.math("MULTIPLY", s.between(fibres, 0.42, 0.66), 0.55), colour, rgb("7b5833"))
    colour = s.mix(s.math("MULTIPLY", flecks, 0.6), colour, rgb("5d4024"))
    colour = s.mix(s.math("MULTIPLY", scuffs, 0.45), colour, rgb("dcc096"))
    colour = s.mix(s.math("MULTIPLY", stain, 0.35), colour, rgb("6f4f2e"))
    height = s.math("ADD", s.math("MULTIPLY", flutes, 0.35), s.math("MULTIPLY", fibres, 0.25))
    return s.surface(Base_Color=colour, Roughness=0.85, Normal=s.bump(height, 0.0011, 0.5))


def parcel_tape() -> Any:
    """Brown packing tape with wrinkles and printed lines."""
    s = Shader("tape")
    p = s.coordinates()
    wrinkles = s.noise(s.moved(p, scale=(30, 140, 60)), 1.0, detail=5.0, distortion=1.0)
    lines = s.math("FRACT", s.math("MULTIPLY", s.node("ShaderNodeSeparateXYZ", {0: p}).outputs[0], 46.0))
    dashes = s.math("MULTIPLY", s.between(lines, 0.30, 0.36), s.between(lines, 0.72, 0.66))
    specks = s.between(s.noise(p, 400.0, detail=2.0), 0.55, 0.7)
    colour = s.mix(s.between(wrinkles, 0.35, 0.65), rgb("7a5128"), rgb("a3753f"))
    colour = s.mix(s.math("MULTIPLY", dashes, 0.25), colour, rgb("e0c9a0"))
    colour = s.mix(s.math("MULTIPLY", specks, 0.4), colour, rgb("5a3a1c"))
    return s.surface(Base_Color=colour, Roughness=0.42, Normal=s.bump(wrinkles, 0.0015, 0.5))


def stoneware() -> Any:
    """Blue-green glaze, broken by brown specks, thin on the rim; raw clay at the foot."""
    s = Shader("stoneware")
    p = s.coordinates()
    z = s.node("ShaderNodeSeparateXYZ", {0: p}).outputs[2]
    flow = s.noise(s.moved(p, scale=(1, 1, 0.35)), 42.0, detail=7.0, roughness=0.65)
    crawl = s.noise(p, 130.0, detail=5.0)
    colour = s.ramp(
        flow, [(0.28, rgb("1f4f55")), (0.45, rgb("2f7678")), (0.58, rgb("5c9a94")), (0.72, rgb("a5c3b0"))]
    )
    colour = s.mix(s.math("MULTIPLY", s.between(crawl, 0.42, 0.66), 0.4), colour, rgb("17373e"))
    big = s.between(s.cells(p, 185.0), 0.24, 0.16)
    fine = s.between(s.cells(p, 430.0), 0.26, 0.14)
    specks = s.math(
        "MAXIMUM",
        s.math("MULTIPLY", big, s.between(s.noise(p, 90.0), 0.46, 0.52)),
        s.math("MULTIPLY", fine, 0.75),
    )
    colour = s.mix(s.math("MULTIPLY", specks, 0.9), colour, rgb("34200f"))
    edge = s.math("ADD", z, s.math("MULTIPLY", s.noise(p, 34.0, detail=3.0), 0.012))
    rim = s.between(edge, 0.0965, 0.1005)
    colour = s.mix(s.math("MULTIPLY", rim, 0.8), colour, rgb("8a5b34"))
    clay = s.between(edge, 0.0215, 0.0200)
    clay_colour = s.mix(s.noise(p, 420.0, detail=4.0), rgb("6e4a30"), rgb("b98e66"))
    colour = s.mix(clay, colour, clay_colour)
    rough = s.math("ADD", s.math("MULTIPLY", clay, 0.5), s.math("ADD", 0.22, s.math("MULTIPLY", specks, 0.2)))
    height = s.math("SUBTRACT", s.math("MULTIPLY", flow, 0.5), s.math("MULTIPLY", specks, 0.3))
    return s.surface(Base_Color=colour, Roughness=rough, Normal=s.bump(height, 0.0016, 0.5))


def orange_peel() -> Any:
    """Orange rind: pits, oil glands, paler patches, a green shade round the stem."""
    s = Shader("orange")
    p = s.coordinates()
    z = s.node("ShaderNodeSeparateXYZ", {0: p}).outputs[2]
    pits = s.cells(p, 430.0)
    patches = s.noise(p, 60.0, detail=6.0, roughness=0.7)
    scars = s.between(s.noise(p, 120.0, detail=6.0, roughness=0.7), 0.62, 0.70)
    colour = s.ramp(patches, [(0.3, rgb("d9640c")), (0.5, rgb("ee8412")), (0.72, rgb("f7a832"))])
    colour = s.mix(s.math("MULTIPLY", s.between(pits, 0.30, 0.05), 0.5), colour, rgb("b94c06"))
    colour = s.mix(s.math("MULTIPLY", scars, 0.55), colour, rgb("b58a4a"))
    colour = s.mix(s.math("MULTIPLY", s.between(z, 0.022, 0.036), 0.35), colour, rgb("8b8a1e"))
    height = s.between(pits, 0.0, 0.5)
    return s.surface(Base_Color=colour, Roughness=0.42, Normal=s.bump(height, 0.0016, 0.9))


def speckled(name: str, base: str, dark: str, light: str, *, scale: float, roughness: float = 0.8) -> Any:
    """A matt thing of one colour with fine variation: clay, felt, leaf, soil, thread."""
    s = Shader(name)
    p = s.coordinates()
    broad = s.noise(p, scale * 0.12, detail=6.0)
    fine = s.noise(p, scale, detail=4.0, roughness=0.7)
    colour = s.mix(s.between(broad, 0.35, 0.68), rgb(base), rgb(light))
    colour = s.mix(s.math("MULTIPLY", s.between(fine, 0.44, 0.68), 0.75), colour, rgb(dark))
    return s.surface(Base_Color=colour, Roughness=roughness, Normal=s.bump(fine, 0.0009, 0.6))


def tinplate() -> Any:
    """Dull, scratched tin."""
    s = Shader("tinplate")
    p = s.coordinates()
    marks = s.noise(s.moved(p, scale=(60, 700, 300)), 1.0, detail=4.0)
    spots = s.noise(p, 150.0, detail=6.0, roughness=0.7)
    colour = s.mix(s.between(spots, 0.4, 0.66), rgb("c4c2bb"), rgb("8a867c"))
    colour = s.mix(s.math("MULTIPLY", s.between(marks, 0.5, 0.7), 0.5), colour, rgb("e6e4de"))
    rough = s.math("ADD", 0.38, s.math("MULTIPLY", spots, 0.3))
    return s.surface(Base_Color=colour, Metallic=0.85, Roughness=rough, Normal=s.bump(marks, 0.0006, 0.4))


def linen() -> Any:
    """A striped kitchen towel; U runs across the stripes."""
    s = Shader("linen")
    uv, p = s.coordinates("UV"), s.coordinates()
    u = s.node("ShaderNodeSeparateXYZ", {0: uv}).outputs[0]
    warp = s.noise(s.moved(p, scale=(900, 60, 1)), 1.0, detail=2.0)
    weft = s.noise(s.moved(p, scale=(60, 900, 1)), 1.0, detail=2.0)
    thread = s.math("ADD", s.math("MULTIPLY", warp, 0.5), s.math("MULTIPLY", weft, 0.5))
    bands = s.math("FRACT", s.math("MULTIPLY", u, 7.0))
    wide = s.math("MULTIPLY", s.between(bands, 0.40, 0.41), s.between(bands, 0.60, 0.59))
    thin = s.math("MULTIPLY", s.between(bands, 0.70, 0.705), s.between(bands, 0.745, 0.74))
    thin = s.math(
        "MAXIMUM", thin, s.math("MULTIPLY", s.between(bands, 0.255, 0.26), s.between(bands, 0.30, 0.295))
    )
    colour = s.mix(s.between(thread, 0.36, 0.62), rgb("a89a82"), rgb("e6dcc6"))
    stripe = s.mix(s.between(thread, 0.36, 0.62), rgb("5b1f1f"), rgb("a4423c"))
    colour = s.mix(s.math("MAXIMUM", wide, thin), colour, stripe)
    slubs = s.between(s.noise(s.moved(p, scale=(400, 25, 1)), 1.0, detail=1.0), 0.64, 0.70)
    colour = s.mix(s.math("MULTIPLY", slubs, 0.4), colour, rgb("7d6c55"))
    return s.surface(Base_Color=colour, Roughness=0.95, Normal=s.bump(thread, 0.0012, 0.7))
