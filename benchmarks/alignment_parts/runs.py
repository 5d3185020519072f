# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs each program in a process of its own; results of the other are kept by what they were made of."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from benchmarks.alignment_parts.files import Placed, RunFacts, read_result
from benchmarks.alignment_parts.rows import OFFICIAL, OURS

ROOT = Path(__file__).resolve().parents[2]
THREADS = 1


@dataclass(frozen=True)
class Program:
    """One line of the comparison: DUSt3R's optimizer if it has ``iterations``, else ours with ``weights``."""

    name: str
    python: Path
    iterations: int | None = None
    weights: str = ""


@dataclass(frozen=True)
class Run:
    """What one program made of one graph; ``kept`` tells that it ran in an earlier benchmark."""

    placed: Placed
    facts: RunFacts
    kept: bool


class Reuse(Enum):
    """What becomes of the other program's results of earlier runs; ours always runs."""

    NOTHING = "run again"
    KEPT = "take what was kept, run the rest"
    ONLY_KEPT = "take what was kept, leave out the rest"


class RunFailed(Exception):
    """A program stopped with an error; the text is the end of what it wrote."""


def ours() -> tuple[Program, ...]:
    """This project's alignment: as shipped, without DGA, and with the weights of the other program."""
    python = Path(sys.executable)
    return (
        Program(OURS, python, weights="dga"),
        Program(f"{OURS}, W = C", python, weights="confidence"),
        Program(f"{OURS}, W = log C", python, weights="log"),
    )


def official(python: Path, iterations: int) -> Program:
    """DUSt3R's optimizer in its own environment."""
    return Program(f"{OFFICIAL} {iterations}", python, iterations)


def result_folder(results: Path, program: Program, graph_hash: str) -> Path:
    """Where a program's result on a graph lies: named by all that decides it."""
    made_by = f"ours-{program.weights}" if program.iterations is None else f"official-{program.iterations}"
    return results / f"{graph_hash}-{made_by}-threads{THREADS}"


def is_kept(results: Path, program: Program, graph_hash: str) -> bool:
    """Whether an earlier run left a whole result of the other program."""
    return (
        program.iterations is not None and (result_folder(results, program, graph_hash) / "run.json").exists()
    )


def run(program: Program, graph: Path, graph_hash: str, results: Path, reuse: Reuse) -> Run:
    """Run ``program`` on the graph in folder ``graph``, or take what an earlier run kept.

    Raises:
        RunFailed: the program ended with an error.
    """
    folder = result_folder(results, program, graph_hash)
    if reuse is not Reuse.NOTHING and is_kept(results, program, graph_hash):
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
        return [
            *(str(program.python), "-m", "benchmarks.alignment_parts.ours", str(graph), str(folder)),
            *("--weights", program.weights, "--threads", str(THREADS)),
        ]
    return [
        *(str(program.python), "-W", "ignore", "-m", "benchmarks.official.run", str(graph), str(folder)),
        *("--iterations", str(program.iterations), "--threads", str(THREADS)),
    ]


def environment() -> dict[str, str]:
    """The same number of threads for every library of both programs."""
    names = ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
    return {**os.environ, **dict.fromkeys(names, str(THREADS))}
