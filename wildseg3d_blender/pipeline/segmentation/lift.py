# SPDX-License-Identifier: GPL-3.0-or-later
"""From masks to 3D: which pixels' points belong to the object. Needs nothing but numpy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...scene_folder import Scene
from .sightlines import Sightlines

Bools = NDArray[np.bool_]

SEES, SEES_THROUGH = 2, 1
"""Weights of a view that has the point in its mask, by how it looks at the point (see ``Links.kept``)."""


def lift(scene: Scene, masks: Mapping[str, NDArray[np.bool_]]) -> dict[str, NDArray[np.bool_]]:
    """The pixels of the masks whose 3D point belongs to the object; for many objects, keep a ``Lifting``.

    Args:
        masks: view name -> (H, W) bool for every view of the scene.

    Returns:
        view name -> (H, W) bool, a subset of each mask (see ``Lifting``).
    """
    lifting = Lifting(scene)
    ordered = [np.asarray(masks[view.name], dtype=bool) for view in scene.views]
    return {view.name: lifting.points(ordered, number) for number, view in enumerate(scene.views)}


@dataclass(frozen=True)
class Links:
    """What all views have to say about n pixels of one view, to be asked for many masks.

    Attributes:
        pixels: (n,) int64 flat pixels of the view.
        place: (n, v) int32 where each view has the pixel's point, as an index into ``joined`` masks; their
            last entry, which is always False, where the view has no say: it does not see the point, or
            something hides it.
        weight: (n, v) uint8 ``SEES``, ``SEES_THROUGH``, or 0 without a say.
        say: (n,) uint16 how many views have a say.
    """

    pixels: NDArray[np.int64]
    place: NDArray[np.int32]
    weight: NDArray[np.uint8]
    say: NDArray[np.uint16]

    def kept(self, joined: Bools, which: NDArray[np.int64] | slice) -> Bools:
        """Which of some of the pixels the other views do not vote out of an object.

        A view that sees the point always votes. One that looks through it can only vote against: where it
        has the object in its mask too, it abstains. Out goes what more than half of the votes are against,
        which is to say: what twice the number of views that see the point and have it, plus the number of
        those that look through it and have it, is less than the number of those with a say.
        """
        having = np.einsum(
            "nv,nv->n", joined[self.place[which]].view(np.uint8), self.weight[which], dtype=np.uint16
        )
        return having >= self.say[which]


def joined(masks: Sequence[Bools]) -> Bools:
    """Masks of all views one after the other, flat, with a False at the end: what ``Links.place`` indexes."""
    return np.concatenate([*(mask.ravel() for mask in masks), np.zeros(1, dtype=bool)])


class Lifting:
    """A scene's geometry, prepared for taking objects out of it.

    A masked pixel's point belongs to the object when it is measured, its depth is not a mixture of front
    and back (``boundary_band``), and the other views do not vote it out: of those that see its point, or
    see through it, at most half show it outside the mask.
    """

    def __init__(self, scene: Scene) -> None:
        self._lines = Sightlines(scene)
        self._sizes = [measured.size for measured in self._lines.measured]

    @property
    def solid(self) -> list[Bools]:
        """Per view (H, W) bool: the pixels that can belong to an object at all."""
        return self._lines.solid

    def points(self, masks: Sequence[Bools], view: int) -> Bools:
        """The pixels of a view whose points belong to the object with these masks, one (H, W) per view."""
        links = self.links(view, np.flatnonzero(masks[view] & self.solid[view]))
        kept = np.zeros(masks[view].shape, dtype=bool)
        kept.ravel()[links.pixels] = links.kept(joined(masks), slice(None))
        return kept

    def links(self, view: int, pixels: NDArray[np.int64]) -> Links:
        """What all views have to say about some flat pixels (n,) of one view."""
        points_world = self._lines.points(view, pixels)
        place = np.full((len(pixels), len(self._sizes)), sum(self._sizes), dtype=np.int32)
        weight = np.zeros(place.shape, dtype=np.uint8)
        for other, start in enumerate(np.cumsum([0, *self._sizes[:-1]])):
            if other != view:
                pixel, same, through = self._lines.look(other, points_world)
                weight[:, other] = np.where(same, SEES, np.where(through, SEES_THROUGH, 0))
                np.copyto(place[:, other], pixel + np.int32(start), where=same | through)
        return Links(pixels, place, weight, (weight > 0).sum(1, dtype=np.uint16))
