# SPDX-License-Identifier: GPL-3.0-or-later
"""Which of SAM 2's three masks a first click means: the one that other views confirm.

One click may mean a part, a thing, or all that lies together; the network offers a mask for each. What is a
thing in space looks like one from elsewhere too: carried over by 3D, the network finds the same there. A mask
that ends at a shadow, or takes in a look-alike behind, is contradicted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .answering import Shown
from .overlap import most_alike
from .transfer import agreement, clicks_for, guess, votes_on

if TYPE_CHECKING:
    from .carrying import Carrying

Floats = NDArray[np.float32]

ASKED = 2
"""Views that are asked to confirm: those that overlap most with the one clicked."""

AS_GOOD = 0.05
"""Of masks that are confirmed as well as the best but for this, the smallest is meant: more clicks make it
larger, and what is too large needs negative ones."""


def first_answer(carrying: Carrying, view: int, shown: Shown) -> Floats:
    """Logits (H, W) on a view's grid of what its only click means."""
    offered = carrying.answering.offered(view, shown)
    scores = [quality * confirmed(carrying, view, logits) for logits, quality in offered]
    best = max(scores)
    meant = min(
        (logits for (logits, _), score in zip(offered, scores, strict=True) if score >= best - AS_GOOD),
        key=lambda logits: int((logits > 0).sum()),
    )
    return carrying.answering.closer(view, shown, meant)


def confirmed(carrying: Carrying, view: int, logits: Floats) -> float:
    """How well other views agree with a mask, in [0, 1].

    The mean IoU of what the network finds in them with where the mask should be by 3D; 1 where no other view
    can tell, 0 for an empty mask.
    """
    mask = logits > 0
    if not mask.any():
        return 0.0
    others = [other for other in range(len(carrying.scene.views)) if other != view]
    agreements = []
    for other in most_alike(carrying.shares, view, others, ASKED):
        shape = carrying.scene.views[other].size[::-1]
        votes = votes_on(carrying.surfaces, {view: mask}, other, shape)
        if not votes.shows_object:
            continue
        lean = votes.lean()
        answer = carrying.answering.in_view(other, Shown(*clicks_for(lean), guess(lean)))
        agreements.append(agreement(answer > 0, lean))
    return float(np.mean(agreements)) if agreements else 1.0
