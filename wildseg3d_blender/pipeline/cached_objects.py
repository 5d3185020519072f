# SPDX-License-Identifier: GPL-3.0-or-later
"""A scene's mask cache while the scene is open: as it is on disk, or found and put there."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from ..errors import PromptError
from ..files.stamps import stamp_of
from ..progress import Progress, span
from ..scene.folder import Scene, check_open
from .resumable import Resumable
from .segmentation import Segmenter
from .segmentation.lift import Lifting
from .segmentation.mask_cache.building import build_mask_cache
from .segmentation.mask_cache.cache import FOLDER, MaskCache, read_mask_cache
from .segmentation.proposals import Proposer


class CachedObjects:
    """The mask cache that one segmenter made of a scene, whoever had it made, and the search for its objects.

    Attributes:
        known: the cache as it was when last looked at; None while there is none.
    """

    def __init__(
        self,
        scene: Scene,
        segmenter: str,
        preparing: Resumable[Segmenter],
        geometry: Callable[[], Lifting],
    ) -> None:
        """Read what is there.

        Args:
            segmenter: name of the one whose objects they are.
            preparing: gives it, when objects are looked for.
            geometry: gives the scene's, then too.
        """
        self._scene, self._segmenter = scene, segmenter
        # Not a method of this one: in a cycle, what is mapped would stay mapped until Python's collector
        # comes by.
        self._search = partial(_search, scene, preparing, geometry)
        self._finding = Resumable(self._search)
        self._file = scene.folder / FOLDER / "cache.json"
        self._stamp = stamp_of(self._file)
        self.known: MaskCache | None = read_mask_cache(scene, segmenter)

    def look(self) -> bool:
        """Take in what another process may have found; whether the cache is another now."""
        stamp = stamp_of(self._file)
        if stamp == self._stamp:
            return False
        self._stamp = stamp
        self.known = read_mask_cache(self._scene, self._segmenter)
        return True

    def find(self, progress: Progress) -> MaskCache:
        """Look for the scene's objects and keep them in the scene folder.

        Cancelled, it goes on from there the next time.

        Raises:
            SceneError: the scene folder is gone or cannot be written.
            PromptError: the segmenter cannot find objects by itself.
        """
        check_open(self._scene)
        self.known = found = self._finding.result(progress)
        self._finding = Resumable(self._search)
        self._stamp = stamp_of(self._file)
        return found

    def settle(self, progress: Progress) -> None:
        """Wait until a cancelled search rests: a segmenter need not bear being asked by two threads."""
        self._finding.settle(progress)

    def stop(self) -> None:
        """End a search that was cancelled and would go on later."""
        self._finding.stop()


def _search(
    scene: Scene, preparing: Resumable[Segmenter], geometry: Callable[[], Lifting], progress: Progress
) -> MaskCache:
    segmenter = preparing.result(span(progress, 0.0, 0.3))
    if not isinstance(segmenter, Proposer):
        raise PromptError(f"{segmenter.name} finds no objects by itself: click on the one you want.")
    return build_mask_cache(scene, segmenter, span(progress, 0.3, 1.0), lifting=geometry)
