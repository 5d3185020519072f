# SPDX-License-Identifier: GPL-3.0-or-later
"""Dynamic Global Aligning: weights from confidence, soft masks and matching."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...errors import AlignmentError
from ..pair_graph import Edge
from .matching import matching
from .weights import EdgeState, EdgeWeights, PixelWeights

EPSILON = 1e-6


def dga_weights(alpha_p: float = 0.5, alpha_n: float = 0.9) -> EdgeWeights:
    """W = A of Dynamic Global Aligning, for ``align``.

        F = sigmoid(S * C),   A = (F + a F (1 - F)) / (1 + |a| F (1 - F) + eps),

    with a = alpha_p on the pixels that match (see ``matching``), -alpha_n on those that do not, C the
    confidence and S the soft mask, 1 everywhere before any exists. A pixel without a measurement gets 0.

    Args:
        alpha_p, alpha_n: in [-1, 1]; beyond that A could turn negative.

    Raises:
        AlignmentError: an alpha out of range.
    """
    for name, alpha in (("alpha_p", alpha_p), ("alpha_n", alpha_n)):
        if not -1.0 <= alpha <= 1.0:
            raise AlignmentError(
                f"{name} is {alpha}, but has to lie between -1 and 1: give a value in between."
            )

    def weights(
        edge: Edge,
        state: EdgeState | None,
        masks: tuple[NDArray[np.float32], NDArray[np.float32]] | None,
    ) -> tuple[PixelWeights, PixelWeights]:
        matched_i, matched_j = matching(edge)
        soft_i, soft_j = masks or (None, None)
        return (
            attention(edge.confidence_i, matched_i, soft_i, alpha_p, alpha_n),
            attention(edge.confidence_j, matched_j, soft_j, alpha_p, alpha_n),
        )

    return weights


def attention(
    confidence: NDArray[np.float32],
    matched: NDArray[np.bool_],
    mask: NDArray[np.float32] | None,
    alpha_p: float,
    alpha_n: float,
) -> NDArray[np.float32]:
    """A of one view of one edge, (H, W) float32; 0 where there is no measurement."""
    known = (confidence > 0) & np.isfinite(confidence)
    clean = np.where(known, confidence, np.float32(0))
    F = 1.0 / (1.0 + np.exp(-(clean if mask is None else clean * mask)))
    a = np.where(matched, np.float32(alpha_p), np.float32(-alpha_n))
    doubt = F * (1.0 - F)
    A = (F + a * doubt) / (1.0 + np.abs(a) * doubt + EPSILON)
    return np.where(known, A, 0.0).astype(np.float32)
