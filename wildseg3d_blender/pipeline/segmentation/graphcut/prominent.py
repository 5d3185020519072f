# SPDX-License-Identifier: GPL-3.0-or-later
"""A click for those who give none: on the object that most asks for attention."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from ....errors import PromptError
from ....progress import Progress, silent
from ....prompts import Click
from ....scene.folder import Scene
from .graph import SceneGraph, Selection
from .hypotheses import from_clicks
from .segmenter import GraphCutSegmenter

CANDIDATES = 8

USUAL_SIZE = 0.12
"""The main object of a set of photos covers about this share of them."""


def prominent_click(
    scene: Scene, segmenter: GraphCutSegmenter | None = None, progress: Progress = silent
) -> Click:
    """A click on the most prominent object: central, near, in many views, and standing out.

    Candidates are taken where photos are central and near, away from large planes and from each other;
    each is segmented, and the one with the best outline and place wins.

    Args:
        segmenter: a prepared one for the same scene, to spare making it again.

    Raises:
        PromptError: nothing in the scene has depth.
    """
    graph = (segmenter or GraphCutSegmenter(scene, progress)).graph
    salience = _salience(graph)
    best: tuple[float, Selection] | None = None
    remaining = salience.copy()
    for number in range(CANDIDATES):
        seed = int(np.argmax(remaining))
        if remaining[seed] <= 0:
            break
        progress("prominent", number / CANDIDATES, "Looking for the main object")
        for hypothesis in from_clicks(graph, np.array([seed]), np.zeros(0, dtype=np.int64))[:1]:
            selection = hypothesis.selection
            remaining[selection] = 0.0
            area = graph.nodes.area[selection]
            size = np.log(area.sum() / graph.nodes.area.sum() / USUAL_SIZE)
            worth = hypothesis.score + float(np.average(salience[selection], weights=area)) - 0.04 * size**2
            if best is None or worth > best[0]:
                best = (worth, selection)
        close = np.linalg.norm(graph.nodes.point_world - graph.nodes.point_world[seed], axis=1)
        remaining[close < 0.05 * graph.nodes.depth[seed]] = 0.0
    if best is None:
        raise PromptError("No object stands out: click on the one you want.")
    return _deepest_click(graph, best[1], salience)


def _salience(graph: SceneGraph) -> NDArray[np.float64]:
    """How likely each node is part of the main object, (n,) in [0, 1]; 0 without a place in 3D."""
    nodes = graph.nodes
    sizes = np.array([data.view.size for data in graph.views], dtype=np.float64)[nodes.view]
    offset = (nodes.pixel - sizes / 2) / (0.35 * sizes)
    central = np.exp(-0.5 * (offset**2).sum(1))
    # Cameras that look at one object cross at it: the point nearest to all optical axes.
    centres = np.stack([data.view.cam_to_world[:3, 3] for data in graph.views])
    forward = np.stack([data.view.cam_to_world[:3, 2] for data in graph.views])
    across = np.eye(3) - forward[:, :, None] * forward[:, None, :]
    focus = np.linalg.lstsq(across.sum(0), np.einsum("nij,nj->i", across, centres), rcond=None)[0]
    near = np.ones(len(nodes))
    for number in range(len(graph.views)):
        own = (nodes.view == number) & nodes.placed
        if own.any():
            near[own] = np.clip(1.5 - nodes.depth[own] / np.median(nodes.depth[own]), 0.2, 1.0)
    reach = np.median(np.linalg.norm(centres - focus, axis=1))
    around_focus = np.exp(
        -0.5 * (np.linalg.norm(nodes.point_world - focus, axis=1) / (0.4 * reach + 1e-12)) ** 2
    )
    seen = np.zeros(len(nodes))
    np.add.at(seen, graph.cross_view.i, 1.0)
    np.add.at(seen, graph.cross_view.j, 1.0)
    shared = np.minimum(seen / max(len(graph.views) - 1, 1), 1.0)
    off_plane = np.where(graph.planes.of_node >= 0, 0.4, 1.0)
    salience = central * near * off_plane * (0.5 + 0.5 * shared) * (0.6 + 0.4 * around_focus)
    return np.where(nodes.placed & (nodes.framed == 0), salience, 0.0)


def _deepest_click(graph: SceneGraph, selection: Selection, salience: NDArray[np.float64]) -> Click:
    """The pixel farthest inside the object, in the view where it is most prominent."""
    weight = np.bincount(
        graph.nodes.view, salience * graph.nodes.area * selection, minlength=len(graph.views)
    )
    data = graph.views[int(np.argmax(weight))]
    mask = np.pad(selection[data.labels].astype(np.uint8), 1)
    distance = cv2.distanceTransform(mask, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[1:-1, 1:-1]
    row, column = np.unravel_index(int(distance.argmax()), distance.shape)
    return Click(data.view.name, float(column) + 0.5, float(row) + 0.5)
