# SPDX-License-Identifier: GPL-3.0-or-later
"""The figures of one object: clicks and a box, by what ships, the segmenter alone and GrabCut."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from wildseg3d_blender.errors import SceneError
from wildseg3d_blender.pipeline.evaluation import (
    MOST_CLICKS,
    Ask,
    Mask,
    compare,
    held_out_views,
    mean_of,
    measure_clicks,
    read_truth,
    truth_box,
)
from wildseg3d_blender.scene.folder import Scene

from .grabcut import GrabCutTransfer

ROUNDS = (1, 3, 5)


def measure_object(
    scene: Scene,
    masks: Path,
    clicked: str,
    ways: Mapping[str, Ask],
    *,
    all_views: bool,
) -> dict[str, Any]:
    """By way: what ``measure_clicks`` gives for the clicked view, ``box``, and ``every_view`` means.

    Args:
        masks: folder of the true masks.
        clicked: the view to click; the one that shows most of the object where this one shows none of it.
        ways: name -> what answers.
        all_views: click in every view that shows the object, for ``every_view``.
    """
    truth = {name: mask for name, mask in read_truth(scene, masks).items() if mask.any()}
    if clicked not in truth:
        clicked = max(truth, key=lambda name: float(truth[name].mean()))
    others = [name for name in truth if name != clicked] if all_views else []
    found: dict[str, Any] = {"view": clicked}
    for way, ask in ways.items():
        # The plain way takes seconds a click, and more of them do not make it good.
        most = ROUNDS[-1] if isinstance(ask, GrabCutTransfer) else MOST_CLICKS
        results = [_in_view(scene, truth, name, ask, most) for name in (clicked, *others)]
        found[way] = {**results[0], "every_view": mean_of(results)}
        boxes = [result["box"] for result in results]
        found[way]["every_view"]["box"] = _means(boxes)
    return found


def held_out_figures(
    scene: Scene, whole: Scene, masks: Path, clicked: str, ask: Ask
) -> dict[str, Any] | None:
    """The 3D object rendered into photos that only ``whole`` knows: ``rounds`` with ``clicks``, ``iou`` and
    ``accuracy``, means over those photos; None where none of them shows the object.

    Args:
        scene: without these photos; ``ask`` answers prompts in it.
        clicked: the view to click; the one that shows most of the object where this one shows none of it.
    """
    truth = {name: mask for name, mask in read_truth(scene, masks).items() if mask.any()}
    try:
        unseen = held_out_views(scene, whole, masks)
    except SceneError:
        return None
    view = clicked if clicked in truth else max(truth, key=lambda name: float(truth[name].mean()))
    result = measure_clicks(scene, truth, view, ask, ROUNDS, unseen)
    rounds = mean_of([result])["rounds"]
    return {
        "photos": [item.view.name for item in unseen],
        "view": view,
        "rounds": [
            {
                "clicks": entry["clicks"],
                "iou": entry["mean_iou_held_out"],
                "accuracy": entry["mean_accuracy_held_out"],
            }
            for entry in rounds
        ],
    }


def _in_view(scene: Scene, truth: Mapping[str, Mask], clicked: str, ask: Ask, most: int) -> dict[str, Any]:
    result = measure_clicks(scene, truth, clicked, ask, ROUNDS, most=most)
    masks, cached = ask([truth_box(scene.view(clicked), truth[clicked])], None)
    return {**result, "box": {**compare(scene, masks, truth, clicked), "cached": cached}}


def _means(entries: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    names = ("iou_clicked", "mean_iou_others", "accuracy_clicked", "mean_accuracy_others")
    return {
        name: sum(entry[name] for entry in entries) / len(entries)
        for name in names
        if all(entry[name] is not None for entry in entries)
    }
