# SPDX-License-Identifier: GPL-3.0-or-later
"""The stereo engine: structure from motion, then depth, then the pair graph."""

from __future__ import annotations

from collections.abc import Sequence

from ....progress import Progress, span
from ...photos.reading import Photo
from .. import EngineResult
from .dense import depth_maps
from .graph import build_graph
from .parallel import each
from .placement import place_photos, timed
from .views import survey, undistorted_view


class StereoEngine:
    """COLMAP for the cameras, a plane sweep for the depth. No network, no GPU, nothing to download."""

    name = "stereo"

    def pair_graph(self, photos: Sequence[Photo], *, image_size: int, progress: Progress) -> EngineResult:
        """See ``PointmapEngine``. Stages: 'features', 'matching', 'cameras', 'depth', 'consistency'.

        Raises:
            ReconstructionError: fewer than two photos could be placed, or only wrongly.
        """
        # About as the time goes: placing took half to four fifths of it on sets of 9 to 20 photos.
        placement = place_photos(photos, span(progress, 0.0, 0.7))
        model, seconds = placement.model, dict(placement.seconds)
        dense = span(progress, 0.7, 1.0)
        with timed(seconds, "views"):
            views = each(
                lambda placed, check: undistorted_view(placed, image_size),
                model.photos,
                lambda fraction: dense("depth", 0.05 * fraction, "Undistorting photos"),
            )
            surroundings = survey(model, views)
        with timed(seconds, "depth"):
            depths = depth_maps(views, surroundings, span(dense, 0.05, 1.0))
        with timed(seconds, "graph"):
            graph = build_graph(model, views, surroundings, depths)
        return EngineResult(graph, placement.skipped, seconds)
