# SPDX-License-Identifier: GPL-3.0-or-later
"""Making the mask cache: what a segmenter proposes, packed, lifted and compared."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from ....progress import Progress, silent, span
from ....scene.folder import Scene
from ..lift import Lifting, Marks
from ..proposals import Proposer
from ..soft_mask import SoftUnion
from .cache import MaskCache, scene_stamp, write_mask_cache
from .packed_masks import MaskPacker, PackedMasks

COARSE = 3
"""Two objects' overlap is counted on every third row and column."""


def build_mask_cache(
    scene: Scene,
    proposer: Proposer,
    progress: Progress = silent,
    *,
    lifting: Callable[[], Lifting] | None = None,
) -> MaskCache:
    """Find the objects of a scene and write them into its folder.

    Args:
        lifting: gives the scene's geometry once the masks are there; made anew without it.

    Raises:
        SceneError: the scene folder is gone or cannot be written.
        Cancelled: by ``progress``; an earlier cache is left as it was.
    """
    stamp = scene_stamp(scene)
    shapes = [view.size[::-1] for view in scene.views]
    packer, soft = MaskPacker(shapes), SoftUnion([view.name for view in scene.views], shapes)
    scores, radius = [], []
    for proposal in proposer.proposals(span(progress, 0.0, 0.8)):
        masks = [np.asarray(proposal.masks[view.name], dtype=bool) for view in scene.views]
        if not any(mask.any() for mask in masks):
            continue
        packer.add(masks)
        soft.add(proposal.masks, proposal.soft)
        scores.append(proposal.score)
        radius.append([_largest_disc(mask) for mask in masks])
    masks_packed = packer.packed()
    cache = MaskCache(
        views=tuple(view.name for view in scene.views),
        masks=masks_packed,
        points=lifted_points(scene, masks_packed, span(progress, 0.8, 1.0), lifting),
        scores=np.asarray(scores, dtype=np.float32),
        overlap=_overlap(masks_packed),
        radius=np.reshape(radius, (-1, len(scene.views))).astype(np.float32),
        soft=soft.packed(),
    )
    # The last moment to cancel: once the cache is in its place, it is there.
    progress("cache", 1.0, "Saving")
    write_mask_cache(scene, proposer.name, cache, stamp)
    return cache


def _largest_disc(mask: NDArray[np.bool_]) -> float:
    if not mask.any():
        return 0.0
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    inside = mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1].astype(np.uint8)
    return float(cv2.distanceTransform(np.pad(inside, 1), cv2.DIST_L2, 3).max())


def lifted_points(
    scene: Scene,
    masks: PackedMasks,
    progress: Progress,
    lifting: Callable[[], Lifting] | None = None,
) -> PackedMasks:
    """The pixels of every mask whose 3D point belongs to the object, packed like the masks."""
    geometry = Lifting(scene) if lifting is None else lifting()
    points: list[list[NDArray[np.bool_]]] = [[] for _ in range(len(masks))]
    # One view after the other: in threads, steps as small as these would take turns at Python's lock.
    for number, view in enumerate(scene.views):
        progress("lifting", number / len(scene.views), f"Taking the objects' points in {view.name}")
        for item, cut in enumerate(_points_in_view(geometry, masks, number)):
            points[item].append(cut)
    packer = MaskPacker(masks.shapes)
    for item, cuts in enumerate(points):
        _drop_strays(geometry, masks, item, cuts)
        packer.add_cuts(cuts, masks.boxes[item])
    return packer.packed()


def _points_in_view(lifting: Lifting, masks: PackedMasks, view: int) -> Iterator[NDArray[np.bool_]]:
    """Every object's points in one view, cut like its mask there."""
    shape = masks.shapes[view]
    some = np.zeros(shape, dtype=bool)
    for item in range(len(masks)):
        window, inside = masks.cut(item, view)
        some[window] |= inside
    links = lifting.links(view, np.flatnonzero(some & lifting.solid[view]))
    number = np.zeros(shape, dtype=np.int32)
    number.ravel()[links.pixels] = np.arange(len(links.pixels), dtype=np.int32)
    # One object's masks are put into them after the other.
    marks = [Marks(shape) for shape in masks.shapes]
    for item in range(len(masks)):
        window, inside = masks.cut(item, view)
        inside = inside & lifting.solid[view][window]
        if inside.any():
            seen = [k for k in range(len(marks)) if k != view and masks.boxes[item, k].any()]
            cuts = [masks.cut(item, k) for k in seen]
            for k, (place, cut) in zip(seen, cuts, strict=True):
                marks[k].mark(place, cut)
            own: list[Marks | None] = [marks[k] if k in seen else None for k in range(len(marks))]
            inside[inside] = links.kept(own, number[window][inside])
            for k, (place, _) in zip(seen, cuts, strict=True):
                marks[k].clear(place)
        yield inside


def _drop_strays(lifting: Lifting, masks: PackedMasks, item: int, cuts: Sequence[NDArray[np.bool_]]) -> None:
    """Take the points of an object that lie far off out of its ``cuts``, one per view, in place."""
    pixels = []
    for view, cut in enumerate(cuts):
        rows, columns = np.nonzero(cut)
        row0, _, column0, _ = masks.boxes[item, view]
        pixels.append((rows + row0) * np.int64(masks.shapes[view][1]) + columns + column0)
    for cut, before, after in zip(cuts, pixels, lifting.without_strays(pixels), strict=True):
        if len(after) < len(before):
            cut[cut] = np.isin(before, after, assume_unique=True)


def _overlap(masks: PackedMasks) -> NDArray[np.float32]:
    """Pixels that two objects share, (k, k), estimated on a coarser grid."""
    shared = np.zeros((len(masks), len(masks)), dtype=np.float32)
    for view, (height, width) in enumerate(masks.shapes):
        coarse = np.zeros((len(masks), -(-height // COARSE) * -(-width // COARSE)), dtype=np.float32)
        for item in range(len(masks)):
            coarse[item] = masks.mask(item, view)[::COARSE, ::COARSE].ravel()
        shared += coarse @ coarse.T
    return shared * COARSE**2
