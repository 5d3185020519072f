# SPDX-License-Identifier: GPL-3.0-or-later
"""Prompts -> masks in every view -> the object's 3D points -> scene folder."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from ..errors import PromptError, SceneError
from ..progress import Progress, silent, span
from ..prompts import Prompt, PromptGroup, check_groups, one_group
from ..scene.folder import Scene, check_open, read_scene
from ..scene.objects import (
    SceneObject,
    Shared,
    object_folder,
    read_object,
    read_objects,
    write_object,
)
from ..scene.ownership import changed, lost_unasked, order_for, owned_by
from ..scene.packed_views import ViewMasks
from . import answer_words
from .prompt_answers import Answer, Early, PromptAnswers
from .resumable import Resumable
from .segmentation import Masks, Segmenter, create_segmenter
from .segmentation.lift import Lifting
from .segmentation.mask_cache.building import build_mask_cache
from .segmentation.mask_cache.cache import FOLDER as CACHE_FOLDER
from .segmentation.mask_cache.cache import MaskCache, read_mask_cache
from .segmentation.pixel_prompts import pixel_prompts
from .segmentation.proposals import Proposer

_Stamp = tuple[int, int] | None


@dataclass(frozen=True)
class SegmentResult:
    """An object as written.

    Attributes:
        object: with all it claims.
        folder: where it is.
        owned: view name -> (H, W) bool, the points it owns.
        changed: other objects that own other points now than before.
        warnings: what the artist should know about it, a sentence each.
    """

    object: SceneObject
    folder: Path
    owned: ViewMasks
    changed: tuple[str, ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class PreviewResult:
    """What prompts would cut out.

    Attributes:
        masks: of the whole object, in every view.
        cached: whether every group's answer is one of the scene's cached objects as it is.
        larger, smaller: whether each group's size can go up or down from where it is.
        steps: how far each group's answer is from its best one, which may be less than its size.
        warnings: what the artist should know about it, a sentence each.
    """

    masks: Masks
    cached: bool
    larger: tuple[bool, ...]
    smaller: tuple[bool, ...]
    steps: tuple[int, ...]
    warnings: tuple[str, ...]


class SceneSession:
    """One opened scene with its mask cache and its segmenter, each prepared when first needed.

    An object is what its first group of prompts means, with what the later groups mean added or taken away;
    see ``PromptAnswers`` for how a group is answered.
    """

    def __init__(self, folder: Path, *, segmenter: str = "graphcut") -> None:
        """Open the scene at ``folder``; SceneError when there is none. Cheap: nothing is prepared yet."""
        self.scene: Scene = read_scene(folder)
        self._stamp = _stamp(self.scene.folder / "scene.json")
        self._segmenter_name = segmenter
        # What is given away here must not hold the session: in a cycle, what it maps would stay mapped
        # until Python's collector comes by.
        self._preparing = preparing = Resumable(partial(create_segmenter, segmenter, self.scene))
        # Made when first needed: it takes a few tenths of a second.
        self._geometry = functools.cache(partial(Lifting, self.scene))
        self._finding = self._to_be_found()
        self._cache_stamp = _stamp(self._cache_file)
        self._cache = read_mask_cache(self.scene, segmenter)
        self._answers = PromptAnswers(
            self.scene, segmenter, preparing.result, lambda: preparing.succeeded, self._cache
        )

    def is_current(self) -> bool:
        """Whether the scene on disk is still the one that was opened."""
        return self._stamp is not None and _stamp(self.scene.folder / "scene.json") == self._stamp

    def close(self) -> None:
        """End what was cancelled and would go on later. Nothing can be asked afterwards."""
        self._finding.stop()
        self._preparing.stop()

    @property
    def prepared(self) -> bool:
        """Whether the segmenter was needed yet."""
        return self._preparing.begun

    def prepare(self, progress: Progress = silent) -> None:
        """Prepare the segmenter, so that no prompt has to wait for that. Cancelled, it goes on from there."""
        # Finding objects prepares it too.
        self._finding.settle(progress)
        self._preparing.result(progress)

    @property
    def cache(self) -> MaskCache | None:
        """The scene's cached objects; None before ``find_objects``, here or by another process."""
        self._look_for_cache()
        return self._cache

    def _look_for_cache(self) -> None:
        """Take in what another process may have found."""
        stamp = _stamp(self._cache_file)
        if stamp != self._cache_stamp:
            self._cache_stamp = stamp
            self._cache = read_mask_cache(self.scene, self._segmenter_name)
            self._answers.use_cache(self._cache)

    def find_objects(self, progress: Progress = silent) -> MaskCache:
        """The scene's cached objects, looked for and kept in the scene folder unless they are there.

        Cancelled, it goes on from there the next time.

        Raises:
            SceneError: the scene folder is gone or cannot be written.
            PromptError: the segmenter cannot find objects by itself.
        """
        if self.cache is not None:
            return self.cache
        check_open(self.scene)
        self._cache = self._finding.result(progress)
        self._finding = self._to_be_found()
        self._cache_stamp = _stamp(self._cache_file)
        self._answers.use_cache(self._cache)
        return self._cache

    def masks(self, prompts: Sequence[Prompt], progress: Progress = silent) -> Masks:
        """Masks of what one group of prompts means in every view, (H, W) bool on the view grids.

        Raises:
            PromptError: nothing positive among the prompts, or one that does not fit its view.
        """
        return self._combined(self._answered(one_group(prompts), progress), one_group(prompts))

    def preview(
        self,
        groups: Sequence[PromptGroup],
        progress: Progress = silent,
        early: Early | None = None,
    ) -> PreviewResult:
        """What ``segment`` would find; remembered, so that ``segment`` then solves nothing again.

        Args:
            early: called at most once, with masks that show roughly what will be found; and only where
                finding it takes more than about a fifth of a second.

        Raises:
            PromptError: as ``segment``, but nothing found is no error here.
        """
        answers = self._answered(groups, progress, early)
        masks = self._combined(answers, groups)
        both = list(zip(groups, answers, strict=True))
        larger = tuple(self._answers.has_next(group, answer, larger=True) for group, answer in both)
        return PreviewResult(
            masks,
            cached=all(answer.item is not None for answer in answers),
            larger=larger,
            smaller=tuple(self._answers.has_next(group, answer, larger=False) for group, answer in both),
            steps=tuple(answer.steps for answer in answers),
            warnings=answer_words.on_masks("This", masks, measured=self._has_points(masks))
            + answer_words.on_specks(self.scene, groups, answers, larger)
            + self._unsized(groups),
        )

    def segment(
        self,
        name: str,
        groups: Sequence[PromptGroup],
        progress: Progress = silent,
        *,
        shared: Shared = "take",
    ) -> SegmentResult:
        """Segment the object and write it into the scene folder under ``name``.

        Args:
            shared: whether it takes points that other objects claim too (see ``ownership.order_for``).

        Raises:
            PromptError: the groups mean no object, a prompt does not fit its view, or nothing was found.
            SceneError: the scene folder is gone or cannot be written, or an object in it is damaged.
        """
        check_open(self.scene)
        answers = self._answered(groups, span(progress, 0.0, 0.9))
        masks = self._combined(answers, groups)
        if not _any(masks):
            raise PromptError(answer_words.on_nothing(name, answers))
        item = SceneObject(
            name,
            tuple(groups),
            masks,
            self._points(answers, masks, span(progress, 0.9, 1.0)),
            shared=shared,
            answers=tuple(answer.masks for answer in answers) if len(answers) > 1 else (),
            segmenter=self._segmenter_name,
        )
        # The last moment to cancel: once the object is in its place, it is there.
        progress("lifting", 1.0, "Saving")
        result = self._written(item)
        specks = answer_words.on_specks(self.scene, groups, answers)
        return replace(result, warnings=result.warnings + specks + self._unsized(groups))

    def _written(self, item: SceneObject) -> SegmentResult:
        """The object in its place in the order, written, and what that changed for the others."""
        others = read_objects(self.scene, but=item.name)
        before = owned_by(others)
        old = _as_it_was(self.scene, item.name)
        if old is not None:
            before = owned_by([*others, old])
        order = order_for(item.groups, item.shared, old, others, before)
        item = replace(item, order=order)
        folder = write_object(self.scene, item)
        after = owned_by([*others, item])
        owned = after[item.name]
        warnings = answer_words.on_masks(item.name, item.masks, measured=_any(item.points))
        if _any(item.points) and not _any(owned):
            warnings += (
                f"{item.name} got no 3D points: other objects own all of them. Click on it where it should "
                "have its points, or remove those objects.",
            )
        warnings += answer_words.on_losses(item.name, lost_unasked(before, after, item.groups, item.name))
        return SegmentResult(item, folder, owned, changed(before, after, but=item.name), warnings)

    def _answered(
        self, groups: Sequence[PromptGroup], progress: Progress, early: Early | None = None
    ) -> list[Answer]:
        check_groups(groups)
        for group in groups:
            # Bad prompts are refused before anything is prepared for them, which takes seconds.
            pixel_prompts(self.scene, group.prompts)
        self._look_for_cache()
        # A segmenter need not bear being asked by two threads.
        self._finding.settle(progress)
        answers: list[Answer] = []

        def with_others(masks: Masks) -> None:
            if early is not None:
                early(self._combined([*answers, Answer(masks)], groups))

        for k, group in enumerate(groups):
            part = span(progress, k / len(groups), (k + 1) / len(groups))
            # Without the groups after it, a first answer is no answer.
            last = early is not None and k == len(groups) - 1
            answers.append(self._answers.answer(group, part, with_others if last else None))
        return answers

    def _combined(self, answers: Sequence[Answer], groups: Sequence[PromptGroup]) -> Masks:
        """What the first group means, with the others added and taken away pixel by pixel, in order."""
        masks = dict(answers[0].masks)
        for answer, group in zip(answers[1:], groups[1:], strict=True):
            for view, mask in answer.masks.items():
                masks[view] = masks[view] & ~mask if group.subtract else masks[view] | mask
        return masks

    def _to_be_found(self) -> Resumable[MaskCache]:
        return Resumable(partial(_find, self.scene, self._preparing, self._geometry))

    def _points(self, answers: Sequence[Answer], masks: Masks, progress: Progress) -> Masks:
        """The pixels of the masks, which ``answers`` led to, whose 3D points belong to the object."""
        progress("lifting", 0.0, "Taking the object's points")
        item = answers[0].item
        if len(answers) == 1 and item is not None and self._cache is not None:
            return self._cache.points_of(item)
        names = [view.name for view in self.scene.views]

        def waiting(number: int) -> None:
            progress("lifting", number / len(names), "Taking the object's points")

        found = self._geometry().all_points([masks[name] for name in names], waiting)
        return dict(zip(names, found, strict=True))

    def _unsized(self, groups: Sequence[PromptGroup]) -> tuple[str, ...]:
        """A word about sizes that were asked for and cannot be had."""
        if self._cache is not None or not any(group.size for group in groups):
            return ()
        return ("Larger and smaller are known only once the scene's objects were found: find objects first.",)

    def _has_points(self, masks: Masks) -> bool:
        """Whether any pixel of the masks has a 3D point at all."""
        return any(
            bool((self.scene.confidence(view)[masks[view.name]] > 0).any()) for view in self.scene.views
        )

    @property
    def _cache_file(self) -> Path:
        return self.scene.folder / CACHE_FOLDER / "cache.json"


def _find(
    scene: Scene, preparing: Resumable[Segmenter], geometry: Callable[[], Lifting], progress: Progress
) -> MaskCache:
    segmenter = preparing.result(span(progress, 0.0, 0.3))
    if not isinstance(segmenter, Proposer):
        raise PromptError(f"{segmenter.name} finds no objects by itself: click on the one you want.")
    return build_mask_cache(scene, segmenter, span(progress, 0.3, 1.0), lifting=geometry)


def _as_it_was(scene: Scene, name: str) -> SceneObject | None:
    """The object of that name; None when there is none, or only a damaged one, which is to be replaced."""
    folder = object_folder(scene, name)
    try:
        return None if folder is None else read_object(scene, folder)
    except SceneError:
        return None


def _any(masks: ViewMasks) -> bool:
    return any(bool(mask.any()) for mask in masks.values())


def _stamp(file: Path) -> _Stamp:
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_ino
