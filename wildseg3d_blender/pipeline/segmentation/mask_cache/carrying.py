# SPDX-License-Identifier: GPL-3.0-or-later
"""The mask cache of a scene that is aligned again: its masks stay, its objects' points are taken anew."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ....progress import Progress
from ....scene.folder import Scene
from .building import lifted_points
from .cache import MaskCache, cached_segmenter, read_mask_cache, scene_stamp, write_mask_cache
from .packed_masks import PackedMasks


@dataclass(frozen=True)
class CarriedCache:
    """A scene's mask cache, all in memory, and the segmenter that found it."""

    cache: MaskCache
    segmenter: str


def take_cache(scene: Scene) -> CarriedCache | None:
    """The scene's cache, none of whose files stays mapped; None where there is none that fits the scene."""
    segmenter = cached_segmenter(scene)
    cache = None if segmenter is None else read_mask_cache(scene, segmenter)
    if segmenter is None or cache is None:
        return None
    copied = replace(
        cache, masks=_copied(cache.masks), points=_copied(cache.points), soft=np.array(cache.soft)
    )
    return CarriedCache(copied, segmenter)


def put_cache(carried: CarriedCache, scene: Scene, progress: Progress) -> None:
    """Give ``scene``, the same views with new geometry, the cache, with points taken from that geometry."""
    points = lifted_points(scene, carried.cache.masks, progress)
    cache = replace(carried.cache, points=points)
    write_mask_cache(scene, carried.segmenter, cache, scene_stamp(scene))


def _copied(packed: PackedMasks) -> PackedMasks:
    return PackedMasks(packed.shapes, packed.boxes, packed.starts, np.array(packed.bits))
