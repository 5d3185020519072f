# SPDX-License-Identifier: GPL-3.0-or-later
"""The paper's table on NVOS, ours beside it, with one command.

    make bench-nvos NVOS=annotations LLFF=nerf_llff_data
    python -m benchmarks.nvos --nvos DIR [--llff DIR] [--alphas -0.9 -0.5 0 0.5 0.9]

For every scene five photos are reconstructed, its objects found in advance, the object clicked along the
published scribbles in the reference photo, the photos aligned for it, and its 3D points projected into the
photo that has truth. DUSt3R and SAM 2 run where they and their weights are installed (in the neural
environment, whichever Python this is started with), else the default engines. Nothing is downloaded: NVOS's
annotations and the photos of LLFF are to be had from their authors. All is written to ``--out``.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.datasets import NVOS_SCENES, nvos_scene
from benchmarks.nvos_parts import paper, truths
from benchmarks.nvos_parts.table import data, text
from benchmarks.nvos_parts.workflow import SceneResult, Setting, run_scene
from wildseg3d_blender.cli.terminal import terminal_progress
from wildseg3d_blender.errors import WildSegError
from wildseg3d_blender.neural import environment, models
from wildseg3d_blender.neural.running import DEVICE_VARIABLE, NEURAL

ROOT = Path(__file__).resolve().parents[1]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the scenes; exit status 1 when none could be measured."""
    given = sys.argv[1:] if arguments is None else list(arguments)
    options = _options(given)
    os.environ[DEVICE_VARIABLE] = options.device
    packages = {NEURAL[name] for name in (options.engine, options.segmenter, options.truth) if name in NEURAL}
    needed = ("torch", *packages) if packages else ()
    if any(importlib.util.find_spec(name) is None for name in needed):
        try:
            return _elsewhere(given)
        except WildSegError as error:
            print(error.message, file=sys.stderr)
            return 1
    setting = Setting(
        options.engine,
        options.segmenter,
        options.quality,
        options.image_size,
        options.photos,
        not options.without_cache,
        tuple(options.alphas or ()),
    )
    report = run(options, setting, _device_name(bool(packages)))
    if report is None:
        print("Nothing was measured.", file=sys.stderr)
        return 1
    print(report)
    print(f"Table and figures: {options.out}")
    return 0


def run(options: argparse.Namespace, setting: Setting, device: str) -> str | None:
    """Every scene, written after each: a run that is stopped leaves what it has. None: none went well."""
    options.out.mkdir(parents=True, exist_ok=True)
    results: list[SceneResult] = []
    report = None
    for name in options.only:
        try:
            with tempfile.TemporaryDirectory() as scratch:
                item = nvos_scene(options.nvos, name, options.llff)
                truth = truths.truth_of(item, options.truth)
                folder, progress = Path(scratch) / name, terminal_progress(sys.stderr)
                results.append(run_scene(item, truth, setting, folder, progress))
        except WildSegError as error:
            print(f"{name}: left out. {error.message}", flush=True)
            continue
        report = text(results, setting, options.truth, device, len(options.only))
        (options.out / "table.txt").write_text(report + "\n", encoding="utf-8")
        (options.out / "results.json").write_text(json.dumps(data(results), indent=1), encoding="utf-8")
    return report


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    there = {status.model.engine for status in models.statuses() if status.path is not None}
    parser.add_argument("--nvos", type=Path, required=True, help="NVOS's annotations")
    parser.add_argument("--llff", type=Path, help="photos of the LLFF scenes, if not inside that folder")
    parser.add_argument(
        "--engine", choices=["stereo", "dust3r"], default="dust3r" if "dust3r" in there else "stereo"
    )
    parser.add_argument(
        "--segmenter", choices=["graphcut", "sam2"], default="sam2" if "sam2" in there else "graphcut"
    )
    parser.add_argument("--quality", choices=["fast", "balanced", "fine"], default="balanced")
    parser.add_argument("--device", choices=["auto", "cpu", "cuda", "mps"], default="auto")
    parser.add_argument(
        "--truth",
        default=truths.PUBLISHED,
        help="published: the true mask of the target photo; sam2: SAM 2's mask of the reference photo, as in "
        "the paper; or a folder with masks of the reference photos, <scene>.png",
    )
    parser.add_argument("--photos", type=int, default=5, help="taken of each scene")
    parser.add_argument("--image-size", type=int, default=512)
    parser.add_argument("--without-cache", action="store_true", help="do not look for objects in advance")
    parser.add_argument(
        "--alphas", nargs="*", type=float, help="sweep both alphas; without numbers, over the paper's"
    )
    parser.add_argument("--only", nargs="+", choices=NVOS_SCENES, default=NVOS_SCENES)
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "out" / "nvos")
    options = parser.parse_args(arguments)
    if options.alphas == []:
        options.alphas = paper.ALPHAS
    return options


def _elsewhere(arguments: Sequence[str]) -> int:
    """The same in the neural environment."""
    python = environment.python()
    command = [str(python), "-W", "ignore", "-m", "benchmarks.nvos", *arguments]
    return subprocess.run(
        command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False
    ).returncode


def _device_name(networks: bool) -> str:
    """Where the work was done, for people."""
    cores = f"{os.cpu_count()} CPU cores"
    if not networks:
        return cores
    import torch

    from wildseg3d_blender.pipeline.networks.torch_runtime import pick_device

    device = pick_device()
    if device.type == "cuda":
        return str(torch.cuda.get_device_name())
    return "Apple GPU" if device.type == "mps" else cores


if __name__ == "__main__":
    raise SystemExit(main())
