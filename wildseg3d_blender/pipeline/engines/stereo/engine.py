# SPDX-License-Identifier: GPL-3.0-or-later
"""The stereo engine: structure from motion, then depth, then the pair graph."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from ....progress import Progress, span
from ...photos import Photo
from .. import EngineResult
from .dense import depth_maps
from .graph import build_graph
from .parallel import each
from .placement import place_photos
from .views import survey, undistorted_view


class StereoEngine:
    """COLMAP for the cameras, a plane sweep for the depth. No network, no GPU, nothing to download."""

    name = "stereo"

    def pair_graph(self, photos: Sequence[Photo], *, image_size: int, progress: Progress) -> EngineResult:
        """See ``PointmapEngine``. Stages: 'features', 'matching', 'cameras', 'depth', 'consistency'.

        Raises:
            ReconstructionError: fewer than two photos could be placed, or only wrongly.
        """
        seconds: dict[str, float] = {}
        model, skipped = place_photos(photos, span(progress, 0.0, 0.5), seconds)
        dense = span(progress, 0.5, 1.0)
        with _timed(seconds, "views"):
            views = each(
                lambda placed, check: undistorted_view(placed, image_size),
                model.photos,
                lambda fraction: dense("depth", 0.05 * fraction, "Undistorting photos"),
            )
            surroundings = survey(model, views)
        with _timed(seconds, "depth"):
            depths = depth_maps(views, surroundings, span(dense, 0.05, 1.0))
        with _timed(seconds, "graph"):
            graph = build_graph(model, views, surroundings, depths)
        return EngineResult(graph, tuple(skipped), seconds)


@contextmanager
def _timed(seconds: dict[str, float], stage: str) -> Iterator[None]:
    start = time.perf_counter()
    yield
    seconds[stage] = time.perf_counter() - start
