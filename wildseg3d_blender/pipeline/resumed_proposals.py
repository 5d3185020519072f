# SPDX-License-Identifier: GPL-3.0-or-later
"""Finding objects, broken off and taken up again: whatever an artist asks for comes in between."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import Cancelled
from ..progress import Progress
from .segmentation.packed_masks import MaskPacker, PackedMasks
from .segmentation.proposals import Proposal, Proposer


class ResumedProposer:
    """A proposer that goes on where it was cancelled the last time.

    While the first proposal is being looked for, a cancellation stops it there and then, and the next time
    it begins anew. From then on proposals come quickly one after the other: a cancellation waits for the one
    that is under way, and nothing is lost.
    """

    def __init__(self, proposer: Proposer) -> None:
        self.name = proposer.name
        self._proposer = proposer
        self._running: Iterator[Proposal] | None = None
        self._come = 0
        self._found: list[_Packed] = []
        self._progress: Progress | None = None
        self._cancelled: Cancelled | None = None

    def proposals(self, progress: Progress) -> Iterator[Proposal]:
        """As ``Proposer.proposals``: first those that were found before, then the others."""
        self._progress = progress
        yield from (packed.proposal() for packed in self._found)
        while (proposal := self._next()) is not None:
            yield proposal

    def _next(self) -> Proposal | None:
        while True:
            if self._running is None:
                self._running, self._come = self._proposer.proposals(self._heard), 0
            try:
                proposal = next(self._running, None)
                if proposal is None:
                    return None
                self._come += 1
                new = self._come > len(self._found)
                if new:
                    self._found.append(_Packed.of(proposal))
            except BaseException:
                # An interrupt may have come anywhere, and a generator that was broken off gives nothing more.
                self._running = None
                raise
            cancelled, self._cancelled = self._cancelled, None
            if cancelled is not None:
                raise cancelled
            if new:
                return proposal

    def _heard(self, stage: str, fraction: float, text: str = "") -> None:
        assert self._progress is not None
        try:
            self._progress(stage, fraction, text)
        except Cancelled as error:
            if self._come == 0:
                raise
            self._cancelled = error


@dataclass(frozen=True)
class _Packed:
    """A proposal in little room: masks as bits, soft masks as bytes in the box where they are not 0."""

    names: tuple[str, ...]
    masks: PackedMasks
    score: float
    soft: Mapping[str, tuple[tuple[int, int], tuple[slice, slice], NDArray[np.uint8]]] | None

    @classmethod
    def of(cls, proposal: Proposal) -> _Packed:
        names = tuple(proposal.masks)
        masks = [np.asarray(mask, dtype=bool) for mask in proposal.masks.values()]
        packer = MaskPacker([(mask.shape[0], mask.shape[1]) for mask in masks])
        packer.add(masks)
        soft = None
        if proposal.soft is not None:
            soft = {name: _cut(values) for name, values in proposal.soft.items()}
        return cls(names, packer.packed(), proposal.score, soft)

    def proposal(self) -> Proposal:
        masks = {name: self.masks.mask(0, view) for view, name in enumerate(self.names)}
        if self.soft is None:
            return Proposal(masks, self.score)
        soft = {}
        for name, (shape, window, values) in self.soft.items():
            soft[name] = np.zeros(shape, dtype=np.float32)
            soft[name][window] = values / np.float32(255.0)
        return Proposal(masks, self.score, soft)


def _cut(
    soft: NDArray[np.float32],
) -> tuple[tuple[int, int], tuple[slice, slice], NDArray[np.uint8]]:
    values = np.rint(255.0 * np.asarray(soft)).astype(np.uint8)
    rows, columns = np.flatnonzero(values.any(1)), np.flatnonzero(values.any(0))
    window = (slice(0, 0), slice(0, 0))
    if len(rows):
        window = (slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1))
    return (values.shape[0], values.shape[1]), window, values[window].copy()
