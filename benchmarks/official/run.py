# SPDX-License-Identifier: GPL-3.0-or-later
"""One run of DUSt3R's PointCloudOptimizer on a pair graph written by the benchmark, in its own environment.

    .venv-official/bin/python -m benchmarks.official.run GRAPH RESULT --iterations 300

DUSt3R's own settings: log confidence, spanning-tree start, Adam at 0.01 falling as a cosine. Seconds are
those of the optimizer, its start included and imports left out. Nothing of DUSt3R is copied, only called.
"""

from __future__ import annotations

import argparse
import platform
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.alignment_parts.files import Placed, RunFacts, read_graph, write_result
from benchmarks.alignment_parts.memory import PeakMemory

# torchvision registers these two for a CUDA build; beside a torch without CUDA its import fails unless they
# exist. The optimizer uses neither.
CUDA_ONLY_OPERATORS = ("nms", "qnms")
# DUSt3R counts the top-left pixel's centre as (0, 0), these graphs as (0.5, 0.5). The optimizer stores the
# principal point as tenths of a pixel away from the image's centre.
HALF_PIXEL = -0.05


def main(arguments: Sequence[str] | None = None) -> int:
    """Run once and write the result."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("graph", type=Path)
    parser.add_argument("result", type=Path)
    parser.add_argument("--iterations", type=int, required=True)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args(arguments)
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    np.random.seed(0)  # noqa: NPY002 - the optimizer draws from the old global generator
    optimizer_class = import_optimizer()
    memory = PeakMemory()
    views = as_network_output(options.graph)
    wall, cpu = time.perf_counter(), time.process_time()
    net = optimizer_class(*views, verbose=False)
    net.im_pp.data.fill_(HALF_PIXEL)
    loss = net.compute_global_alignment(init="mst", niter=options.iterations, schedule="cosine", lr=0.01)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    facts = RunFacts(
        seconds=wall,
        cpu_seconds=cpu,
        memory_before_mb=memory.before_mb,
        memory_peak_mb=memory.peak_mb(),
        iterations=options.iterations,
        own_loss=float(loss),
        threads=options.threads,
        versions={"torch": torch.__version__, "numpy": np.__version__, "python": platform.python_version()},
    )
    write_result(options.result, placed(net), facts)
    return 0


def import_optimizer() -> Any:
    """DUSt3R's optimizer class."""
    if torch.version.cuda is None:
        for name in CUDA_ONLY_OPERATORS:
            torch.library.define(
                f"torchvision::{name}", "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
            )
    from mini_dust3r.cloud_opt import PointCloudOptimizer

    return PointCloudOptimizer


def as_network_output(graph: Path) -> tuple[dict[str, Any], ...]:
    """view1, view2, pred1, pred2 as DUSt3R's inference returns them, one entry per directed edge."""
    edges, points, confidence = read_graph(graph)
    points_i, points_j = (torch.from_numpy(points[:, slot].copy()) for slot in (0, 1))
    confidence_i, confidence_j = (torch.from_numpy(confidence[:, slot].copy()) for slot in (0, 1))
    return (
        {"idx": edges[:, 0].tolist()},
        {"idx": edges[:, 1].tolist()},
        {"pts3d": points_i, "conf": confidence_i},
        {"pts3d_in_other_view": points_j, "conf": confidence_j},
    )


def placed(net: Any) -> Placed:
    """Cameras, depth and edge similarities that the optimizer ended with, in this project's conventions."""
    with torch.no_grad():
        K = net.get_intrinsics().double().numpy()
        K[:, :2, 2] += 0.5
        cam_to_world = net.get_im_poses().double().numpy()
        depth = np.stack([d.numpy() for d in net.get_depthmaps()]).astype(np.float32)
        edge_to_world = net.get_pw_poses().double().numpy()
        scale = net.get_pw_scale().double().numpy()
    return Placed(
        cam_to_world=cam_to_world,
        K=K,
        depth=depth,
        known=np.ones(depth.shape, dtype=bool),
        edge_scale=scale,
        edge_rotation=edge_to_world[:, :3, :3] / scale[:, None, None],
        edge_translation=edge_to_world[:, :3, 3],
    )


if __name__ == "__main__":
    raise SystemExit(main())
