# SPDX-License-Identifier: GPL-3.0-or-later
"""All programs on one graph, each in its own process, judged at the same pixels against the same truth."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from benchmarks.alignment_parts.cases import write_pair_graph
from benchmarks.alignment_parts.files import RunFacts, read_graph
from benchmarks.alignment_parts.metrics import errors, objective
from benchmarks.alignment_parts.rows import Row
from benchmarks.alignment_parts.runs import Program, Reuse, Run, RunFailed, is_kept, run
from tests.synthetic import TrueView
from wildseg3d_blender.pipeline.pair_graph import PairGraph


@dataclass(frozen=True)
class Label:
    """Which graph of the benchmark this is."""

    series: str
    case: str
    seed: int


def compare(
    label: Label,
    views: Sequence[TrueView],
    graph: PairGraph,
    programs: Sequence[Program],
    results: Path,
    reuse: Reuse,
    repeats: int,
) -> list[Row]:
    """One row per program. Ours runs ``repeats`` times, and its costs are their medians.

    With ``Reuse.ONLY_KEPT`` programs of which nothing was kept are left out.
    """
    with tempfile.TemporaryDirectory(prefix="wildseg3d-bench-") as scratch:
        folder = Path(scratch) / "graph"
        graph_hash = write_pair_graph(folder, graph)
        if reuse is Reuse.ONLY_KEPT:
            programs = [
                one for one in programs if one.iterations is None or is_kept(results, one, graph_hash)
            ]
        runs: dict[str, list[Run]] = {}
        failed: dict[str, str] = {}
        for program in programs:
            count = repeats if program.iterations is None else 1
            try:
                runs[program.name] = [run(program, folder, graph_hash, results, reuse) for _ in range(count)]
            except RunFailed as reason:
                failed[program.name] = str(reason)
        figures = _figures(folder, views, runs)
    return [
        Row(
            series=label.series,
            case=label.case,
            seed=label.seed,
            views=len(graph.views),
            edges=len(graph.edges),
            graph=graph_hash,
            program=program.name,
            kept=program.name in runs and runs[program.name][0].kept,
            known=float(runs[program.name][0].placed.known.mean()) if program.name in runs else 0.0,
            figures=figures.get(program.name, {}),
            failed=failed.get(program.name, ""),
        )
        for program in programs
    ]


def _figures(
    folder: Path, views: Sequence[TrueView], runs: dict[str, list[Run]]
) -> dict[str, dict[str, float]]:
    """Costs, losses and errors by program; errors where every program has a depth."""
    if not runs:
        return {}
    judged = np.logical_and.reduce([tries[0].placed.known for tries in runs.values()])
    graph = read_graph(folder)
    figures = {}
    for name, tries in runs.items():
        placed = tries[0].placed
        figures[name] = {
            **costs([one.facts for one in tries]),
            "loss_log": objective(placed, *graph, judged, np.log),
            "loss": objective(placed, *graph, judged, np.asarray),
            **asdict(errors(placed, views, judged)),
        }
    return figures


def costs(facts: Sequence[RunFacts]) -> dict[str, float]:
    """Seconds and megabytes, the median of each over repeated runs."""
    return {
        "seconds": statistics.median(one.seconds for one in facts),
        "cpu": statistics.median(one.cpu_seconds for one in facts),
        "peak": statistics.median(one.memory_peak_mb for one in facts),
        "increase": statistics.median(one.memory_peak_mb - one.memory_before_mb for one in facts),
    }
