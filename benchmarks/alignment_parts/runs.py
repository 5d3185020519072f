# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs each program in a process of its own; results of the other are kept by what they were made of."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from benchmarks.alignment_parts.files import Placed, RunFacts, read_result

ROOT = Path(__file__).resolve().parents[2]
THREADS = 1


@dataclass(frozen=True)
class Program:
    """One column of the comparison; ``iterations`` is None for this project's own alignment."""

    name: str
    python: Path
    iterations: int | None = None


@dataclass(frozen=True)
class Run:
    """What one program made of one graph; ``kept`` tells that it ran in an earlier benchmark."""

    placed: Placed
    facts: RunFacts
    kept: bool


class RunFailed(Exception):
    """A program stopped with an error; the text is the end of what it wrote."""


def ours() -> Program:
    """This project's alignment in the environment the benchmark runs in."""
    return Program("ours", Path(sys.executable))


def official(python: Path, iterations: int) -> Program:
    """DUSt3R's optimizer in its own environment."""
    return Program(f"official {iterations}", python, iterations)


def result_folder(results: Path, program: Program, graph_hash: str) -> Path:
    """Where a program's result on a graph lies: named by all that decides it."""
    iterations = "ours" if program.iterations is None else f"official-{program.iterations}"
    return results / f"{graph_hash}-{iterations}-threads{THREADS}"


def run(program: Program, graph: Path, graph_hash: str, results: Path, *, reuse: bool) -> Run:
    """Run ``program`` on the graph in folder ``graph``, or with ``reuse`` take the result of an earlier run.

    Raises:
        RunFailed: the program ended with an error.
    """
    folder = result_folder(results, program, graph_hash)
    if reuse and program.iterations is not None and (folder / "run.json").exists():
        return Run(*read_result(folder), kept=True)
    shutil.rmtree(folder, ignore_errors=True)
    done = subprocess.run(
        command(program, graph, folder), cwd=ROOT, env=environment(), capture_output=True, text=True
    )
    if done.returncode:
        raise RunFailed(f"{program.name}: {done.stderr.strip()[-800:]}")
    return Run(*read_result(folder), kept=False)


def command(program: Program, graph: Path, folder: Path) -> list[str]:
    """The command line of one run."""
    if program.iterations is None:
        return [str(program.python), "-m", "benchmarks.alignment_parts.ours", str(graph), str(folder)]
    return [
        *(str(program.python), "-W", "ignore", "-m", "benchmarks.official.run", str(graph), str(folder)),
        *("--iterations", str(program.iterations), "--threads", str(THREADS)),
    ]


def environment() -> dict[str, str]:
    """The same number of threads for every library of both programs."""
    names = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
    return {**os.environ, **dict.fromkeys(names, str(THREADS))}
