# SPDX-License-Identifier: GPL-3.0-or-later
"""The benchmark's figures: one row per program and graph, and how the programs compare over seeds."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

OURS = "ours"
OFFICIAL = "official"

COSTS = {"seconds": "s", "cpu": "CPU s", "peak": "peak MB", "increase": "+MB"}
LOSSES = {"loss_log": "loss logC", "loss": "loss C"}
ERRORS = {
    "centre": "centre",
    "rotation": "rot °",
    "focal": "focal",
    "median": "median",
    "mean": "mean",
    "p95": "p95",
    "inside": "inside",
    "boundary": "bound.",
    "boundary_mean": "bound. mean",
}
FIGURES = {**COSTS, **LOSSES, **ERRORS}
"""What is measured, and the heading it has in the table. All lengths in % of the scene's median depth."""


@dataclass(frozen=True)
class Row:
    """What one program made of one graph.

    Attributes:
        series: "cases" or "growth".
        case: which corruption, or "noise" in the growth series.
        graph: hash of the graph.
        program: "ours", "ours, W = C", "official 100" and the like.
        kept: taken from an earlier run of the benchmark, so its costs are of another hour.
        known: share of the pixels the program gives a depth for.
        figures: by the names in ``FIGURES``; empty where it failed.
        failed: what it said when it failed.
    """

    series: str
    case: str
    seed: int
    views: int
    edges: int
    graph: str
    program: str
    kept: bool
    known: float
    figures: dict[str, float]
    failed: str = ""


@dataclass(frozen=True)
class Ratio:
    """Ours divided by the other program's figure: the median over seeds, and the worst seed."""

    median: float
    worst: float
    worst_seed: int
    seeds: int


def ratio(rows: Iterable[Row], against: str, figure: str, of: str = OURS) -> Ratio | None:
    """Compare ``of`` with ``against`` seed by seed; None where no graph has both."""
    rows = list(rows)
    other = {row.graph: row for row in rows if row.program == against and not row.failed}
    quotients = [
        (row.figures[figure] / other[row.graph].figures[figure], row.seed)
        for row in rows
        if row.program == of and not row.failed and row.graph in other
    ]
    if not quotients:
        return None
    worst, seed = max(quotients)
    return Ratio(statistics.median(q for q, _ in quotients), worst, seed, len(quotients))


def median_figure(rows: Iterable[Row], program: str, figure: str) -> float | None:
    """Median of a figure over the graphs a program managed; None where there is none."""
    values = [row.figures[figure] for row in rows if row.program == program and not row.failed]
    return statistics.median(values) if values else None


def variants_in(rows: Iterable[Row]) -> list[str]:
    """Our programs of these rows, the one shipped first."""
    return sorted({row.program for row in rows if row.program.startswith(OURS)})


def others_in(rows: Iterable[Row]) -> list[str]:
    """The other programs of these rows, fewest iterations first."""
    names = {row.program for row in rows if row.program.startswith(OFFICIAL)}
    return sorted(names, key=iterations_of)


def iterations_of(other: str) -> int:
    """300 of "official 300"."""
    return int(other.rsplit(" ", 1)[1])


def write_rows(path: Path, rows: Sequence[Row], conditions: dict[str, object]) -> None:
    """Everything measured and under which conditions, as JSON."""
    partial = path.with_suffix(".part")
    partial.write_text(
        json.dumps({"conditions": conditions, "rows": [asdict(row) for row in rows]}, indent=1)
    )
    partial.replace(path)


def read_rows(path: Path) -> list[Row]:
    """The rows ``write_rows`` wrote."""
    return [Row(**row) for row in json.loads(path.read_text())["rows"]]
