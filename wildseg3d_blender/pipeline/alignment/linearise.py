# SPDX-License-Identifier: GPL-3.0-or-later
"""The normal equations of one view, with its pixels' depths eliminated.

A view's world point is chi = c + d m, with m = R k the ray of its pixel. For fixed cameras and edges the
depth d of each pixel that minimises sum_e w_e |y_e - c - d m|^2, with y_e = sigma_e P_e X, is in closed form,

    d = sum_e w_e <y_e - c, m> / (<m, m> sum_e w_e),

so Gauss-Newton needs only 7 unknowns per edge (log-scale, rotation, translation) and 7 per view (rotation,
centre, log-focal): variable projection (Golub and Pereyra 1973). The norm is not squared in the objective;
iterative reweighting w = W / max(|r|, floor) turns it into least squares.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...conventions import camera_rays
from .robust import weighted_median
from .samples import Observations
from .sim3 import Array, middle_value, skew
from .state import AlignmentState

# Residuals below this share of the view's median residual count as noise: all weigh the same.
NOISE_SHARE = 0.1
# ... and so do residuals below this share of the depth, which float32 pointmaps cannot tell from zero.
NOISE_DEPTH = 1e-6
# The median residual is that of every so-many-th one.
MEDIAN_STRIDE = 4


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


def _products(left: Array, right: Array) -> Array:
    """J_left^T J_right as a matrix (x y, a b) over the moments (x, y) of their features."""
    product = np.einsum("iax,iby->xyab", left, right)
    return product.reshape(left.shape[2] * right.shape[2], -1)


EDGE_JACOBIAN, VIEW_JACOBIAN = _jacobians()
EDGE_EDGE = _products(EDGE_JACOBIAN, EDGE_JACOBIAN)
EDGE_VIEW = _products(EDGE_JACOBIAN, VIEW_JACOBIAN)
VIEW_VIEW = _products(VIEW_JACOBIAN, VIEW_JACOBIAN)


@dataclass(frozen=True)
class ViewEquations:
    """Normal equations of one view in the unknowns of its K edges and then its own, 7 each.

    Residuals count as shares of the typical distance D of what the view sees (see ``_typical_distance``): in
    world units the objective would fall with the size of the scene, so views whose pointmaps are noisy would
    shrink, and a long row of views would taper.

    Attributes:
        hessian, gradient: (7 (K + 1), 7 (K + 1)) and (7 (K + 1),), of the loss.
        depth: (P,) of its sampled pixels, world unit.
        loss: sum of W |r| / D.
    """

    hessian: Array
    gradient: Array
    depth: Array
    loss: float


def linearise_view(
    seen: Observations, state: AlignmentState, v: int, K: Array, depth: Array | None
) -> ViewEquations:
    """The equations of view ``v`` at ``state``, its intrinsics being ``K``.

    Both Jacobians are linear in a few features per pixel, the edge's (1, q) and the view's (1, d m, d R t),
    with q = sigma R_e X and t the ray's change with log-focal. So their products are small constant tensors
    applied to moments of the features, and no Jacobian is ever written out. Vectors lie along the last axis
    but one here, (K, 3, P): every operation then runs over long rows.

    Args:
        depth: (P,) where the reweighting starts; medians where None.
    """
    count, pixels = seen.weights.shape
    rays_cam = camera_rays(K, seen.pixels).T
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
    side, own = 7 * (count + 1), slice(7 * count, 7 * count + 7)
    hessian = np.zeros((side, side))
    edge_moments = weighted @ np.swapaxes(edge_features, 1, 2)
    edge_edge = (edge_moments.reshape(count, -1) @ EDGE_EDGE).reshape(count, 7, 7)
    blocks = hessian[: 7 * count, : 7 * count].reshape(count, 7, count, 7)
    blocks[np.arange(count), :, np.arange(count)] = edge_edge
    mixed_moments = (weighted.reshape(-1, pixels) @ view_features.T).reshape(count, -1)
    hessian[: 7 * count, own] = (mixed_moments @ EDGE_VIEW).reshape(7 * count, 7)
    hessian[own, : 7 * count] = hessian[: 7 * count, own].T
    own_moments = (total * view_features) @ view_features.T
    hessian[own, own] = (own_moments.ravel() @ VIEW_VIEW).reshape(7, 7)
    coupling = _depth_coupling(arms, rays, tangents, weights, depth)
    hessian -= coupling @ coupling.T

    edge_gradient = np.einsum("iax,kxi->ka", EDGE_JACOBIAN, weighted @ np.swapaxes(residuals, 1, 2))
    pulls = np.einsum("kp,kip->ip", weights, residuals)
    view_gradient = np.einsum("iax,xi->a", VIEW_JACOBIAN, view_features @ pulls.T)
    gradient = np.concatenate([edge_gradient.ravel(), view_gradient])
    typical, slots = _typical_distance(seen, state)
    gradient[7 * slots] -= loss / len(slots)
    return ViewEquations(hessian / typical, gradient / typical, depth, loss / typical)


def _typical_distance(seen: Observations, state: AlignmentState) -> tuple[float, NDArray[np.int64]]:
    """The geometric mean, over the slots (n,) also returned, of how far away their points are, in world unit.

    The slots are those in which the view is first. It depends on the scales of their edges alone, so that
    the solver cannot make residuals small by a wrong focal length.
    """
    known = seen.distance > 0
    slots = np.flatnonzero(known & seen.is_first)
    if not len(slots):
        slots = np.flatnonzero(known)
    return float(np.exp((state.log_scale[seen.edges[slots]] + np.log(seen.distance[slots])).mean())), slots


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
    probe = np.flatnonzero(base)[::MEDIAN_STRIDE]
    residuals = offsets - depth * rays
    length = _lengths(residuals)
    typical_depth = middle_value(np.abs(depth))
    for _ in range(2):
        floor = max(NOISE_SHARE * middle_value(length.ravel()[probe]), NOISE_DEPTH * typical_depth)
        weights = base / np.maximum(length, floor)
        total = weights.sum(axis=0)
        depth = np.where(total > 0, (weights * along).sum(axis=0) / np.where(total > 0, total, 1.0), depth)
        residuals = offsets - depth * rays
        length = _lengths(residuals)
    return depth, weights, residuals, float((base * length).sum())


def _lengths(vectors: Array) -> Array:
    """Norms of vectors along the last axis but one, (K, 3, P) -> (K, P)."""
    return np.sqrt(np.einsum("kip,kip->kp", vectors, vectors))
