# SPDX-License-Identifier: GPL-3.0-or-later
"""One view's answer: prompts in view pixels to logits on the view's grid, looked at closely where small."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray

from ....scene.folder import Scene
from ..pixel_prompts import PixelClick, PixelPrompts
from .encodings import Encodings
from .grids import SURE, Window, closer_window, onto_network, onto_view, whole

if TYPE_CHECKING:
    from .network import Sam2Network

Floats = NDArray[np.float32]

OBEYED_AROUND = 2
"""Pixels around a click that are as it says, whatever the network says."""


@dataclass(frozen=True)
class Shown:
    """Prompts on one view.

    Attributes:
        points: (p, 2) in view pixels. A box is its two corners and comes first.
        labels: (p,) see ``network.CLICK_IN`` and so on.
        guess: (H, W) logits of an earlier or projected mask, or None.
    """

    points: Floats
    labels: NDArray[np.int32]
    guess: Floats | None = None

    def with_clicks(self, points: Floats, labels: NDArray[np.int32], guess: Floats | None = None) -> Shown:
        """These and more clicks; a ``guess`` takes the place of the earlier one."""
        return Shown(
            np.concatenate([self.points, points]),
            np.concatenate([self.labels, labels]).astype(np.int32),
            self.guess if guess is None else guess,
        )


def clicks_on(prompts: PixelPrompts, view: int) -> Shown:
    """The clicks on a view."""
    clicks = [click for click in prompts.clicks if click.view == view]
    points = np.array([(click.column + 0.5, click.row + 0.5) for click in clicks], np.float32)
    return Shown(points.reshape(-1, 2), np.array([int(click.positive) for click in clicks], np.int32))


def boxes_on(prompts: PixelPrompts, view: int) -> list[Shown]:
    """The boxes on a view, one each."""
    return [
        Shown(
            np.array([(box.column0, box.row0), (box.column1, box.row1)], np.float32),
            np.array([2, 3], np.int32),
        )
        for box in prompts.boxes
        if box.view == view
    ]


class Answering:
    """The network's answers on the views of a scene."""

    def __init__(self, scene: Scene, network: Sam2Network, encodings: Encodings) -> None:
        self._scene = scene
        self._network = network
        self._encodings = encodings

    def answer(self, view: int, shown: Shown) -> Floats:
        """Logits (H, W) on the grid of a view by its number; small objects are looked at closely."""
        return self.closer(view, shown, self.in_view(view, shown))

    def in_view(self, view: int, shown: Shown) -> Floats:
        """As ``answer``, but never closer than the whole view, whose features are there already."""
        return self._in_window(view, whole(self._size(view)), shown)[0][0]

    def offered(self, view: int, shown: Shown) -> list[tuple[Floats, float]]:
        """The three masks, as logits (H, W), that the prompts may mean, and how good the network thinks each
        is, in [0, 1]."""
        return self._in_window(view, whole(self._size(view)), shown, several=True)

    def closer(self, view: int, shown: Shown, logits: Floats) -> Floats:
        """``logits``, or a closer look at them where the object is small and all prompts are near it."""
        window = closer_window(logits > 0)
        if window is None or not all(window.holds(*point) for point in shown.points[shown.labels != 0]):
            return logits
        closer = self._in_window(view, window, Shown(shown.points, shown.labels, logits))[0][0]
        return closer if (closer > 0).any() else logits

    def _in_window(
        self, view: int, window: Window, shown: Shown, *, several: bool = False
    ) -> list[tuple[Floats, float]]:
        """What the network answers, one mask or three, when it sees only a window of the view."""
        features = self._encodings.of(view, None if window == whole(self._size(view)) else window)
        near = np.array(
            [label != 0 or window.holds(*p) for p, label in zip(shown.points, shown.labels, strict=True)],
            bool,
        )
        points, labels = shown.points[near], shown.labels[near]
        guess = None
        if shown.guess is not None:
            guess = onto_network(shown.guess, window, self._network.mask_side)[None]
        decoded = self._network.decode(
            features, window.relative(points)[None], labels[None], masks=guess, several=several
        )
        return [
            (onto_view(logits, window, self._size(view)), float(quality))
            for logits, quality in zip(decoded.logits[0], decoded.quality[0], strict=True)
        ]

    def _size(self, view: int) -> tuple[int, int]:
        return self._scene.views[view].size


def obeying(logits: Floats, clicks: list[PixelClick]) -> Floats:
    """The logits with the clicks themselves, and ``OBEYED_AROUND`` them, as they say."""
    obeyed = logits.copy()
    for click in clicks:
        if (obeyed[click.row, click.column] > 0) != click.positive:
            value = SURE if click.positive else -SURE
            cv2.circle(obeyed, (click.column, click.row), OBEYED_AROUND, value, -1)
    return obeyed
