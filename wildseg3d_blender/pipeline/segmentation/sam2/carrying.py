# SPDX-License-Identifier: GPL-3.0-or-later
"""Carrying an object to views where nobody pointed at it: by geometry, and by memory where there is none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ....progress import Progress, silent
from ....scene.folder import Scene
from .answering import Answering, Shown
from .encodings import Encodings
from .grids import SURE, onto_view, whole
from .overlap import carrying_order, most_alike
from .surfaces import Surfaces
from .transfer import (
    FEWEST,
    agreement,
    clicks_for,
    contradictions,
    guess,
    outvoted,
    votes_on,
)

if TYPE_CHECKING:
    from .network import Memory, Sam2Network

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]

WITNESSES = 4
"""Views whose masks vote on another one's: those that overlap with it most."""

ROUNDS = 2
"""Times that an answer is put right where it contradicts the votes."""

BELIEVED = 0.5
"""An answer that agrees less with the votes than this is none; the projected mask itself is better then."""

REMEMBERED = 15
"""Views tracked before that the network looks back at, as many as it has places for."""


class Carrying:
    """Takes objects from view to view of one scene."""

    def __init__(
        self,
        scene: Scene,
        network: Sam2Network,
        encodings: Encodings,
        answering: Answering,
        surfaces: Surfaces,
        shares: NDArray[np.float64],
    ) -> None:
        self.scene = scene
        self.network = network
        self.encodings = encodings
        self.shares = shares
        self.answering = answering
        self.surfaces = surfaces

    def carry(self, view: int, known: Mapping[int, Floats], shown: Shown) -> Floats:
        """Logits (H, W) in a view of an object whose logits in other views are ``known``.

        Args:
            shown: the artist's own clicks in this view, if any.
        """
        witnesses = most_alike(self.shares, view, list(known), WITNESSES)
        masks = {other: known[other] > 0 for other in witnesses}
        votes = votes_on(self.surfaces, masks, view, self._shape(view))
        if not votes.shows_object:
            if self._has_geometry(masks):
                return np.full(self._shape(view), -SURE, np.float32)
            return self._by_memory(view, masks)
        lean = votes.lean()
        projected = guess(lean)
        points, labels = clicks_for(lean)
        shown = shown.with_clicks(points, labels, projected)
        answer = self.answering.answer(view, shown)
        area = int((projected > 0).sum())
        for _ in range(ROUNDS):
            points, labels = contradictions(answer > 0, lean, area)
            if len(points) == 0:
                break
            shown = shown.with_clicks(points, labels, answer)
            answer = self.better(self.answering.answer(view, shown), answer, lean)
        return self.better(answer, projected, lean, least=BELIEVED)

    def spread(self, key: int, logits: Floats, progress: Progress = silent) -> dict[int, Floats]:
        """Logits of an object in every view, from those in ``key`` (H, W), each carried from those before."""
        known = {key: logits}
        order = carrying_order(self.shares, [key])
        nothing = Shown(np.zeros((0, 2), np.float32), np.zeros(0, np.int32))
        for number, view in enumerate(order):
            progress("tracking", number / len(order), f"Finding it in {self.scene.views[view].name}")
            known[view] = self.carry(view, known, nothing)
        return known

    @staticmethod
    def better(answer: Floats, other: Floats, lean: Floats, least: float | None = None) -> Floats:
        """``answer``, or ``other`` where that agrees better with the votes; with ``least`` only if the answer
        agrees less than that."""
        mine = agreement(answer > 0, lean)
        bar = agreement(other > 0, lean) if least is None else least
        return answer if mine >= bar else other

    def agreed(
        self, logits: Mapping[int, Floats], clicked: Mapping[int, Bools] | None = None
    ) -> dict[int, Floats]:
        """The logits without parts that the other views have as something else; parts ``clicked`` stay."""
        return {
            view: np.where(
                outvoted(values > 0, self.lean(view, logits), None if clicked is None else clicked.get(view)),
                np.float32(-SURE),
                values,
            )
            for view, values in logits.items()
        }

    def lean(self, view: int, logits: Mapping[int, Floats]) -> Floats:
        """What the masks of the views that overlap most say about a view, see ``Votes.lean``."""
        others = [other for other in logits if other != view]
        witnesses = most_alike(self.shares, view, others, WITNESSES)
        masks = {other: logits[other] > 0 for other in witnesses}
        return votes_on(self.surfaces, masks, view, self._shape(view)).lean()

    def track(
        self,
        key: int,
        masks: Bools,
        views: Sequence[int] | None = None,
        progress: Progress = silent,
    ) -> dict[int, Floats]:
        """Objects by their masks (b, h, w) in the view ``key``, tracked into the others by memory.

        Args:
            views: to track into, in this order; by default all others, outwards from ``key``.

        Returns:
            Per view, ``key`` left out, logits (b, h', w') on the network's mask grid.
        """
        order = carrying_order(self.shares, [key]) if views is None else list(views)
        memory = self.network.remember(self.encodings.of(key), masks)
        memories: dict[int, Memory] = {}
        logits = {}
        for rank, view in enumerate(order, start=1):
            progress("tracking", (rank - 1) / len(order), f"Tracking into {self.scene.views[view].name}")
            recent = most_alike(self.shares, view, list(memories), REMEMBERED)
            logits[view], memories[view] = self.network.track(
                self.encodings.of(view), memory, [memories[v] for v in recent], rank, len(order) + 1
            )
        return logits

    def _by_memory(self, view: int, masks: Mapping[int, Bools]) -> Floats:
        """The object tracked from the view that overlaps most: nothing in it was measured in 3D."""
        nearest = next(iter(masks))
        (logits,) = self.track(nearest, masks[nearest][None], [view])[view]
        return onto_view(logits, whole(self.scene.views[view].size), self.scene.views[view].size)

    def _has_geometry(self, masks: Mapping[int, Bools]) -> bool:
        """Whether any view that overlaps could tell where the object is."""
        measured = self.surfaces.measured
        return any(int((measured[view] & mask).sum()) >= FEWEST for view, mask in masks.items())

    def _shape(self, view: int) -> tuple[int, int]:
        return self.scene.views[view].size[::-1]
