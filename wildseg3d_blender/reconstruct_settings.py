# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be set for a reconstruction: defaults and limits, once for all who ask for them or use them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

Number = TypeVar("Number", int, float)


@dataclass(frozen=True)
class Setting(Generic[Number]):
    """A number that can be set.

    Attributes:
        default: what it is where nobody sets it.
        lowest, highest: the ends of its range, both allowed.
    """

    default: Number
    lowest: Number
    highest: Number


IMAGE_SIZE = Setting(512, 64, 2048)
"""Longer side of the views' pixel grids."""

ALPHA_P = Setting(0.5, -1.0, 1.0)
ALPHA_N = Setting(0.9, -1.0, 1.0)
"""Strengths of Dynamic Global Aligning, see ``pipeline.alignment.dga_weights``."""

ITERATIONS = Setting(500, 1, 5000)
"""Iterations of the alignment at most; it ends by itself when it stands still, usually within ten."""

MIN_CONFIDENCE = Setting(0.0, 0.0, 100.0)
"""Pixels measured with less confidence than this get no point."""

KEY_FRAMES = Setting(24, 3, 200)
"""Frames taken from a video."""
