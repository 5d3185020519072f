# SPDX-License-Identifier: GPL-3.0-or-later
"""What an artist waits for between a click and its answer, through the real worker process.

    python -m benchmarks.interaction [SCENE] [--prompts 60]

``SCENE`` is a scene folder, which is copied first; without one, the sample photos are reconstructed. Times
are those of the asking side, from the request to masks in memory: they hold the pipe, the worker's work and
reading the preview. The worker's CPU time beside them tells what a busy machine added. Where a first answer
is shown before the final one, both are timed, and how alike they are is the intersection over union of all
their masks.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from wildseg3d_blender.addon.session.worker_client import WorkerClient
from wildseg3d_blender.errors import Cancelled, PromptError
from wildseg3d_blender.prompts import Click, PromptGroup
from wildseg3d_blender.scene.folder import Scene, read_scene
from wildseg3d_blender.scene.packed_views import ViewMasks
from wildseg3d_blender.scene.previews import read_preview
from wildseg3d_blender.worker.messages import (
    EarlyPreview,
    FindObjects,
    FoundObjects,
    Prepare,
    Preview,
    Previewed,
    Reconstruct,
    Segment,
)

ROOT = Path(__file__).resolve().parents[1]
SAMPLE = ROOT / "samples" / "table" / "photos"
Times = tuple[float, float]
"""Seconds that the asking side waited, and the worker's CPU seconds in them."""

CANCEL_AFTER = (0.5, 1.5, 3.0, 5.0, 8.0, 11.0)
"""Seconds after which finding objects is cancelled, one after the other: every part of it is hit."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark and print what took how long."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("scene", type=Path, nargs="?")
    parser.add_argument("--prompts", type=int, default=60)
    parser.add_argument("--only-prompts", action="store_true", help="with the mask cache that is there")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "scene"
        client = WorkerClient()
        try:
            if options.scene is None:
                photos = (str(SAMPLE),)
                _ask(client, "reconstruct", Reconstruct(photos, str(folder)).to_json())
            else:
                shutil.copytree(options.scene, folder)
            if not options.only_prompts:
                _measure_finding(client, read_scene(folder))
            _measure_prompts(client, read_scene(folder), options.prompts)
        finally:
            client.close()
    return 0


def _measure_finding(client: WorkerClient, scene: Scene) -> None:
    shutil.rmtree(scene.folder / "mask_cache", ignore_errors=True)
    height, width = scene.views[0].size[::-1]
    print(f"{len(scene.views)} views of {width} x {height}", flush=True)
    cancels = [_cancel_seconds(client, scene, after) for after in CANCEL_AFTER]
    print(f"find objects, cancelled: {_figures(cancels)}", flush=True)
    started = time.perf_counter()
    answer = _ask(client, "find_objects", FindObjects(str(scene.folder)).to_json())
    found = FoundObjects.from_json(answer)
    print(f"find objects, taken up again: {time.perf_counter() - started:.1f} s, {found.count} objects")


def _measure_prompts(client: WorkerClient, scene: Scene, count: int) -> None:
    # Else whichever prompt is solved first takes as much longer, and is the slowest of its kind.
    started = time.perf_counter()
    _ask(client, "prepare", Prepare(str(scene.folder)).to_json())
    waited = time.perf_counter() - started
    print(f"preparing, which Blender asks for before the first click: {waited:.1f} s", flush=True)
    rng = np.random.default_rng(0)
    times: dict[str, list[Times]] = {}
    alike: list[float] = []
    for number in range(count):
        view = scene.views[int(rng.integers(len(scene.views)))]
        x, y = (float(value) for value in rng.random(2) * view.size)
        group = PromptGroup((Click(view.name, x, y),))
        told = _previewed(client, scene, group)
        answer = told.answer
        kind = "preview, a cached object" if answer.cached else "preview, a first click that is solved"
        times.setdefault(kind, []).append(told.took)
        if not answer.cached:
            times.setdefault(f"{kind}: something shown", []).append(told.shown)
        if told.alike is not None:
            alike.append(told.alike)
        if any(answer.larger):
            told = _previewed(client, scene, PromptGroup(group.prompts, size=1))
            times.setdefault("preview, the next larger one", []).append(told.took)
        if number % 3 == 0:
            correction = _correction(scene, answer, group)
            told = _previewed(client, scene, correction)
            times.setdefault("preview, a correction", []).append(told.took)
            took = _cut(client, scene, f"Object {number}", correction)
            times.setdefault("segment, after its preview", []).append(took)
    for label in sorted(times):
        wall, cpu = zip(*times[label], strict=True)
        print(f"{label}: {_figures(wall)}; CPU {_figures(cpu)}", flush=True)
    if alike:
        shares = ", ".join(f"{np.mean(np.array(alike) > least):.0%} > {least}" for least in (0.5, 0.8))
        mean, median = statistics.mean(alike), statistics.median(alike)
        print(
            f"{len(alike)} first answers, IoU with the final ones: {mean:.2f}, median {median:.2f}, {shares}"
        )


@dataclass(frozen=True)
class Told:
    """A preview: when anything was there to show, when the answer was, and how alike the two are; None where
    there was no first answer."""

    answer: Previewed
    shown: Times
    took: Times
    alike: float | None


def _previewed(client: WorkerClient, scene: Scene, group: PromptGroup) -> Told:
    """Ask for a preview as Blender does, and take the times to masks in memory."""
    started, cpu = time.perf_counter(), _worker_cpu(client)
    first: list[tuple[Times, ViewMasks]] = []

    def since() -> Times:
        return time.perf_counter() - started, _worker_cpu(client) - cpu

    def early(told: EarlyPreview) -> None:
        masks = dict(read_preview(scene, told.folder))
        first.append((since(), masks))

    params = Preview(str(scene.folder), (group,), early=True).to_json()
    answer = Previewed.from_json(_ask(client, "preview", params, early))
    masks = dict(read_preview(scene, answer.folder))
    took = since()
    if not first:
        return Told(answer, took, took, None)
    return Told(answer, first[0][0], took, _overlap(first[0][1], masks))


def _overlap(one: ViewMasks, other: ViewMasks) -> float:
    """Intersection over union of all views' masks together."""
    common = sum(int((mask & other[view]).sum()) for view, mask in one.items())
    return common / max(sum(int((mask | other[view]).sum()) for view, mask in one.items()), 1)


def _correction(scene: Scene, answer: Previewed, group: PromptGroup) -> PromptGroup:
    """The group with one more click, halfway between its first and the end of the mask found to the right."""
    first = group.prompts[0]
    assert isinstance(first, Click)
    row = read_preview(scene, answer.folder)[first.view][int(first.y)]
    end = int(first.x) + int(np.argmin(np.append(row[int(first.x) :], False)))
    return PromptGroup((first, Click(first.view, (first.x + end) / 2 + 1.0, first.y, positive=False)))


def _cut(client: WorkerClient, scene: Scene, name: str, group: PromptGroup) -> Times:
    started, cpu = time.perf_counter(), _worker_cpu(client)
    try:
        _ask(client, "segment", Segment(str(scene.folder), name, (group,)).to_json())
    except PromptError:  # the correction left nothing of it
        return float("nan"), float("nan")
    return time.perf_counter() - started, _worker_cpu(client) - cpu


def _cancel_seconds(client: WorkerClient, scene: Scene, after: float) -> float:
    """Seconds from cancelling, ``after`` seconds of finding objects, to the worker's answer."""
    request = client.request("find_objects", FindObjects(str(scene.folder)).to_json())
    if request.wait(after):
        return float("nan")
    started = time.perf_counter()
    request.cancel(gently=True)
    request.wait()
    try:
        request.result()
    except Cancelled:
        return time.perf_counter() - started
    return float("nan")


def _ask(
    client: WorkerClient,
    method: str,
    params: dict[str, object],
    early: Callable[[EarlyPreview], None] | None = None,
) -> dict[str, object]:
    request = client.request(method, params, on_early=early)
    request.wait()
    return request.result()


def _worker_cpu(client: WorkerClient) -> float:
    """CPU seconds that the worker has used, in threads that have ended too; NaN where no system tells."""
    try:
        status = Path(f"/proc/{client.pid}/stat").read_text()
    except OSError:
        return float("nan")
    # The name before the last bracket may hold spaces; user and system ticks are fields 14 and 15 of all.
    fields = status.rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _figures(seconds: Sequence[float]) -> str:
    known = [1e3 * value for value in seconds if value == value]
    if not known:
        return "none"
    return f"{statistics.median(known):.1f} ms (median of {len(known)}, slowest {max(known):.0f} ms)"


if __name__ == "__main__":
    raise SystemExit(main())
