# SPDX-License-Identifier: GPL-3.0-or-later
"""Alignment: all pairs -> one world of camera poses, intrinsics and one depth map per view.

``align`` places the views, ``upright`` turns the result into a world an artist expects, ``pointmap`` gives a
view's world points. How pixels are weighted is a plug-in: see ``weights``.
"""

from .dga import dga_weights
from .matching import matching
from .place_views import align
from .priors import KnownPose, Priors
from .result import Alignment, pointmap
from .sim3 import Sim3, fit_sim3
from .upright import upright
from .weights import EdgeState, EdgeWeights, confidence_weights

__all__ = [
    "Alignment",
    "EdgeState",
    "EdgeWeights",
    "KnownPose",
    "Priors",
    "Sim3",
    "align",
    "confidence_weights",
    "dga_weights",
    "fit_sim3",
    "matching",
    "pointmap",
    "upright",
]
