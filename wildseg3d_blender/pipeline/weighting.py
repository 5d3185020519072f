# SPDX-License-Identifier: GPL-3.0-or-later
"""How a scene's pixels are weighted in its alignment, as its settings keep it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from ..reconstruct_settings import ALPHA_N, ALPHA_P
from .alignment import EdgeWeights, confidence_weights, dga_weights


@dataclass(frozen=True)
class Weighting:
    """Dynamic Global Aligning with its two strengths, or without it the confidence alone.

    Attributes:
        dga: whether matching and masks count.
        alpha_p, alpha_n: see ``alignment.dga_weights``; without ``dga`` they mean nothing.
    """

    dga: bool = True
    alpha_p: float = ALPHA_P.default
    alpha_n: float = ALPHA_N.default

    @staticmethod
    def of_settings(settings: Mapping[str, Any]) -> Weighting:
        """The weighting that a scene was reconstructed with."""
        names = ("dga", "alpha_p", "alpha_n")
        return Weighting(**{name: settings[name] for name in names if name in settings})

    def to_settings(self) -> dict[str, Any]:
        """The reverse of ``of_settings``, to be merged into a scene's settings."""
        return asdict(self)

    def edge_weights(self) -> EdgeWeights:
        """W for ``align``. AlignmentError when an alpha is out of range."""
        return dga_weights(self.alpha_p, self.alpha_n) if self.dga else confidence_weights


WITH_DGA = Weighting()
