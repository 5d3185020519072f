# SPDX-License-Identifier: GPL-3.0-or-later
"""What WildSeg3D (ICCV 2025, and its supplement) reports on NVOS: mIoU and accuracy in %, seconds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Reported:
    """A method's means over the eight scenes; ``seconds`` is its whole workflow on one scene."""

    iou: float
    accuracy: float
    seconds: float


METHODS = {
    "WildSeg3D": Reported(94.1, 99.0, 30),
    "FlashSplat": Reported(91.8, 98.6, 1500),
    "OmniSeg3D": Reported(91.7, 98.4, 8220),
    "SAGA": Reported(90.9, 98.3, 2280),
    "SA3D": Reported(90.3, 98.2, 780),
}

PROMPT_MS = (5, 20)
"""From and to, for one prompt answered from stored masks."""

ALPHAS = (-0.9, -0.5, 0.0, 0.5, 0.9)

ALPHA_P = {
    "fern": (93.9, 93.9, 94.2, 94.2, 94.1),
    "flower": (91.0, 91.1, 91.2, 91.1, 91.0),
    "fortress": (97.8, 97.8, 97.7, 97.7, 97.6),
    "horns_left": (95.2, 95.1, 95.2, 95.2, 95.1),
    "horns_center": (94.1, 93.9, 93.5, 93.5, 93.2),
    "leaves": (90.9, 91.3, 92.2, 94.0, 94.1),
    "orchids": (89.4, 90.1, 90.0, 91.0, 90.6),
    "trex": (39.7, 79.9, 84.5, 86.4, 86.3),
    "mean": (86.5, 91.6, 92.3, 92.9, 92.8),
}
"""mIoU by ``ALPHAS`` for alpha_p, with alpha_n = 0."""

ALPHA_N = {
    "fern": (73.2, 75.3, 94.2, 94.0, 94.2),
    "flower": (84.0, 40.4, 91.2, 89.4, 89.5),
    "fortress": (98.2, 78.6, 97.7, 97.6, 97.7),
    "horns_left": (96.3, 96.4, 95.2, 95.1, 95.0),
    "horns_center": (35.5, 32.2, 93.5, 92.9, 93.0),
    "leaves": (93.8, 66.8, 92.2, 96.3, 96.6),
    "orchids": (92.3, 91.2, 90.0, 90.1, 90.3),
    "trex": (82.0, 78.6, 84.5, 86.3, 86.4),
    "mean": (81.9, 69.9, 92.3, 92.7, 92.8),
}
"""mIoU by ``ALPHAS`` for alpha_n, with alpha_p = 0."""
