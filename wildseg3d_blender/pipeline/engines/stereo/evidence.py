# SPDX-License-Identifier: GPL-3.0-or-later
"""What matching found, as plain arrays: the evidence that cameras are judged by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pycolmap
from numpy.typing import NDArray

from ...photos.reading import Photo
from .features import FeatureDatabase, working_scale

_ONE_HOMOGRAPHY = (
    pycolmap.TwoViewGeometryConfiguration.PLANAR,
    pycolmap.TwoViewGeometryConfiguration.PANORAMIC,
    pycolmap.TwoViewGeometryConfiguration.PLANAR_OR_PANORAMIC,
)
_FOCALS_TO_TRY = np.geomspace(0.4, 6.0, 16)  # times the longer side
_ROTATION_TOLERANCE = 2.5  # working pixels


@dataclass(frozen=True)
class PairMatches:
    """Verified matches between two photos.

    Attributes:
        pixels_i, pixels_j: (m, 2) photo pixels; row by row the same surface point.
        from_one_spot: turning the camera explains them all, so they tell nothing about depth.
    """

    pixels_i: NDArray[np.float64]
    pixels_j: NDArray[np.float64]
    from_one_spot: bool

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
            pixels_i, pixels_j = pixels[i][matches[:, 0]], pixels[j][matches[:, 1]]
            one_spot = geometry.config in _ONE_HOMOGRAPHY and rotation_explains(
                pixels_i, pixels_j, database.photos[i], database.photos[j]
            )
            pairs[i, j] = PairMatches(pixels_i, pixels_j, one_spot)
    return Evidence(pairs, [len(found) for found in pixels])


def rotation_explains(
    pixels_i: NDArray[np.float64], pixels_j: NDArray[np.float64], photo_i: Photo, photo_j: Photo
) -> bool:
    """Whether a camera that only turns, of some focal length, maps nearly all matches onto each other."""
    centred_i = (pixels_i - np.array(photo_i.size) / 2) / max(photo_i.size)
    centred_j = (pixels_j - np.array(photo_j.size) / 2) / max(photo_j.size)
    side = max(photo_j.size) * working_scale(photo_j)
    for focal in _FOCALS_TO_TRY:
        rays_i, rays_j = (
            np.concatenate([centred / focal, np.ones((len(centred), 1))], axis=-1)
            for centred in (centred_i, centred_j)
        )
        units_i, units_j = (rays / np.linalg.norm(rays, axis=-1, keepdims=True) for rays in (rays_i, rays_j))
        U, _, Vt = np.linalg.svd(units_j.T @ units_i)  # Kabsch: the rotation that fits the directions best
        R = U @ np.diag([1.0, 1.0, np.linalg.det(U @ Vt)]) @ Vt
        turned = rays_i @ R.T
        missed = np.linalg.norm(turned[:, :2] / turned[:, 2:] - rays_j[:, :2], axis=-1) * focal * side
        if np.quantile(missed, 0.8) < _ROTATION_TOLERANCE:
            return True
    return False
