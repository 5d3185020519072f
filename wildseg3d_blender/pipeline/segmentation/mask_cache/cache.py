# SPDX-License-Identifier: GPL-3.0-or-later
"""The mask cache: objects found once, with a mask and their 3D points' pixels in every view, kept on disk.

    mask_cache/cache.json     format, the segmenter, and the stamp of the scene it was made for
    mask_cache/boxes.npy      (k, v, 4) int32, starts.npy (k, v) int64, masks.npy and points.npy uint8:
                              masks and lifted pixels, packed with the same boxes (see ``packed_masks``)
    mask_cache/scores.npy     (k,) float32, how good each looks by itself
    mask_cache/overlap.npy    (k, k) float32 pixels that two objects share, in all views together
    mask_cache/radius.npy     (k, v) float32 pixels, radius of the largest disc in each mask
    mask_cache/soft.npy       (n,) uint8, how likely each pixel of all views belongs to some object; empty
                              where the segmenter gives hard masks only (see ``soft_mask``)

The folder is replaced whole. One that is missing, damaged, of another format, segmenter or scene counts as
none: it holds nothing that cannot be found again.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ....files.arrays import open_array
from ....files.atomic_folder import finish_interrupted_swap, replacing_folder
from ....scene import cache_header
from ....scene.cache_header import FOLDER
from ....scene.folder import Scene, check_there
from .. import Masks
from ..soft_mask import softened, unpacked
from .packed_masks import PackedMasks

CONTAINED, CLEARLY_LARGER = 0.9, 1.25
"""An object is part of another that has this share of its pixels and is this many times as large."""


@dataclass(frozen=True)
class MaskCache:
    """k objects of a scene, best first; arrays are memory-mapped where that pays.

    Attributes:
        views: names of the v views, in the scene's order.
        masks, points: every object's mask, and the pixels in it whose 3D point belongs to it.
        scores: (k,) float32 how good an object looks by itself.
        overlap: (k, k) float32 pixels that two objects share, over all views; areas on the diagonal.
        radius: (k, v) float32 radius of the largest disc in a mask, pixels.
        soft: (n,) uint8 as ``SoftUnion.packed`` gives it; empty without soft masks.
    """

    views: tuple[str, ...]
    masks: PackedMasks
    points: PackedMasks
    scores: NDArray[np.float32]
    overlap: NDArray[np.float32]
    radius: NDArray[np.float32]
    soft: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.scores)

    @property
    def area(self) -> NDArray[np.float32]:
        """(k,) pixels of each object in all views."""
        return np.diagonal(self.overlap)

    def masks_of(self, item: int) -> Masks:
        """An object's mask in every view."""
        return {name: self.masks.mask(item, view) for view, name in enumerate(self.views)}

    def points_of(self, item: int) -> Masks:
        """The pixels whose 3D points an object owns, in every view."""
        return {name: self.points.mask(item, view) for view, name in enumerate(self.views)}

    def iou_of(self, items: NDArray[np.int64]) -> NDArray[np.float32]:
        """Intersection over union of these objects with each other."""
        common, area = self.overlap[np.ix_(items, items)], self.area[items]
        return common / np.maximum(area[:, None] + area[None, :] - common, 1.0)

    def parents(self) -> NDArray[np.int64]:
        """(k,) the smallest object that each is a part of, -1 for none."""
        area = self.area
        within = self.overlap >= CONTAINED * area[:, None]
        within &= area[None, :] >= CLEARLY_LARGER * area[:, None]
        size = np.where(within, area[None, :], np.inf)
        return np.where(within.any(1), size.argmin(1), -1) if len(self) else np.zeros(0, dtype=np.int64)

    def soft_masks(self) -> list[NDArray[np.float32]]:
        """S of Dynamic Global Aligning, per view (H, W) float32 in [0, 1]: belongs to some cached object."""
        if len(self.soft):
            return unpacked(self.soft, self.masks.shapes)
        soft = []
        for view, shape in enumerate(self.masks.shapes):
            some = np.zeros(shape, dtype=bool)
            for item in range(len(self)):
                window, inside = self.masks.cut(item, view)
                some[window][inside] = True
            soft.append(softened(some))
        return soft


def scene_stamp(scene: Scene) -> str:
    """What a cache must have been made for: a digest of the scene's views, cameras and settings."""
    return cache_header.scene_stamp(scene.folder)


def write_mask_cache(scene: Scene, segmenter: str, cache: MaskCache, stamp: str) -> Path:
    """Put a cache into the scene folder in place of any other; returns its folder.

    Args:
        stamp: ``scene_stamp`` from before the objects were looked for, so that a scene that changed
            meanwhile does not take the cache for its own.

    Raises:
        SceneError: the scene folder is gone or cannot be written.
    """
    check_there(scene)
    folder = scene.folder / FOLDER
    for left in scene.folder.glob(f".{FOLDER}.partial-*"):
        shutil.rmtree(left, ignore_errors=True)
    with replacing_folder(folder) as partial:
        for name, array in _arrays(cache).items():
            np.save(partial / f"{name}.npy", array)
        data = cache_header.header(segmenter, stamp, len(cache))
        (partial / "cache.json").write_text(json.dumps(data), encoding="utf-8")
    return folder


def cached_segmenter(scene: Scene) -> str | None:
    """The segmenter that the scene's cache was made with; None where there is none."""
    try:
        data = json.loads((scene.folder / FOLDER / "cache.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    name = data.get("segmenter") if isinstance(data, dict) else None
    return name if isinstance(name, str) else None


def read_mask_cache(scene: Scene, segmenter: str) -> MaskCache | None:
    """The scene's cache, memory-mapped; None when there is none that fits scene, segmenter and version."""
    folder = scene.folder / FOLDER
    finish_interrupted_swap(folder)
    data = cache_header.fitting_header(scene.folder, segmenter)
    if data is None:
        return None
    try:
        arrays = {
            name: open_array(folder / f"{name}.npy")
            for name in ("boxes", "starts", "masks", "points", "scores", "overlap", "radius", "soft")
        }
    except (OSError, ValueError, EOFError):
        return None
    if not _consistent(arrays, data.get("objects"), scene):
        return None
    shapes = tuple(view.size[::-1] for view in scene.views)
    # What every lookup reads is small and taken into memory; pixels stay on disk.
    boxes, starts = np.array(arrays["boxes"]), np.array(arrays["starts"])
    return MaskCache(
        tuple(view.name for view in scene.views),
        PackedMasks(shapes, boxes, starts, arrays["masks"]),
        PackedMasks(shapes, boxes, starts, arrays["points"]),
        np.array(arrays["scores"]),
        np.array(arrays["overlap"]),
        np.array(arrays["radius"]),
        arrays["soft"],
    )


def _arrays(cache: MaskCache) -> dict[str, NDArray]:
    return {
        "boxes": cache.masks.boxes,
        "starts": cache.masks.starts,
        "masks": cache.masks.bits,
        "points": cache.points.bits,
        "scores": cache.scores,
        "overlap": cache.overlap,
        "radius": cache.radius,
        "soft": cache.soft,
    }


def _consistent(arrays: dict[str, NDArray], objects: object, scene: Scene) -> bool:
    """Whether the arrays belong together, so that no lookup can reach beyond one of them."""
    views = len(scene.views)
    boxes, starts = arrays["boxes"], arrays["starts"]
    count = len(starts) if starts.ndim == 2 else -1
    shapes = {
        "boxes": (count, views, 4),
        "starts": (count, views),
        "scores": (count,),
        "overlap": (count, count),
        "radius": (count, views),
        "points": arrays["masks"].shape,
    }
    kinds = {"boxes": np.int32, "starts": np.int64, "masks": np.uint8, "points": np.uint8, "soft": np.uint8}
    if count != objects or any(arrays[name].shape != shape for name, shape in shapes.items()):
        return False
    if any(arrays[name].dtype != kind for name, kind in kinds.items()) or arrays["masks"].ndim != 1:
        return False
    pixels = sum(view.size[0] * view.size[1] for view in scene.views)
    if arrays["soft"].shape not in ((0,), (pixels,)):
        return False
    limit = np.array([[view.size[1], view.size[1], view.size[0], view.size[0]] for view in scene.views])
    height, width = boxes[..., 1] - boxes[..., 0], boxes[..., 3] - boxes[..., 2]
    fits = (boxes >= 0).all() and (boxes <= limit).all() and (height >= 0).all() and (width >= 0).all()
    ends = starts + (height.astype(np.int64) * width + 7) // 8
    return bool(fits and (starts >= 0).all() and (ends <= len(arrays["masks"])).all())
