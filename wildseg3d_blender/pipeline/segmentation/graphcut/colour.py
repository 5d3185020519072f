# SPDX-License-Identifier: GPL-3.0-or-later
"""Colour models: smoothed histograms, evaluated per node in a millisecond or two."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
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
        node: (k,) int64, ascending.
        bin: (k,) int64 flat index of an (AB_BINS, AB_BINS, L_BINS) histogram.
        count: (k,) float64 pixels.
        area: (n,) float64 pixels per node.
    """

    node: NDArray[np.int64]
    bin: NDArray[np.int64]
    count: NDArray[np.float64]
    area: NDArray[np.float64]

    def histogram(self, chosen: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Smoothed colour distribution of the chosen nodes (n,) bool; sums to one."""
        # Whole numbers: exact, whichever side is summed up.
        few = chosen if 2 * np.count_nonzero(chosen) <= len(chosen) else ~chosen
        entries, _ = self._entries_of(np.flatnonzero(few))
        total = np.bincount(self.bin[entries], self.count[entries], BINS)
        return _smoothed(total.astype(np.float64) if few is chosen else self._everything - total)

    def log_ratio(
        self, foreground: NDArray[np.bool_], background: NDArray[np.bool_], at: NDArray[np.int64]
    ) -> NDArray[np.float64]:
        """Mean over each node's pixels of log p(colour | foreground) / p(colour | background), (k,).

        Args:
            foreground, background: nodes (n,) bool.
            at: the nodes that are asked about.
        """
        f, b = _with_outliers(self.histogram(foreground)), _with_outliers(self.histogram(background))
        ratio = np.log(f) - np.log(b)
        entries, count = self._entries_of(at)
        number = np.repeat(np.arange(len(at)), count)
        total = np.bincount(number, self.count[entries] * ratio[self.bin[entries]], len(at))
        return total / self.area[at]

    @cached_property
    def _everything(self) -> NDArray[np.float64]:
        return np.bincount(self.bin, self.count, BINS).astype(np.float64)

    @cached_property
    def _first(self) -> NDArray[np.int64]:
        return np.searchsorted(self.node, np.arange(len(self.area) + 1)).astype(np.int64)

    def _entries_of(self, nodes: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The entries of some nodes (k,), one node after the other, and how many each has."""
        count = self._first[nodes + 1] - self._first[nodes]
        before = np.cumsum(count) - count
        return np.repeat(self._first[nodes] - before, count) + np.arange(int(count.sum())), count


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
