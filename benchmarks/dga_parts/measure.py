# SPDX-License-Identifier: GPL-3.0-or-later
"""One pair graph, one weighting -> the IoU of each object's points projected into the views not clicked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from wildseg3d_blender.pipeline.alignment import align, pointmap
from wildseg3d_blender.pipeline.evaluation import iou
from wildseg3d_blender.pipeline.pair_graph import PairGraph
from wildseg3d_blender.pipeline.photos.masks import soft_mask_to_photo
from wildseg3d_blender.pipeline.segmentation.lift import lift
from wildseg3d_blender.pipeline.segmentation.projection import Patches, Sight, look, patches_of
from wildseg3d_blender.scene.folder import Scene, View

from .columns import Column

Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class CaseObject:
    """An object of a case.

    Attributes:
        name: for tables.
        masks: view name -> (H, W) bool on the view's grid; what is lifted, the same for every weighting.
        truth: view name -> true mask, (photo H, photo W) or smaller, of the views not clicked.
    """

    name: str
    masks: Mapping[str, Bools]
    truth: Mapping[str, Bools]


@dataclass(frozen=True)
class Case:
    """A pair graph and what is to be seen in it.

    Attributes:
        name: the scene, or what was done to it.
        group: the table it belongs to.
        seed: of the corruption, or None where there is none.
        scene: views and colours; its geometry is replaced by each alignment's.
        graph: with ``scene.views`` in the same order.
        objects: at least one.
        soft: S of each view, all objects together.
    """

    name: str
    group: str
    seed: int | None
    scene: Scene
    graph: PairGraph
    objects: tuple[CaseObject, ...]
    soft: tuple[NDArray[np.float32], ...]


@dataclass(frozen=True)
class Score:
    """One number of the tables before any mean."""

    group: str
    case: str
    object: str
    view: str
    seed: int | None
    column: Column
    iou: float


@dataclass(frozen=True)
class AlignedScene(Scene):
    """A scene with the geometry of an alignment that is not on disk."""

    points_world: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    certainty: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)

    def pointmap(self, view: View) -> NDArray[np.float32]:
        return self.points_world[view.name]

    def confidence(self, view: View) -> NDArray[np.float32]:
        return self.certainty[view.name]


def measure(case: Case, column: Column) -> list[Score]:
    """Align ``case`` with the weights of ``column``, lift its objects and project them.

    A view that the alignment could not place scores 0.

    Raises:
        AlignmentError: nothing could be aligned.
    """
    scene, points = aligned_objects(case, column)
    placed = {view.name: view for view in scene.views}
    patches = [patches_of(scene, view) for view in scene.views]
    scores = []
    for name in sorted({name for item in case.objects for name in item.truth}):
        items = [item for item in case.objects if name in item.truth]
        if name in placed:
            view = placed[name]
            sight = sight_in(patches, view)
            found = [score(view, sight.mask(points[item.name]), item.truth[name]) for item in items]
        else:
            found = [0.0] * len(items)
        scores += [
            Score(case.group, case.name, item.name, name, case.seed, column, value)
            for item, value in zip(items, found, strict=True)
        ]
    return scores


def aligned_objects(case: Case, column: Column) -> tuple[AlignedScene, dict[str, dict[str, Bools]]]:
    """``case`` aligned with the weights of ``column``, and the points of each object by its name."""
    alignment = align(case.graph, weights=column.weights, masks=case.soft, keep_largest=True)
    views = tuple(
        replace(case.scene.views[v], K=alignment.K[n], cam_to_world=alignment.cam_to_world[n])
        for n, v in enumerate(alignment.views)
    )
    scene = AlignedScene(
        case.scene.folder,
        views,
        case.scene.engine,
        points_world={view.name: pointmap(alignment, n) for n, view in enumerate(views)},
        certainty={view.name: alignment.confidence[n] for n, view in enumerate(views)},
    )
    return scene, {item.name: lift(scene, item.masks) for item in case.objects}


def sight_in(patches: Sequence[Patches], view: View) -> Sight:
    """What a view sees of the points of all other views."""
    others = [of_view for of_view in patches if of_view.view != view.name]
    return look(others, view.K, view.cam_to_world, view.size)


def score(view: View, mask: Bools, truth: Bools) -> float:
    """IoU of a view's mask with a true one, on the true one's pixels: the photo's, or fewer."""
    return iou(on_truth(view, mask, truth.shape), truth)


def on_truth(view: View, mask: Bools, shape: tuple[int, ...]) -> Bools:
    """A view's mask on the pixels of a true one of that (H, W) shape: the view's, the photo's, or fewer."""
    if mask.shape == shape:
        return mask
    soft = soft_mask_to_photo(view, mask)
    if soft.shape != shape:
        soft = cv2.resize(soft, shape[::-1], interpolation=cv2.INTER_AREA)
    return soft > 0.5
