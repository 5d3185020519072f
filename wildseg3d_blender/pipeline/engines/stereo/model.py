# SPDX-License-Identifier: GPL-3.0-or-later
"""A sparse reconstruction as plain arrays: where each photo was taken, and the points it was found by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pycolmap
from numpy.typing import NDArray

from ....conventions import invert_rigid
from ...photos.reading import Photo
from .features import FeatureDatabase, working_scale

_MAX_ERROR = 2.5  # working pixels


@dataclass(frozen=True)
class PlacedPhoto:
    """A photo with its camera.

    Attributes:
        photo: which one.
        index: its place among the photos given to the engine.
        K: (3, 3) photo pixels; square pixels, principal point at the centre.
        radial: COLMAP's SIMPLE_RADIAL coefficient.
        cam_to_world: (4, 4).
        seen: (n,) indices into ``SparseModel.points_world``, ascending.
        keypoints: (n, 2) where the photo shows them, photo pixels, lens distortion included.
    """

    photo: Photo
    index: int
    K: NDArray[np.float64]
    radial: float
    cam_to_world: NDArray[np.float64]
    seen: NDArray[np.int64]
    keypoints: NDArray[np.float64]


@dataclass(frozen=True)
class SparseModel:
    """Placed photos and the points they share, (P, 3) float64, in COLMAP's world (no particular unit)."""

    photos: tuple[PlacedPhoto, ...]
    points_world: NDArray[np.float64]


def sparse_model(reconstruction: pycolmap.Reconstruction, database: FeatureDatabase) -> SparseModel:
    """Take over from COLMAP what the rest needs, in photo pixels, leaving badly fitting points out."""
    point_ids = sorted(i for i, point in reconstruction.points3D.items() if point.error < _MAX_ERROR)
    number = {point_id: n for n, point_id in enumerate(point_ids)}
    points = np.array([reconstruction.points3D[i].xyz for i in point_ids]).reshape(-1, 3)
    photos = [
        _placed(reconstruction, image, database.photos, number)
        for _, image in sorted(reconstruction.images.items())
        if image.has_pose
    ]
    return SparseModel(tuple(photos), points)


def _placed(
    reconstruction: pycolmap.Reconstruction,
    image: pycolmap.Image,
    photos: Sequence[Photo],
    number: dict[int, int],
) -> PlacedPhoto:
    index = image.image_id - 1
    scale = working_scale(photos[index])
    focal, x, y, radial = reconstruction.cameras[image.camera_id].params
    K = np.array([[focal / scale, 0, x / scale], [0, focal / scale, y / scale], [0, 0, 1]])
    cam_from_world = np.vstack([image.cam_from_world().matrix(), [0, 0, 0, 1]])
    observed = {
        number[p.point3D_id]: p.xy for p in image.points2D if p.has_point3D() and p.point3D_id in number
    }
    seen = sorted(observed)
    return PlacedPhoto(
        photo=photos[index],
        index=index,
        K=K,
        radial=float(radial),
        cam_to_world=invert_rigid(cam_from_world),
        seen=np.array(seen, dtype=np.int64),
        keypoints=np.array([observed[n] for n in seen]).reshape(-1, 2) / scale,
    )
