# SPDX-License-Identifier: GPL-3.0-or-later
"""Answers to what a preview was asked: read from the scene folder, and kept by what was asked."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ...errors import WildSegError
from ...scene.folder import read_scene
from ...scene.history import stored as stored_objects
from ...scene.objects import read_object
from ...scene.packed_views import ViewMasks
from ...scene.previews import read_preview
from ...worker.messages import EarlyPreview, Previewed
from .questions import Question

REMEMBERED = 24
"""Answers that are kept, some 0.2 MB each."""


@dataclass(frozen=True)
class Preview:
    """An answer: masks, and what can be done next.

    Attributes:
        cached: it was looked up, not solved.
        larger, smaller: for each part with prompts, whether there is a next larger (smaller) thing that fits.
        steps: for each of those parts, how far it is from the best answer, as ``PromptGroup.size`` counts.
        warnings: sentences for the artist.
        kind: "early" ones only show about what the answer will be, which is on its way; "segmented" ones what
            the object was cut out by. Of both nothing but the masks is known.
    """

    masks: ViewMasks
    cached: bool
    larger: tuple[bool, ...]
    smaller: tuple[bool, ...]
    steps: tuple[int, ...]
    warnings: tuple[str, ...]
    kind: Literal["answer", "early", "segmented"] = "answer"


class Answers:
    """The latest answers, by the key of their question: previews, and errors that came in their place."""

    def __init__(self) -> None:
        self._kept: OrderedDict[str, Preview | WildSegError] = OrderedDict()

    def keep(self, key: str, answer: Preview | WildSegError) -> None:
        """Keep an answer, the oldest making way."""
        self._kept[key] = answer
        while len(self._kept) > REMEMBERED:
            self._kept.popitem(last=False)

    def preview(self, key: str) -> Preview | None:
        """The preview that was the answer, if it is kept."""
        known = self._kept.get(key)
        return known if isinstance(known, Preview) else None

    def error(self, key: str) -> WildSegError | None:
        """The error that was the answer, if it was one and is kept."""
        known = self._kept.get(key)
        return known if isinstance(known, WildSegError) else None

    def has_final(self, key: str) -> bool:
        """Whether the worker has answered, and not only roughly."""
        known = self.preview(key)
        return self.error(key) is not None or (known is not None and known.kind == "answer")


def of_worker(asked: Question, told: Previewed) -> Preview:
    """The worker's answer. SceneError when the masks or the scene folder are gone."""
    return Preview(
        masks=_read(asked, told.folder),
        cached=told.cached,
        larger=told.larger,
        smaller=told.smaller,
        steps=told.steps,
        warnings=told.warnings,
    )


def of_worker_early(asked: Question, told: EarlyPreview) -> Preview:
    """What the worker's answer will be roughly. Raises as ``of_worker``."""
    return _masks_alone(asked, _read(asked, told.folder), "early")


def of_segmented(asked: Question) -> Preview | None:
    """The masks that the object was cut out by; None where it is not in the scene folder.

    Raises:
        SceneError: the scene folder is gone, or the object is damaged.
    """
    scene = read_scene(asked.folder)
    for item in stored_objects(scene):
        if item.version == asked.version if asked.version else item.name == asked.about[1]:
            return _masks_alone(asked, read_object(scene, item.folder).masks, "segmented")
    return None


def _read(asked: Question, folder: str) -> ViewMasks:
    return read_preview(read_scene(asked.folder), Path(folder))


def _masks_alone(asked: Question, masks: ViewMasks, kind: Literal["early", "segmented"]) -> Preview:
    count = len(asked.prompt_groups)
    unknown, best = (False,) * count, (0,) * count
    return Preview(masks, cached=False, larger=unknown, smaller=unknown, steps=best, warnings=(), kind=kind)
