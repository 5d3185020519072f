# SPDX-License-Identifier: GPL-3.0-or-later
"""What matching found, as plain arrays: the evidence that cameras are judged by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pycolmap
from numpy.typing import NDArray

from .features import FeatureDatabase, working_scale

_ONE_SPOT = (
    pycolmap.TwoViewGeometryConfiguration.PANORAMIC,
    pycolmap.TwoViewGeometryConfiguration.PLANAR_OR_PANORAMIC,
)


@dataclass(frozen=True)
class PairMatches:
    """Verified matches between two photos.

    Attributes:
        pixels_i, pixels_j: (m, 2) photo pixels; row by row the same surface point.
        without_depth: one homography explains them all: a flat scene, or photos from one spot.
    """

    pixels_i: NDArray[np.float64]
    pixels_j: NDArray[np.float64]
    without_depth: bool

    def __len__(self) -> int:
        return len(self.pixels_i)


@dataclass(frozen=True)
class Evidence:
    """Matches by pair (i < j) of photo indices, and the number of features of each photo."""

    pairs: Mapping[tuple[int, int], PairMatches]
    features: Sequence[int]

    def count(self, i: int, j: int) -> int:
        """Verified matches between two photos."""
        pair = self.pairs.get((min(i, j), max(i, j)))
        return 0 if pair is None else len(pair)

    def best_partner(self, i: int) -> tuple[int, int]:
        """The photo that shares most points with photo i, and how many."""
        counts = [self.count(i, j) if j != i else -1 for j in range(len(self.features))]
        best = int(np.argmax(counts))
        return best, counts[best]


def read_evidence(database: FeatureDatabase) -> Evidence:
    """Read the verified matches of all pairs."""
    count = len(database.photos)
    with pycolmap.Database.open(database.path) as db:
        pixels = [
            db.read_keypoints(i + 1)[:, :2].astype(np.float64) / working_scale(database.photos[i])
            for i in range(count)
        ]
        ids, geometries = db.read_two_view_geometries()
    pairs = {}
    for pair_id, geometry in zip(ids, geometries, strict=True):
        first, second = pycolmap.pair_id_to_image_pair(pair_id)
        i, j, matches = first - 1, second - 1, geometry.inlier_matches
        if len(matches):
            pairs[i, j] = PairMatches(
                pixels[i][matches[:, 0]], pixels[j][matches[:, 1]], geometry.config in _ONE_SPOT
            )
    return Evidence(pairs, [len(found) for found in pixels])
