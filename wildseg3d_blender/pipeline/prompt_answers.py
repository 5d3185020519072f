# SPDX-License-Identifier: GPL-3.0-or-later
"""What one group of prompts means: a cached object where one certainly is it, a solved one otherwise."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ..errors import PromptError, SceneError
from ..progress import Progress, span
from ..prompts import Prompt, PromptGroup, Spot, is_positive, spot_of
from ..scene.folder import Scene
from ..scene.objects import object_folders, read_object
from ..scene.packed_views import ViewMasks
from .segmentation import FirstAnswers, Masks, Segmenter
from .segmentation.mask_cache.cache import CLEARLY_LARGER, CONTAINED, MaskCache
from .segmentation.mask_cache.group_mapping import fitting_objects, matching_objects, next_size
from .segmentation.pixel_prompts import pixel_prompts

REMEMBERED_ROUNDS = 64
"""Prompt rounds whose masks are kept: enough to undo and redo a long session; a round is about 2 MB."""


@dataclass(frozen=True)
class Answer:
    """What prompts led to.

    Attributes:
        masks: (H, W) bool by view.
        item: the cached object that it is, if it is one as it is.
        steps: how far it is from the best answer, as ``PromptGroup.size`` counts: there may be fewer things
            that fit the prompts than the size asked for.
    """

    masks: Masks
    item: int | None = None
    steps: int = 0


Early = Callable[[Masks], None]
"""Takes a first answer, roughly what the answer will be: it follows within a second, or some if the segmenter
has to be prepared."""

_Key = tuple[tuple[Spot, ...], int]
"""Where the prompts are, a positive one first, and the size asked for."""


class PromptAnswers:
    """Answers to groups of prompts on one scene, remembered.

    Prompts are taken in one by one, each round refining the last, so a script that gives five clicks at
    once gets what an artist gets who gives them in turn. As long as one of the scene's cached objects is
    certainly what the prompts mean, it is the answer and nothing is solved; from then on the segmenter
    corrects what was found. So one more click costs one more round, and undo, which asks for the prompts
    before, costs nothing. The objects of the scene folder count as rounds too: a scene that is opened again
    goes on from where it was left.
    """

    def __init__(
        self,
        scene: Scene,
        segmenter: str,
        prepared: Callable[[Progress], Segmenter],
        ready: Callable[[], bool],
        cache: MaskCache | None,
    ) -> None:
        """``prepared`` gives the segmenter named ``segmenter``; it is called when something is solved, and
        takes no time once it is ``ready``."""
        self._scene = scene
        self._prepared = prepared
        self._ready = ready
        self._cache = cache
        self._rounds: OrderedDict[_Key, Answer] = OrderedDict()
        self._stored = _stored_rounds(scene, segmenter)

    def use_cache(self, cache: MaskCache | None) -> None:
        """Look prompts up in ``cache`` from now on; best answers that were solved stay as they are."""
        self._cache = cache
        for (spots, size), answer in list(self._rounds.items()):
            if size or answer.item is not None:
                del self._rounds[spots, size]

    def answer(self, group: PromptGroup, progress: Progress, early: Early | None = None) -> Answer:
        """What a group means, whose prompts passed ``pixel_prompts``.

        ``early`` is called at most once, where what the group means has to be solved from its beginning.
        """
        prompts = _positive_first(group.prompts)
        if group.size == 0:
            return self._round(prompts, progress, early)
        return self._sized(prompts, group.size, progress)

    def has_next(self, group: PromptGroup, answer: Answer, *, larger: bool) -> bool:
        """Whether the group's size can go up or down from ``answer``, which is its answer now."""
        return self._next(_positive_first(group.prompts), answer, larger=larger) is not None

    def _sized(self, prompts: tuple[Prompt, ...], size: int, progress: Progress) -> Answer:
        """The answer of that size; see ``PromptGroup``.

        Where the prompts have no such neighbour, a size that was chosen some prompts ago still holds: the
        object it led to stays the answer if it fits the newer prompts too, and is corrected if not.
        """
        if size == 0:
            return self._round(prompts, progress)
        known = self._known(prompts, size)
        if known is not None:
            return known
        best = self._round(prompts, span(progress, 0.0, 0.5))
        answer = self._steps(prompts, best, size)
        if answer is None and len(prompts) > 1:
            earlier = self._sized(prompts[:-1], size, span(progress, 0.5, 0.75))
            if earlier.item is not None and earlier.item in self._fitting(prompts):
                answer = earlier
            elif earlier is not self._known(prompts[:-1], 0):
                corrected = self._solved(prompts, earlier, span(progress, 0.75, 1.0))
                answer = replace(corrected, steps=earlier.steps)
            if answer is not None and answer.item is not None and answer.item == best.item:
                answer = best
        return self._remember(prompts, size, answer or best)

    def _round(self, prompts: tuple[Prompt, ...], progress: Progress, early: Early | None = None) -> Answer:
        """The best answer, from the longest beginning of the prompts that is remembered."""
        done, last = 0, None
        for count in range(len(prompts), 0, -1):
            last = self._known(prompts[:count], 0)
            if last is not None:
                done = count
                break
        for count in range(done + 1, len(prompts) + 1):
            start = (count - done - 1) / (len(prompts) - done)
            part = span(progress, start, start + 1 / (len(prompts) - done))
            told = early if count == len(prompts) else None
            last = self._remember(prompts[:count], 0, self._next_round(prompts[:count], last, part, told))
        assert last is not None
        return last

    def _next_round(
        self, prompts: tuple[Prompt, ...], last: Answer | None, progress: Progress, early: Early | None
    ) -> Answer:
        if self._cache is not None and (last is None or last.item is not None):
            answers = matching_objects(self._cache, pixel_prompts(self._scene, prompts))
            if answers.certain:
                return self._cached_answer(answers.items[0])
        return self._solved(prompts, last, progress, early if last is None else None)

    def _solved(
        self,
        prompts: tuple[Prompt, ...],
        last: Answer | None,
        progress: Progress,
        early: Early | None = None,
    ) -> Answer:
        told = early is None
        if early is not None and not self._ready():
            told = self._likeliest(prompts, early)  # preparing takes seconds
        segmenter = self._prepared(span(progress, 0.0, 0.7))
        progress("masks", 0.7, "Finding the object")
        if early is not None and not told:
            first = segmenter.first_answer(prompts) if isinstance(segmenter, FirstAnswers) else None
            if first is None:
                self._likeliest(prompts, early)
            else:
                early(first)
            progress("masks", 0.75, "Finding the object")
        previous = None if last is None else last.masks
        return Answer(segmenter.segment(prompts, previous=previous, progress=span(progress, 0.7, 1.0)))

    def _likeliest(self, prompts: tuple[Prompt, ...], early: Early) -> bool:
        """Give the likeliest of the cached objects; False when none satisfies the prompts."""
        fitting = self._fitting(prompts)
        if fitting:
            early(self._cached_answer(fitting[0]).masks)
        return bool(fitting)

    def _steps(self, prompts: tuple[Prompt, ...], start: Answer, size: int) -> Answer | None:
        """``size`` steps from ``start``, or as many as there are; None when there is none."""
        reached = None
        for count in range(1, abs(size) + 1):
            item = self._next(prompts, reached or start, larger=size > 0)
            if item is None:
                break
            reached = replace(self._cached_answer(item), steps=count if size > 0 else -count)
        return reached

    def _next(self, prompts: tuple[Prompt, ...], start: Answer, *, larger: bool) -> int | None:
        """The next larger or smaller cached object that satisfies the prompts."""
        if self._cache is None:
            return None
        known = pixel_prompts(self._scene, prompts)
        if start.item is not None:
            return next_size(self._cache, known, start.item, larger=larger)
        area = _area(start.masks)
        found = []
        for item in map(int, fitting_objects(self._cache, known)):
            theirs = float(self._cache.area[item])
            inner, outer = (area, theirs) if larger else (theirs, area)
            if outer >= CLEARLY_LARGER * inner and self._common(item, start.masks) >= CONTAINED * inner:
                found.append((theirs, item))
        if not found:
            return None
        return (min(found) if larger else max(found))[1]

    def _common(self, item: int, masks: Masks) -> int:
        """Pixels that a cached object shares with masks."""
        assert self._cache is not None
        common = 0
        for view, name in enumerate(self._cache.views):
            window, inside = self._cache.masks.cut(item, view)
            common += int(np.count_nonzero(masks[name][window] & inside))
        return common

    def _fitting(self, prompts: tuple[Prompt, ...]) -> tuple[int, ...]:
        """The cached objects that satisfy the prompts, best first."""
        known = pixel_prompts(self._scene, prompts)
        return matching_objects(self._cache, known).items if self._cache is not None else ()

    def _cached_answer(self, item: int) -> Answer:
        assert self._cache is not None
        return Answer(self._cache.masks_of(item), item)

    def _known(self, prompts: tuple[Prompt, ...], size: int) -> Answer | None:
        key = _key(prompts, size)
        if key in self._rounds:
            self._rounds.move_to_end(key)
            return self._rounds[key]
        place = self._stored.get(key)
        masks = None if place is None else _read_round(self._scene, *place, key)
        if masks is None:
            return None
        same = (item for item in self._fitting(prompts) if self._is(item, masks))
        # How many steps it was is not stored: as many as were asked for, which is so with most.
        return self._remember(prompts, size, Answer(masks, next(same, None), steps=size))

    def _is(self, item: int, masks: Masks) -> bool:
        assert self._cache is not None
        views = enumerate(self._cache.views)
        return all(np.array_equal(self._cache.masks.mask(item, view), masks[name]) for view, name in views)

    def _remember(self, prompts: tuple[Prompt, ...], size: int, answer: Answer) -> Answer:
        key = _key(prompts, size)
        self._rounds[key] = answer
        self._rounds.move_to_end(key)
        if len(self._rounds) > REMEMBERED_ROUNDS:
            self._rounds.popitem(last=False)
        return answer


def _positive_first(prompts: Sequence[Prompt]) -> tuple[Prompt, ...]:
    """The prompts in their order, but starting with the first that says what to take."""
    for index, prompt in enumerate(prompts):
        if is_positive(prompt):
            return (prompt, *prompts[:index], *prompts[index + 1 :])
    raise PromptError("Every prompt excludes: place at least one on the object itself.")


def _key(prompts: tuple[Prompt, ...], size: int) -> _Key:
    return tuple(spot_of(prompt) for prompt in prompts), size


def _key_of(group: PromptGroup) -> _Key:
    return _key(_positive_first(group.prompts), group.size)


def _stored_rounds(scene: Scene, segmenter: str) -> dict[_Key, tuple[Path, int]]:
    """Where the answers of that segmenter are that objects of the scene were made of."""
    found = {}
    for folder in object_folders(scene):
        try:
            item = read_object(scene, folder)
            if item.segmenter == segmenter:
                found.update({_key_of(group): (folder, k) for k, group in enumerate(item.groups)})
        except (SceneError, PromptError):
            continue  # a damaged object is no beginning; whoever asks for it itself is told
    return found


def _read_round(scene: Scene, folder: Path, number: int, key: _Key) -> Masks | None:
    """The stored answer; None when it is there no more."""
    try:
        item = read_object(scene, folder)
        if number >= len(item.groups) or _key_of(item.groups[number]) != key:
            return None
        answers: Sequence[ViewMasks] = item.answers or (item.masks,)
        return dict(answers[number])
    except (SceneError, PromptError, IndexError):
        return None


def _area(masks: Masks) -> int:
    return sum(int(np.count_nonzero(mask)) for mask in masks.values())
