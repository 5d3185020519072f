# SPDX-License-Identifier: GPL-3.0-or-later
"""Segmenters: prompts in, a mask in every view out. One protocol for all of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from ...progress import Progress
from ...prompts import Prompt
from ...scene.folder import Scene

Masks = dict[str, NDArray[np.bool_]]
"""View name -> (H, W) bool on the view's pixel grid. Has every view of the scene."""


class Segmenter(Protocol):
    """Masks of one object in all views of one scene.

    Made for a scene once (the heavy part: features, superpixels, a graph), asked many times.
    """

    name: str

    def segment(
        self,
        prompts: Sequence[Prompt],
        *,
        previous: Mapping[str, NDArray[np.bool_]] | None = None,
        progress: Progress,
    ) -> Masks:
        """Masks of the object that the prompts describe.

        Args:
            prompts: clicks and boxes in view pixels, any views; at least one positive click or box.
            previous: the object's masks before the newest prompts, to refine instead of starting anew.

        Raises:
            PromptError: a prompt lies outside its view, or nothing positive was given.
        """
        ...


@runtime_checkable
class FirstAnswers(Protocol):
    """A segmenter that can say in a tenth of a second about what it will find."""

    def first_answer(self, prompts: Sequence[Prompt]) -> Masks | None:
        """Roughly what ``segment`` will find without a previous result; None where it cannot tell so soon.

        Raises:
            PromptError: as ``segment``.
        """
        ...


def create_segmenter(name: str, scene: Scene, progress: Progress) -> Segmenter:
    """The segmenter of that name, prepared for ``scene``. Imports its libraries only now."""
    if name == "graphcut":
        from .graphcut import GraphCutSegmenter

        return GraphCutSegmenter(scene, progress)
    if name == "sam2":
        from .sam2 import Sam2Segmenter

        return Sam2Segmenter(scene, progress)
    raise ValueError(f"no segmenter named {name!r}; there are 'graphcut' and 'sam2'")
