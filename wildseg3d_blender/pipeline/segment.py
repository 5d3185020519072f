# SPDX-License-Identifier: GPL-3.0-or-later
"""Prompts -> masks in every view -> the object's 3D points -> scene folder."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from ..errors import PromptError
from ..files.stamps import stamp_of
from ..progress import Progress, silent, span
from ..prompts import Prompt, PromptGroup, check_groups, one_group
from ..scene.folder import Scene, check_open, read_scene
from ..scene.objects import SceneObject, Shared, with_groups
from . import answer_words
from .cached_objects import CachedObjects
from .object_writing import SegmentResult, any_pixel, write_among_others
from .prompt_answers import Answer, Early, PromptAnswers
from .resumable import Resumable
from .segmentation import Masks, create_segmenter
from .segmentation.lift import Lifting
from .segmentation.mask_cache.cache import MaskCache
from .segmentation.pixel_prompts import pixel_prompts
from .segmentation.strays import Thing, pointed_at


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
        self._stamp = stamp_of(self.scene.folder / "scene.json")
        self._segmenter_name = segmenter
        # What is given away here must not hold the session: in a cycle, what it maps would stay mapped
        # until Python's collector comes by.
        self._preparing = preparing = Resumable(partial(create_segmenter, segmenter, self.scene))
        # Made when first needed: it takes a few tenths of a second.
        self._geometry = functools.cache(partial(Lifting, self.scene))
        self._objects = CachedObjects(self.scene, segmenter, preparing, self._geometry)
        self._answers = PromptAnswers(
            self.scene, segmenter, preparing.result, lambda: preparing.succeeded, self._objects.known
        )

    def is_current(self) -> bool:
        """Whether the scene on disk is still the one that was opened."""
        return self._stamp is not None and stamp_of(self.scene.folder / "scene.json") == self._stamp

    def close(self) -> None:
        """End what was cancelled and would go on later. Nothing can be asked afterwards."""
        self._objects.stop()
        self._preparing.stop()

    @property
    def prepared(self) -> bool:
        """Whether the segmenter was needed yet."""
        return self._preparing.begun

    def prepare(self, progress: Progress = silent) -> None:
        """Prepare the segmenter, so that no prompt has to wait for that. Cancelled, it goes on from there."""
        # Finding objects prepares it too.
        self._objects.settle(progress)
        self._preparing.result(progress)

    @property
    def cache(self) -> MaskCache | None:
        """The scene's cached objects; None before ``find_objects``, here or by another process."""
        self._look_for_cache()
        return self._objects.known

    def _look_for_cache(self) -> None:
        """Take in what another process may have found."""
        if self._objects.look():
            self._answers.use_cache(self._objects.known)

    def find_objects(self, progress: Progress = silent) -> MaskCache:
        """The scene's cached objects, looked for and kept in the scene folder unless they are there.

        Cancelled, it goes on from there the next time.

        Raises:
            SceneError: the scene folder is gone or cannot be written.
            PromptError: the segmenter cannot find objects by itself.
        """
        if (known := self.cache) is not None:
            return known
        found = self._objects.find(progress)
        self._answers.use_cache(found)
        return found

    def masks(self, prompts: Sequence[Prompt], progress: Progress = silent) -> Masks:
        """Masks of what one group of prompts means in every view, (H, W) bool on the view grids.

        Raises:
            PromptError: nothing positive among the prompts, or one that does not fit its view.
        """
        return _combined(self._answered(one_group(prompts), progress), one_group(prompts))

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
        masks = _combined(answers, groups)
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
        masks = _combined(answers, groups)
        if not any_pixel(masks):
            raise PromptError(answer_words.on_nothing(name, answers))
        item = SceneObject(
            name,
            tuple(groups),
            masks,
            self._points(groups, answers, masks, span(progress, 0.9, 1.0)),
            shared=shared,
            answers=tuple(answer.masks for answer in answers) if len(answers) > 1 else (),
            segmenter=self._segmenter_name,
        )
        # The last moment to cancel: once the object is in its place, it is there.
        progress("lifting", 1.0, "Saving")
        result = write_among_others(self.scene, item)
        specks = answer_words.on_specks(self.scene, groups, answers)
        return replace(result, warnings=result.warnings + specks + self._unsized(groups))

    def _answered(
        self, groups: Sequence[PromptGroup], progress: Progress, early: Early | None = None
    ) -> list[Answer]:
        check_groups(groups)
        for group in groups:
            # Bad prompts are refused before anything is prepared for them, which takes seconds.
            pixel_prompts(self.scene, group.prompts)
        self._look_for_cache()
        self._objects.settle(progress)
        answers: list[Answer] = []

        def with_others(masks: Masks) -> None:
            if early is not None:
                early(_combined([*answers, Answer(masks)], groups))

        for k, group in enumerate(groups):
            part = span(progress, k / len(groups), (k + 1) / len(groups))
            # Without the groups after it, a first answer is no answer.
            last = early is not None and k == len(groups) - 1
            answers.append(self._answers.answer(group, part, with_others if last else None))
        return answers

    def _points(
        self, groups: Sequence[PromptGroup], answers: Sequence[Answer], masks: Masks, progress: Progress
    ) -> Masks:
        """The pixels of the masks, which ``answers`` led to, whose 3D points belong to the object."""
        progress("lifting", 0.0, "Taking the object's points")
        item = answers[0].item
        things = pointed_at(self.scene, groups, [answer.masks for answer in answers])
        if len(answers) == 1 and item is not None and self._objects.known is not None:
            points = self._objects.known.points_of(item)
            # The cache did not know what would be clicked, and may have dropped that as stray.
            if all(self._has_its_points(thing, masks, points) for thing in things):
                return points
        names = [view.name for view in self.scene.views]

        def waiting(number: int) -> None:
            progress("lifting", number / len(names), "Taking the object's points")

        found = self._geometry().all_points([masks[name] for name in names], waiting, things)
        return dict(zip(names, found, strict=True))

    def _has_its_points(self, thing: Thing, masks: Masks, points: Masks) -> bool:
        """Whether any of a thing's pixels in the masks has its point, or none could have one."""
        for number, inside in thing.items():
            view = self.scene.views[number]
            own = inside & masks[view.name]
            if not (own & points[view.name]).any() and (self.scene.confidence(view)[own] > 0).any():
                return False
        return True

    def _unsized(self, groups: Sequence[PromptGroup]) -> tuple[str, ...]:
        """A word about sizes that were asked for and cannot be had."""
        if self._objects.known is not None or not any(group.size for group in groups):
            return ()
        return ("Larger and smaller are known only once the scene's objects were found: find objects first.",)

    def _has_points(self, masks: Masks) -> bool:
        """Whether any pixel of the masks has a 3D point at all."""
        return any(
            bool((self.scene.confidence(view)[masks[view.name]] > 0).any()) for view in self.scene.views
        )


def _combined(answers: Sequence[Answer], groups: Sequence[PromptGroup]) -> Masks:
    """What the first group means, with the others added and taken away."""
    first, *others = (answer.masks for answer in answers)
    return with_groups(first, groups[1:], others)
