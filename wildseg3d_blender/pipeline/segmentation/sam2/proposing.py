# SPDX-License-Identifier: GPL-3.0-or-later
"""The objects of a scene: automatic masks of a key view, carried into all others; then further key views."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from ....progress import Progress, span
from ..proposals import Proposal
from .automatic import Found, Search, automatic_masks
from .carrying import Carrying
from .grids import as_soft, onto_view, whole
from .overlap import most_central
from .transfer import agreement

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]

COVERED = 0.9
"""A view of which this share belongs to objects already has none worth another search."""

KNOWN = 0.6
"""A mask that overlaps so much (IoU) with a tracked object is that object."""

MOST_OBJECTS = 200
AT_ONCE = {"cpu": 1, "mps": 4, "cuda": 16}
"""Objects tracked together. A CPU gains nothing from more; it would only report less often."""

LARGEST = 0.95
"""Share of a view above which a mask is the view."""


def propose(carrying: Carrying, search: Search, progress: Progress) -> Iterator[Proposal]:
    """Objects, in the order of key views, best first in each. Stages 'proposals' and 'tracking'.

    The first key view is the one that shares most with the others; then, as long as views are left of which
    much belongs to no object yet, the one of them that shares most.
    """
    scene = carrying.scene
    seen = [np.zeros(view.size[::-1], bool) for view in scene.views]
    small: list[list[Bools]] = [[] for _ in scene.views]
    candidates, count = list(range(len(scene.views))), 0
    # Each key view finds fewer new objects than the one before: half of what is left goes to each.
    done = 0.0
    while candidates and count < MOST_OBJECTS:
        key = most_central(carrying.shares, candidates)
        candidates.remove(key)
        part, done = span(progress, done, done + (1 - done) / 2), done + (1 - done) / 2
        for proposal, logits in _from_view(carrying, key, search, small[key], part):
            yield proposal
            count += 1
            for view in range(len(scene.views)):
                mask = logits[view] > 0
                seen[view] |= mask
                small[view].append(_small(mask))
        candidates = [view for view in candidates if seen[view].mean() < COVERED]


def _from_view(
    carrying: Carrying, key: int, search: Search, known: Sequence[Bools], progress: Progress
) -> Iterator[tuple[Proposal, dict[int, Floats]]]:
    """New objects of a key view, with their logits in every view."""
    from ...networks import torch_runtime

    size = carrying.scene.views[key].size
    found = automatic_masks(carrying.network, carrying.encodings.of(key), search, span(progress, 0.0, 0.4))
    new = [one for one in found if _is_new(onto_view(one.logits, whole(size), size) > 0, known)]

    carrying_on, done = span(progress, 0.4, 1.0), 0

    def carry(batch: Sequence[Found]) -> list[dict[int, Floats]]:
        part = span(carrying_on, done / len(new), (done + len(batch)) / len(new))
        if search.tracked:
            tracked = carrying.track(key, np.stack([one.logits > 0 for one in batch]), progress=part)
            tracked[key] = np.stack([one.logits for one in batch])
            by_object = [{v: logits[k] for v, logits in tracked.items()} for k in range(len(batch))]
            return [_on_views(carrying, logits) for logits in by_object]
        return [carrying.spread(key, onto_view(one.logits, whole(size), size), part) for one in batch]

    at_once = AT_ONCE[carrying.network.device.type]
    for start, batch in torch_runtime.batches(new, carry, at_once, "object to track"):
        for one, logits in zip(new[start:], batch, strict=False):
            yield _proposal(carrying, one.score, logits)
        done = start + len(batch)
        carrying_on("tracking", done / len(new), f"Followed {done} of {len(new)} objects")


def _on_views(carrying: Carrying, logits: dict[int, Floats]) -> dict[int, Floats]:
    """Logits on the network's grid, on the views'."""
    sizes = [view.size for view in carrying.scene.views]
    return {view: onto_view(values, whole(sizes[view]), sizes[view]) for view, values in logits.items()}


def _proposal(
    carrying: Carrying, score: float, found: dict[int, Floats]
) -> tuple[Proposal, dict[int, Floats]]:
    """An object with ``found`` logits in every view, as the views agree on it; less sure where they don't."""
    views = carrying.scene.views
    shown = [view for view, logits in found.items() if (logits > 0).any()]
    agreeing = [agreement(found[view] > 0, carrying.lean(view, found)) for view in shown]
    logits = carrying.agreed(found)
    masks = {view.name: logits[number] > 0 for number, view in enumerate(views)}
    soft = {view.name: as_soft(logits[number]) for number, view in enumerate(views)}
    return Proposal(masks, score * (0.5 + 0.5 * float(np.mean(agreeing or [0.0]))), soft), logits


def _is_new(mask: Bools, known: Sequence[Bools]) -> bool:
    if mask.mean() > LARGEST:
        return False
    small = _small(mask)
    return all(int((small & other).sum()) < KNOWN * max(int((small | other).sum()), 1) for other in known)


def _small(mask: Bools) -> Bools:
    """Every third row and column: enough to compare by."""
    return mask[::3, ::3]
