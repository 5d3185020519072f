# SPDX-License-Identifier: GPL-3.0-or-later
"""Finding objects is cancelled and taken up again without losing what was found."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from wildseg3d_blender.errors import Cancelled
from wildseg3d_blender.pipeline.resumed_proposals import ResumedProposer
from wildseg3d_blender.pipeline.segmentation.proposals import Proposal
from wildseg3d_blender.progress import Progress, silent

COUNT = 6


class Counting:
    """Proposes one pixel after the other and counts its work; the odd ones have soft masks too."""

    name = "counting"

    def __init__(self) -> None:
        self.begun = 0
        self.made = 0

    def proposals(self, progress: Progress) -> Iterator[Proposal]:
        self.begun += 1
        progress("proposals", 0.0, "Looking")
        for number in range(COUNT):
            progress("proposals", number / COUNT, f"Number {number}")
            self.made += 1
            mask = np.zeros((3, 7), dtype=bool)
            mask[1, number] = True
            soft = {"a": np.where(mask, 1.0, 0.2).astype(np.float32)} if number % 2 else None
            yield Proposal({"a": mask, "b": ~mask}, float(COUNT - number), soft)


class CancelAt:
    """A progress that cancels once, at its call of that number."""

    def __init__(self, number: int) -> None:
        self.left = number

    def __call__(self, stage: str, fraction: float, text: str = "") -> None:
        self.left -= 1
        if self.left == 0:
            raise Cancelled


def numbers(found: list[Proposal]) -> list[int]:
    return [int(np.flatnonzero(proposal.masks["a"][1])[0]) for proposal in found]


@pytest.mark.parametrize("at", range(1, COUNT + 2))
def test_cancelled_anywhere_it_finds_the_same_objects(at: int) -> None:
    proposer = Counting()
    resumed = ResumedProposer(proposer)
    with pytest.raises(Cancelled):
        list(resumed.proposals(CancelAt(at)))
    found = list(resumed.proposals(silent))
    assert numbers(found) == list(range(COUNT))
    for proposal, expected in zip(found, Counting().proposals(silent), strict=True):
        assert proposal.score == expected.score
        for name, mask in expected.masks.items():
            np.testing.assert_array_equal(proposal.masks[name], mask)
        assert (proposal.soft is None) == (expected.soft is None)
        if proposal.soft is not None and expected.soft is not None:
            np.testing.assert_allclose(proposal.soft["a"], expected.soft["a"], atol=0.5 / 255 + 1e-6)


def test_nothing_is_done_twice_once_the_first_was_found() -> None:
    proposer = Counting()
    resumed = ResumedProposer(proposer)
    for at in (4, 2, 1):
        with pytest.raises(Cancelled):
            list(resumed.proposals(CancelAt(at)))
    assert len(list(resumed.proposals(silent))) == COUNT
    assert (proposer.begun, proposer.made) == (1, COUNT)


def test_a_failure_in_the_middle_begins_anew_and_yields_nothing_twice() -> None:
    class Failing(Counting):
        """Fails at its third object the first time."""

        def proposals(self, progress: Progress) -> Iterator[Proposal]:
            for number, proposal in enumerate(super().proposals(progress)):
                if number == 2 and self.begun == 1:
                    raise MemoryError
                yield proposal

    proposer = Failing()
    resumed = ResumedProposer(proposer)
    taken: list[Proposal] = []
    with pytest.raises(MemoryError):
        taken.extend(resumed.proposals(silent))
    assert numbers(list(resumed.proposals(silent))) == list(range(COUNT))
    assert proposer.begun == 2
