# SPDX-License-Identifier: GPL-3.0-or-later
"""How likely the boundary between two neighbouring superpixels is an object's outline.

Logistic models of seven features and of the same with the outline network's word, their coefficients learned
from true masks by ``benchmarks/boundaries.py``, which also prints how well they do on a scene that they were
not learned from.

Two models, for two questions. The network knows best where an outline runs, so it says where one settles. It
also sees where a head meets a body: walks that it guides, and selections that it judges, stop at the part
that was clicked, so they go by the seven alone.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .edges import InViewEdges
from .nodes import Nodes

FEATURES = ("contrast", "hue", "jump", "concave", "convex", "groove", "known")
COEFFICIENTS = np.array([0.442, 1.011, 0.624, 1.206, -0.781, 1.085, -4.52])
INTERCEPT = -2.008

OUTLINE_COEFFICIENTS = np.array([-0.735, 0.858, 0.443, 0.936, -0.669, 1.039, -3.74, 0.763])
OUTLINE_INTERCEPT = -1.409
"""Of the model with the network's log odds as the last feature."""

SMALLEST_JUMP, LARGEST_JUMP = 1e-3, 0.3
"""Shares of the depth between which a jump is told from noise and larger from smaller."""


def boundary_features(nodes: Nodes, edges: InViewEdges) -> NDArray[np.float64]:
    """(m, 7) float64, in the order of ``FEATURES``, of m in-view edges.

    How the mean gradient along the boundary compares with what is usual in the scene, how far the hues lie
    apart (lightness changes at every shadow), how far the depths, whether the surfaces meet in a valley or
    on a ridge, how deep the groove between them is, and whether their places are known at all: the four
    features before are 0 where not.
    """
    usual = np.sqrt(np.average(edges.gradient**2, weights=edges.length)) + 1e-9
    hue = np.linalg.norm(nodes.lab[edges.i, 1:] - nodes.lab[edges.j, 1:], axis=1)
    jump = np.log(np.clip(edges.step, SMALLEST_JUMP, LARGEST_JUMP) / SMALLEST_JUMP)
    return np.stack(
        [
            np.log(edges.gradient / usual + 0.05),
            np.log1p(hue),
            jump * edges.known,
            np.maximum(-edges.convexity, 0.0) * edges.known,
            np.maximum(edges.convexity, 0.0) * edges.known,
            np.log1p(edges.groove) * edges.known,
            edges.known.astype(np.float64),
        ],
        axis=1,
    )


def boundary_probability(nodes: Nodes, edges: InViewEdges) -> NDArray[np.float64]:
    """(m,) in [0, 1] for each in-view edge: that it separates an object from what is not the object."""
    return _chance(boundary_features(nodes, edges) @ COEFFICIENTS + INTERCEPT)


def outline_features(nodes: Nodes, edges: InViewEdges) -> NDArray[np.float64]:
    """(m, 8) float64: ``boundary_features`` and the mean log odds that the outline network gives."""
    return np.column_stack([boundary_features(nodes, edges), edges.outline])


def outline_probability(nodes: Nodes, edges: InViewEdges) -> NDArray[np.float64]:
    """(m,) in [0, 1] as ``boundary_probability``, by the network as well."""
    return _chance(outline_features(nodes, edges) @ OUTLINE_COEFFICIENTS + OUTLINE_INTERCEPT)


def _chance(log_odds: NDArray[np.float64]) -> NDArray[np.float64]:
    return 1.0 / (1.0 + np.exp(-log_odds))
