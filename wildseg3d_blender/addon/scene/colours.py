# SPDX-License-Identifier: GPL-3.0-or-later
"""A colour for every object of the list, each as unlike the others' as there is room for."""

from __future__ import annotations

import colorsys
from collections.abc import Sequence

Colour = tuple[float, float, float]
"""sRGB, 0 to 1."""

FIRST = 0.58
"""Hue of the first object: blue. Red and green are the prompts'."""

_HUES = 36
_SATURATION, _VALUE = 0.75, 1.0
_PROMPTS = ((0.0, 0.06), (1.0 / 3.0, 0.14))
"""Their hues and how far to keep away: many hues look green, few red."""


def next_colour(used: Sequence[Sequence[float]]) -> Colour:
    """A colour whose hue is as far as can be from those in ``used`` and from the prompts' red and green."""
    taken = [colorsys.rgb_to_hsv(*colour[:3])[0] for colour in used]
    hues = [(FIRST + step / _HUES) % 1.0 for step in range(_HUES)]
    free = [hue for hue in hues if all(_apart(hue, other) >= away for other, away in _PROMPTS)]
    hue = max(free, key=lambda hue: min((_apart(hue, other) for other in taken), default=0.0))
    return colorsys.hsv_to_rgb(hue, _SATURATION, _VALUE)


def _apart(one: float, other: float) -> float:
    """Distance of two hues around the circle."""
    away = abs(one - other) % 1.0
    return min(away, 1.0 - away)
