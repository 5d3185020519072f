# SPDX-License-Identifier: GPL-3.0-or-later
"""Cases from photos: the default engine's pair graph, the default segmenter's masks after a click."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.datasets import TruthScene, read_mask, scribble_clicks
from wildseg3d_blender.errors import SceneError
from wildseg3d_blender.pipeline.evaluation import first_click
from wildseg3d_blender.pipeline.pair_store import read_pair_graph
from wildseg3d_blender.pipeline.realign import soft_masks
from wildseg3d_blender.pipeline.reconstruct import reconstruct
from wildseg3d_blender.pipeline.segmentation import Masks, Segmenter, create_segmenter
from wildseg3d_blender.pipeline.weighting import Weighting
from wildseg3d_blender.progress import silent
from wildseg3d_blender.prompts import Click
from wildseg3d_blender.scene.folder import Scene, View
from wildseg3d_blender.scene.objects import SceneObject

from .measure import Case, CaseObject

GROUP = "reconstructed by the default engine"
SCRIBBLE_CLICKS = 3
"""Clicks on each of NVOS's two strokes."""


def reconstructed_case(name: str, sets: Sequence[TruthScene], folder: Path, image_size: int) -> Case:
    """Reconstruct the photos of ``sets`` (objects in the same photos) once, and click on each object.

    The scene is written to ``folder``, aligned without DGA, so that the masks favour no weighting.

    Raises:
        ReconstructionError, AlignmentError, SceneError: the photos make no scene, or the reference or every
            target is not in it.
    """
    scene = reconstruct(sets[0].photos, folder, image_size=image_size, weighting=Weighting(dga=False))
    segmenter = create_segmenter("graphcut", scene, silent)
    objects = tuple(clicked_object(scene, segmenter, item) for item in sets)
    found = [SceneObject(item.name, (), item.masks, {}) for item in objects]
    return Case(name, GROUP, None, scene, read_pair_graph(scene), objects, tuple(soft_masks(scene, found)))


def clicked_object(scene: Scene, segmenter: Segmenter, item: TruthScene) -> CaseObject:
    """Masks of one object after clicks in its reference photo, and the true masks of its targets.

    Raises:
        SceneError: the reference, or every target, is not among the views.
    """
    by_photo = {view.photo.resolve(): view for view in scene.views}
    reference = by_photo.get(item.reference.resolve())
    if reference is None:
        raise SceneError(f"{item.name}: the reference photo {item.reference.name} was not placed.")
    truth = {
        by_photo[photo.resolve()].name: read_mask(mask)
        for photo, mask in item.targets.items()
        if photo.resolve() in by_photo
    }
    if not truth:
        raise SceneError(f"{item.name}: no photo with a true mask was placed.")
    return CaseObject(item.name, _clicked(segmenter, reference, item), truth)


def _clicked(segmenter: Segmenter, view: View, item: TruthScene) -> Masks:
    """Masks after one click in the middle of the true mask, or after clicks along the scribbles."""
    if item.reference_mask is not None:
        mask = read_mask(item.reference_mask)
        scale = np.array(view.photo_size) / mask.shape[::-1]
        places = [(*(np.array(first_click(mask)) * scale), True)]
    else:
        assert item.scribbles is not None
        places = scribble_clicks(item.scribbles, view.photo_size, SCRIBBLE_CLICKS)
    masks: Masks | None = None
    clicks: list[Click] = []
    for x, y, positive in places:
        pixel = np.clip(view.warp.to_view(np.array([x, y])), 0.5, np.asarray(view.size) - 0.5)
        clicks.append(Click(view.name, float(pixel[0]), float(pixel[1]), positive))
        masks = segmenter.segment(clicks, previous=masks, progress=silent)
    assert masks is not None
    return masks
