# SPDX-License-Identifier: GPL-3.0-or-later
"""From a box to an object: nothing outside it, and an object that fills it."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from ....conventions import project
from ..pixel_prompts import PixelBox
from .graph import SceneGraph, Selection
from .hypotheses import Hypothesis, polish
from .outline import best_prefixes, outline_score, prefix_scores

LOSSES = (0.03, 0.3)
GUESSES = 3
MARGIN = 3
"""Pixels by which a surface point may miss the box and still belong to the object."""


def from_boxes(
    graph: SceneGraph,
    boxes: Sequence[PixelBox],
    inside: NDArray[np.int64],
    outside: NDArray[np.int64],
) -> list[Hypothesis]:
    """Hypotheses for the object that the boxes bound, best first; clicks hold as well."""
    barred = np.zeros(len(graph.nodes), dtype=bool)
    for box in boxes:
        barred |= _outside_box(graph, box)
    barred[inside] = False
    barred[outside] = True
    lost = np.flatnonzero(barred)
    found: list[Hypothesis] = []
    for core in _cores(graph, boxes, barred, inside):
        for loss in LOSSES:
            reach = graph.walk.reach(core, lost, loss)
            order = np.argsort(-reach, kind="stable")
            scores = prefix_scores(graph, order)
            fill = _fill_of_prefixes(graph, boxes[0], order)
            usable = np.where(reach[order] > 1e-6, scores + fill, -np.inf)
            area = np.cumsum(graph.nodes.area[order])
            for length in best_prefixes(usable, area, GUESSES, ratio=1.4):
                start = np.zeros(len(graph.nodes), dtype=bool)
                start[order[:length]] = True
                polished = polish(graph, core, lost, start)
                for note, selection in (("box", start), ("box+polish", polished)):
                    score = outline_score(graph, selection) + _fill(graph, boxes, selection)
                    found.append(Hypothesis(selection, score, f"{note} {loss}"))
    return sorted(found, key=lambda h: -h.score)


def _outside_box(graph: SceneGraph, box: PixelBox) -> Selection:
    """Nodes of the box's view that lie mostly outside it, and all nodes whose point projects outside."""
    data = graph.views[box.view]
    height, width = data.labels.shape
    inside = np.zeros((height, width), dtype=bool)
    inside[box.row0 : box.row1, box.column0 : box.column1] = True
    local = (data.labels - data.first).ravel()
    share = np.bincount(local, inside.ravel(), data.count) / np.bincount(local, minlength=data.count)
    pixel, _ = project(graph.nodes.point_world, data.view.K, data.view.cam_to_world)
    with np.errstate(invalid="ignore"):
        hit = (
            (pixel[:, 0] > box.column0 - MARGIN)
            & (pixel[:, 0] < box.column1 + MARGIN)
            & (pixel[:, 1] > box.row0 - MARGIN)
            & (pixel[:, 1] < box.row1 + MARGIN)
        )
    outside = graph.nodes.placed & ~hit
    outside[data.first : data.first + data.count] = share < 0.4
    return outside


def _cores(
    graph: SceneGraph, boxes: Sequence[PixelBox], barred: Selection, inside: NDArray[np.int64]
) -> list[NDArray[np.int64]]:
    """Nodes that are surely the object: clicked, farthest from the outside, or GrabCut's inner part."""
    if len(inside):
        return [inside]
    cores = []
    for box in boxes[:1]:
        data = graph.views[box.view]
        away = graph.walk.reach(np.flatnonzero(barred), np.zeros(0, dtype=np.int64), 0.03)
        rows, columns = box.row1 - box.row0, box.column1 - box.column0
        middle = data.labels[
            box.row0 + rows // 4 : box.row1 - rows // 4,
            box.column0 + columns // 4 : box.column1 - columns // 4,
        ]
        candidates = np.unique(middle)
        candidates = candidates[~barred[candidates]]
        if len(candidates):
            cores.append(candidates[np.argsort(away[candidates])[:3]].astype(np.int64))
        grabbed = _grab(data.image, box)
        local = (data.labels - data.first).ravel()
        share = np.bincount(local, grabbed.ravel(), data.count) / np.bincount(local, minlength=data.count)
        solid = data.first + np.flatnonzero(share > 0.95)
        solid = solid[~barred[solid]]
        if len(solid) >= 3:
            cores.append(solid)
    if not cores:
        first = graph.views[boxes[0].view]
        row = (boxes[0].row0 + boxes[0].row1) // 2
        column = (boxes[0].column0 + boxes[0].column1) // 2
        cores.append(np.array([first.labels[row, column]], dtype=np.int64))
    return cores


def _grab(image: NDArray[np.uint8], box: PixelBox) -> NDArray[np.bool_]:
    """GrabCut inside the box, eroded by two pixels."""
    state = np.full(image.shape[:2], cv2.GC_BGD, dtype=np.uint8)
    state[box.row0 : box.row1, box.column0 : box.column1] = cv2.GC_PR_FGD
    if (state == cv2.GC_BGD).sum() < 10:
        return state > 0
    cv2.setRNGSeed(0)
    cv2.grabCut(image, state, None, np.zeros((1, 65)), np.zeros((1, 65)), 3, cv2.GC_INIT_WITH_MASK)
    return cv2.erode(state & 1, np.ones((5, 5), np.uint8)) > 0


def _fill_of_prefixes(graph: SceneGraph, box: PixelBox, order: NDArray[np.int64]) -> NDArray[np.float64]:
    """For all prefixes, how well the bounding box of their pixels in the box's view matches the box."""
    data = graph.views[box.view]
    local = (data.labels - data.first).ravel()
    height, width = data.labels.shape
    rows, columns = np.divmod(np.arange(height * width), width)
    bounds = np.empty((4, len(order)))
    bounds[:2], bounds[2:] = np.inf, -np.inf
    nodes = slice(data.first, data.first + data.count)
    low, high = np.full((2, data.count), np.inf), np.full((2, data.count), -np.inf)
    for k, values in enumerate((rows, columns)):
        np.minimum.at(low[k], local, values)
        np.maximum.at(high[k], local, values + 1)
    bounds[:2, nodes], bounds[2:, nodes] = low, high
    bounds = bounds[:, order]
    row0, column0 = np.minimum.accumulate(bounds[0]), np.minimum.accumulate(bounds[1])
    row1, column1 = np.maximum.accumulate(bounds[2]), np.maximum.accumulate(bounds[3])
    with np.errstate(invalid="ignore"):
        common = np.maximum(np.minimum(row1, box.row1) - np.maximum(row0, box.row0), 0) * np.maximum(
            np.minimum(column1, box.column1) - np.maximum(column0, box.column0), 0
        )
        own = (row1 - row0) * (column1 - column0)
    size = (box.row1 - box.row0) * (box.column1 - box.column0)
    fill = common / np.maximum(own + size - common, 1)
    return np.where(np.isfinite(fill), fill, 0.0)


def _fill(graph: SceneGraph, boxes: Sequence[PixelBox], selection: Selection) -> float:
    """Mean over the boxes of the overlap of the selection's bounding box with the box."""
    total = 0.0
    for box in boxes:
        data = graph.views[box.view]
        mask = selection[data.labels]
        rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        if len(rows) == 0:
            continue
        height = min(int(rows[-1]) + 1, box.row1) - max(int(rows[0]), box.row0)
        width = min(int(columns[-1]) + 1, box.column1) - max(int(columns[0]), box.column0)
        common = max(height, 0) * max(width, 0)
        own = (int(rows[-1]) + 1 - int(rows[0])) * (int(columns[-1]) + 1 - int(columns[0]))
        size = (box.row1 - box.row0) * (box.column1 - box.column0)
        total += common / (own + size - common)
    return total / len(boxes)
