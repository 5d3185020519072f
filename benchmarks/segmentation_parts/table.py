# SPDX-License-Identifier: GPL-3.0-or-later
"""The figures as text: while measuring, and in the end as a page of Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from wildseg3d_blender.pipeline.evaluation import MOST_CLICKS

from .measured import ROUNDS

Figures = Mapping[str, Any]
CLICKS = [f"{count} click{'s' * (count > 1)}" for count in ROUNDS]
HEADS = [*CLICKS, "box", "to .85", "to .90"]
WIDE, CELL = 26, 13


def object_lines(name: str, result: Figures, ways: Sequence[str]) -> list[str]:
    """What is printed of one object: a row per way, and the means over all views where they were clicked."""
    lines = [f"\n{name}, clicked in {result['view']} (IoU clicked / mean of the others)", _line("", HEADS)]
    for way in ways:
        lines.append(_line(way, _cells(result[way])))
        mean = result[way]["every_view"]
        if mean["count"] > 1:
            lines.append(_line(f"  mean of {mean['count']} views", _cells(mean)))
    unseen = result.get("held_out")
    if unseen:
        scores = [f"- / {_number(entry['iou'])}" for entry in unseen["rounds"]]
        lines.append(_line(f"  3D in {', '.join(unseen['photos'])}", scores))
    return lines


def scene_means(objects: Mapping[str, Figures], ways: Sequence[str], every_view: bool) -> dict[str, Any]:
    """Means over objects by way: ``rounds`` and ``box`` with ``iou`` and ``accuracy`` in views not clicked,
    ``clicks_to`` each goal; and ``held_out``: by round, of the 3D object in photos left out.

    Args:
        every_view: of the means over all clicked views instead of the one view.
    """
    means: dict[str, Any] = {}
    for way in ways:
        of = [item[way]["every_view"] if every_view else item[way] for item in objects.values()]
        means[way] = {
            "rounds": [_others([entry["rounds"][k] for entry in of]) for k in range(len(ROUNDS))],
            "box": _others([entry["box"] for entry in of]),
            "clicks_to": {
                # A way that is given up on earlier cannot be compared.
                goal: _mean(_counted(entry, goal) for entry in of if entry["most"] >= MOST_CLICKS)
                for goal in of[0]["clicks_to"]
            },
        }
    unseen = [item["held_out"]["rounds"] for item in objects.values() if item.get("held_out")]
    means["held_out"] = [
        {name: _mean(entry[k][name] for entry in unseen) for name in ("iou", "accuracy")}
        for k in range(len(ROUNDS))
    ]
    return means


def summary(scenes: Mapping[str, Figures], ways: Sequence[str], *, pictures: bool) -> str:
    """The page: means per scene, then times, then every object of every scene."""
    lines = ["# Segmentation", "", *means_table(scenes, ways)]
    lines += ["", "## Times", "", "CPU seconds, median over objects (slowest).", "", *_times_table(scenes)]
    lines += ["", "## Objects", "", "IoU in the clicked view / mean of the others.", ""]
    lines += _head(["scene", "object", "view", "way", *HEADS])
    for scene, figures in scenes.items():
        for name, item in figures["objects"].items():
            lines += [_row([scene, name, item["view"], way, *_cells(item[way])]) for way in ways]
    if pictures:
        lines += ["", "## Pictures", ""]
        lines += [f"![{scene}]({scene}.png)" for scene in scenes]
    return "\n".join(lines) + "\n"


def means_table(scenes: Mapping[str, Figures], ways: Sequence[str]) -> list[str]:
    """Means over the objects of each scene."""
    lines = ["IoU (pixel accuracy) in the views not clicked, mean over objects.", ""]
    lines += _head(["scene", "way", *CLICKS, "box", "clicks to .85", "to .90"])
    for scene, figures in scenes.items():
        means = figures["means"]
        for way in ways:
            scores = [_both(entry) for entry in (*means[way]["rounds"], means[way]["box"])]
            goals = [_number(count, 1) for count in means[way]["clicks_to"].values()]
            lines.append(_row([scene, way, *scores, *goals]))
        unseen = [_both(entry) for entry in means["held_out"]]
        lines.append(_row([scene, "3D object in a photo left out", *unseen, "", "", ""]))
    return lines


def _times_table(scenes: Mapping[str, Figures]) -> list[str]:
    kinds = ["first click", "correction", "box"]
    lines = _head(["scene", "views", "prepare", *kinds, "cached lookup", "GrabCut + 3D"])
    for scene, figures in scenes.items():
        times = figures["seconds"]
        answers = [f"{times[kind]['median']:.3f} ({times[kind]['slowest']:.3f})" for kind in kinds]
        others = [f"{1e3 * times['lookup']:.1f} ms", f"{times['grabcut']:.2f}"]
        lines.append(_row([scene, str(figures["views"]), f"{times['prepare']:.1f}", *answers, *others]))
    return lines


def _cells(result: Figures) -> list[str]:
    """Clicked view / mean of the others per round and for the box, then the clicks that the goals took."""
    pairs = [
        f"{entry['iou_clicked']:.2f} / {_number(entry.get('mean_iou_others'))}"
        for entry in (*result["rounds"], result["box"])
    ]
    counts = result["clicks_to"].values()
    return [*pairs, *(f">{result['most']}" if count is None else f"{count:.3g}" for count in counts)]


def _others(entries: Sequence[Figures]) -> dict[str, float | None]:
    return {
        name: _mean(entry.get(f"mean_{name}_others") for entry in entries) for name in ("iou", "accuracy")
    }


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None


def _counted(entry: Figures, goal: str) -> float:
    count = entry["clicks_to"][goal]
    return float(entry["most"] if count is None else count)


def _line(label: str, cells: Sequence[str]) -> str:
    return label.ljust(WIDE) + "".join(cell.rjust(CELL) for cell in cells)


def _head(names: Sequence[str]) -> list[str]:
    return [_row(names), "|" + "---|" * len(names)]


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _both(entry: Figures) -> str:
    return f"{_number(entry['iou'], 3)} ({_number(entry['accuracy'], 3)})"


def _number(value: float | None, digits: int = 2) -> str:
    return "-" if value is None else f"{value:.{digits}f}"
