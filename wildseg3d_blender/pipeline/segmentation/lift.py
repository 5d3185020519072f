# SPDX-License-Identifier: GPL-3.0-or-later
"""From masks to 3D: which pixels' points belong to the object. Needs nothing but numpy."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from ...conventions import project
from ...scene_folder import Scene, View
from ..boundary_band import boundary_band

SAME_SURFACE = 0.02
"""Two depths within this share of each other are one surface."""

SEEN_THROUGH = 0.04
"""A view that measures something this much farther away looks through the point."""

Bools = NDArray[np.bool_]


NO_SAY = -1
"""A view has no say about a point: it does not see it, or something hides it."""


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


class Lifting:
    """A scene's geometry, prepared for taking objects out of it.

    A masked pixel's point belongs to the object when it is measured, its depth is not a mixture of front
    and back (``boundary_band``), and the other views do not vote it out: of those that see its point, or
    see through it, at most half show it outside the mask.
    """

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._depths = [view_depth(scene, view) for view in scene.views]
        self._measured = [np.asarray(scene.confidence(view)) > 0 for view in scene.views]
        self._solid = [
            measured & ~boundary_band(depth, measured)
            for depth, measured in zip(self._depths, self._measured, strict=True)
        ]

    def points(self, masks: Sequence[Bools], view: int) -> Bools:
        """The pixels of a view whose points belong to the object with these masks, one (H, W) per view."""
        return self._vote(self._links(view, self._solid_pixels(masks[view], view)), masks, view)

    def links(self, view: int) -> list[NDArray[np.int32]]:
        """What every view has to say about each pixel of this one, to be asked for many masks.

        Returns:
            For each view (H * W,) int32: ``NO_SAY``; i >= 0 where it sees the same point at its flat pixel
            i; -2 - i where it looks through the point at its flat pixel i.
        """
        pixels = np.flatnonzero(self._solid[view])
        size = self._solid[view].size
        found = []
        for said in self._links(view, pixels)[1]:
            link = np.full(size, NO_SAY, dtype=np.int32)
            link[pixels] = said
            found.append(link)
        return found

    def voted(self, links: Sequence[NDArray[np.int32]], masks: Sequence[Bools], view: int) -> Bools:
        """As ``points``, with the ``links`` of the view at hand."""
        pixels = self._solid_pixels(masks[view], view)
        return self._vote((pixels, [link[pixels] for link in links]), masks, view)

    def _solid_pixels(self, mask: Bools, view: int) -> NDArray[np.int64]:
        return np.flatnonzero(mask & self._solid[view])

    def _links(
        self, number: int, pixels: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], list[NDArray[np.int32]]]:
        """Flat pixels (n,) of a view, and what each view says about them, (n,) each."""
        pointmap = np.asarray(self._scene.pointmap(self._scene.views[number]))
        points_world = pointmap.reshape(-1, 3)[pixels]
        nothing = np.full(len(pixels), NO_SAY, dtype=np.int32)
        others = range(len(self._scene.views))
        return pixels, [nothing if k == number else self._link(k, points_world) for k in others]

    def _link(self, number: int, points_world: NDArray[np.float32]) -> NDArray[np.int32]:
        view, depth = self._scene.views[number], self._depths[number]
        width, height = view.size
        pixel, z = project(points_world, view.K, view.cam_to_world)
        with np.errstate(invalid="ignore"):
            hit = (pixel[:, 0] >= 0) & (pixel[:, 0] < width) & (pixel[:, 1] >= 0) & (pixel[:, 1] < height)
        index = np.where(hit[:, None], pixel, 0).astype(np.int32)
        place = index[:, 1] * np.int32(width) + index[:, 0]
        there = depth.ravel()[place]
        known = hit & self._measured[number].ravel()[place]
        same = known & (np.abs(there - z) < SAME_SURFACE * z)
        through = known & (there > z * (1 + SEEN_THROUGH))
        return np.where(same, place, np.where(through, -2 - place, NO_SAY)).astype(np.int32)

    def _vote(
        self,
        links: tuple[NDArray[np.int64], Sequence[NDArray[np.int32]]],
        masks: Sequence[Bools],
        view: int,
    ) -> Bools:
        pixels, said = links
        against, votes = (np.zeros(len(pixels), dtype=np.int32) for _ in range(2))
        for link, mask in zip(said, masks, strict=True):
            outside = ~mask.ravel()[np.where(link >= 0, link, -2 - link)] & (link != NO_SAY)
            votes += (link >= 0) | outside
            against += outside
        kept = np.zeros(masks[view].shape, dtype=bool)
        kept.ravel()[pixels] = 2 * against <= votes
        return kept


def view_depth(scene: Scene, view: View) -> NDArray[np.float32]:
    """Depth (H, W) float32 along the camera's z, scene units; meaningless where confidence is 0."""
    forward = view.cam_to_world[:3, 2].astype(np.float32)
    origin = view.cam_to_world[:3, 3].astype(np.float32)
    return (np.asarray(scene.pointmap(view)) - origin) @ forward
