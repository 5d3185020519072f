# SPDX-License-Identifier: GPL-3.0-or-later
"""The solver: least sum of W |chi - sigma_e P_e X| / D over cameras and edges, by damped Gauss-Newton.

D is how far away things are for a view (see ``linearise.ViewEquations``). Depths are eliminated per view, and
the step is found without forming the whole matrix (see ``fronts``): a view knows only the edges it is in, so
time and memory follow the number of edges.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...progress import Progress
from ...reconstruct_settings import ITERATIONS
from . import fronts
from .known_poses import MIN_BASELINE
from .priors import Held
from .samples import Observations
from .sim3 import Array
from .state import AlignmentState
from .system import Layout, System, assemble, layout_of

# The largest move that still counts as standing still: radians, log-scale, share of the depth.
TOLERANCE = 1e-4
# The loss stands still if it has stayed within this share of itself over the last so many iterations: weakly
# held unknowns, such as the bend of a long row of views, may move on for long without it.
STILL_SHARE, STILL_ITERATIONS = 3e-4, 4
MAX_FOCAL_STEP = 0.3
FIRST_DAMPING = 1e-6
# Steps damped like this do not move anything any more.
MAX_DAMPING = 1e8
# Reweighting moves the goal a little at each step, so a rise by this share is no reason to turn back ...
SLACK = 0.01
# ... and a rise by this share of the depth is rounding.
NOISE_LOSS = 1e-6
# As many independent measurements a map of an edge is worth: the noise of pointmaps is smooth, so pixels
# repeat the same error. This sets the spreads of soft poses against the pointmaps.
PATCHES = 30


@dataclass(frozen=True)
class Solution:
    """What the solver reached; ``losses`` has each iteration's weighted mean residual (share of D).

    ``converged`` is false if the iterations were used up.
    """

    state: AlignmentState
    iterations: int
    losses: tuple[float, ...]
    converged: bool


@dataclass(frozen=True)
class _Anchor:
    """What holds one group of views in place.

    Attributes:
        edges: of the group.
        fixed: the view whose pose stays as it is; None where known poses hold the group.
        scale_held: their mean log-scale stays as it is.
    """

    edges: NDArray[np.int64]
    fixed: int | None
    scale_held: bool


def solve(
    observations: Sequence[Observations],
    groups: Sequence[Sequence[int]],
    held: Held,
    start: AlignmentState,
    progress: Progress,
    iterations: int = ITERATIONS.default,
) -> Solution:
    """Minimise from ``start`` in at most so many ``iterations``.

    Args:
        groups: views that hang together. Within each, the mean log-scale of the edges and the pose of the
            first view stay as they are: nothing else says where and how large the scene is. Known poses take
            the place of the latter, and of the former where they lie apart.
        held: known intrinsics, poses and common focal lengths; ``start`` has them.
    """
    layout = layout_of(observations, len(start.log_scale), held)
    state, damping = start, FIRST_DAMPING
    current = assemble(observations, layout, held, state, [None] * len(observations))
    anchors = _anchors(observations, groups, held, state, current.median_depth)
    pull = 1.0 / (PATCHES * sum(len(seen.edges) for seen in observations))
    losses, converged = [current.loss], False
    for iteration in range(1, iterations + 1):
        progress("align", 1.0 - 0.8**iteration, f"Aligning photos, iteration {iteration}")
        edge_step, view_step = _step(current, layout, anchors, held, pull * current.total, damping)
        candidate = state.moved(edge_step, view_step)
        ahead = assemble(observations, layout, held, candidate, current.depths)
        losses.append(min(ahead.loss, current.loss))
        weight = pull * current.loss
        before, after = current.loss + weight * current.prior, ahead.loss + weight * ahead.prior
        if after <= (1.0 + SLACK) * before + NOISE_LOSS:
            size = _step_size(edge_step, view_step, current.median_depth)
            state, current, damping = candidate, ahead, max(damping / 10.0, FIRST_DAMPING)
            converged = size < TOLERANCE or _stands_still(losses)
        else:
            damping = max(10.0 * damping, 1e-4)
            converged = damping > MAX_DAMPING
        if converged:
            break
    return Solution(state, iteration, tuple(losses), converged)


def _stands_still(losses: Sequence[float]) -> bool:
    latest = losses[-STILL_ITERATIONS:]
    return len(latest) == STILL_ITERATIONS and max(latest) - min(latest) < STILL_SHARE * min(latest)


def _anchors(
    observations: Sequence[Observations],
    groups: Sequence[Sequence[int]],
    held: Held,
    state: AlignmentState,
    median_depth: float,
) -> list[_Anchor]:
    anchors = []
    for group in groups:
        edges = np.unique(np.concatenate([observations[v].edges for v in group]))
        known = state.centre[[v for v in held.posed if v in set(group)]]
        apart = len(known) > 1 and np.ptp(known, axis=0).max() > MIN_BASELINE * median_depth
        anchors.append(_Anchor(edges, None if len(known) else group[0], scale_held=not apart))
    return anchors


def _step(
    current: System,
    layout: Layout,
    anchors: Sequence[_Anchor],
    held: Held,
    prior_weight: float,
    damping: float,
) -> tuple[Array, Array]:
    """The damped Gauss-Newton step: (E, 7) for the edges and (N, 7) for the views."""
    curvature = current.curvature + prior_weight * current.prior_curvature
    gradient = current.gradient + prior_weight * current.prior_gradient
    empty = ~(curvature > 0)
    still = _fixed(layout, anchors, held) | empty
    # Unit diagonal: radians, logarithms and lengths of any unit become comparable.
    scaling = np.where(still, 0.0, 1.0 / np.sqrt(np.where(empty, 1.0, curvature)))
    diagonal = np.where(still, 1.0, damping + prior_weight * current.prior_curvature * scaling**2)
    matrices = [
        view.hessian * scaling[columns, None] * scaling[columns]
        for view, columns in zip(current.views, layout.columns, strict=True)
    ]
    step = scaling * _with_scales_held(layout, matrices, diagonal, -gradient * scaling, scaling, anchors)
    edge_step, view_step = layout.by_kind(step)
    view_step[:, 6] = np.clip(view_step[:, 6], -MAX_FOCAL_STEP, MAX_FOCAL_STEP)
    return edge_step, view_step


def _fixed(layout: Layout, anchors: Sequence[_Anchor], held: Held) -> NDArray[np.bool_]:
    """(M,) which unknowns stay as they are."""
    fixed = np.zeros(layout.size, dtype=bool)
    views = [*np.flatnonzero(held.pose_fixed), *(a.fixed for a in anchors if a.fixed is not None)]
    for view in views:
        fixed[layout.pose_column(view) : layout.pose_column(view) + 6] = True
    fixed[layout.focal_column(0) :] = held.focal_fixed
    return fixed


def _with_scales_held(
    layout: Layout,
    matrices: Sequence[Array],
    diagonal: Array,
    right: Array,
    scaling: Array,
    anchors: Sequence[_Anchor],
) -> Array:
    """x with A x + sum_g lambda_g a_g = ``right`` and a_g^T x = 0: the mean log-scale of each group g stays.

    A alone is all but singular along each group's scale. So A' = A + sum_g e_g e_g^T is factored, with e_g
    the log-scale of one edge of the group, and the rest is two unknowns per group (Woodbury): u_g = e_g^T x
    and lambda_g.
    """
    groups = [7 * anchor.edges for anchor in anchors if anchor.scale_held]
    count = len(groups)
    ones, means = np.zeros((len(right), count)), np.zeros((len(right), count))
    for g, scales in enumerate(groups):
        ones[scales[0], g] = 1.0
        means[scales, g] = scaling[scales] / np.linalg.norm(scaling[scales])
    sides = np.concatenate([right[:, None], ones, means], axis=1)
    solved = fronts.solve(layout.plan, matrices, diagonal + ones.sum(axis=1), sides)
    x, x_ones, x_means = np.split(solved, [1, 1 + count], axis=1)
    rows = np.concatenate([ones, means], axis=1).T
    small = rows @ np.concatenate([-x_ones, x_means], axis=1)
    small[:count, :count] += np.eye(count)
    found = np.linalg.solve(small, rows @ x)
    return (x + x_ones @ found[:count] - x_means @ found[count:])[:, 0]


def _step_size(edge_step: Array, view_step: Array, median_depth: float) -> float:
    """The largest move of any unknown that a camera depends on, lengths as a share of the depth."""
    return float(
        max(
            np.abs(edge_step[:, :4]).max(),
            np.abs(view_step[:, [0, 1, 2, 6]]).max(),
            np.abs(view_step[:, 3:6]).max() / median_depth,
        )
    )
