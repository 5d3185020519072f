# SPDX-License-Identifier: GPL-3.0-or-later
"""Colour models: smoothed histograms, evaluated per node in a millisecond or two."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from .view_data import ViewData

L_BINS, AB_BINS = 12, 32
AB_RANGE = 96.0
BINS = L_BINS * AB_BINS * AB_BINS
OUTLIER_SHARE = 0.05
"""Share of pixels that may have any colour at all: bounds what a single odd colour can say."""


@dataclass(frozen=True)
class Palette:
    """How many pixels of each node fall into each colour bin, as a sparse table of k entries.

    Attributes:
        node: (k,) int64.
        bin: (k,) int64 flat index of an (AB_BINS, AB_BINS, L_BINS) histogram.
        count: (k,) float64 pixels.
        area: (n,) float64 pixels per node.
    """

    node: NDArray[np.int64]
    bin: NDArray[np.int64]
    count: NDArray[np.float64]
    area: NDArray[np.float64]

    def histogram(self, weight: NDArray[np.floating]) -> NDArray[np.float64]:
        """Smoothed colour distribution of the nodes under ``weight`` (n,) >= 0; sums to one."""
        total = np.bincount(self.bin, self.count * weight[self.node], BINS)
        return _smoothed(total.astype(np.float64))

    def log_ratio(
        self, foreground: NDArray[np.floating], background: NDArray[np.floating]
    ) -> NDArray[np.float64]:
        """Mean over each node's pixels of log p(colour | foreground) / p(colour | background), (n,)."""
        ratio = self.bin_log_ratio(foreground, background)
        total = np.bincount(self.node, self.count * ratio[self.bin], len(self.area))
        return total / self.area

    def bin_log_ratio(
        self, foreground: NDArray[np.floating], background: NDArray[np.floating]
    ) -> NDArray[np.float64]:
        """The same log ratio for every colour bin, (bins,)."""
        f, b = _with_outliers(self.histogram(foreground)), _with_outliers(self.histogram(background))
        return np.log(f) - np.log(b)


def _with_outliers(distribution: NDArray[np.float64]) -> NDArray[np.float64]:
    # The outlier floor is spread over as many bins as a scene usually fills.
    return (1 - OUTLIER_SHARE) * distribution + OUTLIER_SHARE / 500.0


def _smoothed(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    # To OpenCV an image of all lightnesses, and one of a and b whose channels are the lightnesses.
    cube = cv2.GaussianBlur(counts.reshape(AB_BINS * AB_BINS, L_BINS), (5, 1), sigmaX=0.9, sigmaY=0.1)
    smooth = cv2.GaussianBlur(cube.reshape(AB_BINS, AB_BINS, L_BINS), (5, 5), 0.8).ravel()
    return smooth / max(float(smooth.sum()), 1e-9)


def colour_bins(lab: NDArray[np.float32]) -> NDArray[np.int64]:
    """Bin of every pixel of a Lab image (..., 3) -> (...) int64."""
    lightness = np.clip(lab[..., 0] * (L_BINS / 100.0), 0, L_BINS - 1).astype(np.int64)
    a, b = (
        np.clip((lab[..., c] + AB_RANGE) * (AB_BINS / (2 * AB_RANGE)), 0, AB_BINS - 1).astype(np.int64)
        for c in (1, 2)
    )
    return (a * AB_BINS + b) * L_BINS + lightness


def make_palette(views: Sequence[ViewData], area: NDArray[np.float64]) -> Palette:
    """Count the colours of all nodes."""
    nodes, bins, counts = [], [], []
    for data in views:
        local = (data.labels - data.first).astype(np.int64).ravel()
        key, count = np.unique(local * BINS + data.bins.ravel(), return_counts=True)
        nodes.append(key // BINS + data.first)
        bins.append(key % BINS)
        counts.append(count.astype(np.float64))
    return Palette(np.concatenate(nodes), np.concatenate(bins), np.concatenate(counts), area)
