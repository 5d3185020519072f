# SPDX-License-Identifier: GPL-3.0-or-later
"""Edge-aware smoothing of a map with a weight per pixel: holes take the values of their own surface."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


def smooth_within_edges(
    values: Floats,
    weights: Floats,
    image: NDArray[np.uint8],
    *,
    strength: float,
    edge: float,
    rounds: int = 2,
) -> tuple[Floats, Floats]:
    """Weighted least squares that stays within image edges (fast global smoother, Min et al. 2014).

    Minimises Σ w (u - value)² + strength Σ a (u - u')² over neighbouring pixels, where a falls with their
    difference in colour; solved line by line, in alternation over rows and columns.

    Args:
        values, weights: (H, W); a value of weight zero does not matter.
        image: (H, W, 3) uint8.
        strength: how far values spread.
        edge: difference of colour, on the scale 0..1, across which little spreads.
        rounds: alternations.

    Returns:
        The smoothed values and the weight that reached each pixel, (H, W) each.
    """
    colours = image.astype(np.float32) / 255.0
    likeness_down = _likeness(colours, edge)
    likeness_across = _likeness(colours.transpose(1, 0, 2), edge)
    weights = weights + np.float32(1e-6)
    both = np.stack([values * weights, weights])
    for n in range(rounds):
        # The schedule of the paper: each round reaches half as far, together as far as ``strength`` says.
        part = 1.5 * strength * 4.0 ** (rounds - n - 1) / (4.0**rounds - 1.0)
        both = _solve_lines(both.transpose(0, 2, 1), likeness_across, part).transpose(0, 2, 1)
        both = _solve_lines(both, likeness_down, part)
    return both[0] / both[1], np.ascontiguousarray(both[1])


def _likeness(colours: Floats, edge: float) -> Floats:
    """exp(-difference / edge) between lines n and n + 1, (N - 1, M)."""
    difference = np.sqrt((np.diff(colours, axis=0) ** 2).sum(axis=-1))
    return np.exp(-difference / np.float32(edge)).astype(np.float32)


def _solve_lines(right: Floats, likeness: Floats, strength: float) -> Floats:
    """Solve (1 + strength L) u = right along axis 1 of (2, N, M): tridiagonal, by Thomas's algorithm."""
    right = np.ascontiguousarray(right)
    coupling = likeness * np.float32(-strength)
    count = right.shape[1]
    diagonal = np.ones(right.shape[1:], np.float32)
    diagonal[:-1] -= coupling
    diagonal[1:] -= coupling
    upper = np.empty_like(coupling)
    solved = np.empty_like(right)
    pivot = diagonal[0]
    solved[:, 0] = right[:, 0] / pivot
    for n in range(1, count):
        upper[n - 1] = coupling[n - 1] / pivot
        pivot = diagonal[n] - coupling[n - 1] * upper[n - 1]
        solved[:, n] = (right[:, n] - coupling[n - 1] * solved[:, n - 1]) / pivot
    for n in range(count - 2, -1, -1):
        solved[:, n] -= upper[n] * solved[:, n + 1]
    return solved
