# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the demo clicks: on every object whose truth is known, where the user says, or on what stands out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from samples.truth import SampleTruth
from wildseg3d_blender.errors import PromptError
from wildseg3d_blender.pipeline.evaluation import first_click, iou, next_click, read_truth
from wildseg3d_blender.pipeline.photos.masks import mask_to_photo
from wildseg3d_blender.pipeline.segmentation.graphcut import prominent_click
from wildseg3d_blender.scene.folder import Scene
from wildseg3d_blender.scene.objects import SceneObject

MASKS = ("truth", "masks")
GOOD_ENOUGH = 0.94
"""IoU in the clicked photo at which an artist would stop clicking."""

MOST_CLICKS = 3


@dataclass(frozen=True)
class DemoClick:
    """One click in photo pixels that says what belongs to an object, or what does not."""

    name: str
    view: str
    x: float
    y: float
    positive: bool = True


def choose_clicks(scene: Scene, truth: SampleTruth | None, wish: str | None) -> list[DemoClick]:
    """The user's click if there is one, else one per true object, else one on the most prominent object.

    Raises:
        PromptError: ``wish`` is not of the form view:x,y.
        SceneError: ``wish`` names a view that is not in the scene.
    """
    if wish:
        return [parse_click(scene, wish)]
    if truth is not None:
        return [_on_true_object(scene, truth, thing) for thing in truth.objects]
    found = prominent_click(scene)
    view = scene.view(found.view)
    x, y = view.warp.to_photo(np.array([found.x, found.y]))
    return [DemoClick("Object", view.name, float(x), float(y))]


def refining_click(
    scene: Scene, truth: SampleTruth, clicked: Sequence[DemoClick], item: SceneObject
) -> DemoClick | None:
    """What an artist would click next who looks at the photo clicked so far: the largest error there.

    None when the mask in that photo is good, or as many clicks were made as anybody has patience for.
    """
    first = clicked[0]
    if len(clicked) >= MOST_CLICKS or first.name.lower() not in truth.objects:
        return None
    wanted = read_truth(scene, truth.folder.joinpath(*MASKS, first.name.lower()))[first.view]
    found = mask_to_photo(scene.view(first.view), np.asarray(item.masks[first.view]))
    error = next_click(wanted, found)
    if error is None or iou(found, wanted) >= GOOD_ENOUGH:
        return None
    x, y, positive = error
    return DemoClick(first.name, first.view, x, y, positive)


def parse_click(scene: Scene, text: str) -> DemoClick:
    """A click from "view:x,y"; the view by its name or its photo's file name, x and y in photo pixels."""
    name, _, place = text.rpartition(":")
    try:
        x, y = (float(part) for part in place.split(","))
    except ValueError as error:
        raise PromptError(
            f"CLICK={text} is not understood: write view:x,y, for example CLICK=IMG_0012.jpg:840,620."
        ) from error
    return DemoClick("Object", scene.view(name).name, x, y)


def _on_true_object(scene: Scene, truth: SampleTruth, thing: str) -> DemoClick:
    """The deepest pixel of the object's mask, in the view that shows most of it."""
    masks = read_truth(scene, truth.folder.joinpath(*MASKS, thing))
    view = max(masks, key=lambda name: _visible(masks[name]))
    return DemoClick(thing.capitalize(), view, *first_click(masks[view]))


def _visible(mask: NDArray[np.bool_]) -> float:
    """Area of the mask; a mask that the frame cuts counts half."""
    cut = mask[0].any() or mask[-1].any() or mask[:, 0].any() or mask[:, -1].any()
    return float(mask.sum()) * (0.5 if cut else 1.0)
