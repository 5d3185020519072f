# SPDX-License-Identifier: GPL-3.0-or-later
"""From masks to 3D: which pixels' points belong to the object. Needs nothing but numpy."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...scene.folder import Scene
from .sightlines import Sightlines
from .strays import Thing, strays

Bools = NDArray[np.bool_]

SEES = 2
"""Weight of a view that has the point in its mask where it sees it, against one that looks through it."""


def lift(scene: Scene, masks: Mapping[str, NDArray[np.bool_]]) -> dict[str, NDArray[np.bool_]]:
    """The pixels of the masks whose 3D point belongs to the object; for many objects, keep a ``Lifting``.

    Args:
        masks: view name -> (H, W) bool for every view of the scene.

    Returns:
        view name -> (H, W) bool, a subset of each mask (see ``Lifting``).
    """
    lifting = Lifting(scene)
    ordered = [np.asarray(masks[view.name], dtype=bool) for view in scene.views]
    found = lifting.all_points(ordered)
    return {view.name: points for view, points in zip(scene.views, found, strict=True)}


@dataclass(frozen=True)
class Links:
    """What all views have to say about n pixels of one view, to be asked for many masks.

    Attributes:
        pixels: (n,) int64 flat pixels of the view.
        place: per view (n,) int32 where it has the pixel's point, as an index into its ``Marks``; (0,) for
            the view of the pixels itself.
        say: (n,) uint8 or uint16, how many views have a say.
    """

    pixels: NDArray[np.int64]
    place: tuple[NDArray[np.int32], ...]
    say: NDArray[np.unsignedinteger]

    def kept(self, marks: Sequence[Marks | None], which: NDArray[np.integer] | slice) -> Bools:
        """Which of some of the pixels the other views do not vote out of an object.

        A view that sees the point always votes. One that looks through it can only vote against: where it
        has the object in its mask too, it abstains. Out goes what more than half of the votes are against,
        which is to say: what twice the number of views that see the point and have it, plus the number of
        those that look through it and have it, is less than the number of those with a say.

        Args:
            marks: of the object in every view, None where it is not seen.
        """
        say = self.say[which]
        having = np.zeros_like(say)
        for place, mark in zip(self.place, marks, strict=True):
            if mark is not None and len(place):
                having += mark.values[place[which]]
        return having >= say


class Marks:
    """A mask (H, W) of one view, laid out so that a look-up gives what it says for a point: 0 where the
    view has no say, its weight where the point is in the mask.

    Attributes:
        values: (2 H W + 1,) uint8; the mask for a view that sees through the point, the mask for one that
            sees it, and an entry for none of both.
    """

    def __init__(self, shape: tuple[int, int]) -> None:
        size = shape[0] * shape[1]
        self.values = np.zeros(2 * size + 1, dtype=np.uint8)
        self._through = self.values[:size].reshape(shape)
        self._seen = self.values[size:-1].reshape(shape)

    def mark(self, window: tuple[slice, slice], inside: Bools) -> None:
        """Take a mask's values in a window."""
        self._through[window] = inside
        np.multiply(inside, np.uint8(SEES), out=self._seen[window])

    def clear(self, window: tuple[slice, slice]) -> None:
        """Take the values in a window back to 0."""
        self._through[window] = self._seen[window] = 0


class Lifting:
    """A scene's geometry, prepared for taking objects out of it.

    A masked pixel's point belongs to the object when it is measured, its depth is not a mixture of front
    and back (``boundary_band``), the other views do not vote it out (of those that see its point, or see
    through it, at most half show it outside the mask), and it is not far off (``strays``).
    """

    def __init__(self, scene: Scene) -> None:
        self._lines = Sightlines(scene)
        self._sizes = [measured.size for measured in self._lines.measured]

    @property
    def solid(self) -> list[Bools]:
        """Per view (H, W) bool: the pixels that can belong to an object at all."""
        return self._lines.solid

    def all_points(
        self,
        masks: Sequence[Bools],
        waiting: Callable[[int], None] = lambda given: None,
        things: Sequence[Thing] = (),
    ) -> list[Bools]:
        """View by view (H, W), the pixels whose points belong to the object with these masks, one per view.

        ``waiting`` is called before each with the number of views that are done. In threads it would take
        longer, not shorter: the steps are small, and Python's lock would go to and fro between them.

        Args:
            things: what the artist means by itself (``strays.pointed_at``), and so keeps its points.
        """
        marks = [Marks((mask.shape[0], mask.shape[1])) for mask in masks]
        for mark, mask in zip(marks, masks, strict=True):
            mark.mark(np.s_[:, :], mask)
        found = []
        for view, mask in enumerate(masks):
            waiting(view)
            links = self.links(view, np.flatnonzero(mask & self.solid[view]))
            found.append(links.pixels[links.kept(marks, slice(None))])
        kept = [np.zeros(mask.shape, dtype=bool) for mask in masks]
        for inside, pixels in zip(kept, self.without_strays(found, things), strict=True):
            inside.ravel()[pixels] = True
        return kept

    def without_strays(
        self, pixels: Sequence[NDArray[np.int64]], things: Sequence[Thing] = ()
    ) -> list[NDArray[np.int64]]:
        """An object's flat pixels (n,) of each view, without those whose points lie far off (``strays``)."""
        points_world = [self._lines.points(view, mine) for view, mine in enumerate(pixels)]
        nothing = np.zeros(0, dtype=bool)
        inside = [
            [
                thing[view].ravel()[mine] if view in thing else np.zeros(len(mine), dtype=bool)
                for view, mine in enumerate(pixels)
            ]
            for thing in things
        ]
        stray = strays(
            np.concatenate(points_world or [np.zeros((0, 3), dtype=np.float32)]),
            [np.concatenate([nothing, *parts]) for parts in inside],
        )
        ends = np.cumsum([len(mine) for mine in pixels])
        return [mine[~away] for mine, away in zip(pixels, np.split(stray, ends[:-1]), strict=True)]

    def links(self, view: int, pixels: NDArray[np.int64]) -> Links:
        """What all views have to say about some flat pixels (n,) of one view."""
        points_world = self._lines.points(view, pixels)
        say = np.zeros(len(pixels), dtype=np.min_scalar_type(SEES * len(self._sizes)))
        places = []
        for other, size in enumerate(self._sizes):
            if other == view:
                places.append(np.zeros(0, dtype=np.int32))
                continue
            place, same, through = self._lines.look(other, points_world)
            place[same] += np.int32(size)
            spoken = same | through
            place[~spoken] = 2 * size
            say += spoken
            places.append(place)
        return Links(pixels, tuple(places), say)
