# SPDX-License-Identifier: GPL-3.0-or-later
"""What each node says for or against being part of the object, given a first guess of it.

All evidence is per pixel of a node, positive for the object, roughly in nats.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .graph import SceneGraph, Selection

LIMIT = 5.0
"""No single kind of evidence says more than this."""

Evidence = NDArray[np.float64]


def colour_evidence(graph: SceneGraph, selection: Selection, at: NDArray[np.int64]) -> Evidence:
    """Colour of the guess against the colours of what is surely not the object, at some nodes (k,)."""
    ratio = graph.palette.log_ratio(selection, far_background(graph, selection), at)
    return np.clip(ratio, -LIMIT, LIMIT)


def far_background(graph: SceneGraph, selection: Selection) -> Selection:
    """Nodes outside the guess and well away from it in 3D, or without a place."""
    nodes = graph.nodes
    core = selection & nodes.placed
    if not core.any():
        return ~selection
    centre = np.average(nodes.point_world[core], axis=0, weights=nodes.area[core])
    from_centre = nodes.point_world - centre
    distance = np.sqrt(np.einsum("ni,ni->n", from_centre, from_centre))
    radius = np.sqrt(np.average(distance[core] ** 2, weights=nodes.area[core]))
    far = ~selection & (~nodes.placed | (distance > 2.2 * radius))
    return far if far.sum() > 50 else ~selection


def place_evidence(graph: SceneGraph, selection: Selection, at: NDArray[np.int64]) -> Evidence:
    """Against nodes whose 3D place is far from the guess, by the guess's own spread, at some nodes (k,)."""
    nodes = graph.nodes
    core = selection & nodes.placed
    if core.sum() < 3:
        return np.zeros(len(at))
    weight = nodes.area[core]
    centre = np.average(nodes.point_world[core], axis=0, weights=weight)
    offset = nodes.point_world[core] - centre
    spread = (offset * weight[:, None]).T @ offset / weight.sum()
    spread += np.eye(3) * 0.15**2 * np.trace(spread) + 1e-18 * np.eye(3)
    from_centre = nodes.point_world[at] - centre
    distance = np.sqrt(np.einsum("ni,ni->n", from_centre @ np.linalg.inv(spread), from_centre))
    return np.where(nodes.placed[at], np.clip(2.6 - distance, -3.0, 0.5), 0.0)
