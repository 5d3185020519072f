# SPDX-License-Identifier: GPL-3.0-or-later
"""Features of the graph's nodes: one node per superpixel of any view."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .view_data import ViewData

MIN_MEASURED_SHARE = 0.25
"""A node has a place in 3D when at least this share of its pixels has depth."""


@dataclass(frozen=True)
class Nodes:
    """One entry per node along the first axis (n nodes, all views).

    Attributes:
        view: (n,) int64 index of the view.
        area: (n,) float64 pixels.
        lab: (n, 3) float64 mean colour.
        placed: (n,) bool, whether the node has a place in 3D.
        measured: (n,) float64, how many of its pixels have depth.
        point_world: (n, 3) float64 centroid of the measured pixels; 0 where not placed.
        depth: (n,) float64 mean depth in its view.
        scatter: (n, 3, 3) float64 second moments about the centroid, summed over the measured pixels.
        framed: (n,) float64 share of its area in superpixels that touch the frame of their photo.
        pixel: (n, 2) float64 mean pixel (x, y).
    """

    view: NDArray[np.int64]
    area: NDArray[np.float64]
    lab: NDArray[np.float64]
    placed: NDArray[np.bool_]
    measured: NDArray[np.float64]
    point_world: NDArray[np.float64]
    depth: NDArray[np.float64]
    scatter: NDArray[np.float64]
    framed: NDArray[np.float64]
    pixel: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.view)


def node_features(views: Sequence[ViewData]) -> Nodes:
    """Features of all nodes of all views."""
    parts = [_view_features(index, data) for index, data in enumerate(views)]
    return Nodes(**{key: np.concatenate([part[key] for part in parts]) for key in parts[0]})


def _view_features(index: int, data: ViewData) -> dict[str, NDArray]:
    count = data.count
    labels = (data.labels - data.first).ravel()
    area = np.bincount(labels, minlength=count).astype(np.float64)
    measured_pixels = data.measured.ravel()
    labels_measured = labels[measured_pixels]
    points = data.points_world.reshape(-1, 3)[measured_pixels].astype(np.float64)
    measured = np.bincount(labels_measured, minlength=count).astype(np.float64)
    divisor = np.maximum(measured, 1)
    total = np.stack([np.bincount(labels_measured, points[:, c], count) for c in range(3)], 1)
    centroid = total / divisor[:, None]
    offset = points - centroid[labels_measured]
    scatter = np.empty((count, 3, 3))
    for a in range(3):
        for b in range(a, 3):
            scatter[:, a, b] = np.bincount(labels_measured, offset[:, a] * offset[:, b], count)
            scatter[:, b, a] = scatter[:, a, b]
    placed = measured > MIN_MEASURED_SHARE * area
    centroid[~placed] = 0
    frame = np.zeros(data.labels.shape, dtype=bool)
    frame[[0, -1]] = True
    frame[:, [0, -1]] = True
    y, x = np.mgrid[0 : data.labels.shape[0], 0 : data.labels.shape[1]] + 0.5
    return {
        "view": np.full(count, index, dtype=np.int64),
        "area": area,
        "lab": np.stack([np.bincount(labels, data.lab[..., c].ravel(), count) for c in range(3)], 1)
        / area[:, None],
        "placed": placed,
        "measured": measured,
        "point_world": centroid,
        "depth": np.bincount(labels_measured, data.depth.ravel()[measured_pixels], count) / divisor,
        "scatter": scatter,
        "framed": (np.bincount(labels, frame.ravel(), count) > 0).astype(np.float64),
        "pixel": np.stack([np.bincount(labels, c.ravel(), count) for c in (x, y)], 1) / area[:, None],
    }
