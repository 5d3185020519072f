# SPDX-License-Identifier: GPL-3.0-or-later
"""Edges of the graph: between neighbours in a view, and between views where they show the same surface."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from .grooves import Floats
from .matching import STEP, Match
from .nodes import Nodes
from .view_data import ViewData

USUAL_SIDE = 512.0
"""Longer side of a view, in pixels, at which a boundary's length counts as it is. Areas grow with the square
of a view's size, lengths do not: they count in proportion to the size, and weigh the same at every one."""

LEAST_OVERLAP = 0.1
"""Share of the smaller node that two nodes must share."""


@dataclass(frozen=True)
class InViewEdges:
    """Neighbouring superpixels i < j of one view; m edges.

    Attributes:
        i, j: (m,) int64 nodes.
        length: (m,) float64 shared boundary, in pixels times the view's size (see ``USUAL_SIDE``).
        gradient: (m,) float64 mean colour gradient along the boundary, Lab per pixel.
        colour: (m,) float64 Lab distance of the mean colours.
        known: (m,) bool, both nodes have a place in 3D.
        step: (m,) float64 relative depth jump at the boundary, 0 where unknown.
        convexity: (m,) float64 in [-2, 2]: > 0 a convex crease, < 0 a concave one, 0 where unknown.
        groove: (m,) float64 mean depth of the groove along the boundary (see ``grooves``).
        outline: (m,) float64 mean log odds of an outline along the boundary (see ``outline_network``).
    """

    i: NDArray[np.int64]
    j: NDArray[np.int64]
    length: NDArray[np.float64]
    gradient: NDArray[np.float64]
    colour: NDArray[np.float64]
    known: NDArray[np.bool_]
    step: NDArray[np.float64]
    convexity: NDArray[np.float64]
    groove: NDArray[np.float64]
    outline: NDArray[np.float64]


@dataclass(frozen=True)
class CrossViewEdges:
    """Superpixels of two views that show the same surface; i < j.

    Attributes:
        i, j: (m,) int64 nodes.
        overlap: (m,) float64 pixels of shared surface, mean of both directions.
        colour: (m,) float64 Lab distance of the mean colours.
    """

    i: NDArray[np.int64]
    j: NDArray[np.int64]
    overlap: NDArray[np.float64]
    colour: NDArray[np.float64]


def in_view_edges(
    views: Sequence[ViewData], nodes: Nodes, grooves: Sequence[Floats], outlines: Sequence[Floats]
) -> tuple[InViewEdges, NDArray[np.float64]]:
    """All edges inside views, and the nodes' normals (n, 3), world frame, towards the camera."""
    parts = [_boundaries(*of_view) for of_view in zip(views, grooves, outlines, strict=True)]
    i, j, length, gradient, groove, outline, pixel = (
        np.concatenate([part[k] for part in parts]) for k in range(7)
    )
    colour = np.linalg.norm(nodes.lab[i] - nodes.lab[j], axis=1)
    known = nodes.placed[i] & nodes.placed[j]
    centres = np.stack([data.view.cam_to_world[:3, 3] for data in views])[nodes.view]
    normal = _normals(nodes, i, j, known, colour, centres)
    step = np.where(known, _depth_step(views, nodes, normal, i, j, pixel), 0.0)
    between = nodes.point_world[i] - nodes.point_world[j]
    distance = np.maximum(np.linalg.norm(between, axis=1), 1e-12)
    convexity = np.where(known, ((normal[i] - normal[j]) * between).sum(1) / distance, 0.0)
    return InViewEdges(i, j, length, gradient, colour, known, step, convexity, groove, outline), normal


def _boundaries(data: ViewData, groove: Floats, outline: Floats) -> tuple[NDArray, ...]:
    """Node pairs of one view with the length of their boundary, mean gradient, mean groove, mean outline and
    mean pixel."""
    smooth = cv2.GaussianBlur(data.lab, (0, 0), 1.0)
    dx = cv2.Sobel(smooth, cv2.CV_32F, 1, 0, scale=0.25)
    dy = cv2.Sobel(smooth, cv2.CV_32F, 0, 1, scale=0.25)
    gradient = np.sqrt((dx * dx + dy * dy).sum(-1))
    labels = data.labels.astype(np.int64)
    y, x = np.mgrid[0 : labels.shape[0], 0 : labels.shape[1]] + 0.5
    lists: list[list[NDArray]] = [[], [], [], [], [], [], []]
    here, there = (slice(None), slice(0, -1)), (slice(None), slice(1, None))
    for a, b in ((here, there), (here[::-1], there[::-1])):
        differ = labels[a] != labels[b]
        la, lb = labels[a][differ], labels[b][differ]
        for target, values in zip(
            lists,
            (
                np.minimum(la, lb),
                np.maximum(la, lb),
                np.maximum(gradient[a][differ], gradient[b][differ]),
                np.maximum(groove[a][differ], groove[b][differ]),
                (outline[a][differ] + outline[b][differ]) / 2,
                (x[a][differ] + x[b][differ]) / 2,
                (y[a][differ] + y[b][differ]) / 2,
            ),
            strict=True,
        ):
            target.append(values)
    low, high, strength, deep, drawn, px, py = (np.concatenate(values) for values in lists)
    span = int(labels.max()) + 1
    key, index = np.unique(low * span + high, return_inverse=True)
    length = np.bincount(index).astype(np.float64)
    pixel = np.stack([np.bincount(index, px), np.bincount(index, py)], 1) / length[:, None]
    contrast, depth, outlined = (np.bincount(index, values) / length for values in (strength, deep, drawn))
    weight = length * (max(data.view.size) / USUAL_SIDE)
    return key // span, key % span, weight, contrast, depth, outlined, pixel


def _normals(
    nodes: Nodes,
    i: NDArray[np.int64],
    j: NDArray[np.int64],
    known: NDArray[np.bool_],
    colour: NDArray[np.float64],
    centres: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Plane fits to each node together with its neighbours of like depth and colour."""
    depth_gap = np.abs(nodes.depth[i] - nodes.depth[j]) / np.maximum(
        np.minimum(nodes.depth[i], nodes.depth[j]), 1e-9
    )
    weight = np.where(known & (depth_gap < 0.015), np.exp(-((colour / 12.0) ** 2)), 0.0)
    between = nodes.point_world[j] - nodes.point_world[i]
    outer = between[:, :, None] * between[:, None, :]
    pooled = nodes.scatter.copy()
    for a, b in ((i, j), (j, i)):
        term = weight[:, None, None] * (nodes.scatter[b] + nodes.measured[b][:, None, None] * outer)
        for r in range(3):
            for c in range(3):
                pooled[:, r, c] += np.bincount(a, term[:, r, c], len(nodes))
    scale = np.maximum(np.trace(pooled, axis1=1, axis2=2), 1e-30)
    normal = np.linalg.eigh(pooled / scale[:, None, None])[1][:, :, 0]
    towards = ((centres - nodes.point_world) * normal).sum(1)
    return normal * np.where(towards < 0, -1.0, 1.0)[:, None]


def _depth_step(
    views: Sequence[ViewData],
    nodes: Nodes,
    normal: NDArray[np.float64],
    i: NDArray[np.int64],
    j: NDArray[np.int64],
    pixel: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Relative difference of the depths that the two nodes' planes predict at their shared boundary.

    Zero on slanted and on creased surfaces, which are continuous; a jump only where one part hides another.
    """
    centres = np.stack([data.view.cam_to_world[:3, 3] for data in views])[nodes.view[i]]
    K_inverse = np.stack([np.linalg.inv(data.view.K) for data in views])[nodes.view[i]]
    rotation = np.stack([data.view.cam_to_world[:3, :3] for data in views])[nodes.view[i]]
    homogeneous = np.concatenate([pixel, np.ones((len(pixel), 1))], 1)
    ray = np.einsum("mab,mbc,mc->ma", rotation, K_inverse, homogeneous)
    length = np.linalg.norm(ray, axis=1)

    def predicted(node: NDArray[np.int64]) -> NDArray[np.float64]:
        facing = -(normal[node] * ray).sum(1)
        offset = ((centres - nodes.point_world[node]) * normal[node]).sum(1)
        # A plane seen at a grazing angle predicts wildly; its mean depth is the better guess there.
        steady = facing > 0.25 * length
        return np.where(steady, offset / np.where(steady, facing, 1.0), nodes.depth[node])

    a, b = predicted(i), predicted(j)
    return np.abs(a - b) / np.maximum(np.minimum(a, b), 1e-9)


def cross_view_edges(views: Sequence[ViewData], nodes: Nodes, matches: Sequence[Match]) -> CrossViewEdges:
    """Edges between nodes of different views that at least two matched pixels connect."""
    keys, counts = [], []
    span = len(nodes)
    for match in matches:
        a = views[match.view].labels.ravel()[match.own].astype(np.int64)
        b = views[match.other].labels.ravel()[match.theirs].astype(np.int64)
        key, count = np.unique(np.minimum(a, b) * span + np.maximum(a, b), return_counts=True)
        keys.append(key)
        counts.append(count)
    if not keys:
        empty = np.zeros(0, dtype=np.int64)
        return CrossViewEdges(empty, empty, np.zeros(0), np.zeros(0))
    key, index_of = np.unique(np.concatenate(keys), return_inverse=True)
    count = np.bincount(index_of, np.concatenate(counts))
    i, j = key // span, key % span
    # A matched pixel stands for its cell, and both views of a pair contribute.
    overlap = count * STEP**2 / 2.0
    firm = (count >= 2) & (overlap > LEAST_OVERLAP * np.minimum(nodes.area[i], nodes.area[j]))
    i, j, overlap = i[firm], j[firm], overlap[firm]
    return CrossViewEdges(i, j, overlap, np.linalg.norm(nodes.lab[i] - nodes.lab[j], axis=1))
