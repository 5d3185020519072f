# SPDX-License-Identifier: GPL-3.0-or-later
"""Alignment beside DUSt3R's PointCloudOptimizer, on synthetic views with exact truth, in one run.

    python -m benchmarks.alignment [--seeds 10] [--keep-official] [--cases NAME ...] [--growth N ...]

Five corruptions of six views with 30 directed edges, over ``--seeds`` seeds, then a growing number of views.
Each run has a process and one thread to itself. DUSt3R's optimizer needs its own environment, which
``make bench-alignment`` builds; 300 of its iterations take about one and a half minutes. Its results are kept
in the output folder by a hash of their graph and taken again only with ``--keep-official``; the table says
so. Seconds mean something on a quiet machine only; errors do not depend on it.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.alignment_parts.cases import CASES, growing, six_views
from benchmarks.alignment_parts.compare import Label, compare
from benchmarks.alignment_parts.rows import Row, write_rows
from benchmarks.alignment_parts.runs import ROOT, THREADS, Program, Reuse, official, ours
from benchmarks.alignment_parts.table import report
from tests.synthetic import TrueView
from wildseg3d_blender.pipeline.pair_graph import PairGraph

OFFICIAL_PYTHON = ROOT / ".venv-official" / "bin" / "python"
OUT = ROOT / "benchmarks" / "out" / "alignment"
GROWTH = (4, 6, 10, 20, 50, 100)
GROWTH_ITERATIONS = 100


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; writes table.txt, results.json and plot.png, and prints the table."""
    options = parse(arguments)
    if options.official and not OFFICIAL_PYTHON.exists():
        print(
            f"{OFFICIAL_PYTHON} is missing: `make bench-alignment` builds it, or use --official with nothing."
        )
        return 1
    options.out.mkdir(parents=True, exist_ok=True)
    conditions = {
        "began": time.strftime("%Y-%m-%d %H:%M:%S"),
        "load_before": os.getloadavg()[0],
        "processors": os.cpu_count(),
        "threads_each": THREADS,
        "arguments": sys.argv[1:] if arguments is None else list(arguments),
    }
    print(
        f"Load {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors; results in {options.out}", flush=True
    )
    rows: list[Row] = []
    for task in plan(options):
        print(
            f"{time.strftime('%H:%M:%S')} {task.label.case}, {task.views} views, seed {task.label.seed}",
            flush=True,
        )
        views, graph = task.build()
        rows += compare(
            task.label,
            views,
            graph,
            task.programs,
            options.out / "runs",
            options.reuse,
            options.repeats,
        )
        write_rows(options.out / "results.json", rows, conditions)
        (options.out / "table.txt").write_text(report(rows))
    print("\n" + report(rows))
    draw(options.out)
    return 0


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--seeds", type=int, default=1, help="how many seeds, from --first-seed on (10 for the claims)"
    )
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--cases", nargs="*", choices=list(CASES), default=list(CASES), metavar="NAME")
    parser.add_argument("--official", nargs="*", type=int, default=[100, 300], metavar="ITERATIONS")
    parser.add_argument("--growth", nargs="*", type=int, default=list(GROWTH), metavar="VIEWS")
    parser.add_argument(
        "--growth-official",
        nargs="*",
        type=int,
        default=[4, 6, 10],
        metavar="VIEWS",
        help="numbers of views at which the official optimizer runs too, 100 iterations",
    )
    reuse = parser.add_mutually_exclusive_group()
    reuse.add_argument(
        "--keep-official",
        dest="reuse",
        action="store_const",
        const=Reuse.KEPT,
        help="take the official results of earlier runs, run those that are missing",
    )
    reuse.add_argument(
        "--only-kept-official",
        dest="reuse",
        action="store_const",
        const=Reuse.ONLY_KEPT,
        help="take the official results of earlier runs, leave out those that are missing",
    )
    parser.set_defaults(reuse=Reuse.NOTHING)
    parser.add_argument(
        "--repeats", type=int, default=3, help="runs of ours per graph; costs are their median"
    )
    parser.add_argument("--out", type=Path, default=OUT)
    return parser.parse_args(arguments)


@dataclass(frozen=True)
class Task:
    """One graph and the programs that get it."""

    label: Label
    views: int
    build: Callable[[], tuple[list[TrueView], PairGraph]]
    programs: tuple[Program, ...]


def plan(options: argparse.Namespace) -> Iterator[Task]:
    """Seeds outermost, so that a run broken off has whole seeds; then the growth series."""
    others = tuple(official(OFFICIAL_PYTHON, count) for count in options.official)
    for seed in range(options.first_seed, options.first_seed + options.seeds):
        for case in options.cases:
            yield Task(Label("cases", case, seed), 6, partial(six_views, case, seed), (*ours(), *others))
    for count in options.growth:
        beside = (
            (official(OFFICIAL_PYTHON, GROWTH_ITERATIONS),)
            if options.official and count in options.growth_official
            else ()
        )
        yield Task(
            Label("growth", "noise", options.first_seed),
            count,
            partial(growing, count, options.first_seed),
            (*ours(), *beside),
        )


def draw(out: Path) -> None:
    """The plot, by the matplotlib of the other environment."""
    if not OFFICIAL_PYTHON.exists():
        print("No plot: matplotlib is in the environment that `make bench-alignment` builds.")
        return
    subprocess.run(
        [OFFICIAL_PYTHON, "-m", "benchmarks.alignment_parts.plot", out / "results.json", out / "plot.png"],
        cwd=ROOT,
        check=True,
    )
    print(f"{out / 'plot.png'}")


if __name__ == "__main__":
    raise SystemExit(main())
