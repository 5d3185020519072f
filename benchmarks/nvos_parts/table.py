# SPDX-License-Identifier: GPL-3.0-or-later
"""Scenes' figures as a table beside the paper's, and as plain data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from benchmarks.dga_parts.columns import Column
from benchmarks.dga_parts.table import as_json, table

from . import paper
from .workflow import FORM, SceneResult, Setting

STAGES = ("pointmaps", "alignment", "objects", "prompts", "aligning again")


def text(results: Sequence[SceneResult], setting: Setting, truth: str, device: str, wanted: int) -> str:
    """The whole report; ``wanted`` is how many scenes were to be run."""
    lines = [
        f"NVOS: {setting.engine} + {setting.segmenter}, {setting.quality}, {setting.photos} photos, "
        f"{setting.image_size} px, on {device}; truth: {truth}",
        "IoU and accuracy in % of the object's points projected into the photo that has truth: those of",
        "all photos, and those of the other photos alone. Seconds of wall time. A scene's IoU in the paper",
        "is its ablation's at alpha_p = 0.5, alpha_n = 0; its means are its main table's.",
        "",
        f"{'':14}{'':7}{'IoU':>7}{'acc':>7}{'others':>8}{'acc':>7}  |"
        + "".join(f"{stage:>{_width(stage)}}" for stage in STAGES)
        + f"{'total':>8}{'a click':>11}  |{'paper: IoU':>11}{'acc':>6}{'total':>7}",
    ]
    for result in results:
        at_default = paper.ALPHA_P[result.name][paper.ALPHAS.index(0.5)] if _known(result) else None
        lines.append(_line(result.name, f"{result.placed}/{result.photos}", [result], at_default))
    told = paper.METHODS["WildSeg3D"]
    last = _line("mean", f"{len(results)}/{wanted}", results, told.iou)
    lines.append(last + f"{told.accuracy:6.1f}{told.seconds:7.0f}")
    lines += ["", "The paper's table: mIoU, accuracy, seconds"]
    lines += [f"{name:14}{m.iou:6.1f}{m.accuracy:6.1f}{m.seconds:7.0f}" for name, m in paper.METHODS.items()]
    lines.append("and {} to {} ms for a prompt answered from stored masks.".format(*paper.PROMPT_MS))
    if setting.alphas:
        lines += ["", *_ablation(results, setting.alphas)]
    return "\n".join(lines)


def data(results: Sequence[SceneResult]) -> list[dict[str, Any]]:
    """Every figure."""
    return [
        {**asdict(result), "ablation": as_json(result.ablation), "total": result.total} for result in results
    ]


def _known(result: SceneResult) -> bool:
    return result.name in paper.ALPHA_P


def _width(stage: str) -> int:
    return len(stage) + 2


def _line(name: str, count: str, results: Sequence[SceneResult], reported: float | None) -> str:
    """A row: means over ``results``."""

    def mean(values: Sequence[float]) -> float:
        return float(np.mean(values))

    shares = (
        (7, [r.iou for r in results]),
        (7, [r.accuracy for r in results]),
        (8, [r.others_iou for r in results]),
        (7, [r.others_accuracy for r in results]),
    )
    line = f"{name:14}{count:>7}" + "".join(f"{100 * mean(v):{width}.1f}" for width, v in shares) + "  |"
    line += "".join(
        f"{mean([r.seconds.get(stage, 0.0) for r in results]):{_width(stage)}.1f}" for stage in STAGES
    )
    line += f"{mean([r.total for r in results]):8.1f}{mean([r.prompt_ms for r in results]):8.0f} ms  |"
    return line + (f"{reported:11.1f}" if reported is not None else f"{'':11}")


def _ablation(results: Sequence[SceneResult], alphas: Sequence[float]) -> list[str]:
    """Both sweeps, from the points of the other photos; under each row the paper's where it has those."""
    scores = [score for result in results for score in result.ablation]
    halves = (
        [Column(FORM, alpha_p=alpha) for alpha in alphas],
        [Column(FORM, alpha_n=alpha) for alpha in alphas],
    )
    rows = table(scores, list(dict.fromkeys([*halves[0], *halves[1]])))
    width = 7 * len(alphas)
    heads = "".join(f"{alpha:7.1f}" for alpha in alphas)
    lines = [
        "mIoU in % over alpha_p (alpha_n = 0) and alpha_n (alpha_p = 0), from the other photos' points",
        f"{'':20}{heads:>{width}} |{heads:>{width}}",
    ]
    for row, (name, cells) in zip([*(r.name for r in results), "mean"], rows.items(), strict=True):
        ours = ["".join(f"{cells[column].mean:7.1f}" for column in half) for half in halves]
        lines.append(f"{name if row == 'mean' else row:20}{ours[0]} |{ours[1]}")
        if row in paper.ALPHA_P:
            told = [_reported(sweep[row], alphas) for sweep in (paper.ALPHA_P, paper.ALPHA_N)]
            lines.append(f"{'  the paper':20}{told[0]} |{told[1]}")
    return lines


def _reported(row: Sequence[float], alphas: Sequence[float]) -> str:
    known = dict(zip(paper.ALPHAS, row, strict=True))
    return "".join(f"{known[alpha]:7.1f}" if alpha in known else f"{'':7}" for alpha in alphas)
