# SPDX-License-Identifier: GPL-3.0-or-later
"""The benchmark's picture; needs matplotlib, so it runs in the other program's environment.

.venv-official/bin/python -m benchmarks.alignment_parts.plot results.json plot.png
"""

from __future__ import annotations

import statistics
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib

from benchmarks.alignment_parts.rows import Row, others_in, read_rows, variants_in

PANELS = {
    "seconds": "seconds",
    "increase": "memory above imports, MB",
    "loss_log": "loss, weights log C",
    "centre": "camera centre",
    "rotation": "rotation, degrees",
    "focal": "focal length, %",
    "median": "points, median",
    "mean": "points, mean",
    "p95": "points, 95th percentile",
    "inside": "inside objects, median",
    "boundary": "objects' outline ±3 px, median",
    "boundary_mean": "objects' outline ±3 px, mean",
}
GROWING = {"seconds": "seconds", "increase": "memory above imports, MB"}
OUR_COLOURS = ("#0b6e4f", "#52b788", "#3a86ff")
OTHER_COLOURS = ("#f2a65a", "#c8553d", "#6d2e46")
COLUMNS = 5


def main(arguments: Sequence[str]) -> int:
    """Draw ``results.json`` as ``plot.png``."""
    source, target = (Path(argument) for argument in arguments)
    matplotlib.use("Agg")
    from matplotlib import pyplot

    rows = [row for row in read_rows(source) if not row.failed]
    colours = colours_of(rows)
    figure, axes = pyplot.subplots(3, COLUMNS, figsize=(22, 13), layout="constrained")
    panels = list(axes.flat)
    cases = [row for row in rows if row.series == "cases"]
    for axis, (name, title) in zip(panels, PANELS.items(), strict=False):
        draw_cases(axis, cases, name, title, colours)
    growth = [row for row in rows if row.series == "growth"]
    for axis, (name, title) in zip(panels[len(PANELS) :], GROWING.items(), strict=False):
        draw_growth(axis, growth, name, title, colours)
    draw_legend(panels[len(PANELS) + len(GROWING)], colours, rows)
    figure.suptitle(
        "Alignment beside DUSt3R's PointCloudOptimizer. A dot per seed, a bar at the median; "
        "lengths in % of the median depth",
        fontsize=15,
    )
    figure.savefig(target, dpi=80)
    return 0


def colours_of(rows: Sequence[Row]) -> dict[str, str]:
    """A colour for each program, ours in green."""
    return {
        **dict(zip(variants_in(rows), OUR_COLOURS, strict=False)),
        **dict(zip(others_in(rows), OTHER_COLOURS, strict=False)),
    }


def draw_cases(axis: Any, rows: Sequence[Row], figure: str, title: str, colours: dict[str, str]) -> None:
    """One figure: cases side by side, programs within a case."""
    cases = list(dict.fromkeys(row.case for row in rows))
    width = 0.8 / max(len(colours), 1)
    for number, (program, colour) in enumerate(colours.items()):
        for place, case in enumerate(cases):
            values = [row.figures[figure] for row in rows if row.case == case and row.program == program]
            if not values:
                continue
            x = place + (number - (len(colours) - 1) / 2) * width
            axis.plot([x] * len(values), values, "o", color=colour, alpha=0.45, markersize=4)
            axis.plot([x - 0.4 * width, x + 0.4 * width], [statistics.median(values)] * 2, color=colour, lw=4)
    axis.set_yscale("log")
    axis.set_title(title)
    axis.set_xticks(range(len(cases)), [case.replace(", ", ",\n").replace(" ", "\n", 1) for case in cases])
    axis.tick_params(axis="x", labelsize=8)
    plain_numbers(axis.yaxis)
    axis.grid(axis="y", which="both", alpha=0.25)


def draw_growth(axis: Any, rows: Sequence[Row], figure: str, title: str, colours: dict[str, str]) -> None:
    """One figure against the number of views, and what growth in proportion would be."""
    for program, colour in colours.items():
        points = sorted((row.views, row.figures[figure]) for row in rows if row.program == program)
        if points:
            axis.plot(*zip(*points, strict=True), "o-", color=colour, lw=2)
    first = sorted((row.views, row.edges, row.figures[figure]) for row in rows if row.program in colours)[:1]
    for _, edges, value in first:
        pairs = sorted({(row.views, value * row.edges / edges) for row in rows})
        axis.plot(*zip(*pairs, strict=True), "--", color="grey", lw=1)
    axis.set_xscale("log")
    axis.set_yscale("log")
    counts = sorted({row.views for row in rows})
    axis.set_xticks(counts, [str(count) for count in counts])
    axis.set_xticks([], minor=True)
    plain_numbers(axis.yaxis)
    axis.set_title(f"{title}, by number of views")
    axis.grid(which="both", alpha=0.25)


def plain_numbers(axis: Any) -> None:
    """0.2 in place of 2e-1 on a logarithmic axis, with some between the powers of ten."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())


def draw_legend(axis: Any, colours: dict[str, str], rows: Sequence[Row]) -> None:
    """Which colour is which program, and which figures are of another hour."""
    axis.axis("off")
    for program, colour in colours.items():
        kept = sum(row.kept for row in rows if row.program == program)
        label = f"{program} ({kept} runs kept from earlier)" if kept else program
        axis.plot([], [], color=colour, lw=6, label=label)
    axis.plot([], [], "--", color="grey", label="in proportion to the edges")
    axis.legend(loc="center", fontsize=13, frameon=False)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
