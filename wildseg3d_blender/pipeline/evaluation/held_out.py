# SPDX-License-Identifier: GPL-3.0-or-later
"""Photos that took no part in a reconstruction: a 3D object rendered into them, against their true masks.

Where a left-out photo was taken is not asked of the truth but of a second, whole reconstruction that knows
it: its camera there, moved into the first one's world by the similarity that fits the points both have
measured at the same photo pixels. A true camera would have to be moved too, and its focal length is not the
one that either reconstruction's points agree with; points also fix a world better than camera centres.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ...conventions import pixel_centres
from ...errors import SceneError
from ...scene.folder import Scene, View
from ...wording import counted
from ..alignment.sim3 import Sim3, fit_sim3_robust
from ..photos.masks import mask_to_photo
from ..segmentation.projection import Sight, look, patches_of
from .measures import Mask, accuracy, iou
from .truth import masks_of_views

ENOUGH = 50
"""Points that two reconstructions must have in common; a similarity has seven unknowns."""


@dataclass(frozen=True)
class HeldOutView:
    """A photo that a scene does not know.

    Attributes:
        view: with its camera in the scene's world.
        sight: what that camera sees of the scene's points.
        truth: (photo H, photo W) bool.
    """

    view: View
    sight: Sight
    truth: Mask

    def scores(self, points: Mapping[str, NDArray[np.bool_]]) -> dict[str, float]:
        """``iou`` and ``accuracy`` of the object with these points, rendered into the photo."""
        found = mask_to_photo(self.view, self.sight.mask(points))
        return {"iou": iou(found, self.truth), "accuracy": accuracy(found, self.truth)}


def held_out_views(scene: Scene, whole: Scene, masks_dir: Path) -> list[HeldOutView]:
    """The photos of ``whole`` that ``scene`` lacks and that have a true mask which is not empty.

    Raises:
        SceneError: there is none, the two scenes share too little, or a mask or scene folder is damaged.
    """
    known = {view.name for view in scene.views}
    missing = [view for view in whole.views if view.name not in known]
    truth = {name: mask for name, mask in masks_of_views(missing, masks_dir).items() if mask.any()}
    if not truth:
        raise SceneError(
            f"No photo with a true mask is in {whole.folder} and not in {scene.folder}: reconstruct the "
            "scene once with all photos and once without one of those that have masks."
        )
    to_scene = register(whole, scene)
    patches = [patches_of(scene, view) for view in scene.views]
    found = []
    for view in missing:
        if view.name in truth:
            placed = replace(view, cam_to_world=to_scene.apply_to_pose(view.cam_to_world))
            sight = look(patches, placed.K, placed.cam_to_world, placed.size)
            found.append(HeldOutView(placed, sight, truth[view.name]))
    return found


def register(source: Scene, target: Scene) -> Sim3:
    """The similarity from the world of one reconstruction to that of another of the same photos.

    Raises:
        SceneError: they have too few measured photo pixels in common.
    """
    theirs = {view.name: view for view in source.views}
    pairs = [_common_points(source, theirs[v.name], target, v) for v in target.views if v.name in theirs]
    a, b = (np.concatenate([np.zeros((0, 3)), *(pair[side] for pair in pairs)]) for side in (0, 1))
    if len(a) < ENOUGH:
        raise SceneError(
            f"{source.folder} and {target.folder} share only {counted(len(a), 'measured pixel')}: they must "
            "be reconstructions of the same photos."
        )
    return fit_sim3_robust(a, b)[0]


def _common_points(
    source: Scene, theirs: View, target: Scene, ours: View
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(n, 3) world points of both that show the same photo pixels, every sixteenth pixel of ``ours``."""
    step = 4
    rows, columns = (np.arange(step // 2, size, step) for size in ours.size[::-1])
    mine = np.asarray(target.pointmap(ours))[np.ix_(rows, columns)].reshape(-1, 3)
    measured = np.asarray(target.confidence(ours))[np.ix_(rows, columns)].ravel() > 0
    centres = pixel_centres(*ours.size)[np.ix_(rows, columns)].reshape(-1, 2)
    column, row = np.floor(theirs.warp.to_view(ours.warp.to_photo(centres))).astype(np.int64).T
    width, height = theirs.size
    inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
    row, column = np.where(inside, row, 0), np.where(inside, column, 0)
    other = np.asarray(source.pointmap(theirs))[row, column]
    both = inside & measured & (np.asarray(source.confidence(theirs))[row, column] > 0)
    both &= np.isfinite(mine).all(-1) & np.isfinite(other).all(-1)
    return other[both].astype(np.float64), mine[both].astype(np.float64)
