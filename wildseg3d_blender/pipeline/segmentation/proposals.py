# SPDX-License-Identifier: GPL-3.0-or-later
"""What a segmenter proposes before anybody has asked: masks of objects in every view."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from ...progress import Progress
from . import Masks


@dataclass(frozen=True)
class Proposal:
    """One object: its mask in every view, and how sure the segmenter is; only the order of scores counts."""

    masks: Masks
    score: float


@runtime_checkable
class Proposer(Protocol):
    """A segmenter that can find the objects of its scene by itself."""

    name: str

    def proposals(self, progress: Progress) -> Iterator[Proposal]:
        """Objects, wholes and parts, best first, at most a few hundred."""
        ...
