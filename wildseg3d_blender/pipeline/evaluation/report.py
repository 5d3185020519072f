# SPDX-License-Identifier: GPL-3.0-or-later
"""Everything that is measured of an object, as plain data for JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import PromptError
from ...progress import Progress, silent, span
from ...prompts import Click, prompt_to_json
from ...scene.folder import Scene, View
from ..segment import SceneSession
from ..segmentation import create_segmenter
from ..segmentation.lift import Lifting
from .clicking import Ask, Round, by_segmenter, by_session, play
from .held_out import HeldOutView, held_out_views
from .measures import Mask, compare
from .truth import check_clicked_truth, read_truth

GOALS = (0.85, 0.90)
"""IoU to be reached; how many clicks that takes is the literature's number of clicks (NoC)."""

MOST_CLICKS = 10
"""Where counting stops: an object that is not good by then counts as this many clicks."""


def evaluate(
    scene: Scene,
    masks_dir: Path,
    view: str,
    *,
    clicks: Sequence[int] = (1, 3, 5),
    segmenter: str = "graphcut",
    every_view: bool = False,
    whole: Scene | None = None,
    progress: Progress = silent,
) -> dict[str, Any]:
    """Simulate an artist who clicks in one view only, and measure every view that has truth (see ``play``).

    Args:
        clicks: after how many clicks to measure.
        every_view: do the same for every other view that shows the object, for the means over all of them.
        whole: a reconstruction with more photos; in those that ``scene`` lacks, its 3D object is rendered.

    Returns:
        What ``measure_clicks`` gives for ``view``, from a ``SceneSession``: the mask cache where there is one
        and it is certain, solved where not. Under ``segmenter_alone`` the same without the cache, None where
        the scene has no cache and both are one; with ``every_view``, under ``every_view`` what ``mean_of``
        gives.

    Raises:
        SceneError: no usable truth (see ``read_truth``), none for ``view``, an unknown view, or nothing to be
            had from ``whole`` (see ``held_out_views``).
        PromptError: the true mask of the clicked view is empty, or there are no ``clicks`` of 1 or more.
    """
    wanted = _ascending(clicks)
    clicked = scene.view(view)
    truth = read_truth(scene, masks_dir)
    check_clicked_truth(truth, clicked, masks_dir)
    unseen = [] if whole is None else held_out_views(scene, whole, masks_dir)
    views = [clicked.name, *(_others(truth, clicked) if every_view else ())]
    session = SceneSession(scene.folder, segmenter=segmenter)

    def measured(ask: Ask, part: Progress) -> dict[str, Any]:
        found = []
        for number, name in enumerate(views):
            part("evaluate", number / len(views), f"Clicking in {name}")
            found.append(measure_clicks(scene, truth, name, ask, wanted, unseen))
        return {**found[0], **({"every_view": mean_of(found)} if every_view else {})}

    shipped = measured(by_session(session), span(progress, 0.0, 0.5))
    alone = None
    if session.cache is not None:
        prepared = create_segmenter(segmenter, scene, span(progress, 0.5, 0.6))
        alone = measured(by_segmenter(prepared), span(progress, 0.6, 1.0))
    return {**shipped, "segmenter_alone": alone}


def _others(truth: Mapping[str, Mask], clicked: View) -> list[str]:
    """The other views that show the object."""
    return [name for name, mask in truth.items() if name != clicked.name and mask.any()]


def measure_clicks(
    scene: Scene,
    truth: Mapping[str, Mask],
    clicked: str,
    ask: Ask,
    wanted: Sequence[int],
    unseen: Sequence[HeldOutView] = (),
    most: int = MOST_CLICKS,
) -> dict[str, Any]:
    """Click in one view and measure all.

    Args:
        wanted: after how many clicks to measure, ascending.
        unseen: photos into which the object's 3D points are rendered.
        most: clicks after which counting for ``clicks_to`` stops.

    Returns:
        ``view``; ``most``; ``rounds``, one per entry of ``wanted``: ``clicks``, what ``compare`` gives,
        ``held_out`` (by photo ``iou`` and ``accuracy``), ``cached`` (whether the answer is a cached object as
        it is), ``prompts`` in photo pixels and ``seconds`` of that answer; and ``clicks_to`` (see there).
    """
    lifting = Lifting(scene) if unseen else None
    view, rounds = scene.view(clicked), []
    by_count: list[float] = []
    for count, latest in enumerate(islice(play(scene, truth, clicked, ask), max(*wanted, most)), 1):
        scores = compare(scene, latest.masks, truth, clicked)
        by_count.append(_overall(scores))
        if count in wanted:
            rounds.append(
                {
                    "clicks": count,
                    **scores,
                    "held_out": _held_out(scene, lifting, latest, unseen),
                    "cached": latest.cached,
                    "prompts": [_on_photo(view, click) for click in latest.clicks],
                    "seconds": round(latest.seconds, 3),
                }
            )
        if count >= wanted[-1] and by_count[-1] >= max(GOALS):
            break
    return {"view": clicked, "most": most, "rounds": rounds, "clicks_to": clicks_to(by_count[:most])}


def clicks_to(scores: Sequence[float]) -> dict[str, int | None]:
    """How many clicks reach each of ``GOALS``: "0.85" -> the first number of clicks whose score does.

    None where ``scores``, one per click, never do.
    """
    found: dict[str, int | None] = {}
    for goal in GOALS:
        reached = (count for count, score in enumerate(scores, 1) if score >= goal)
        found[f"{goal:.2f}"] = next(reached, None)
    return found


def mean_of(results: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The means over results of ``measure_clicks``: clicks in several views, or of several objects.

    Returns:
        ``count`` of results; ``most``; ``rounds``, each with the mean of every number; ``clicks_to``, where a
        goal that was not reached counts as the result's ``most``; and ``reached``, the share that reached it.
    """
    rounds = []
    for entries in zip(*(result["rounds"] for result in results), strict=True):
        row: dict[str, Any] = {"clicks": entries[0]["clicks"]}
        for name in ("iou_clicked", "mean_iou_others", "accuracy_clicked", "mean_accuracy_others"):
            row[name] = _mean([entry[name] for entry in entries])
        for name in ("iou", "accuracy"):
            unseen = [score[name] for entry in entries for score in entry["held_out"].values()]
            row[f"mean_{name}_held_out"] = _mean(unseen)
        row["cached"] = _mean([float(entry["cached"]) for entry in entries])
        rounds.append(row)
    goals = list(results[0]["clicks_to"])
    counts = {goal: [(result["clicks_to"][goal], result["most"]) for result in results] for goal in goals}
    return {
        "count": len(results),
        "most": max(result["most"] for result in results),
        "rounds": rounds,
        "clicks_to": {
            goal: _mean([most if count is None else count for count, most in found])
            for goal, found in counts.items()
        },
        "reached": {
            goal: _mean([float(count is not None) for count, _ in found]) for goal, found in counts.items()
        },
    }


def _ascending(clicks: Sequence[int]) -> list[int]:
    wanted = sorted({int(count) for count in clicks})
    if not wanted or wanted[0] < 1:
        raise PromptError("The numbers of clicks must be 1 or more, for example 1 3 5.")
    return wanted


def _overall(scores: Mapping[str, Any]) -> float:
    """What an artist is after: the views they did not click; the clicked one where there is no other."""
    others = scores["mean_iou_others"]
    return float(scores["iou_clicked"] if others is None else others)


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None


def _held_out(
    scene: Scene, lifting: Lifting | None, latest: Round, unseen: Sequence[HeldOutView]
) -> dict[str, dict[str, float]]:
    if lifting is None:
        return {}
    ordered = [latest.masks[view.name] for view in scene.views]
    points = dict(zip((view.name for view in scene.views), lifting.all_points(ordered), strict=True))
    return {item.view.name: item.scores(points) for item in unseen}


def _on_photo(view: View, click: Click) -> dict[str, Any]:
    """A click as JSON in photo pixels, as the command line takes it."""
    x, y = view.warp.to_photo(np.array([click.x, click.y]))
    return prompt_to_json(replace(click, x=round(float(x), 2), y=round(float(y), 2)))
