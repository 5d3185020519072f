# SPDX-License-Identifier: GPL-3.0-or-later
"""The normal equations of the whole problem: which unknowns there are, and what all views say of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from . import fronts
from .linearise import ViewEquations, linearise_view
from .priors import Held
from .samples import Observations
from .sim3 import TINY, Array, rotation_log
from .state import AlignmentState


@dataclass(frozen=True)
class Layout:
    """Unknowns in blocks: 7 per edge, then 6 per view's pose, then one per focal length.

    Attributes:
        edges: number of edges E.
        focal_of: (N,) int, the focal unknown of each view.
        cliques: the blocks that each view's equations are in.
        columns: (7 (K + 1),) per view, the unknowns its equations are in.
    """

    edges: int
    focal_of: NDArray[np.int64]
    cliques: tuple[tuple[int, ...], ...]
    columns: tuple[NDArray[np.int64], ...]

    @property
    def views(self) -> int:
        return len(self.focal_of)

    @property
    def size(self) -> int:
        return self.focal_column(int(self.focal_of.max()) + 1)

    def pose_column(self, view: int) -> int:
        """Its six unknowns (rotation, centre) begin here."""
        return 7 * self.edges + 6 * view

    def focal_column(self, focal: int) -> int:
        return 7 * self.edges + 6 * self.views + focal

    @cached_property
    def plan(self) -> fronts.Plan:
        sizes = [7] * self.edges + [6] * self.views + [1] * (int(self.focal_of.max()) + 1)
        return fronts.plan(self.cliques, sizes)

    def by_kind(self, step: Array) -> tuple[Array, Array]:
        """(E, 7) for the edges and (N, 7) for the views, of a vector over all unknowns."""
        poses = step[7 * self.edges : self.focal_column(0)].reshape(-1, 6)
        focals = step[self.focal_column(0) :][self.focal_of]
        return step[: 7 * self.edges].reshape(-1, 7), np.concatenate([poses, focals[:, None]], axis=1)


def layout_of(observations: Sequence[Observations], edges: int, held: Held) -> Layout:
    """The layout for views that take part in ``edges`` edges."""
    views = len(observations)
    cliques, columns = [], []
    for v, seen in enumerate(observations):
        focal = int(held.focal_of[v])
        cliques.append((*seen.edges.tolist(), edges + v, edges + views + focal))
        pose = 7 * edges + 6 * v + np.arange(6)
        of_edges = (7 * seen.edges[:, None] + np.arange(7)).ravel()
        columns.append(np.concatenate([of_edges, pose, [7 * edges + 6 * views + focal]]))
    return Layout(edges, held.focal_of, tuple(cliques), tuple(columns))


@dataclass(frozen=True)
class System:
    """All equations at one state.

    Attributes:
        views: per view.
        gradient, curvature: (M,) of ``total`` and its approximate second derivative's diagonal.
        loss: weighted mean residual as a share of the typical distances.
        median_depth: of all sampled pixels, world unit.
        prior_gradient, prior_curvature: (M,) of ``prior``.
        prior: half the squared distance from the soft poses in units of their spreads.
        total: sum of W |r| / D (see ``ViewEquations``).
    """

    views: tuple[ViewEquations, ...]
    gradient: Array
    curvature: Array
    loss: float
    median_depth: float
    prior_gradient: Array
    prior_curvature: Array
    prior: float
    total: float

    @property
    def depths(self) -> list[Array]:
        return [view.depth for view in self.views]


def assemble(
    observations: Sequence[Observations],
    layout: Layout,
    held: Held,
    state: AlignmentState,
    depths: Sequence[Array | None],
) -> System:
    """Linearise every view at ``state``; reweighting starts from ``depths``."""
    intrinsics = state.intrinsics
    gradient, curvature = np.zeros(layout.size), np.zeros(layout.size)
    views, weight = [], 0.0
    for v, (seen, depth, columns) in enumerate(zip(observations, depths, layout.columns, strict=True)):
        equations = linearise_view(seen, state, v, intrinsics[v], depth)
        gradient[columns] += equations.gradient
        curvature[columns] += np.diag(equations.hessian)
        views.append(equations)
        weight += float(seen.weights.sum())
    median_depth = float(np.median(np.abs(np.concatenate([view.depth for view in views]))))
    total = sum(view.loss for view in views)
    prior_gradient, prior_curvature, prior = _soft_poses(layout, held, state)
    return System(
        views=tuple(views),
        gradient=gradient,
        curvature=curvature,
        loss=total / max(weight, TINY),
        median_depth=median_depth,
        prior_gradient=prior_gradient,
        prior_curvature=prior_curvature,
        prior=prior,
        total=total,
    )


def _soft_poses(layout: Layout, held: Held, state: AlignmentState) -> tuple[Array, Array, float]:
    """Gradient, curvature and value of sum 1/2 |difference / spread|^2 over the soft poses."""
    gradient, curvature, value = np.zeros(layout.size), np.zeros(layout.size), 0.0
    for v, known in held.soft.items():
        turn = rotation_log(state.rotation[v] @ known.cam_to_world[:3, :3].T)
        difference = np.concatenate([turn, state.centre[v] - known.cam_to_world[:3, 3]])
        spread = np.repeat([np.deg2rad(known.sigma_degrees), known.sigma_centre], 3)
        columns = layout.pose_column(v) + np.arange(6)
        gradient[columns] = difference / spread**2
        curvature[columns] = 1.0 / spread**2
        value += 0.5 * float(((difference / spread) ** 2).sum())
    return gradient, curvature, value
