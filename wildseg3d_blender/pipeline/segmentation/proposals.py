# SPDX-License-Identifier: GPL-3.0-or-later
"""What a segmenter proposes before anybody has asked: masks of objects in every view."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from ...progress import Progress
from . import Masks


@dataclass(frozen=True)
class Proposal:
    """One object that a segmenter found by itself.

    Attributes:
        masks: its mask in every view.
        score: how sure the segmenter is; lookup adds it to other terms between 0 and 1, so good objects
            should lie within a few tenths of each other.
        soft: view name -> (H, W) float32 in [0, 1], how likely each pixel belongs to it, where the
            segmenter knows (the sigmoid of its logits); views may be missing. None where there are only
            hard masks: the cache gives those a soft edge of its own. Kept for ``MaskCache.soft_masks``.
    """

    masks: Masks
    score: float
    soft: Mapping[str, NDArray[np.float32]] | None = None


@runtime_checkable
class Proposer(Protocol):
    """A segmenter that can find the objects of its scene by itself."""

    name: str

    def proposals(self, progress: Progress) -> Iterator[Proposal]:
        """Objects, wholes and parts, best first, at most a few hundred."""
        ...
