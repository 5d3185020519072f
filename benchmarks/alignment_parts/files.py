# SPDX-License-Identifier: GPL-3.0-or-later
"""What the benchmark's processes hand each other: a pair graph as plain arrays, and what a run made of it.

Needs nothing but numpy, so that both environments can read it. All views of a graph have one size.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Placed:
    """Where a run placed N views of (H, W) pixels and E edges; world and unit are the run's own.

    Attributes:
        cam_to_world: (N, 4, 4).
        K: (N, 3, 3) view pixels, centres at half-integers.
        depth: (N, H, W) float32 along the camera's z.
        known: (N, H, W) bool, which depths the run stands for.
        edge_scale, edge_rotation, edge_translation: (E,), (E, 3, 3), (E, 3): X -> s R X + t takes the edge's
            points to the world; NaN where the run used no such edge.
    """

    cam_to_world: Floats
    K: Floats
    depth: NDArray[np.float32]
    known: NDArray[np.bool_]
    edge_scale: Floats
    edge_rotation: Floats
    edge_translation: Floats


@dataclass(frozen=True)
class RunFacts:
    """What a run cost. Memory is resident, in megabytes: before the graph was read, and at the highest.

    ``own_loss`` is what the program itself says it reached; the two programs do not mean the same by it.
    """

    seconds: float
    cpu_seconds: float
    memory_before_mb: float
    memory_peak_mb: float
    iterations: int
    own_loss: float
    threads: int
    versions: dict[str, str]


def write_graph(
    folder: Path, edges: NDArray[np.int64], points: NDArray[np.float32], confidence: NDArray[np.float32]
) -> str:
    """Write edges (E, 2), points (E, 2, H, W, 3) and confidence (E, 2, H, W), slot 0 view i, slot 1 view j.

    Returns:
        A hash of the content, 16 hexadecimal digits.
    """
    folder.mkdir(parents=True)
    digest = hashlib.sha256()
    for name, array in (("edges", edges), ("points", points), ("confidence", confidence)):
        digest.update(f"{name} {array.dtype} {array.shape}".encode())
        digest.update(np.ascontiguousarray(array).data)
        np.save(folder / f"{name}.npy", array, allow_pickle=False)
    return digest.hexdigest()[:16]


def read_graph(folder: Path) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.float32]]:
    """Edges, points and confidence as written, memory-mapped and read-only."""
    edges, points, confidence = (
        np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False)
        for name in ("edges", "points", "confidence")
    )
    return edges, points, confidence


def write_result(folder: Path, placed: Placed, facts: RunFacts) -> None:
    """Write both; ``run.json`` comes last, so a folder that has it is complete."""
    folder.mkdir(parents=True, exist_ok=True)
    np.savez(folder / "placed.npz", **{field.name: getattr(placed, field.name) for field in fields(Placed)})
    partial = folder / "run.json.part"
    partial.write_text(json.dumps(asdict(facts), indent=2))
    partial.replace(folder / "run.json")


def read_result(folder: Path) -> tuple[Placed, RunFacts]:
    """What ``write_result`` wrote."""
    facts = RunFacts(**json.loads((folder / "run.json").read_text()))
    with np.load(folder / "placed.npz", allow_pickle=False) as arrays:
        placed = Placed(**{field.name: arrays[field.name] for field in fields(Placed)})
    return placed, facts
