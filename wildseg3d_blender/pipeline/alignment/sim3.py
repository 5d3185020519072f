# SPDX-License-Identifier: GPL-3.0-or-later
"""Similarities of space: rotation, translation and one scale, and their fit to point pairs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
TINY = float(np.finfo(np.float64).tiny)

ROUNDS = 10
"""Of reweighting, at most: most fits stand still before."""


@dataclass(frozen=True)
class Sim3:
    """x -> scale * rotation @ x + translation.

    Attributes:
        scale: > 0.
        rotation: (3, 3) float64, determinant +1.
        translation: (3,) float64, in the unit of the target frame.
    """

    scale: float
    rotation: Array
    translation: Array

    @staticmethod
    def identity() -> Sim3:
        return Sim3(1.0, np.eye(3), np.zeros(3))

    def apply(self, points: NDArray[np.floating]) -> Array:
        """Points (..., 3) of the source frame -> points (..., 3) of the target frame."""
        return self.scale * (points @ self.rotation.T) + self.translation

    def __matmul__(self, first: Sim3) -> Sim3:
        """The similarity that applies ``first``, then this one."""
        return Sim3(self.scale * first.scale, self.rotation @ first.rotation, self.apply(first.translation))

    def inverse(self) -> Sim3:
        """The similarity that undoes this one."""
        rotation = self.rotation.T
        return Sim3(1.0 / self.scale, rotation, -(rotation @ self.translation) / self.scale)

    def apply_to_pose(self, cam_to_world: NDArray[np.floating]) -> Array:
        """Camera poses (..., 4, 4) in the new world. They stay rigid: depths must be scaled by ``scale``."""
        moved = np.array(cam_to_world, dtype=np.float64)
        moved[..., :3, :3] = self.rotation @ moved[..., :3, :3]
        moved[..., :3, 3] = self.apply(moved[..., :3, 3])
        return moved


def dot(a: NDArray[np.floating], b: NDArray[np.floating]) -> NDArray[np.floating]:
    """Inner products over the last axis; several times faster than a sum over an axis of length three."""
    return np.einsum("...i,...i->...", a, b)


def lengths(vectors: NDArray[np.floating]) -> NDArray[np.floating]:
    """Norms over the last axis, see ``dot``."""
    return np.sqrt(dot(vectors, vectors))


def middle_value(values: NDArray[np.floating]) -> float:
    """The upper median of finite numbers: for small arrays several times faster than ``np.median``."""
    half = values.size // 2
    return float(np.partition(values, half, axis=None)[half])


def skew(vectors: NDArray[np.floating]) -> Array:
    """Cross-product matrices: ``skew(a) @ b == cross(a, b)``. (..., 3) -> (..., 3, 3)."""
    x, y, z = np.moveaxis(np.asarray(vectors, dtype=np.float64), -1, 0)
    zero = np.zeros_like(x)
    rows = [[zero, -z, y], [z, zero, -x], [-y, x, zero]]
    return np.stack([np.stack(row, axis=-1) for row in rows], axis=-2)


def rotation_exp(vectors: NDArray[np.floating]) -> Array:
    """Rotation vectors (..., 3) in radians -> rotation matrices (..., 3, 3), by Rodrigues' formula."""
    vectors = np.asarray(vectors, dtype=np.float64)
    angle = np.linalg.norm(vectors, axis=-1)[..., None, None]
    cross = skew(vectors)
    # sinc forms stay exact at angle zero: sin(a)/a and (1 - cos(a))/a^2 = sinc(a/2)^2 / 2.
    sine = np.sinc(angle / np.pi)
    cosine = 0.5 * np.sinc(angle / (2.0 * np.pi)) ** 2
    return np.eye(3) + sine * cross + cosine * (cross @ cross)


def rotation_log(rotation: NDArray[np.floating]) -> Array:
    """The rotation vector (3,) in radians of a rotation matrix (3, 3); not for half turns."""
    antisymmetric = 0.5 * (rotation - rotation.T)
    axis = np.array([antisymmetric[2, 1], antisymmetric[0, 2], antisymmetric[1, 0]])
    sine = float(np.linalg.norm(axis))
    return axis * (float(rotation_angle(rotation)) / sine if sine > 0 else 1.0)


def rotation_angle(rotations: NDArray[np.floating]) -> Array:
    """Angle in radians, [0, pi], of rotation matrices (..., 3, 3)."""
    antisymmetric = rotations - np.swapaxes(rotations, -1, -2)
    sine = np.linalg.norm(antisymmetric, axis=(-2, -1)) / np.sqrt(8.0)
    cosine = (np.trace(rotations, axis1=-2, axis2=-1) - 1.0) / 2.0
    return np.arctan2(sine, cosine)


def fit_sim3(
    a: NDArray[np.floating], b: NDArray[np.floating], weights: NDArray[np.floating] | None = None
) -> Sim3:
    """The similarity with least sum of weights * |S(a) - b|^2 (Umeyama, PAMI 1991).

    Args:
        a, b: corresponding points (n, 3), finite.
        weights: (n,) >= 0; all equal by default.

    Raises:
        ValueError: no weight at all, or all points of ``a`` coincide.
    """
    a, b = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    share = np.ones(len(a)) if weights is None else np.asarray(weights, dtype=np.float64)
    total = share.sum()
    if not total > 0:
        raise ValueError("a similarity cannot be fitted: no point has a positive weight")
    share = share / total
    mean_a, mean_b = share @ a, share @ b
    centred_a, centred_b = a - mean_a, b - mean_b
    variance = share @ dot(centred_a, centred_a)
    if not variance > 0:
        raise ValueError("a similarity cannot be fitted: all points coincide")
    left, singular, right = np.linalg.svd((centred_b * share[:, None]).T @ centred_a)
    signs = np.array([1.0, 1.0, np.sign(np.linalg.det(left @ right))])
    rotation = (left * signs) @ right
    scale = float(max((singular * signs).sum() / variance, TINY))
    return Sim3(scale, rotation, mean_b - scale * rotation @ mean_a)


def _relative_spread(points: NDArray[np.floating], weights: Array) -> Array:
    """Distance (n,) of points from their median, in units of the median distance."""
    used = points[weights > 0]
    distance = lengths(points - np.median(used, axis=0))
    return distance / max(middle_value(distance[weights > 0]), TINY)


def fit_sim3_robust(
    a: NDArray[np.floating],
    b: NDArray[np.floating],
    weights: NDArray[np.floating] | None = None,
) -> tuple[Sim3, float]:
    """The similarity with least sum of weights * |S(a) - b|, by iteratively reweighted ``fit_sim3``.

    Returns:
        The similarity and the weighted mean of |S(a) - b|, in the unit of ``b``.
    """
    base = np.ones(len(a)) if weights is None else np.asarray(weights, dtype=np.float64)
    # A least-squares start follows the farthest points, so those count less the farther they are.
    current = base / np.maximum(_relative_spread(a, base) * _relative_spread(b, base), 1.0)
    before, rounding = np.inf, 1e-9 * middle_value(lengths(b[base > 0]))
    for _ in range(ROUNDS):
        fit = fit_sim3(a, b, current)
        residual = lengths(fit.apply(a) - b)
        mean = float(np.average(residual, weights=base))
        if abs(before - mean) <= 1e-4 * mean + rounding:
            break
        before = mean
        # Below a third of the median, residuals are noise: weighing by them would only chase it.
        floor = max(0.3 * middle_value(residual[base > 0]), rounding)
        current = base / np.maximum(residual, max(floor, TINY))
    return fit, mean
