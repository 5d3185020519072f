# SPDX-License-Identifier: GPL-3.0-or-later
"""The solver: least sum of W |chi - sigma_e P_e X| over cameras and edges, with depth eliminated.

A view's world point is chi = c + d m, with m = R k the ray of its pixel. For fixed cameras and edges the
depth d of each pixel that minimises sum_e w_e |y_e - c - d m|^2, with y_e = sigma_e P_e X, is in closed form,

    d = sum_e w_e <y_e - c, m> / (<m, m> sum_e w_e),

so Gauss-Newton needs only 7 unknowns per edge (log-scale, rotation, translation) and 7 per view (rotation,
centre, log-focal): variable projection (Golub and Pereyra 1973). The norm is not squared in the objective;
iterative reweighting w = W / max(|r|, floor) turns it into least squares.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...conventions import camera_rays
from ...progress import Progress
from .robust import weighted_median
from .samples import Observations
from .sim3 import TINY, Array, skew
from .state import AlignmentState

MAX_ITERATIONS = 500
# Residuals below this share of the view's median residual count as noise: all weigh the same.
NOISE_SHARE = 0.1
# ... and so do residuals below this share of the depth, which float32 pointmaps cannot tell from zero.
NOISE_DEPTH = 1e-6
# The largest move that still counts as standing still: radians, log-scale, share of the depth.
TOLERANCE = 1e-4
MAX_FOCAL_STEP = 0.3
FIRST_DAMPING = 1e-6
# Holds the mean log-scale of the edges: the objective alone would shrink the scene to a point.
GAUGE_STIFFNESS = 1e6


def _jacobians() -> tuple[Array, Array]:
    """Residual derivatives as tensors over features: (3, 7, 4) for an edge, (3, 7, 7) for a view.

    Edge unknowns (log-scale, rotation, translation), features (1, q): dr = q, -[q]x, I.
    View unknowns (rotation, centre, log-focal), features (1, d m, d R t): dr = [d m]x, -I, d R t.
    """
    cross = -np.moveaxis(skew(np.eye(3)), 0, -1)
    edge, view = np.zeros((3, 7, 4)), np.zeros((3, 7, 7))
    edge[:, 0, 1:4] = np.eye(3)
    edge[:, 1:4, 1:4] = cross
    edge[:, 4:7, 0] = np.eye(3)
    view[:, 0:3, 1:4] = -cross
    view[:, 3:6, 0] = -np.eye(3)
    view[:, 6, 4:7] = np.eye(3)
    return edge, view


EDGE_JACOBIAN, VIEW_JACOBIAN = _jacobians()


@dataclass(frozen=True)
class Solution:
    """What the solver reached; ``losses`` has each iteration's weighted mean residual (share of depth)."""

    state: AlignmentState
    iterations: int
    losses: tuple[float, ...]


@dataclass(frozen=True)
class _Anchor:
    """What holds one group of views in place: its first view, and the edges whose mean log-scale is kept."""

    view: int
    edges: NDArray[np.int64]


@dataclass(frozen=True)
class _Linearisation:
    """Normal equations of the whole problem at one state. M = 7 E + 7 N unknowns, edges first."""

    hessian: Array
    gradient: Array
    loss: float
    depths: list[Array]
    median_depth: float


def solve(
    observations: Sequence[Observations],
    groups: Sequence[Sequence[int]],
    start: AlignmentState,
    progress: Progress,
) -> Solution:
    """Minimise from ``start``.

    Args:
        groups: views that hang together. Within each, the pose of the first one and the mean log-scale of
            the edges stay as they are: nothing else holds a group where it is.
    """
    anchors = [
        _Anchor(group[0], np.unique(np.concatenate([observations[v].edges for v in group])))
        for group in groups
    ]
    state, damping = start, FIRST_DAMPING
    current = _linearise(observations, state, [None] * len(observations))
    losses = [current.loss]
    for iteration in range(1, MAX_ITERATIONS + 1):
        progress("align", 1.0 - 0.8**iteration, f"aligning views, iteration {iteration}")
        edge_step, view_step = _step(current, anchors, len(start.log_scale), damping)
        candidate = state.moved(edge_step, view_step)
        ahead = _linearise(observations, candidate, current.depths)
        losses.append(min(ahead.loss, current.loss))
        # Reweighting moves the goal a little at each step, so a slight rise is no reason to turn back.
        if not ahead.loss <= 1.01 * current.loss + NOISE_DEPTH:
            damping = max(10.0 * damping, 1e-4)
            if damping > 1e8:
                break
            continue
        size = _step_size(edge_step, view_step, current.median_depth)
        state, current, damping = candidate, ahead, max(damping / 10.0, FIRST_DAMPING)
        if size < TOLERANCE:
            break
    return Solution(state, iteration, tuple(losses))


def _linearise(
    observations: Sequence[Observations], state: AlignmentState, depths: Sequence[Array | None]
) -> _Linearisation:
    edge_count, view_count = len(state.log_scale), len(state.centre)
    size = 7 * (edge_count + view_count)
    hessian, gradient = np.zeros((size, size)), np.zeros(size)
    new_depths, total_loss, total_weight = [], 0.0, 0.0
    for v, (seen, depth) in enumerate(zip(observations, depths, strict=True)):
        local_hessian, local_gradient, new_depth, loss = _linearise_view(seen, state, v, depth)
        blocks = np.append(seen.edges, edge_count + v)
        columns = (7 * blocks[:, None] + np.arange(7)).ravel()
        hessian[np.ix_(columns, columns)] += local_hessian
        gradient[columns] += local_gradient
        new_depths.append(new_depth)
        total_loss += loss
        total_weight += float(seen.weights.sum())
    median_depth = float(np.median(np.abs(np.concatenate(new_depths))))
    loss = total_loss / max(total_weight * median_depth, TINY)
    return _Linearisation(hessian, gradient, loss, new_depths, median_depth)


def _linearise_view(
    seen: Observations, state: AlignmentState, v: int, depth: Array | None
) -> tuple[Array, Array, Array, float]:
    """Normal equations in the K edges' unknowns and then the view's own; depths (P,); sum of W |r|.

    Both Jacobians are linear in a few features per pixel, the edge's (1, q) and the view's (1, d m, d R t),
    with q = sigma R_e X and t the ray's change with log-focal. So their products are small constant tensors
    applied to moments of the features, and no Jacobian is ever written out. Vectors lie along the last axis
    but one here, (K, 3, P): every operation then runs over long rows.
    """
    count, pixels = seen.weights.shape
    rays_cam = camera_rays(state.intrinsics[v], seen.pixels).T
    rays = state.rotation[v] @ rays_cam
    tangents = state.rotation[v][:, :2] @ rays_cam[:2]
    scaled_rotation = np.exp(state.log_scale[seen.edges])[:, None, None] * state.edge_rotation[seen.edges]
    edge_features = np.ones((count, 4, pixels))
    arms = edge_features[:, 1:]
    np.matmul(scaled_rotation, np.swapaxes(seen.points, 1, 2), out=arms)
    offsets = arms + (state.edge_translation[seen.edges] - state.centre[v])[..., None]
    depth, weights, residuals, loss = _reweight(offsets, rays, seen.weights, depth)

    total = weights.sum(axis=0)
    view_features = np.concatenate([np.ones((1, pixels)), depth * rays, depth * tangents])
    weighted = weights[:, None] * edge_features
    own_moments = (total * view_features) @ view_features.T
    edge_edge = _product(EDGE_JACOBIAN, EDGE_JACOBIAN, weighted @ np.swapaxes(edge_features, 1, 2))
    edge_view = _product(EDGE_JACOBIAN, VIEW_JACOBIAN, weighted @ view_features.T)
    view_view = _product(VIEW_JACOBIAN, VIEW_JACOBIAN, own_moments)
    edge_gradient = np.einsum("iax,kxi->ka", EDGE_JACOBIAN, weighted @ np.swapaxes(residuals, 1, 2))
    pulls = np.einsum("kp,kip->ip", weights, residuals)
    view_gradient = np.einsum("iax,xi->a", VIEW_JACOBIAN, view_features @ pulls.T)

    side, own = 7 * (count + 1), slice(7 * count, 7 * count + 7)
    hessian = np.zeros((side, side))
    for k in range(count):
        block = slice(7 * k, 7 * k + 7)
        hessian[block, block] = edge_edge[k]
        hessian[block, own] = edge_view[k]
        hessian[own, block] = edge_view[k].T
    hessian[own, own] = view_view
    coupling = _depth_coupling(arms, rays, tangents, weights, depth)
    hessian -= coupling @ coupling.T
    return hessian, np.concatenate([edge_gradient.ravel(), view_gradient]), depth, loss


def _product(left: Array, right: Array, moments: Array) -> Array:
    """J_left^T J_right summed over pixels, from the moments (..., x, y) of their features."""
    return np.einsum("abxy,...xy->...ab", np.einsum("iax,iby->abxy", left, right), moments)


def _depth_coupling(arms: Array, rays: Array, tangents: Array, weights: Array, depth: Array) -> Array:
    """(7 (K + 1), P) matrix B whose B B^T is what eliminating the depths takes from the Hessian.

    The derivative of every residual by depth is -m, so a pixel's depth couples all unknowns of that pixel
    through <m, J>, written out here for the edge's J = (q, -[q]x, I) and the view's ([d m]x, -I, d R t).
    """
    count, pixels = weights.shape
    total = weights.sum(axis=0)
    curvature = total * (rays**2).sum(axis=0)
    share = 1.0 / np.sqrt(np.where(curvature > 0, curvature, np.inf))
    coupling = np.zeros((count + 1, 7, pixels))
    scaled = (weights * share)[:, None] * rays
    coupling[:count, 0] = np.einsum("kip,kip->kp", arms, scaled)
    for a, b, c in ((0, 1, 2), (1, 2, 0), (2, 0, 1)):
        coupling[:count, 1 + a] = arms[:, b] * scaled[:, c] - arms[:, c] * scaled[:, b]
    coupling[:count, 4:7] = scaled
    coupling[count, 3:6] = -(total * share) * rays
    coupling[count, 6] = total * share * depth * (rays * tangents).sum(axis=0)
    return coupling.reshape(7 * (count + 1), pixels)


def _reweight(
    offsets: Array, rays: Array, base: Array, depth: Array | None
) -> tuple[Array, Array, Array, float]:
    """Two rounds of reweighting and closed-form depth, from the depths given or from medians.

    Returns depth (P,), weights (K, P), residuals (K, 3, P) and the sum of base * |residual|.
    """
    along = np.einsum("kip,ip->kp", offsets, rays) / (rays**2).sum(axis=0)
    if depth is None:
        depth = np.nan_to_num(weighted_median(along, base))
    used = base > 0
    length = _lengths(offsets - depth * rays)
    for _ in range(2):
        floor = max(
            NOISE_SHARE * float(np.median(length[used])), NOISE_DEPTH * float(np.median(np.abs(depth)))
        )
        weights = base / np.maximum(length, floor)
        total = weights.sum(axis=0)
        depth = np.where(total > 0, (weights * along).sum(axis=0) / np.where(total > 0, total, 1.0), depth)
        residuals = offsets - depth * rays
        length = _lengths(residuals)
    return depth, weights, residuals, float((base * length).sum())


def _lengths(vectors: Array) -> Array:
    """Norms of vectors along the last axis but one, (K, 3, P) -> (K, P)."""
    return np.sqrt(np.einsum("kip,kip->kp", vectors, vectors))


def _step(
    current: _Linearisation, anchors: Sequence[_Anchor], edge_count: int, damping: float
) -> tuple[Array, Array]:
    """The damped Gauss-Newton step: (E, 7) for the edges and (N, 7) for the views."""
    diagonal = np.diag(current.hessian)
    # Unit diagonal: radians, logarithms and lengths of any unit become comparable.
    scaling = 1.0 / np.sqrt(np.where(diagonal > 0, diagonal, 1.0))
    matrix = current.hessian * scaling[:, None] * scaling
    right = -current.gradient * scaling
    matrix[np.diag_indices_from(matrix)] = 1.0 + damping
    for anchor in anchors:
        places = 7 * anchor.edges
        mean = scaling[places] / np.linalg.norm(scaling[places])
        matrix[np.ix_(places, places)] += GAUGE_STIFFNESS * np.outer(mean, mean)
        fixed = slice(7 * (edge_count + anchor.view), 7 * (edge_count + anchor.view) + 6)
        matrix[fixed, :] = 0.0
        matrix[:, fixed] = 0.0
        matrix[fixed, fixed] = np.eye(6)
        right[fixed] = 0.0
    step = scaling * np.linalg.solve(matrix, right)
    edge_step = step[: 7 * edge_count].reshape(-1, 7)
    view_step = step[7 * edge_count :].reshape(-1, 7)
    for anchor in anchors:
        edge_step[anchor.edges, 0] -= edge_step[anchor.edges, 0].mean()
    view_step[:, 6] = np.clip(view_step[:, 6], -MAX_FOCAL_STEP, MAX_FOCAL_STEP)
    return edge_step, view_step


def _step_size(edge_step: NDArray[np.float64], view_step: NDArray[np.float64], median_depth: float) -> float:
    """The largest move of any unknown that a camera depends on, lengths as a share of the depth."""
    return float(
        max(
            np.abs(edge_step[:, :4]).max(),
            np.abs(view_step[:, [0, 1, 2, 6]]).max(),
            np.abs(view_step[:, 3:6]).max() / median_depth,
        )
    )
