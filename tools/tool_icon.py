# SPDX-License-Identifier: GPL-3.0-or-later
"""Draw the icon of the toolbar's Object Prompt: ``python tools/tool_icon.py`` writes it anew.

Blender's icon geometry: "VCO", a zero, width and height, start x and y, a byte each; then three corners
(x, y) a triangle, y upwards, a byte each; then as many RGBA colours.
"""

from __future__ import annotations

import math
from pathlib import Path

TARGET = Path(__file__).parents[1] / "wildseg3d_blender" / "addon" / "icons" / "object_prompt.dat"

Point = tuple[float, float]
Colour = tuple[int, int, int, int]

TINT: Colour = (80, 160, 240, 110)
OUTLINE: Colour = (225, 225, 225, 255)
PLUS: Colour = (90, 220, 110, 255)


def icon() -> bytes:
    """The file's content: an object with the preview's tint and outline, and a green plus on it."""
    shapes: list[tuple[Colour, tuple[Point, Point, Point]]] = []
    outer, inner = _blob(96.0), _blob(84.0)
    middle = (118.0, 138.0)
    for at, (a, b) in enumerate(zip(outer, inner, strict=True)):
        following = (at + 1) % len(outer)
        c, d = outer[following], inner[following]
        shapes.append((TINT, (middle, b, d)))
        shapes += [(OUTLINE, (a, c, d)), (OUTLINE, (a, d, b))]
    for width, height in ((100.0, 26.0), (26.0, 100.0)):
        left, low = 185.0 - width / 2, 70.0 - height / 2
        corners = [(left, low), (left + width, low), (left + width, low + height), (left, low + height)]
        shapes += [(PLUS, (corners[0], corners[1], corners[2])), (PLUS, (corners[0], corners[2], corners[3]))]
    coordinates = bytes(round(value) for _, points in shapes for point in points for value in point)
    colours = bytes(value for colour, _ in shapes for value in colour * 3)
    return b"VCO\0" + bytes((255, 255, 0, 0)) + coordinates + colours


def _blob(radius: float) -> list[Point]:
    """A round thing, not quite a circle."""
    turns = [2.0 * math.pi * step / 40 for step in range(40)]
    sizes = [radius * (1.0 + 0.10 * math.sin(2 * turn + 0.6) + 0.05 * math.cos(3 * turn)) for turn in turns]
    return [
        (118.0 + size * math.cos(turn), 138.0 + size * math.sin(turn))
        for turn, size in zip(turns, sizes, strict=True)
    ]


if __name__ == "__main__":
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_bytes(icon())
