# SPDX-License-Identifier: GPL-3.0-or-later
"""Medians that honour weights and ignore what is missing."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .sim3 import TINY, Array, dot, lengths, middle_value

# Points that are enough to fit a single number to.
ENOUGH = 400


def weighted_median(values: NDArray[np.floating], weights: NDArray[np.floating]) -> Array:
    """Lower weighted median along axis 0. (K, ...) and (K, ...) -> (...); NaN where no weight is > 0."""
    order = np.argsort(values, axis=0, kind="stable")
    ordered = np.take_along_axis(values, order, axis=0)
    cumulative = np.cumsum(np.take_along_axis(weights, order, axis=0), axis=0)
    half = 0.5 * cumulative[-1]
    index = np.argmax((cumulative >= half) & (cumulative > 0), axis=0)
    median = np.take_along_axis(ordered, index[None], axis=0)[0]
    return np.where(cumulative[-1] > 0, median, np.nan)


def fit_scale(a: Array, b: Array, weights: Array) -> float:
    """The factor s > 0 with least sum of weights * |s a - b|, by iterative reweighting.

    ``a`` and ``b`` are (P, D); ``weights`` (P,) with some > 0. Of many points every so-many-th is looked at.
    The start is a median of length ratios: a least-squares start can turn negative under outliers.
    """
    used = np.flatnonzero(weights > 0)
    used = used[:: max(1, len(used) // ENOUGH)]
    a, b, weights = a[used], b[used], weights[used]
    ratios = lengths(b) / np.maximum(lengths(a), TINY)
    scale = float(weighted_median(ratios, weights))
    noise = max(1e-9 * middle_value(lengths(b)), TINY)
    for _ in range(8):
        residual = lengths(scale * a - b)
        current = weights / np.maximum(residual, max(0.3 * middle_value(residual), noise))
        norm = float(current @ dot(a, a))
        better = float(current @ dot(a, b)) / max(norm, TINY)
        if not better > 0:
            break
        settled, scale = abs(better - scale) < 1e-5 * scale, better
        if settled:
            break
    return scale
