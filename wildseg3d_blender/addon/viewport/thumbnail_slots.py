# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the photos along the bottom of a 3D view are: as large as fits, those around the current one."""

from __future__ import annotations

from dataclasses import dataclass

HEIGHT = 64
"""Of a thumbnail, in points of the interface."""

GAP = 4
"""Between two, and around them."""

MOST_SHARE = 0.2
"""Of the view's height that they may take; where that leaves too little there are none."""

LEAST_HEIGHT = 36


@dataclass(frozen=True)
class Slot:
    """Where a photo's thumbnail is in the region: pixels, from the lower left."""

    view: str
    left: float
    low: float
    width: float
    height: float

    def holds(self, x: float, y: float) -> bool:
        """Whether a place of the region is on it."""
        return self.left <= x < self.left + self.width and self.low <= y < self.low + self.height


def layout(
    views: list[tuple[str, float]], current: str, left: float, right: float, height: float, scale: float
) -> list[Slot]:
    """Slots for photos between two edges of a region of that height.

    They shrink until all fit; where they would get too small, only those around the current one are shown.

    Args:
        views: name and width over height of each.
        scale: pixels of a point of the interface.
    """
    gap, tall, least = GAP * scale, min(HEIGHT * scale, MOST_SHARE * height), LEAST_HEIGHT * scale
    if tall < least or not views:
        return []
    fitting = (right - left - gap * (len(views) + 1)) / sum(aspect for _, aspect in views)
    tall = min(tall, max(fitting, least))
    widths = [tall * aspect for _, aspect in views]
    names = [name for name, _ in views]
    first = last = names.index(current) if current in names else 0
    used, room = widths[first] + 2 * gap, right - left
    if used > room:
        return []
    grown = True
    while grown:
        grown = False
        for step in (last + 1, first - 1):
            if 0 <= step < len(views) and used + widths[step] + gap <= room + 0.5:
                used += widths[step] + gap
                first, last, grown = min(first, step), max(last, step), True
    at = left + (room - used) / 2 + gap
    slots = []
    for name, width in zip(names[first : last + 1], widths[first : last + 1], strict=True):
        slots.append(Slot(name, at, gap, width, tall))
        at += width + gap
    return slots
