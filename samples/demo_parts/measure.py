# SPDX-License-Identifier: GPL-3.0-or-later
"""The demo's figures: overlap with the true masks, distance from the true cameras."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from samples.truth import SampleTruth
from wildseg3d_blender.pipeline.alignment.sim3 import fit_sim3
from wildseg3d_blender.pipeline.evaluation import compare, read_truth
from wildseg3d_blender.scene.folder import Scene
from wildseg3d_blender.scene.objects import SceneObject

from .clicks import MASKS, DemoClick


def report(
    scene: Scene,
    truth: SampleTruth | None,
    clicked: Mapping[str, Sequence[DemoClick]],
    objects: Mapping[str, SceneObject],
    points: Mapping[str, int],
    first_round: Mapping[str, Mapping[str, float]],
) -> dict[str, Any]:
    """The content of ``report.json`` but for the times; what needs truth is None or empty without it.

    Args:
        clicked: object name -> its clicks, all in one view.
        objects: object name -> the object as it is in the scene folder.
        points: object name -> points it has in Blender.
        first_round: object name -> IoU by view after its first click (see ``overlap``).
    """
    rows = []
    for name, mine in clicked.items():
        rows.append(
            {
                "name": name,
                "clicked_view": mine[0].view,
                "clicks": [
                    {"x": round(click.x, 1), "y": round(click.y, 1), "positive": click.positive}
                    for click in mine
                ],
                "points": points[name],
                "iou": overlap(scene, truth, mine[0], objects[name]),
                "iou_after_first_click": dict(first_round[name]),
            }
        )
    total = sum(int((np.asarray(scene.confidence(view)) > 0).sum()) for view in scene.views)
    return {
        "photos": {"given": len(scene.views) + len(scene.skipped), "registered": len(scene.views)},
        "points": total,
        "objects": rows,
        "mean_iou_other_views": mean_of_others(rows, "iou"),
        "mean_iou_other_views_after_first_click": mean_of_others(rows, "iou_after_first_click"),
        "camera_error_percent": None if truth is None else camera_error_percent(scene, truth),
    }


def mean_of_others(rows: Sequence[Mapping[str, Any]], key: str) -> float | None:
    """Mean IoU over objects and the views that were not clicked; None where nothing is known."""
    scores = [score for row in rows for view, score in row[key].items() if view != row["clicked_view"]]
    return round(float(np.mean(scores)), 4) if scores else None


def camera_error_percent(scene: Scene, truth: SampleTruth) -> float:
    """Largest distance of a camera from its true place after the best Sim(3), in % of the median depth."""
    names = [view.photo.stem for view in scene.views]
    found = np.stack([view.cam_to_world[:3, 3] for view in scene.views])
    true = np.stack([truth.cameras[name].cam_to_world[:3, 3] for name in names])
    depth = float(np.median(np.concatenate([truth.depth(name).ravel() for name in names])))
    distance = np.linalg.norm(fit_sim3(found, true).apply(found) - true, axis=1)
    return round(100.0 * float(distance.max()) / depth, 4)


def overlap(scene: Scene, truth: SampleTruth | None, click: DemoClick, item: SceneObject) -> dict[str, float]:
    """IoU by view of an object with its true masks, in photo pixels; empty where there is no truth."""
    thing = click.name.lower()
    if truth is None or thing not in truth.objects:
        return {}
    true_masks = read_truth(scene, truth.folder.joinpath(*MASKS, thing))
    masks = {name: np.asarray(mask) for name, mask in item.masks.items()}
    scores = compare(scene, masks, true_masks, click.view)
    by_view = {click.view: scores["iou_clicked"], **scores["iou_others"]}
    return {name: round(by_view[name], 4) for name in sorted(by_view)}
