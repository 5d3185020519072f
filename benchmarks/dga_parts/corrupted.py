# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases that are no reconstruction: the sample's true depth, corrupted as a pointmap network's is.

The default engine's pair graph agrees with itself by construction, so weights can change little in it. A
network's does not: every pair has its own noise, scale, pose error and outliers. Here these are put on the
true depth (``tests.synthetic.Corruption``). Masks are the true ones, in every view, at the resolution of the
depth: what is measured is the geometry alone.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from samples.truth import SampleTruth
from tests.synthetic import Corruption, TrueView, pair_graph
from wildseg3d_blender.photo_warp import PhotoWarp
from wildseg3d_blender.pipeline.realign import soft_masks
from wildseg3d_blender.scene.folder import Scene, View
from wildseg3d_blender.scene.objects import SceneObject

from .measure import Case, CaseObject

GROUP = "true depth of the sample, corrupted as a network's (synthetic)"
FIRST_LABEL = 10

CORRUPTIONS: dict[str, Corruption] = {
    "noise": Corruption(),
    "outliers, low confidence": Corruption(outliers=0.1),
    "outliers, high confidence": Corruption(outliers=0.1, outliers_told=False),
    "3 edges wrong": Corruption(wrong_edges=3),
    "boundaries smeared alike": Corruption(smear=True),
    "boundaries ragged": Corruption(ragged=1.0),
    "ragged, far against near": Corruption(ragged=1.0, bend=0.05),
}


def corrupted_case(
    truth: SampleTruth, photos: Sequence[str], reference: str, corruption: str, seed: int, shrink: int = 1
) -> Case:
    """The sample's six objects in a pair graph of all pairs of ``photos``; every one but the reference is a
    target. ``shrink`` takes every n-th row and column of the true depth.
    """
    views = [true_view(truth, name, shrink) for name in photos]
    graph = pair_graph(views, corruption=CORRUPTIONS[corruption], seed=seed)
    placed = tuple(
        View(
            name=view.name,
            photo=truth.photo(view.name),
            photo_size=truth.size,
            size=view.size,
            K=view.K,
            cam_to_world=view.cam_to_world,
            warp=PhotoWarp(truth.cameras[view.name].K, view.K),
        )
        for view in views
    )
    scene = Scene(truth.folder, placed, "true depth, corrupted")
    objects = []
    for number, name in enumerate(truth.objects):
        masks = {view.name: view.labels == FIRST_LABEL + number for view in views}
        targets = {view: mask for view, mask in masks.items() if view != reference and mask.any()}
        objects.append(CaseObject(name, masks, targets))
    known = [SceneObject(item.name, (), item.masks, {}) for item in objects]
    soft = tuple(soft_masks(scene, known))
    return Case(corruption, GROUP, seed, scene, graph, tuple(objects), soft)


def true_view(truth: SampleTruth, name: str, shrink: int = 1) -> TrueView:
    """A sample photo at the resolution of its true depth; labels 10 + n for the n-th object, 0 elsewhere."""
    depth = truth.depth(name).astype(np.float64)[shrink // 2 :: shrink, shrink // 2 :: shrink]
    height, width = depth.shape
    full = truth.depth(name).shape
    # Every n-th pixel keeps its ray: the same camera, with pixel centres moved to the pixels kept.
    K = truth.depth_intrinsics(name).copy()
    K[:2] /= shrink
    K[:2, 2] += 0.5 - (shrink // 2 + 0.5) / shrink
    labels = np.zeros((height, width), dtype=np.int64)
    for number, thing in enumerate(truth.objects):
        labels[_shrunk(truth.mask(thing, name), full)[shrink // 2 :: shrink, shrink // 2 :: shrink]] = (
            FIRST_LABEL + number
        )
    with Image.open(truth.photo(name)) as photo:
        image = np.asarray(photo.convert("RGB").resize((width, height), Image.Resampling.BOX))
    return TrueView(name, K, truth.cameras[name].cam_to_world, depth, labels, image)


def _shrunk(mask: NDArray[np.bool_], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    return cv2.resize(mask.astype(np.float32), shape[::-1], interpolation=cv2.INTER_AREA) > 0.5
