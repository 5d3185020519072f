# SPDX-License-Identifier: GPL-3.0-or-later
"""The photo that shows a place of the scene best, for prompts that were not placed in a photo."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...conventions import project
from ...errors import PromptError
from ...scene.folder import Scene, View
from .picking import Picked

AGREES = 0.03
"""A photo sees a place when the depth it measured there is the place's, up to this share of the depth."""

NEAR = 1
"""Pixels around the place's own that may have measured it."""

MARGIN = 0.05
"""Share of a photo's shorter side from the border in which a place counts less and less."""


def best_view(scene: Scene, picked: Picked) -> tuple[View, tuple[float, float]]:
    """The view that sees a place best, and the place's pixel in it.

    Best is where it is shown largest, not at the border, and from about where the artist looks: what the
    artist sees of it then faces that photo as well.

    Raises:
        PromptError: no photo shows the place.
    """
    found: tuple[float, View, tuple[float, float]] | None = None
    for view in scene.views:
        pixel = seen_at(scene, view, picked.point_world)
        if pixel is None:
            continue
        x, y = pixel
        sight = picked.point_world - view.cam_to_world[:3, 3]
        depth = float(sight @ view.cam_to_world[:3, 2])
        # Squared, as a surface seen from aside is foreshortened in both.
        likeness = max(0.05, float(sight @ picked.direction_world) / float(np.linalg.norm(sight))) ** 2
        from_border = min(x, y, view.size[0] - x, view.size[1] - y) / (MARGIN * min(view.size))
        score = view.K[0, 0] / depth * likeness * min(1.0, max(0.05, from_border))
        if found is None or score > found[0]:
            found = score, view, pixel
    if found is None:
        raise PromptError("No photo shows this place: click where the points are dense, or in a photo.")
    return found[1:]


def seen_at(scene: Scene, view: View, point_world: NDArray[np.float64]) -> tuple[float, float] | None:
    """The pixel at which a view shows a place, or None where it does not."""
    pixel, depth = project(point_world, view.K, view.cam_to_world)
    x, y = (float(value) for value in pixel)
    inside = depth > 0 and 0 <= x < view.size[0] and 0 <= y < view.size[1]
    return (x, y) if inside and _sees(scene, view, (x, y), float(depth)) else None


def _sees(scene: Scene, view: View, pixel: tuple[float, float], depth: float) -> bool:
    """Whether something was measured at a pixel at that depth."""
    column, row = int(pixel[0]), int(pixel[1])
    rows = slice(max(0, row - NEAR), row + NEAR + 1)
    columns = slice(max(0, column - NEAR), column + NEAR + 1)
    measured = np.asarray(scene.confidence(view)[rows, columns]) > 0
    points_world = np.asarray(scene.pointmap(view)[rows, columns])[measured]
    depths = (points_world - view.cam_to_world[:3, 3]) @ view.cam_to_world[:3, 2]
    return bool((np.abs(depths - depth) <= AGREES * depth).any())
