# SPDX-License-Identifier: GPL-3.0-or-later
"""Aligning a scene again so that an object of it fits best: DGA with the object's masks."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ..errors import SceneError
from ..progress import Progress, silent, span
from ..reconstruct_settings import ITERATIONS, MIN_CONFIDENCE
from ..scene.folder import PAIRS_FOLDER, Scene, check_writable, read_scene
from ..scene.objects import SceneObject, read_objects, write_object
from ..scene.ownership import owned_by
from ..scene.rewriting import rewriting_geometry
from .alignment import Alignment, align, pointmap
from .alignment.sim3 import lengths
from .pair_store import read_alignment, read_pair_graph, write_alignment
from .segmentation.lift import Lifting
from .segmentation.mask_cache.carrying import CarriedCache, put_cache, take_cache
from .segmentation.soft_mask import softened
from .segmentation.strays import pointed_at
from .weighting import Weighting

ALL_FOUND = "all objects found"
"""Stands among the names a scene was aligned for, where the objects of its mask cache counted too."""

SoftMasks = list[NDArray[np.float32]]


@dataclass(frozen=True)
class Realigned:
    """What became of a scene.

    Attributes:
        scene: as it is on disk now.
        objects: the names of those it was aligned for; none when it was aligned as if there were none.
        points: 3D points of every object of the scene, by name.
        moved: median distance by which points moved, as a share of their depth: those of ``objects``, or
            all when there are none.
    """

    scene: Scene
    objects: tuple[str, ...]
    points: Mapping[str, int]
    moved: float


def realign(
    folder: Path | str,
    objects: Sequence[str] | None = None,
    *,
    cached: bool = False,
    alpha_p: float | None = None,
    alpha_n: float | None = None,
    progress: Progress = silent,
) -> Realigned:
    """Align the scene at ``folder`` again, from where it stands, so that objects of it fit best.

    The soft mask S of Dynamic Global Aligning is 1 inside the objects' masks and 0 outside, with a soft edge.
    World, views and masks stay; cameras, pointmaps and confidence are new, and all objects' points, those of
    the mask cache too, are taken anew. Without objects the scene is aligned as it was reconstructed.

    Args:
        objects: names of objects of the scene.
        cached: whether the objects of the scene's mask cache count too.
        alpha_p, alpha_n: see ``alignment.dga_weights``; by default those the scene was reconstructed with.

    Raises:
        SceneError: no scene there, no such object, the scene is too old to be aligned again, is damaged, or
            cannot be written.
        AlignmentError: an alpha out of range, or the masks leave nothing to align.
        Cancelled: by ``progress``; the scene is as it was.
    """
    started = time.perf_counter()
    progress("align", 0.0, "Reading the scene")
    scene = read_scene(folder)
    check_writable(scene.folder)
    # No file of the scene stays mapped but inside _aligned: Windows would not replace the folder then.
    items = {item.name: item for item in read_objects(scene)}
    carried = take_cache(scene)
    chosen = tuple(dict.fromkeys(objects or ()))
    soft = _soft_masks(scene, _known(chosen, items), carried, cached)
    after = _aligned(scene, soft, alpha_p, alpha_n, span(progress, 0.0, 0.7))
    pointmaps = {view.name: pointmap(after, v) for v, view in enumerate(scene.views)}
    moved = _moved(scene, pointmaps, after, soft)
    aligned_for = (*chosen, ALL_FOUND) if cached else chosen
    new = replace(
        scene,
        views=tuple(
            replace(view, K=after.K[v], cam_to_world=after.cam_to_world[v])
            for v, view in enumerate(scene.views)
        ),
        settings={**scene.settings, "aligned_for": list(aligned_for)},
        seconds={**scene.seconds, "realignment": time.perf_counter() - started},
    )
    points = _write(new, after, pointmaps, items, carried, span(progress, 0.7, 1.0))
    return Realigned(new, aligned_for, points, moved)


def soft_masks(scene: Scene, objects: Sequence[SceneObject]) -> SoftMasks:
    """S of each view, (H, W) in [0, 1]: the objects' masks together, with soft edges."""
    soft = []
    for view in scene.views:
        mask = np.zeros(view.size[::-1], dtype=bool)
        for item in objects:
            mask |= np.asarray(item.masks[view.name], dtype=bool)
        soft.append(softened(mask))
    return soft


def _known(chosen: Sequence[str], items: Mapping[str, SceneObject]) -> list[SceneObject]:
    for name in chosen:
        if name not in items:
            known = f"it has {', '.join(items)}" if items else "it has none yet, segment one first"
            raise SceneError(f"There is no object named {name!r} in this scene; {known}.")
        if not any(mask.any() for mask in items[name].masks.values()):
            raise SceneError(f"{name} shows in no photo, so nothing can be aligned for it: segment it again.")
    return [items[name] for name in chosen]


def _soft_masks(
    scene: Scene, objects: Sequence[SceneObject], carried: CarriedCache | None, cached: bool
) -> SoftMasks | None:
    """S of each view, None where nothing is preferred."""
    if not cached:
        return soft_masks(scene, objects) if objects else None
    if carried is None or not len(carried.cache):
        raise SceneError(
            "No objects have been looked for in this scene as it is, so it cannot be aligned for them: find "
            "its objects first, or name one that was segmented."
        )
    both = zip(carried.cache.soft_masks(), soft_masks(scene, objects), strict=True)
    return [np.maximum(found, named) for found, named in both]


def _aligned(
    scene: Scene,
    soft: SoftMasks | None,
    alpha_p: float | None,
    alpha_n: float | None,
    progress: Progress,
) -> Alignment:
    before = read_alignment(scene)
    stored = Weighting.of_settings(scene.settings)
    weighting = Weighting(
        # Masks count through DGA alone.
        dga=stored.dga or soft is not None,
        alpha_p=stored.alpha_p if alpha_p is None else alpha_p,
        alpha_n=stored.alpha_n if alpha_n is None else alpha_n,
    )
    after = align(
        read_pair_graph(scene),
        weights=weighting.edge_weights(),
        masks=soft,
        start=before,
        iterations=scene.settings.get("iterations", ITERATIONS.default),
        progress=progress,
    )
    return after.confident(scene.settings.get("min_confidence", MIN_CONFIDENCE.default))


def _moved(
    scene: Scene,
    pointmaps: Mapping[str, NDArray[np.float32]],
    after: Alignment,
    soft: SoftMasks | None,
) -> float:
    """See ``Realigned.moved``; ``scene`` is still as it was. Every third row and column will do."""
    shares = [np.zeros(0)]
    coarse = slice(None, None, 3), slice(None, None, 3)
    for v, view in enumerate(scene.views):
        counted = (scene.confidence(view)[coarse] > 0) & (after.confidence[v][coarse] > 0)
        if soft is not None:
            counted &= soft[v][coarse] > 0.5
        off = pointmaps[view.name][coarse][counted] - scene.pointmap(view)[coarse][counted]
        shares.append(lengths(off) / after.depth[v][coarse][counted])
    together = np.concatenate(shares)
    return float(np.median(together)) if len(together) else 0.0


def _write(
    scene: Scene,
    alignment: Alignment,
    pointmaps: Mapping[str, NDArray[np.float32]],
    items: Mapping[str, SceneObject],
    carried: CarriedCache | None,
    progress: Progress,
) -> dict[str, int]:
    """Replace the scene folder; returns how many points each object owns now."""
    written = []
    with rewriting_geometry(
        scene,
        pointmaps=pointmaps,
        confidence={view.name: alignment.confidence[v] for v, view in enumerate(scene.views)},
    ) as draft:
        write_alignment(draft.folder / PAIRS_FOLDER, alignment)
        progress("lifting", 0.0, "Taking the objects' points")
        lifting = Lifting(draft)
        for number, (name, item) in enumerate(items.items()):
            progress("lifting", 0.5 * number / len(items), f"Taking the points of {name}")
            masks = [item.masks[view.name] for view in scene.views]
            names = (view.name for view in scene.views)
            things = pointed_at(draft, item.groups, item.answers)
            lifted = dict(zip(names, lifting.all_points(masks, things=things), strict=True))
            written.append(replace(item, points=lifted))
            write_object(draft, written[-1])
        if carried is not None:
            put_cache(carried, draft, span(progress, 0.5, 1.0))
        # The last moment to cancel: once the scene is in its place, it is there.
        progress("writing", 1.0, "Saving")
    owned = owned_by(written)
    return {name: sum(int(mask.sum()) for mask in owned[name].values()) for name in items}
