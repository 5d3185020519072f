# SPDX-License-Identifier: GPL-3.0-or-later
"""Is a model right? A wrong one looks as neat as a right one unless it is asked these questions.

A few wrong matches can always be explained by some cameras: the mapper bends lens and poses until they fit,
and the reprojection error stays small. What it cannot bend is
- points that three or more photos agree on, for each photo: a photo that hangs on points seen by one other
  photo only is placed by chance;
- the matches it did not use: in a right model nearly all verified matches obey the cameras;
- parallax: cameras that only turn fit any depth;
- the lens: wrong models need distortions no lens has, or a focal length far from what EXIF says.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ....conventions import invert_rigid
from ....photo_warp import PhotoWarp
from .evidence import Evidence, PairMatches
from .features import working_scale
from .model import PlacedPhoto, SparseModel

_FEWEST_CONFIRMED = 20  # points per photo that at least two other photos see
_FEWEST_IN_A_PAIR = 100  # points of a model of two photos, where nothing else can confirm them
_SMALLEST_PAIR_ANGLE = 2.0  # degrees
_LEAST_AGREEMENT = 0.6
_MATCH_TOLERANCE = 4.0  # working pixels from the epipolar line
_FEWEST_MATCHES = 15  # pairs with fewer say nothing
_MOST_DISTORTION = 0.35  # relative, at the corner of the photo
_LARGEST_FOCAL_RATIO = 1.35  # between what was found and what EXIF says


def reliable_part(model: SparseModel, evidence: Evidence) -> SparseModel | None:
    """The model without the photos that are not well founded; None where nothing reliable is left.

    Photos are taken out one at a time, the worst first: each one taken out changes what the others rest on.
    """
    photos = [placed for placed in model.photos if has_real_lens(placed)]
    model = _with_photos(model, photos)
    while len(model.photos) > 2:
        standing = [_standing(model, n, evidence) for n in range(len(model.photos))]
        worst = int(np.argmin(standing))
        if standing[worst] >= 1.0:
            return model
        model = _with_photos(model, [p for n, p in enumerate(model.photos) if n != worst])
    return None


def reliable_pair(model: SparseModel, evidence: Evidence) -> bool:
    """Whether a model of two photos can be believed."""
    if len(model.photos) != 2 or len(model.points_world) < _FEWEST_IN_A_PAIR:
        return False
    first, second = model.photos
    to_first = model.points_world - first.cam_to_world[:3, 3]
    to_second = model.points_world - second.cam_to_world[:3, 3]
    cosine = (to_first * to_second).sum(-1)
    cosine /= np.linalg.norm(to_first, axis=-1) * np.linalg.norm(to_second, axis=-1)
    angle = np.degrees(np.arccos(np.clip(np.median(cosine), -1.0, 1.0)))
    return bool(
        angle >= _SMALLEST_PAIR_ANGLE
        and _has_parallax(model, 0, evidence)
        and _agreement(model, 0, evidence) >= _LEAST_AGREEMENT
    )


def has_real_lens(placed: PlacedPhoto) -> bool:
    """Whether focal length and distortion can belong to a camera, the one that EXIF speaks of if it does."""
    corner = np.linalg.norm(placed.photo.size) / 2 / placed.K[0, 0]
    distortion = placed.radial * corner**2
    if abs(distortion) > _MOST_DISTORTION or 1.0 + 3.0 * distortion <= 0.0:
        return False
    if placed.photo.focal is None:
        return True
    ratio = placed.K[0, 0] / placed.photo.focal
    return bool(1.0 / _LARGEST_FOCAL_RATIO < ratio < _LARGEST_FOCAL_RATIO)


def _standing(model: SparseModel, n: int, evidence: Evidence) -> float:
    """How well photo n of the model is founded: 1 or more is good enough."""
    if not _has_parallax(model, n, evidence):
        return 0.0
    confirmed = np.count_nonzero(_observers(model)[model.photos[n].seen] >= 3)
    return min(confirmed / _FEWEST_CONFIRMED, _agreement(model, n, evidence) / _LEAST_AGREEMENT)


def _has_parallax(model: SparseModel, n: int, evidence: Evidence) -> bool:
    """Whether the photo was taken from another place than some photo it matches.

    Otherwise a wrong focal length passes for depth.
    """
    return any(
        len(pair) >= _FEWEST_MATCHES and not pair.from_one_spot for _, pair in _pairs_with(model, n, evidence)
    )


def _pairs_with(
    model: SparseModel, n: int, evidence: Evidence
) -> Iterator[tuple[tuple[PlacedPhoto, PlacedPhoto], PairMatches]]:
    """The matches of photo n with the model's other photos, with the two photos in the matches' order."""
    for m, other in enumerate(model.photos):
        first, second = sorted((model.photos[n], other), key=lambda placed: placed.index)
        pair = evidence.pairs.get((first.index, second.index))
        if m != n and pair is not None:
            yield (first, second), pair


def _agreement(model: SparseModel, n: int, evidence: Evidence) -> float:
    """Share of the photo's matches with the model's other photos that obey the cameras."""
    obey, total = 0, 0
    for (first, second), pair in _pairs_with(model, n, evidence):
        if len(pair) >= _FEWEST_MATCHES:
            obey += int(np.count_nonzero(obeys(pair, first, second)))
            total += len(pair)
    return obey / total if total else 0.0


def obeys(pair: PairMatches, first: PlacedPhoto, second: PlacedPhoto) -> NDArray[np.bool_]:
    """Which matches lie near each other's epipolar lines, in front of both cameras; (m,) bool."""
    rays_first, rays_second = _rays(pair.pixels_i, first), _rays(pair.pixels_j, second)
    first_to_second = invert_rigid(second.cam_to_world) @ first.cam_to_world
    R, t = first_to_second[:3, :3], first_to_second[:3, 3]
    turned = rays_first @ R.T
    lines_second = np.cross(t, turned)  # E x for E = [t]x R
    lines_first = np.cross(rays_second, t) @ R  # E^T x'
    residual = (rays_second * lines_second).sum(-1)
    slope = np.sqrt((lines_second[:, :2] ** 2).sum(-1) + (lines_first[:, :2] ** 2).sum(-1))
    focal = min(p.K[0, 0] * working_scale(p.photo) for p in (first, second))
    near = np.abs(residual) * focal <= _MATCH_TOLERANCE * slope
    # Depths along both rays, from turned * a + t = rays_second * b in the least-squares sense.
    aa, bb = (turned**2).sum(-1), (rays_second**2).sum(-1)
    ab, at, bt = (turned * rays_second).sum(-1), turned @ t, rays_second @ t
    in_front = (ab * bt - bb * at > 0) & (aa * bt - ab * at > 0)
    return near & in_front


def _rays(pixels: NDArray[np.float64], placed: PlacedPhoto) -> NDArray[np.float64]:
    """Photo pixels (m, 2) -> undistorted rays of depth one (m, 3), camera frame."""
    normalised = PhotoWarp(placed.K, np.eye(3), placed.radial).to_view(pixels)
    return np.concatenate([normalised, np.ones((len(pixels), 1))], axis=-1)


def _observers(model: SparseModel) -> NDArray[np.int64]:
    """How many photos of the model observe each point, (P,)."""
    seen = [placed.seen for placed in model.photos] or [np.zeros(0, np.int64)]
    return np.bincount(np.concatenate(seen), minlength=len(model.points_world))


def _with_photos(model: SparseModel, photos: list[PlacedPhoto]) -> SparseModel:
    """The model with these photos only, and the points that at least two of them see."""
    kept = _observers(replace(model, photos=tuple(photos))) >= 2
    number = np.cumsum(kept) - 1
    renumbered = []
    for placed in photos:
        still = kept[placed.seen]
        renumbered.append(replace(placed, seen=number[placed.seen[still]], keypoints=placed.keypoints[still]))
    return SparseModel(tuple(renumbered), model.points_world[kept])
