# SPDX-License-Identifier: GPL-3.0-or-later
"""Scores -> the paper's tables: a row per scene, the mean last; alpha_p on the left, alpha_n on the right."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from .columns import ALPHAS, DEFAULT, WITHOUT, Column, sweeps
from .measure import Score


@dataclass(frozen=True)
class Cell:
    """mIoU in percent: mean over the seeds, and their spread (standard deviation; 0 with one seed)."""

    mean: float
    spread: float
    seeds: int


def row_of(score: Score) -> str:
    """A reconstruction's objects are rows of their own; those of a corruption share one."""
    return f"{score.case} {score.object}" if score.seed is None else score.case


def cell(scores: Sequence[Score]) -> Cell:
    """One row and column: views, then objects, are averaged within a seed; then seeds."""
    by_seed: dict[int | None, dict[str, list[float]]] = {}
    for score in scores:
        by_seed.setdefault(score.seed, {}).setdefault(score.object, []).append(score.iou)
    seeds = [
        100 * float(np.mean([np.mean(views) for views in objects.values()])) for objects in by_seed.values()
    ]
    return Cell(float(np.mean(seeds)), float(np.std(seeds, ddof=1)) if len(seeds) > 1 else 0.0, len(seeds))


def table(scores: Sequence[Score], columns: Sequence[Column]) -> dict[str, dict[Column, Cell]]:
    """Row name -> column -> cell; the last row is the mean over the rows, with the mean of their spreads."""
    rows: dict[str, dict[Column, Cell]] = {}
    for name in dict.fromkeys(row_of(score) for score in scores):
        of_row = [score for score in scores if row_of(score) == name]
        rows[name] = {column: cell([s for s in of_row if s.column == column]) for column in columns}
    if rows:
        rows["mean"] = {
            column: Cell(
                float(np.mean([row[column].mean for row in rows.values()])),
                float(np.mean([row[column].spread for row in rows.values()])),
                min(row[column].seeds for row in rows.values()),
            )
            for column in columns
        }
    return rows


def gain(scores: Sequence[Score], column: Column) -> dict[str, Cell]:
    """Row name -> how many points of mIoU ``column`` is above "without DGA", paired by seed."""
    gains = {}
    for name in dict.fromkeys(row_of(score) for score in scores):
        of_row = [score for score in scores if row_of(score) == name]
        differences = []
        for seed in dict.fromkeys(score.seed for score in of_row):
            pair = [cell([s for s in of_row if s.seed == seed and s.column == c]) for c in (column, WITHOUT)]
            differences.append(pair[0].mean - pair[1].mean)
        spread = float(np.std(differences, ddof=1)) if len(differences) > 1 else 0.0
        gains[name] = Cell(float(np.mean(differences)), spread, len(differences))
    return gains


def text(scores: Sequence[Score], form: str, alphas: Sequence[float] = ALPHAS) -> str:
    """The table of one form as text, group by group."""
    lines = []
    halves, default = sweeps(form, alphas), Column(form, *DEFAULT)
    columns = [*dict.fromkeys((*halves[0], *halves[1])), default, WITHOUT]
    width = 7 * max(len(alphas), 3)
    for group in dict.fromkeys(score.group for score in scores):
        of_group = [score for score in scores if score.group == group]
        rows, gains = table(of_group, columns), gain(of_group, default)
        spread = any(cell.seeds > 1 for row in rows.values() for cell in row.values())
        numbers = "".join(f"{alpha:7.1f}" for alpha in alphas)
        lines += [
            "",
            f"{group}; weights: {form}; mIoU in %",
            f"{'':28}{'alpha_p (n = 0)':>{width}} |{'alpha_n (p = 0)':>{width}} | p, n =  without   gain",
            f"{'':28}{numbers:>{width}} |{numbers:>{width}} |{DEFAULT[0]:4.1f} {DEFAULT[1]:3.1f}      DGA"
            + ("          spread over seeds" if spread else ""),
        ]
        for name, row in rows.items():
            cells = ["".join(f"{row[c].mean:7.1f}" for c in half) for half in halves]
            last = f"{row[default].mean:8.1f}{row[WITHOUT].mean:9.1f}"
            more = gains[name] if name in gains else _mean(list(gains.values()))
            lines.append(
                f"{name:28}{cells[0]:>{width}} |{cells[1]:>{width}} |{last}{more.mean:+7.2f}"
                + (f"{f'{row[default].spread:.1f}, gain {more.spread:.2f}':>20}" if spread else "")
            )
    return "\n".join(lines)


def _mean(cells: Sequence[Cell]) -> Cell:
    def over(of: Callable[[Cell], float]) -> float:
        return float(np.mean([of(cell) for cell in cells]))

    return Cell(over(lambda c: c.mean), over(lambda c: c.spread), min(c.seeds for c in cells))


def as_json(scores: Sequence[Score]) -> list[dict[str, Any]]:
    """Every score, for whoever wants other means."""
    return [
        {**{key: value for key, value in asdict(score).items() if key != "column"}, **asdict(score.column)}
        for score in scores
    ]
