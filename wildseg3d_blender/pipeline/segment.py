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
from .segmentation.lift import lift

REMEMBERED_ROUNDS = 64
"""Prompt rounds whose masks are kept: enough to undo and redo a long session; a round is about 1 MB."""


@dataclass(frozen=True)
class SegmentResult:
    """An object as written, where, and what the artist should know about it."""

    object: SceneObject
    folder: Path
    warnings: tuple[str, ...]


class SceneSession:
    """One opened scene with its prepared segmenter.

    Masks are a function of the scene and the ordered prompts alone: prompts are taken in one by one, each
    round refining the last, so a script that gives five clicks at once gets what an artist gets who gives
    them in turn. Rounds are remembered, so that one more click costs one more round and undo costs nothing.
    """

    def __init__(self, folder: Path, *, segmenter: str = "graphcut") -> None:
        """Open the scene at ``folder``; SceneError when there is none. Cheap: nothing is prepared yet."""
        self.scene: Scene = read_scene(folder)
        self._stamp = _stamp(self.scene)
        self._segmenter_name = segmenter
        self._segmenter: Segmenter | None = None
        self._rounds: OrderedDict[tuple[Prompt, ...], Masks] = OrderedDict()

    def is_current(self) -> bool:
        """Whether the scene on disk is still the one that was opened."""
        return _stamp(self.scene) == self._stamp

    def masks(self, prompts: Sequence[Prompt], progress: Progress = silent) -> Masks:
        """Masks of the object in every view, (H, W) bool on the view grids.

        Raises:
            PromptError: nothing positive among the prompts, or one that does not fit its view.
        """
        ordered = _positive_first(prompts)
        known = next((n for n in range(len(ordered), 0, -1) if ordered[:n] in self._rounds), 0)
        masks = self._rounds[ordered[:known]] if known else None
        if known < len(ordered):
            segmenter = self._prepared(span(progress, 0.0, 0.7))
            rounds = span(progress, 0.7, 1.0)
            for count in range(known + 1, len(ordered) + 1):
                rounds("masks", (count - known - 1) / (len(ordered) - known), "Finding the object")
                masks = segmenter.segment(ordered[:count], previous=masks, progress=rounds)
                self._remember(ordered[:count], masks)
        assert masks is not None
        return masks

    def segment(self, name: str, prompts: Sequence[Prompt], progress: Progress = silent) -> SegmentResult:
        """Segment the object and write it into the scene folder under ``name``.

        Raises:
            PromptError: as ``masks``; or nothing at all was found.
            SceneError: the scene folder is gone or cannot be written.
        """
        for prompt in prompts:
            self.scene.view(prompt.view)
        masks = self.masks(prompts, span(progress, 0.0, 0.9))
        if not any(mask.any() for mask in masks.values()):
            raise PromptError(
                f"Nothing was found at the prompts of {name}: place a prompt on the object itself."
            )
        progress("lifting", 0.9, "Taking the object's points")
        item = SceneObject(name, tuple(prompts), masks, lift(self.scene, masks))
        warnings = []
        if not any(points.any() for points in item.points.values()):
            warnings.append(
                f"{name} has masks but no 3D points: nothing was measured there. Add photos in which its "
                "surface shows texture."
            )
        # The last moment to cancel: once the object is in its place, it is there.
        progress("lifting", 1.0, "Saving")
        folder = write_object(self.scene, item)
        return SegmentResult(item, folder, tuple(warnings))

    def _prepared(self, progress: Progress) -> Segmenter:
        if self._segmenter is None:
            self._segmenter = create_segmenter(self._segmenter_name, self.scene, progress)
        return self._segmenter

    def _remember(self, prompts: tuple[Prompt, ...], masks: Masks) -> None:
        self._rounds[prompts] = masks
        if len(self._rounds) > REMEMBERED_ROUNDS:
            self._rounds.popitem(last=False)


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
