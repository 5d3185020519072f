# SPDX-License-Identifier: GPL-3.0-or-later
"""What the graph needs from one view: its colours, its depth and its superpixels, all on the view grid."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from ....scene.folder import Scene, View
from .colour import colour_bins
from .guide import Guide, make_guide
from .superpixels import Labels, superpixels

PIXELS_PER_SUPERPIXEL = 75
"""Smaller ones follow outlines more closely, but cost time in every cut, and below this gain nothing."""

FEWEST, MOST = 300, 3600
"""Superpixels per view."""

LEAST_CONFIDENCE = 0.12
"""Depth below this share of the view's median confidence is a guess and joins nothing."""


@dataclass(frozen=True)
class ViewData:
    """One view, ready for the graph.

    Attributes:
        view: the placed photo.
        image: (H, W, 3) uint8 RGB.
        lab: (H, W, 3) float32 CIE Lab, L in 0..100.
        bins: (H, W) int64 the pixels' colour bins (see ``colour``).
        guide: what the colours around each pixel say about a mask.
        points_world: (H, W, 3) float32.
        depth: (H, W) float32 along the camera's z; meaningless where not measured.
        measured: (H, W) bool, where there is depth.
        labels: (H, W) int32 superpixels; ids are unique over all views of the scene.
        extents: (count, 4) int32 first row, first column, last row and last column of each superpixel.
        first, count: the view's ids are first .. first + count - 1.
    """

    view: View
    image: NDArray[np.uint8]
    lab: NDArray[np.float32]
    bins: NDArray[np.int64]
    guide: Guide
    points_world: NDArray[np.float32]
    depth: NDArray[np.float32]
    measured: NDArray[np.bool_]
    labels: Labels
    extents: NDArray[np.int32]
    first: int
    count: int

    def mask(self, selection: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """The pixels (H, W) of the superpixels that a selection of all the scene's nodes holds."""
        mask = np.zeros(self.labels.shape, dtype=bool)
        chosen = self.extents[selection[self.first : self.first + self.count]]
        if len(chosen):
            (top, left), (bottom, right) = chosen[:, :2].min(0), chosen[:, 2:].max(0) + 1
            mask[top:bottom, left:right] = selection[self.labels[top:bottom, left:right]]
        return mask


def read_view_data(scene: Scene, view: View, first: int) -> ViewData:
    """Read a view from the scene folder and split it into superpixels numbered from ``first``."""
    image = np.asarray(scene.colours(view))
    lab = cv2.cvtColor(image.astype(np.float32) / 255.0, cv2.COLOR_RGB2LAB)
    points_world = np.asarray(scene.pointmap(view))
    depth = (points_world - view.cam_to_world[:3, 3].astype(np.float32)) @ view.cam_to_world[:3, 2].astype(
        np.float32
    )
    confidence = np.asarray(scene.confidence(view))
    positive = confidence[confidence > 0]
    least = LEAST_CONFIDENCE * float(np.median(positive)) if len(positive) else 0.0
    measured = (confidence > least) & np.isfinite(depth) & (depth > 0)
    count = int(np.clip(depth.size / PIXELS_PER_SUPERPIXEL, FEWEST, MOST))
    labels = superpixels(lab, count)
    return ViewData(
        view=view,
        image=image,
        lab=lab,
        bins=colour_bins(lab),
        guide=make_guide(lab),
        points_world=np.where(measured[..., None], points_world, np.float32(0)),
        depth=np.where(measured, depth, np.float32(0)),
        measured=measured,
        labels=labels + np.int32(first),
        extents=_extents(labels),
        first=first,
        count=int(labels.max()) + 1,
    )


def _extents(labels: Labels) -> NDArray[np.int32]:
    """First row, first column, last row and last column of each of the labels 0..n-1, (n, 4)."""
    found = np.empty((int(labels.max()) + 1, 4), dtype=np.int32)
    found[:, :2], found[:, 2:] = np.iinfo(np.int32).max, -1
    places = np.indices(labels.shape, dtype=np.int32).reshape(2, -1)
    for axis, place in enumerate(places):
        np.minimum.at(found[:, axis], labels.ravel(), place)
        np.maximum.at(found[:, axis + 2], labels.ravel(), place)
    return found
