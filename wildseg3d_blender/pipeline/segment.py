# SPDX-License-Identifier: GPL-3.0-or-later
"""Prompts -> masks in every view -> the object's 3D points -> scene folder."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ..errors import PromptError
from ..progress import Progress, silent, span
from ..prompts import Box, Prompt
from ..scene_folder import Scene, SceneObject, read_scene, write_object
from .segmentation import Masks, Segmenter, create_segmenter
from .segmentation.build_cache import build_mask_cache
from .segmentation.group_mapping import matching_objects, next_size
from .segmentation.lift import Lifting
from .segmentation.mask_cache import MaskCache, read_mask_cache
from .segmentation.pixel_prompts import pixel_prompts
from .segmentation.proposals import Proposer

REMEMBERED_ROUNDS = 64
"""Prompt rounds whose masks are kept: enough to undo and redo a long session; a round is about 1 MB."""


@dataclass(frozen=True)
class SegmentResult:
    """An object as written, where, and what the artist should know about it."""

    object: SceneObject
    folder: Path
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class _Round:
    """What prompts led to: masks, and the cached object they are, if they are one as it is."""

    masks: Masks
    item: int | None = None


class SceneSession:
    """One opened scene with its mask cache and its segmenter, each prepared when first needed.

    Prompts are taken in one by one, each round refining the last, so a script that gives five clicks at
    once gets what an artist gets who gives them in turn. As long as one of the scene's cached objects is
    certainly what the prompts mean, it is the answer and nothing is solved; from then on the segmenter
    corrects what was found. Rounds are remembered, so that one more click costs one more round and undo
    costs nothing.
    """

    def __init__(self, folder: Path, *, segmenter: str = "graphcut") -> None:
        """Open the scene at ``folder``; SceneError when there is none. Cheap: nothing is prepared yet."""
        self.scene: Scene = read_scene(folder)
        self._stamp = _stamp(self.scene)
        self._segmenter_name = segmenter
        self._segmenter: Segmenter | None = None
        self._lifting: Lifting | None = None
        self._cache = read_mask_cache(self.scene, segmenter)
        self._rounds: OrderedDict[tuple[Prompt, ...], _Round] = OrderedDict()

    def is_current(self) -> bool:
        """Whether the scene on disk is still the one that was opened."""
        return _stamp(self.scene) == self._stamp

    @property
    def cache(self) -> MaskCache | None:
        """The scene's cached objects; None before ``find_objects``."""
        return self._cache

    def find_objects(self, progress: Progress = silent) -> MaskCache:
        """The scene's cached objects, looked for and kept in the scene folder unless they are there.

        Raises:
            SceneError: the scene folder is gone or cannot be written.
            PromptError: the segmenter cannot find objects by itself.
        """
        if self._cache is None:
            proposer = self._prepared(span(progress, 0.0, 0.3))
            if not isinstance(proposer, Proposer):
                raise PromptError(f"{proposer.name} finds no objects by itself: click on the one you want.")
            self._cache = build_mask_cache(self.scene, proposer, span(progress, 0.3, 1.0))
            self._rounds.clear()
        return self._cache

    def masks(self, prompts: Sequence[Prompt], progress: Progress = silent) -> Masks:
        """Masks of the object in every view, (H, W) bool on the view grids.

        Raises:
            PromptError: nothing positive among the prompts, or one that does not fit its view.
        """
        return self._round(_positive_first(prompts), progress).masks

    def preview(self, prompts: Sequence[Prompt]) -> Masks | None:
        """The best cached object for the prompts, at once; None when there is none. Remembers nothing.

        Raises:
            PromptError: as ``masks``.
        """
        item = self._best_cached(_positive_first(prompts))
        return None if item is None or self._cache is None else self._cache.masks_of(item)

    def step(self, prompts: Sequence[Prompt], *, larger: bool) -> Masks | None:
        """The next larger or smaller cached object for the same prompts, from now on their answer.

        Steps start at the prompts' answer, or at their best cached object where the answer was solved.

        Returns:
            Its masks, or None when there is no such object.

        Raises:
            PromptError: as ``masks``.
        """
        ordered = _positive_first(prompts)
        known = self._rounds.get(ordered)
        item = self._best_cached(ordered) if known is None or known.item is None else known.item
        if item is None or self._cache is None:
            return None
        other = next_size(self._cache, pixel_prompts(self.scene, ordered), item, larger=larger)
        return None if other is None else self._remember(ordered, self._cached_round(other)).masks

    def _best_cached(self, ordered: tuple[Prompt, ...]) -> int | None:
        prompts = pixel_prompts(self.scene, ordered)
        items = matching_objects(self._cache, prompts).items if self._cache is not None else ()
        return items[0] if items else None

    def _round(self, ordered: tuple[Prompt, ...], progress: Progress) -> _Round:
        known = next((n for n in range(len(ordered), 0, -1) if ordered[:n] in self._rounds), 0)
        last = self._rounds[ordered[:known]] if known else None
        for count in range(known + 1, len(ordered) + 1):
            start = (count - known - 1) / (len(ordered) - known)
            part = span(progress, start, start + 1 / (len(ordered) - known))
            last = self._remember(ordered[:count], self._next_round(ordered[:count], last, part))
        assert last is not None
        return last

    def _next_round(self, prompts: tuple[Prompt, ...], last: _Round | None, progress: Progress) -> _Round:
        if self._cache is not None and (last is None or last.item is not None):
            answers = matching_objects(self._cache, pixel_prompts(self.scene, prompts))
            if answers.certain:
                return self._cached_round(answers.items[0])
        segmenter = self._prepared(span(progress, 0.0, 0.7))
        progress("masks", 0.7, "Finding the object")
        previous = None if last is None else last.masks
        return _Round(segmenter.segment(prompts, previous=previous, progress=span(progress, 0.7, 1.0)))

    def _cached_round(self, item: int) -> _Round:
        assert self._cache is not None
        return _Round(self._cache.masks_of(item), item)

    def segment(self, name: str, prompts: Sequence[Prompt], progress: Progress = silent) -> SegmentResult:
        """Segment the object and write it into the scene folder under ``name``.

        Raises:
            PromptError: as ``masks``; or nothing at all was found.
            SceneError: the scene folder is gone or cannot be written.
        """
        for prompt in prompts:
            self.scene.view(prompt.view)
        found = self._round(_positive_first(prompts), span(progress, 0.0, 0.9))
        if not any(mask.any() for mask in found.masks.values()):
            raise PromptError(
                f"Nothing was found at the prompts of {name}: place a prompt on the object itself."
            )
        progress("lifting", 0.9, "Taking the object's points")
        item = SceneObject(name, tuple(prompts), found.masks, self._points(found))
        # The last moment to cancel: once the object is in its place, it is there.
        progress("lifting", 1.0, "Saving")
        folder = write_object(self.scene, item)
        return SegmentResult(item, folder, _warnings(item))

    def _prepared(self, progress: Progress) -> Segmenter:
        if self._segmenter is None:
            self._segmenter = create_segmenter(self._segmenter_name, self.scene, progress)
        return self._segmenter

    def _points(self, found: _Round) -> Masks:
        """The pixels of an answer whose 3D points belong to it."""
        if found.item is not None and self._cache is not None:
            return self._cache.points_of(found.item)
        if self._lifting is None:
            self._lifting = Lifting(self.scene)
        masks = [found.masks[view.name] for view in self.scene.views]
        return {view.name: self._lifting.points(masks, k) for k, view in enumerate(self.scene.views)}

    def _remember(self, prompts: tuple[Prompt, ...], found: _Round) -> _Round:
        self._rounds[prompts] = found
        self._rounds.move_to_end(prompts)
        if len(self._rounds) > REMEMBERED_ROUNDS:
            self._rounds.popitem(last=False)
        return found


def segment(
    scene: Scene,
    name: str,
    prompts: Sequence[Prompt],
    *,
    segmenter: str = "graphcut",
    progress: Progress = silent,
) -> SceneObject:
    """Segment one object of ``scene``; for many, keep a ``SceneSession``."""
    return SceneSession(scene.folder, segmenter=segmenter).segment(name, prompts, progress).object


def _warnings(item: SceneObject) -> tuple[str, ...]:
    """What the artist should know about an object, a sentence each."""
    if not any(points.any() for points in item.points.values()):
        return (
            f"{item.name} has masks but no 3D points: nothing was measured there. Add photos in which its "
            "surface shows texture.",
        )
    shown = [view for view, mask in item.masks.items() if mask.any()]
    if len(shown) == 1 and len(item.masks) > 1:
        return (
            f"{item.name} was found in {shown[0]} only, so no other photo could check its shape: click it in "
            "another photo too if that one shows it.",
        )
    return ()


def _positive_first(prompts: Sequence[Prompt]) -> tuple[Prompt, ...]:
    """The prompts in their order, but starting with the first that says what to take."""
    for index, prompt in enumerate(prompts):
        if isinstance(prompt, Box) or prompt.positive:
            return (prompt, *prompts[:index], *prompts[index + 1 :])
    raise PromptError("Every prompt excludes: place at least one on the object itself.")


def _stamp(scene: Scene) -> tuple[int, int] | None:
    file = scene.folder / "scene.json"
    if not file.is_file():
        return None
    status = file.stat()
    return status.st_mtime_ns, status.st_ino
