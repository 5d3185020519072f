# SPDX-License-Identifier: GPL-3.0-or-later
"""One run of this project's alignment on a pair graph written by the benchmark, in a process of its own.

    python -m benchmarks.alignment_parts.ours GRAPH RESULT [--weights dga]

Seconds are those of ``align`` alone, its start included, as for the other program.
"""

from __future__ import annotations

import argparse
import platform
import time
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.alignment_parts.files import Placed, RunFacts, read_graph, write_result
from benchmarks.alignment_parts.memory import PeakMemory
from wildseg3d_blender.photo_warp import PhotoWarp
from wildseg3d_blender.pipeline.alignment import (
    Alignment,
    EdgeState,
    EdgeWeights,
    align,
    confidence_weights,
    dga_weights,
)
from wildseg3d_blender.pipeline.pair_graph import Edge, PairGraph, PairView
from wildseg3d_blender.pipeline.photos.reading import Photo


def main(arguments: Sequence[str] | None = None) -> int:
    """Run once and write the result."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("graph", type=Path)
    parser.add_argument("result", type=Path)
    parser.add_argument("--weights", choices=["dga", "confidence", "log"], default="dga")
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args(arguments)
    cv2.setNumThreads(options.threads)
    weights = weights_named(options.weights)
    memory = PeakMemory()
    graph = pair_graph_of(options.graph)
    wall, cpu = time.perf_counter(), time.process_time()
    alignment = align(graph, weights=weights)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    facts = RunFacts(
        seconds=wall,
        cpu_seconds=cpu,
        memory_before_mb=memory.before_mb,
        memory_peak_mb=memory.peak_mb(),
        iterations=alignment.iterations,
        own_loss=alignment.losses[-1],
        threads=options.threads,
        versions={"numpy": np.__version__, "opencv": cv2.__version__, "python": platform.python_version()},
    )
    write_result(options.result, placed(alignment), facts)
    return 0


def weights_named(name: str) -> EdgeWeights:
    """Those of DGA as shipped, the confidence alone, or its logarithm as DUSt3R's optimizer has it."""
    return {"dga": dga_weights(), "confidence": confidence_weights, "log": log_weights}[name]


def log_weights(
    edge: Edge,
    state: EdgeState | None,
    masks: tuple[NDArray[np.float32], NDArray[np.float32]] | None,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """W = log C, for confidence that is above 1 as a network's is."""
    return np.log(edge.confidence_i), np.log(edge.confidence_j)


def pair_graph_of(folder: Path) -> PairGraph:
    """The graph written to ``folder``: pointmaps memory-mapped, no hint of any camera, grey images."""
    edges, points, confidence = read_graph(folder)
    height, width = confidence.shape[2:]
    warp = PhotoWarp(np.eye(3), np.eye(3))
    image = np.full((height, width, 3), 128, dtype=np.uint8)
    views = [
        PairView(Photo(f"view{v:03d}", Path(f"view{v:03d}.jpg"), (width, height)), image, warp)
        for v in range(int(edges.max()) + 1)
    ]
    return PairGraph(
        tuple(views),
        tuple(
            Edge(int(i), int(j), points[e, 0], points[e, 1], confidence[e, 0], confidence[e, 1])
            for e, (i, j) in enumerate(edges)
        ),
    )


def placed(alignment: Alignment) -> Placed:
    """What ``align`` returned, as arrays."""
    edges = alignment.edge_to_world
    missing = np.full((3, 3), np.nan)
    return Placed(
        cam_to_world=alignment.cam_to_world,
        K=alignment.K,
        depth=np.stack(alignment.depth),
        known=np.stack([confidence > 0 for confidence in alignment.confidence]),
        edge_scale=np.array([np.nan if edge is None else edge.scale for edge in edges]),
        edge_rotation=np.stack([missing if edge is None else edge.rotation for edge in edges]),
        edge_translation=np.stack([missing[0] if edge is None else edge.translation for edge in edges]),
    )


if __name__ == "__main__":
    raise SystemExit(main())
