# SPDX-License-Identifier: GPL-3.0-or-later
"""Placed photos -> undistorted views, with the depth range and the neighbours each one is swept with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from ....conventions import pixel_centres, project
from ....photo_warp import PhotoWarp
from ...photos.reading import read_image
from ...photos.undistort import undistort
from .model import PlacedPhoto, SparseModel

_SUPERSAMPLING = 2
_IDEAL_ANGLE = 12.0  # degrees between two views' rays to a point: wider hides more, narrower measures less
_SMALLEST_ANGLE, _LARGEST_ANGLE = 2.0, 40.0
_WITNESS_ANGLE = 75.0
_MOST_WITNESSES = 8


@dataclass(frozen=True)
class StereoView:
    """A view as stereo uses it.

    Attributes:
        image: (H, W, 3) uint8 RGB, undistorted.
        grey: (H, W) float32 in [0, 1].
        inside: (H, W) bool, False where the undistorted grid reaches beyond the photo.
        K, cam_to_world: view pixels; COLMAP's world.
        warp: view pixels <-> photo pixels.
    """

    image: NDArray[np.uint8]
    grey: NDArray[np.float32]
    inside: NDArray[np.bool_]
    K: NDArray[np.float64]
    cam_to_world: NDArray[np.float64]
    warp: PhotoWarp

    @property
    def shape(self) -> tuple[int, int]:
        """(H, W)."""
        return self.grey.shape[0], self.grey.shape[1]


@dataclass(frozen=True)
class Surroundings:
    """What the sparse model tells about one view.

    Attributes:
        nearest, farthest: the range of depth to search, model units.
        neighbours: views to match with, best first, at most four.
        witnesses: views that see some of the same surface, for checking; the neighbours first.
    """

    nearest: float
    farthest: float
    neighbours: tuple[int, ...]
    witnesses: tuple[int, ...]


def undistorted_view(placed: PlacedPhoto, image_size: int) -> StereoView:
    """Resample a photo to a pinhole grid whose longer side is ``image_size`` (never more than the photo's).

    Pixels are square and the principal point is the exact centre of the grid.
    """
    photo_width, photo_height = placed.photo.size
    scale = min(1.0, image_size / max(placed.photo.size))
    width, height = max(round(photo_width * scale), 1), max(round(photo_height * scale), 1)
    focal = placed.K[0, 0] * scale
    view_K = np.array([[focal, 0, width / 2], [0, focal, height / 2], [0, 0, 1]])
    warp = PhotoWarp(photo_K=placed.K, view_K=view_K, radial=placed.radial)

    pixels = read_image(placed.photo, longer_side=_SUPERSAMPLING * image_size)
    to_pixels = np.diag([pixels.shape[1] / photo_width, pixels.shape[0] / photo_height, 1.0])
    image = undistort(pixels, replace(warp, photo_K=to_pixels @ placed.K), (width, height))
    at_pixels = warp.to_photo(pixel_centres(width, height))
    inside = ((at_pixels >= -0.5) & (at_pixels <= np.array(placed.photo.size) + 0.5)).all(axis=-1)
    return StereoView(
        image=image,
        grey=cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32) / 255.0,
        inside=inside,
        K=view_K,
        cam_to_world=placed.cam_to_world,
        warp=warp,
    )


def shrunk(view: StereoView, longer_side: int) -> StereoView:
    """The view on a smaller grid of the same extent."""
    height, width = view.shape
    scale = longer_side / max(height, width)
    if scale >= 1.0:
        return view
    size = max(round(width * scale), 1), max(round(height * scale), 1)
    to_small = np.diag([size[0] / width, size[1] / height, 1.0])
    return replace(
        view,
        image=cv2.resize(view.image, size, interpolation=cv2.INTER_AREA),
        grey=cv2.resize(view.grey, size, interpolation=cv2.INTER_AREA),
        inside=cv2.resize(view.inside.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) > 0,
        K=to_small @ view.K,
        warp=replace(view.warp, view_K=to_small @ view.warp.view_K),
    )


def survey(model: SparseModel, views: Sequence[StereoView]) -> list[Surroundings]:
    """Depth range, neighbours and witnesses of every view, from the whole model.

    A view's own points are not enough for its range: they often miss the foreground.
    """
    in_frame = [_in_frame(model, view) for view in views]
    centres = np.array([view.cam_to_world[:3, 3] for view in views])
    result = []
    for i, placed in enumerate(model.photos):
        shared = _shared_points(model, i, in_frame)
        angles = np.array(
            [_angle(model.points_world[shared[j]], centres[i], centres[j]) for j in range(len(views))]
        )
        counts = np.array([len(points) for points in shared], dtype=float)
        # Wide angles lose more than narrow ones do not gain.
        spread = np.where(angles < _IDEAL_ANGLE, 5.0, 14.0)
        score = np.sqrt(counts) * np.exp(-0.5 * ((angles - _IDEAL_ANGLE) / spread) ** 2)
        score[i] = 0.0
        order = [int(j) for j in np.argsort(-score, kind="stable") if score[j] > 0]
        useful = [j for j in order if _SMALLEST_ANGLE <= angles[j] <= _LARGEST_ANGLE] or order[:1]
        depths = project(model.points_world, views[i].K, views[i].cam_to_world)[1]
        nearest, farthest = _depth_range(depths[in_frame[i]], depths[placed.seen])
        neighbours = _spread_out(i, useful, centres)
        # A witness compares depth, not looks: from farther round it is as good.
        others = [j for j in order if j not in neighbours and _SMALLEST_ANGLE <= angles[j] <= _WITNESS_ANGLE]
        others.sort(key=lambda j: -counts[j])
        witnesses = [*neighbours, *others][:_MOST_WITNESSES]
        result.append(Surroundings(nearest, farthest, tuple(neighbours), tuple(witnesses)))
    return result


def _in_frame(model: SparseModel, view: StereoView) -> NDArray[np.bool_]:
    pixels, depth = project(model.points_world, view.K, view.cam_to_world)
    size = np.array(view.shape[::-1])
    within = (pixels > -0.05 * size) & (pixels < 1.05 * size)  # NaN behind the camera compares False
    return within.all(axis=-1) & (depth > 0)


def _shared_points(
    model: SparseModel, i: int, in_frame: Sequence[NDArray[np.bool_]]
) -> list[NDArray[np.int64]]:
    """Points that view i and each other view have both observed or, where too few, could both see."""
    shared = []
    for j, other in enumerate(model.photos):
        both = np.intersect1d(model.photos[i].seen, other.seen, assume_unique=True)
        shared.append(both if len(both) >= 8 else np.flatnonzero(in_frame[i] & in_frame[j])[:8])
    return shared


def _angle(points: NDArray[np.float64], a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Median angle in degrees at which two camera centres see points."""
    if len(points) == 0:
        return 180.0
    to_a, to_b = points - a, points - b
    cosine = (to_a * to_b).sum(-1) / (np.linalg.norm(to_a, axis=-1) * np.linalg.norm(to_b, axis=-1))
    return float(np.degrees(np.median(np.arccos(np.clip(cosine, -1.0, 1.0)))))


def _spread_out(i: int, candidates: Sequence[int], centres: NDArray[np.float64]) -> list[int]:
    """Up to four candidates, passing over those that stand nearly where a chosen one stands."""
    chosen: list[int] = []
    for j in candidates:
        apart = 0.25 * np.linalg.norm(centres[j] - centres[i])
        if len(chosen) < 4 and all(np.linalg.norm(centres[j] - centres[c]) >= apart for c in chosen):
            chosen.append(j)
    for j in candidates:
        if len(chosen) < 3 and j not in chosen:
            chosen.append(j)
    return chosen


def _depth_range(in_frame: NDArray[np.float64], observed: NDArray[np.float64]) -> tuple[float, float]:
    """Nearest and farthest depth to search: 1 to 99 % of inverse depth of what may be seen, padded."""
    low, high = np.percentile(1.0 / in_frame, [1.0, 99.0])
    inverse_seen = 1.0 / observed[observed > 0]
    if len(inverse_seen) >= 30:
        seen_low, seen_high = np.percentile(inverse_seen, [0.5, 99.5])
        low = min(low, seen_low)
        # Points that other views have in front of this camera may well be hidden from it or wrong.
        high = max(min(high, 2.0 * seen_high), seen_high)
    margin = 0.06 * (high - low) + 0.02 * high
    return 1.0 / (high + 1.5 * margin), 1.0 / max(low - margin, 0.6 * low)
