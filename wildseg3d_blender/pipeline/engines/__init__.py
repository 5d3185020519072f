# SPDX-License-Identifier: GPL-3.0-or-later
"""Pointmap engines: photos in, a pair graph out. One protocol, so there is one alignment path."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from ...progress import Progress
from ...scene.folder import SkippedPhoto
from ..pair_graph import PairGraph
from ..photos.reading import Photo


@dataclass(frozen=True)
class EngineResult:
    """What an engine made of the photos; ``seconds`` is wall time by stage."""

    graph: PairGraph
    skipped: tuple[SkippedPhoto, ...]
    seconds: dict[str, float]


class PointmapEngine(Protocol):
    """Photos -> pair graph.

    ``image_size`` is the longer side of the view's pixel grid. Raises ReconstructionError when fewer than
    two photos can be placed, and whatever ``progress`` raises.
    """

    name: str

    def pair_graph(self, photos: Sequence[Photo], *, image_size: int, progress: Progress) -> EngineResult: ...


def create_engine(name: str, *, quality: str = "balanced") -> PointmapEngine:
    """The engine of that name. Imports its libraries only now.

    ``quality`` is "fast", "balanced" or "fine": how many pairs a network looks at. The stereo engine has one
    quality.
    """
    if name == "stereo":
        from .stereo import StereoEngine

        return StereoEngine()
    if name == "dust3r":
        from .dust3r import Dust3rEngine

        return Dust3rEngine(quality=quality)
    if name == "mixed":
        from .dust3r import Dust3rEngine
        from .mixed import MixedEngine
        from .stereo import StereoEngine

        return MixedEngine(StereoEngine(), Dust3rEngine(quality=quality))
    raise ValueError(f"no pointmap engine named {name!r}; there are 'stereo', 'dust3r' and 'mixed'")
