# SPDX-License-Identifier: GPL-3.0-or-later
"""The pair graph: what every pointmap engine delivers and alignment consumes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..photo_warp import PhotoWarp
from .photos.reading import Photo


@dataclass(frozen=True)
class PairView:
    """A photo as the pair graph sees it: an undistorted pinhole image.

    Attributes:
        photo: where it came from.
        image: (H, W, 3) uint8 RGB on the view's pixel grid.
        warp: view pixels <-> photo pixels.
        K_hint: (3, 3) in view pixels, where the engine knows it.
        cam_to_world_hint: (4, 4) in the engine's own world, where it knows it. All views or none.
    """

    photo: Photo
    image: NDArray[np.uint8]
    warp: PhotoWarp
    K_hint: NDArray[np.float64] | None = None
    cam_to_world_hint: NDArray[np.float64] | None = None

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) of the view's pixel grid."""
        return self.image.shape[1], self.image.shape[0]


@dataclass(frozen=True)
class Edge:
    """One directed pair e = (i, j): both views' pointmaps in the frame of camera i, at the edge's own scale.

    The arrays may be shared between edges or memory-mapped: never write to them.

    Attributes:
        i, j: indices into ``PairGraph.views``.
        points_i: X^{i,e}, (H_i, W_i, 3) float32.
        points_j: X^{j,e}, (H_j, W_j, 3) float32, in the frame of camera i too.
        confidence_i, confidence_j: C^{i,e}, C^{j,e}, (H, W) float32 >= 0; 0 means no measurement.
    """

    i: int
    j: int
    points_i: NDArray[np.float32]
    points_j: NDArray[np.float32]
    confidence_i: NDArray[np.float32]
    confidence_j: NDArray[np.float32]


@dataclass(frozen=True)
class PairGraph:
    """Views and directed edges between them."""

    views: tuple[PairView, ...]
    edges: tuple[Edge, ...]
