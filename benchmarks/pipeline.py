# SPDX-License-Identifier: GPL-3.0-or-later
"""Speed and memory of the whole path, photos to Blender objects, through the real worker process.

    python -m benchmarks.pipeline PHOTO_SETS [--repeats 3] [--sets fox apple]

``PHOTO_SETS`` holds a folder per set, each with its photos in ``images/``. The yardstick of a reconstruction
is its own structure-from-motion stage (pycolmap), measured in the same run; sets are compared with the first.
Everything is a median over the repeats.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from wildseg3d_blender.addon.session.worker_client import WorkerClient
from wildseg3d_blender.prompts import Click, one_group
from wildseg3d_blender.scene.folder import read_scene
from wildseg3d_blender.scene.objects import SceneObject, write_object
from wildseg3d_blender.worker.messages import Initialize, Realign
from wildseg3d_blender.worker.protocol import PROTOCOL_VERSION

ROOT = Path(__file__).resolve().parents[1]
SFM_STAGES = ("features", "matching", "cameras")


@dataclass(frozen=True)
class Run:
    """One reconstruction in a fresh worker, imported in a fresh Blender. Seconds and megabytes."""

    photos: int
    placed: int
    ready: float
    cancel: float
    whole: float
    stages: dict[str, float]
    peak_mb: float
    realign: float
    to_blender: float

    @property
    def sfm(self) -> float:
        return sum(self.stages.get(stage, 0.0) for stage in SFM_STAGES)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark and print its table; the last line is JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("photo_sets", type=Path)
    parser.add_argument("--sets", nargs="+", default=["fox", "apple"])
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args(arguments)
    runs: dict[str, list[Run]] = {}
    for name in options.sets:
        images = options.photo_sets.resolve() / name / "images"
        if not images.is_dir():
            print(f"{name}: no folder {images}, left out")
            continue
        for number in range(options.repeats):
            print(f"{name}, run {number + 1} of {options.repeats} …", flush=True)
            runs.setdefault(name, []).append(measure(images))
    if not runs:
        print(f"No photo set found in {options.photo_sets}.", file=sys.stderr)
        return 1
    report(runs)
    return 0


def measure(images: Path) -> Run:
    """Reconstruct the photos in ``images`` with a fresh worker."""
    photos = sorted(str(path) for path in images.iterdir())
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "scene"
        client = WorkerClient()
        try:
            started = time.perf_counter()
            first = client.request("initialize", Initialize(PROTOCOL_VERSION).to_json())
            first.wait()
            ready = time.perf_counter() - started
            started = time.perf_counter()
            request = client.request("reconstruct", {"photos": photos, "folder": str(folder)})
            request.wait()
            request.result()
            whole = time.perf_counter() - started
            peak = _peak_megabytes(client.pid)
            scene = read_scene(folder)
            realign = _realign_seconds(client, folder)
        finally:
            client.close()
        return Run(
            photos=len(photos),
            placed=len(scene.views),
            ready=ready,
            cancel=_cancel_seconds(photos),
            whole=whole,
            stages=dict(scene.seconds),
            peak_mb=peak,
            realign=realign,
            to_blender=_import_seconds(folder),
        )


def report(runs: dict[str, list[Run]]) -> None:
    """Print a column per set, medians over its runs."""
    rows = {name: _medians(several) for name, several in runs.items()}
    first = next(iter(rows.values()))
    for row in rows.values():
        row["whole / first set"] = row["whole, s"] / first["whole, s"]
    print(f"\n{'':28}" + "".join(f"{name:>12}" for name in rows))
    for label in first | next(reversed(rows.values())):
        print(f"{label:28}" + "".join(f"{row.get(label, float('nan')):12.2f}" for row in rows.values()))
    print(json.dumps(rows))


def _medians(several: Sequence[Run]) -> dict[str, float]:
    def median(values: list[float]) -> float:
        return statistics.median(values)

    row = {
        "photos": float(several[0].photos),
        "placed": median([float(run.placed) for run in several]),
        "worker ready, s": median([run.ready for run in several]),
        "cancelled after, s": median([run.cancel for run in several]),
        "whole, s": median([run.whole for run in several]),
    }
    for stage in several[0].stages:
        row[f"  {stage}, s"] = median([run.stages.get(stage, 0.0) for run in several])
    row["whole / its SfM"] = median([run.whole / run.sfm for run in several])
    row["worker's peak, MB"] = median([run.peak_mb for run in several])
    row["aligned for an object, s"] = median([run.realign for run in several])
    row["scene -> Blender, s"] = median([run.to_blender for run in several])
    return row


def _realign_seconds(client: WorkerClient, folder: Path) -> float:
    """Seconds to align the scene again for an object in the middle of every photo, the second time."""
    scene = read_scene(folder)
    masks = {}
    for view in scene.views:
        width, height = view.size
        masks[view.name] = np.zeros((height, width), dtype=bool)
        masks[view.name][height // 3 : 2 * height // 3, width // 3 : 2 * width // 3] = True
    middle = Click(scene.views[0].name, scene.views[0].size[0] / 2, scene.views[0].size[1] / 2)
    write_object(scene, SceneObject("Middle", one_group([middle]), masks, masks))
    seconds = 0.0
    for _ in range(2):
        started = time.perf_counter()
        request = client.request("realign", Realign(str(folder), ("Middle",)).to_json())
        request.wait()
        request.result()
        seconds = time.perf_counter() - started
    return seconds


def _peak_megabytes(pid: int | None) -> float:
    """Peak resident memory of a running process; NaN where the system does not tell."""
    status = Path(f"/proc/{pid}/status")
    if pid is None or not status.is_file():
        return float("nan")
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def _cancel_seconds(photos: Sequence[str]) -> float:
    """Seconds from asking for an end to its being over, a second into the native feature search."""
    client = WorkerClient()
    with tempfile.TemporaryDirectory() as scratch:
        try:
            params = {"photos": list(photos), "folder": str(Path(scratch) / "scene")}
            request = client.request("reconstruct", params)
            while request.progress is None or request.progress.stage != "features":
                request.wait(0.05)
            time.sleep(1.0)
            asked = time.perf_counter()
            request.cancel()
            request.wait()
            return time.perf_counter() - asked
        finally:
            client.close()


def _import_seconds(folder: Path) -> float:
    """Seconds from a scene folder to objects in a fresh Blender, Blender's own start not counted."""
    code = (
        "import sys, time, bpy\n"
        "bpy.ops.wm.read_factory_settings(use_empty=True)\n"
        "from wildseg3d_blender import addon\n"
        "addon.register()\n"
        "started = time.perf_counter()\n"
        "bpy.ops.wildseg3d.open_scene(directory=sys.argv[1])\n"
        "print('seconds', time.perf_counter() - started)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder)], cwd=ROOT, capture_output=True, text=True, check=True
    )
    line = next(line for line in done.stdout.splitlines() if line.startswith("seconds"))
    return float(line.split()[1])


if __name__ == "__main__":
    raise SystemExit(main())
