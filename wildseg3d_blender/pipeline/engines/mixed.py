# SPDX-License-Identifier: GPL-3.0-or-later
"""Stereo for the photos it can place, DUSt3R for those it cannot, in one pair graph."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from ...errors import ReconstructionError
from ...progress import Progress, span
from ...scene.folder import SkippedPhoto
from ..pair_graph import PairGraph
from ..photos.reading import Photo
from . import EngineResult
from .joining import join

if TYPE_CHECKING:
    from . import PointmapEngine
    from .dust3r import Dust3rEngine


class MixedEngine:
    """The stereo engine's exact cameras and depth wherever it gives them, a network's where it does not.

    Where stereo leaves out nothing, no network is loaded. Where it can place no photos at all, DUSt3R does
    everything.
    """

    name = "mixed"

    def __init__(self, exact: PointmapEngine, network: Dust3rEngine) -> None:
        self._exact = exact
        self._network = network

    def pair_graph(self, photos: Sequence[Photo], *, image_size: int, progress: Progress) -> EngineResult:
        """See ``PointmapEngine``; stages of both engines.

        Raises:
            PhotoError, NeuralError: as ``Dust3rEngine.pair_graph``.
        """
        try:
            known = self._exact.pair_graph(photos, image_size=image_size, progress=span(progress, 0.0, 0.6))
        except ReconstructionError:
            return self._network.pair_graph(photos, image_size=image_size, progress=span(progress, 0.6, 1.0))
        left = [photo for photo in photos if photo.path in {skipped.photo for skipped in known.skipped}]
        if not left:
            return known
        further = self._network.further_pairs(
            known.graph.views, left, image_size=image_size, progress=span(progress, 0.6, 0.98)
        )
        progress("joining", 0.98, "Joining photos")
        graph = join(known.graph, further.graph)
        return EngineResult(graph, _still_skipped(known.skipped, graph), {**known.seconds, **further.seconds})


def _still_skipped(skipped: Sequence[SkippedPhoto], graph: PairGraph) -> tuple[SkippedPhoto, ...]:
    placed = {view.photo.path for view in graph.views}
    return tuple(
        SkippedPhoto(item.photo, f"{item.reason}, and DUSt3R places it nowhere either", item.advice)
        for item in skipped
        if item.photo not in placed
    )
