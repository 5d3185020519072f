# SPDX-License-Identifier: GPL-3.0-or-later
"""The weightings that the ablation compares: the columns of its tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from wildseg3d_blender.pipeline.alignment import EdgeWeights, confidence_weights, dga_weights
from wildseg3d_blender.pipeline.alignment.dga import published_weights

ALPHAS = (-0.9, -0.5, 0.0, 0.5, 0.9)
DEFAULT = (0.5, 0.9)

FORMS: dict[str, Callable[[float, float], EdgeWeights]] = {
    "ours": dga_weights,
    "published": published_weights,
}
"""How weights are made of alpha_p and alpha_n, by name."""


@dataclass(frozen=True)
class Column:
    """One weighting. ``form`` is a key of ``FORMS``, or None for the confidence alone ("without DGA")."""

    form: str | None
    alpha_p: float = 0.0
    alpha_n: float = 0.0

    @property
    def weights(self) -> EdgeWeights:
        return FORMS[self.form](self.alpha_p, self.alpha_n) if self.form else confidence_weights


WITHOUT = Column(None)


Sweeps = tuple[tuple[Column, ...], tuple[Column, ...]]


def sweeps(form: str, alphas: Sequence[float] = ALPHAS) -> Sweeps:
    """The paper's two halves: alpha_p with alpha_n = 0, and alpha_n with alpha_p = 0."""
    return (
        tuple(Column(form, alpha_p=alpha) for alpha in alphas),
        tuple(Column(form, alpha_n=alpha) for alpha in alphas),
    )


def all_columns(forms: Sequence[str], alphas: Sequence[float] = ALPHAS) -> list[Column]:
    """Every column once: both sweeps and the default of each form, and the one without."""
    columns = [WITHOUT]
    for form in forms:
        first, second = sweeps(form, alphas)
        columns += [*first, *second, Column(form, *DEFAULT)]
    return list(dict.fromkeys(columns))
