# SPDX-License-Identifier: GPL-3.0-or-later
"""Dynamic Global Aligning (WildSeg3D, ICCV 2025): weights from confidence, soft masks and matching."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...errors import AlignmentError
from ..pair_graph import Edge
from ..segmentation.lift import boundary_band
from .matching import Partners, matching, partners
from .weights import EdgeState, EdgeWeights, PixelWeights

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]
MaskPair = tuple[Floats, Floats]

EPSILON = 1e-6


def dga_weights(alpha_p: float = 0.5, alpha_n: float = 0.9) -> EdgeWeights:
    """Dynamic Global Aligning as it works best.

        F = sigmoid(S C / median C),   A = (F + a F (1 - F)) / (1 + |a| F (1 - F) + eps),
        W = A (1 - alpha_n D).

    S is the soft mask, 1 everywhere before any exists; C the confidence; a = alpha_p on matching pixels and
    -alpha_n on the others (see ``matching``). A pixel whose depth is a mixture of front and back (see
    ``boundary_band``) is non-matching by construction. D in [0, 1] says how much a pixel is contradicted:
    1 where it is such a mixture and no point of the other view is there; where it has a partner,
    |S - S of the partner|, for two pixels of one point are both on the object or both not. A pixel without a
    measurement gets 0.

    Args:
        alpha_p, alpha_n: in [-1, 1]; beyond that A could turn negative.

    Raises:
        AlignmentError: an alpha out of range.
    """
    _check(alpha_p, alpha_n)

    def weights(
        edge: Edge, state: EdgeState | None, masks: MaskPair | None
    ) -> tuple[PixelWeights, PixelWeights]:
        found = partners(edge)
        apart_i, apart_j = _masks_apart(found, masks)
        # The distance from camera i stands in for the depth in camera j, whose place is not known yet.
        mixed_i = boundary_band(edge.points_i[..., 2], edge.confidence_i > 0)
        mixed_j = boundary_band(np.linalg.norm(edge.points_j, axis=-1), edge.confidence_j > 0)
        soft_i, soft_j = masks or (None, None)
        return (
            _weights(edge.confidence_i, found.of_i >= 0, mixed_i, soft_i, apart_i, alpha_p, alpha_n),
            _weights(edge.confidence_j, found.of_j >= 0, mixed_j, soft_j, apart_j, alpha_p, alpha_n),
        )

    return weights


def published_weights(alpha_p: float = 0.5, alpha_n: float = 0.9) -> EdgeWeights:
    """Dynamic Global Aligning as published: F = sigmoid(S C), W = A; arguments and errors as above."""
    _check(alpha_p, alpha_n)

    def weights(
        edge: Edge, state: EdgeState | None, masks: MaskPair | None
    ) -> tuple[PixelWeights, PixelWeights]:
        matched_i, matched_j = matching(edge)
        soft_i, soft_j = masks or (None, None)
        return (
            attention(edge.confidence_i, matched_i, soft_i, alpha_p, alpha_n),
            attention(edge.confidence_j, matched_j, soft_j, alpha_p, alpha_n),
        )

    return weights


def attention(
    confidence: Floats, matched: Bools, mask: Floats | None, alpha_p: float, alpha_n: float
) -> Floats:
    """A (H, W) float32 in [0, 1] of one view of one edge; 0 where there is no measurement."""
    known = measured(confidence)
    strength = np.where(known, confidence, np.float32(0))
    F = 1.0 / (1.0 + np.exp(-(strength if mask is None else strength * mask)))
    a = np.where(matched, np.float32(alpha_p), np.float32(-alpha_n))
    doubt = F * (1.0 - F)
    A = (F + a * doubt) / (1.0 + np.abs(a) * doubt + np.float32(EPSILON))
    return np.where(known, A, np.float32(0)).astype(np.float32, copy=False)


def measured(confidence: Floats) -> Bools:
    """Where (H, W) a confidence says anything."""
    return (confidence > 0) & np.isfinite(confidence)


def _weights(
    confidence: Floats,
    has_partner: Bools,
    mixed: Bools,
    mask: Floats | None,
    masks_apart: Floats | None,
    alpha_p: float,
    alpha_n: float,
) -> Floats:
    """W (H, W) of ``dga_weights`` of one view of one edge."""
    known = confidence[measured(confidence)]
    unit = np.float32(np.median(known)) if len(known) else np.float32(1)
    A = attention(confidence / unit, has_partner & ~mixed, mask, alpha_p, alpha_n)
    contradicted = (mixed & ~has_partner).astype(np.float32)
    if masks_apart is not None:
        contradicted = np.maximum(contradicted, masks_apart)
    return A * (1 - np.float32(alpha_n) * contradicted)


def _masks_apart(found: Partners, masks: MaskPair | None) -> tuple[Floats | None, Floats | None]:
    """|S - S of the partner| (H, W) of both views, 0 without one; None where a view has no mask at all."""
    if masks is None or not (masks[0].any() and masks[1].any()):
        return None, None
    mask_i, mask_j = (np.asarray(mask, dtype=np.float32) for mask in masks)
    # The index -1 reads some pixel, whose value is dropped.
    apart_i = np.where(found.of_i >= 0, np.abs(mask_i - mask_j.ravel()[found.of_i]), np.float32(0))
    apart_j = np.where(found.of_j >= 0, np.abs(mask_j - mask_i.ravel()[found.of_j]), np.float32(0))
    return apart_i, apart_j


def _check(alpha_p: float, alpha_n: float) -> None:
    for name, alpha in (("alpha_p", alpha_p), ("alpha_n", alpha_n)):
        if not -1.0 <= alpha <= 1.0:
            raise AlignmentError(f"{name} is {alpha} but has to lie between -1 and 1: choose one there.")
