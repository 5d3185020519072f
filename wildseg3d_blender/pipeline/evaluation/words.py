# SPDX-License-Identifier: GPL-3.0-or-later
"""The figures of ``evaluate`` as lines for a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .report import MOST_CLICKS


def lines(result: Mapping[str, Any]) -> list[str]:
    """A table of the rounds, of the means over all views, and of the segmenter alone where that differs."""
    found = _table(result, f"clicked in {result['view']}")
    if result["segmenter_alone"] is not None:
        found += ["", *_table(result["segmenter_alone"], "without the mask cache")]
    return found


def _table(result: Mapping[str, Any], title: str) -> list[str]:
    found = [f"{title}: IoU (pixel accuracy)", "clicks   clicked view    other views     left-out photos"]
    for entry in result["rounds"]:
        unseen = list(entry["held_out"].values())
        means = [
            sum(scores[name] for scores in unseen) / len(unseen) for name in ("iou", "accuracy") if unseen
        ]
        found.append(
            f"{entry['clicks']:6}   {_both(entry['iou_clicked'], entry['accuracy_clicked'])}"
            f"   {_both(entry['mean_iou_others'], entry['mean_accuracy_others'])}"
            f"   {_both(*(means or (None, None)))}" + ("   from the mask cache" if entry["cached"] else "")
        )
    found += [f"clicks to {goal}: {_count(count)}" for goal, count in result["clicks_to"].items()]
    if "every_view" in result:
        mean = result["every_view"]
        found.append(f"mean of clicking in each of {mean['count']} views:")
        found += [
            f"{entry['clicks']:6}   {_both(entry['iou_clicked'], entry['accuracy_clicked'])}"
            f"   {_both(entry['mean_iou_others'], entry['mean_accuracy_others'])}"
            f"   {_both(entry['mean_iou_held_out'], entry['mean_accuracy_held_out'])}"
            for entry in mean["rounds"]
        ]
        found += [
            f"clicks to {goal}: {count:.1f} ({mean['reached'][goal]:.0%} get there)"
            for goal, count in mean["clicks_to"].items()
        ]
    return found


def _count(count: int | None) -> str:
    return f"more than {MOST_CLICKS}" if count is None else str(count)


def _both(iou: float | None, accuracy: float | None) -> str:
    return "-".ljust(13) if iou is None else f"{iou:.3f} ({accuracy:.3f})"
