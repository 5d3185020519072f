# SPDX-License-Identifier: GPL-3.0-or-later
"""Dynamic Global Aligning (WildSeg3D, ICCV 2025): weights from confidence, soft masks and matching.

Where ``dga_weights`` departs from the published form (``published_weights``) it does so by measurement:
change of the mean error of objects' points, and of the IoU of their points drawn into other views, against
W = C; ten seeds with their spread, five synthetic views (``make bench-dga``):

                                published, masks     no masks             masks
    ragged outlines              -1.3 ± 1.4 %        -17.6 ± 4.2 %        -23.7 ± 3.6 %
                                 +0.3 ± 0.5 points    +3.8 ± 0.8           +4.8 ± 0.9
    + far against near           -1.7 ± 1.5 %        -17.1 ± 4.5 %        -22.9 ± 3.9 %
                                 +0.2 ± 0.3 points    +3.8 ± 0.8           +4.8 ± 0.9
    + 10 % outliers, untold      -1.1 ± 1.0 %         -6.4 ± 3.0 %         -9.3 ± 3.0 %
                                 +0.4 ± 0.5 points    +2.2 ± 0.8           +2.9 ± 0.7
    + 10 % outliers, told        -1.3 ± 1.6 %        -11.2 ± 2.4 %        -14.8 ± 2.4 %
                                 +0.0 ± 0.3 points    +2.3 ± 0.7           +3.0 ± 0.5
    + 3 of 20 edges wrong        -3.1 ± 2.9 %        -16.0 ± 5.4 %        -22.5 ± 3.9 %
                                 +0.3 ± 0.5 points    +3.6 ± 1.2           +4.5 ± 1.2
    sharp outlines               -7.8 ± 6.7 %         +0.5 ± 4.5 %         +0.3 ± 5.5 %
                                 +0.0 ± 0.2 points    -0.1 ± 0.2           -0.1 ± 0.2
    smeared alike in all edges   -0.3 ± 0.4 %         -0.4 ± 0.3 %         -0.4 ± 0.3 %
                                 +0.0 ± 0.1 points    +0.2 ± 0.2           +0.2 ± 0.2

The published form evens out the confidence, as log C does, which helps where outlines are sharp, but
hardly tells outlines: a network's C saturates the sigmoid, so that at C = 9 a pixel that does not match
weighs as much as one that does. What is wrong in the same way in every edge no weights can tell, and a
stereo engine's edges agree by construction: there nothing changes. Cameras get no worse beyond the
spread with any of them (centres -14 to +4 %). Masks dilated by two pixels, uneven ones or one missing
keep -21 to -23 % of the -24 %, eroded ones -17 %. How C enters the sigmoid matters little as long as it is
near one: C, C squared, log(1 + C) or 1, each over its median, gave -24.0 to -24.6 %; W = C A gave -21.5 %
and lost the gain in focal lengths (five seeds, ``--scaling``, before the factor log(1 + median C)). A second
round of ``align`` changes nothing.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from ...errors import AlignmentError
from ..boundary_band import boundary_band
from ..pair_graph import Edge
from .matching import Partners, matching, partners
from .weights import EdgeState, EdgeWeights, PixelWeights

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]
MaskPair = tuple[Floats, Floats]

EPSILON = 1e-6
# Outlines of masks are trusted to this many pixels.
MASK_SLACK = 2


def dga_weights(alpha_p: float = 0.5, alpha_n: float = 0.9) -> EdgeWeights:
    """Dynamic Global Aligning, in the form that measured best (see the top of this file).

        F = sigmoid(S C / median C),   A = (F + a F (1 - F)) / (1 + |a| F (1 - F) + eps),
        W = log(1 + median C) A (1 - alpha_n D).

    S is the soft mask, 1 everywhere before any exists; C the confidence; a = alpha_p on matching pixels and
    -alpha_n on the others (see ``matching``). A pixel whose depth is a mixture of front and back (see
    ``boundary_band``) is non-matching by construction. D in [0, 1] says how much a pixel is contradicted: 1
    where it is such a mixture and has no partner in the other view; where it has one, how much S is above
    the highest S within two pixels of the partner, for a point of the object lies on it in both views. The
    median is over the view's pixels in the edge: within a map A tells the pixels, between edges the median
    tells a pair that is wrong as a whole. A pixel without a measurement gets 0.

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
        off_i, off_j = _off_the_object(found, masks)
        mixed_i = boundary_band(edge.points_i[..., 2], edge.confidence_i > 0)
        mixed_j = boundary_band(_depth_j(edge, state), edge.confidence_j > 0)
        soft_i, soft_j = masks or (None, None)
        return (
            _weights(edge.confidence_i, found.of_i >= 0, mixed_i, soft_i, off_i, alpha_p, alpha_n),
            _weights(edge.confidence_j, found.of_j >= 0, mixed_j, soft_j, off_j, alpha_p, alpha_n),
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
    off_object: Floats | None,
    alpha_p: float,
    alpha_n: float,
) -> Floats:
    """W (H, W) of ``dga_weights`` of one view of one edge."""
    known = confidence[measured(confidence)]
    unit = np.float32(np.median(known)) if len(known) else np.float32(1)
    A = attention(confidence / unit, has_partner & ~mixed, mask, alpha_p, alpha_n)
    contradicted = (mixed & ~has_partner).astype(np.float32)
    if off_object is not None:
        contradicted = np.maximum(contradicted, off_object)
    return np.log1p(unit) * A * (1 - np.float32(alpha_n) * contradicted)


def _off_the_object(found: Partners, masks: MaskPair | None) -> tuple[Floats | None, Floats | None]:
    """How much S is above that around the partner, (H, W) in [0, 1] of views i and j, 0 without a partner.

    None where either view has no mask at all: the object may be in it, unmarked. The other way round, S below
    that of the partner, contradicts nothing: masks that are a little too small would lose their outline.
    """
    if masks is None or not (masks[0].any() and masks[1].any()):
        return None, None
    mask_i, mask_j = (np.ascontiguousarray(mask, dtype=np.float32) for mask in masks)
    kernel = np.ones((2 * MASK_SLACK + 1, 2 * MASK_SLACK + 1), np.uint8)
    off = []
    for mask, other, partner in ((mask_i, mask_j, found.of_i), (mask_j, mask_i, found.of_j)):
        # The index -1 reads some pixel, whose value is dropped.
        there = cv2.dilate(other, kernel).ravel()[partner]
        off.append(np.where(partner >= 0, np.maximum(mask - there, np.float32(0)), np.float32(0)))
    return off[0], off[1]


def _depth_j(edge: Edge, state: EdgeState | None) -> NDArray[np.floating]:
    """Depth (H_j, W_j) of X^{j,e} along camera j's z; before its place is known, distance from camera i.

    Either changes evenly over a surface and bends at its outline, which is what a mixture is told by.
    """
    if state is None:
        return np.sqrt(np.einsum("yxi,yxi->yx", edge.points_j, edge.points_j))
    to_world, forward = state.edge_to_world, state.cam_to_world_j[:3, 2]
    along = (to_world.scale * (forward @ to_world.rotation)).astype(np.float32)
    offset = np.float32(forward @ (to_world.translation - state.cam_to_world_j[:3, 3]))
    # Points may be infinite; whether they count is told by the confidence.
    with np.errstate(invalid="ignore"):
        return edge.points_j @ along + offset


def _check(alpha_p: float, alpha_n: float) -> None:
    for name, alpha in (("alpha_p", alpha_p), ("alpha_n", alpha_n)):
        if not -1.0 <= alpha <= 1.0:
            raise AlignmentError(f"{name} is {alpha} but has to lie between -1 and 1: choose one there.")
