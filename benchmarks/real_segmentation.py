# SPDX-License-Identifier: GPL-3.0-or-later
"""Segmentation on photos with true masks: IoU after 1, 3 and 5 clicks and after a box, the mask cache, times.

    python -m benchmarks.real_segmentation [--data DIR] [--scenes DIR] [--all-views] [--cache-only] [SET ...]

Beside it, in the same run, what a user would get without the multi-view graph: GrabCut in the clicked view,
moved to the other views by its 3D points. The photos come from WILDSEG3D_DATA or ``../shared/data``, and
from the sample with its six objects.
Reconstructions are kept in ``--scenes`` and used again.
"""

from __future__ import annotations

import argparse
import functools
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.mask_cache import print_cache_figures
from wildseg3d_blender.conventions import project
from wildseg3d_blender.pipeline.evaluation import (
    Mask,
    compare,
    evaluate,
    first_click,
    mask_to_photo,
    next_click,
    read_truth,
    truth_box,
)
from wildseg3d_blender.pipeline.reconstruct import reconstruct
from wildseg3d_blender.pipeline.segment import SceneSession
from wildseg3d_blender.pipeline.segmentation import Masks
from wildseg3d_blender.pipeline.segmentation.graphcut import GraphCutSegmenter
from wildseg3d_blender.pipeline.segmentation.lift import view_depth
from wildseg3d_blender.progress import Progress, silent
from wildseg3d_blender.prompts import Box, Prompt
from wildseg3d_blender.scene_folder import Scene, View, read_scene

ROUNDS = (1, 3, 5)
SAMPLE = "table"
GOOD = 0.8
"""IoU above which a cached object covers a true one."""

ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True)
class TruthSet:
    """One object with true masks: its photos' folder, its masks' folder, and the photo clicked."""

    name: str
    scene: str
    masks: str
    view: str


SETS = (
    TruthSet("frog", "kermit", "masks", "kermit002"),
    TruthSet("red-book", "kermit", "masks_book", "kermit002"),
    TruthSet("apple", "apple", "masks", "frame000043"),
    *(
        TruthSet(name, SAMPLE, f"truth/masks/{name}", "table_06")
        for name in ("book", "mug", "orange", "parcel", "teddy", "tin")
    ),
)


@dataclass(frozen=True)
class Row:
    """IoU in the clicked view and mean IoU in the others, by round, with seconds where they were taken."""

    label: str
    scores: tuple[tuple[float, float], ...]
    note: str = ""


def main(arguments: Sequence[str]) -> int:
    """Print one table per object; exit status 1 when the photos are not there."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=_default_data())
    parser.add_argument("--scenes", type=Path, default=Path(tempfile.gettempdir()) / "wildseg3d-real")
    parser.add_argument("--all-views", action="store_true", help="click in every view that has truth")
    parser.add_argument("--cache-only", action="store_true", help="no clicks and boxes: the mask cache only")
    parser.add_argument("sets", nargs="*", metavar="SET", help=", ".join(item.name for item in SETS))
    options = parser.parse_args(arguments)
    if not options.data.is_dir():
        print(f"No photos at {options.data}: give their folder with --data or in WILDSEG3D_DATA.")
        return 1
    chosen = [item for item in SETS if not options.sets or item.name in options.sets]
    covered: list[float] = []
    for place in dict.fromkeys(item.scene for item in chosen):
        items = [item for item in chosen if item.scene == place]
        folder = ROOT / "samples" / SAMPLE if place == SAMPLE else options.data / place
        photos = folder / ("photos" if place == SAMPLE else "images")
        scene, segmenter = _prepare(photos, options.scenes / place)
        covered += print_cache_figures(scene, segmenter, {item.name: folder / item.masks for item in items})
        for item in items if not options.cache_only else ():
            views = sorted(read_truth(scene, folder / item.masks)) if options.all_views else [item.view]
            for view in views:
                rows = _measure(scene, segmenter, folder / item.masks, view)
                _print_table(f"{item.name}, clicked in {view}", rows)
    good = sum(best > GOOD for best in covered)
    print(f"\nCached objects cover {good} of {len(covered)} true objects at IoU > {GOOD}.")
    return 0


def _default_data() -> Path:
    folder = os.environ.get("WILDSEG3D_DATA")
    return Path(folder) if folder else ROOT.parent / "shared" / "data"


def _prepare(photos: Path, folder: Path) -> tuple[Scene, GraphCutSegmenter]:
    if (folder / "scene.json").is_file():
        scene = read_scene(folder)
    else:
        print(f"Reconstructing {photos} ...", flush=True)
        scene = reconstruct([photos], folder)
    started = time.perf_counter()
    segmenter = GraphCutSegmenter(scene, silent)
    seconds = time.perf_counter() - started
    print(f"{folder.name}: {len(scene.views)} views, prepared in {seconds:.1f} s", flush=True)
    return scene, segmenter


def _measure(scene: Scene, segmenter: GraphCutSegmenter, masks_dir: Path, view_name: str) -> list[Row]:
    view, truth = scene.view(view_name), read_truth(scene, masks_dir)
    rounds = evaluate(scene, masks_dir, view_name, clicks=ROUNDS, segmenter=segmenter)["rounds"]
    seconds = [entry["seconds"] for entry in rounds]
    clicked = tuple((entry["iou_clicked"], entry["mean_iou_others"]) for entry in rounds)
    box = truth_box(view, truth[view.name])
    started = time.perf_counter()
    boxed = compare(scene, segmenter.segment([box], progress=silent), truth, view.name)
    box_seconds = time.perf_counter() - started
    later = statistics.median(seconds[1:])
    note = f"first click {seconds[0]:.2f} s, later {later:.2f} s, box {box_seconds:.2f} s"
    ours = Row("graph", (*clicked, (boxed["iou_clicked"], boxed["mean_iou_others"])), note)
    return [ours, _session_row(scene, masks_dir, view_name), _grabcut_row(scene, view, truth)]


class _WithCache:
    """A session as a segmenter: the mask cache where its answer is certain, the graph for the rest."""

    name = "cache, else graph"

    def __init__(self, session: SceneSession) -> None:
        self._session = session

    def segment(
        self, prompts: Sequence[Prompt], *, previous: Mapping[str, Mask] | None = None, progress: Progress
    ) -> Masks:
        return self._session.masks(prompts, progress)


def _session_row(scene: Scene, masks_dir: Path, view_name: str) -> Row:
    truth = read_truth(scene, masks_dir)
    segmenter = _WithCache(_session(scene.folder))
    rounds = evaluate(scene, masks_dir, view_name, clicks=ROUNDS, segmenter=segmenter)["rounds"]
    clicked = tuple((entry["iou_clicked"], entry["mean_iou_others"]) for entry in rounds)
    box = truth_box(scene.view(view_name), truth[view_name])
    boxed = compare(scene, segmenter.segment([box], progress=silent), truth, view_name)
    return Row(segmenter.name, (*clicked, (boxed["iou_clicked"], boxed["mean_iou_others"])))


@functools.lru_cache(maxsize=1)
def _session(folder: Path) -> SceneSession:
    return SceneSession(folder)


def _grabcut_row(scene: Scene, view: View, truth: dict[str, Mask]) -> Row:
    """The same clicks' protocol for GrabCut in the clicked view, carried over by 3D points."""
    image = np.ascontiguousarray(scene.colours(view))
    x, y = view.warp.to_view(np.array(first_click(truth[view.name])))
    clicks = [(float(x), float(y), True)]
    scores: list[tuple[float, float]] = []
    for count in range(1, ROUNDS[-1] + 1):
        mask = _grabcut_clicks(image, clicks)
        if count in ROUNDS:
            scores.append(_compare_carried(scene, view, mask, truth))
        error = next_click(truth[view.name], mask_to_photo(view, mask))
        if error is not None:
            x, y = view.warp.to_view(np.array(error[:2]))
            clicks.append((float(x), float(y), error[2]))
    boxed = _grabcut_box(image, truth_box(view, truth[view.name]))
    return Row("GrabCut + 3D", (*scores, _compare_carried(scene, view, boxed, truth)))


def _grabcut_clicks(image: NDArray[np.uint8], clicks: Sequence[tuple[float, float, bool]]) -> Mask:
    height, width = image.shape[:2]
    state = np.full((height, width), cv2.GC_PR_BGD, dtype=np.uint8)
    for x, y, positive in clicks:
        if positive:
            cv2.circle(state, (int(x), int(y)), width // 7, cv2.GC_PR_FGD, -1)
    state[[0, 1, 2, -3, -2, -1]] = cv2.GC_BGD
    state[:, [0, 1, 2, -3, -2, -1]] = cv2.GC_BGD
    for x, y, positive in clicks:
        cv2.circle(state, (int(x), int(y)), 5, cv2.GC_FGD if positive else cv2.GC_BGD, -1)
    mask = _grabcut(image, state)
    _, labels = cv2.connectedComponents(mask.astype(np.uint8))
    hit = [labels[int(y), int(x)] for x, y, positive in clicks if positive]
    return mask & np.isin(labels, hit)


def _grabcut_box(image: NDArray[np.uint8], box: Box) -> Mask:
    state = np.full(image.shape[:2], cv2.GC_BGD, dtype=np.uint8)
    state[int(box.y0) : round(box.y1), int(box.x0) : round(box.x1)] = cv2.GC_PR_FGD
    return _grabcut(image, state)


def _grabcut(image: NDArray[np.uint8], state: NDArray[np.uint8]) -> Mask:
    cv2.setRNGSeed(0)
    cv2.grabCut(image, state, None, np.zeros((1, 65)), np.zeros((1, 65)), 4, cv2.GC_INIT_WITH_MASK)
    return (state & 1) > 0


def _compare_carried(scene: Scene, view: View, mask: Mask, truth: dict[str, Mask]) -> tuple[float, float]:
    masks: Masks = {other.name: _carry(scene, view, mask, other) for other in scene.views}
    masks[view.name] = mask
    result = compare(scene, masks, truth, view.name)
    return result["iou_clicked"], result["mean_iou_others"]


def _carry(scene: Scene, view: View, mask: Mask, other: View) -> Mask:
    """The mask's 3D points drawn into another view where nothing hides them, with small gaps closed."""
    points_world = np.asarray(scene.pointmap(view))[mask & (np.asarray(scene.confidence(view)) > 0)]
    pixel, z = project(points_world, other.K, other.cam_to_world)
    width, height = other.size
    with np.errstate(invalid="ignore"):
        inside = (pixel[:, 0] >= 0) & (pixel[:, 0] < width) & (pixel[:, 1] >= 0) & (pixel[:, 1] < height)
    column, row = pixel[inside].astype(np.int64).T
    depth, measured = view_depth(scene, other), np.asarray(scene.confidence(other)) > 0
    hidden = measured[row, column] & (depth[row, column] < 0.97 * z[inside])
    carried = np.zeros((height, width), dtype=np.uint8)
    carried[row[~hidden], column[~hidden]] = 1
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (9, 9))
    return cv2.morphologyEx(carried, cv2.MORPH_CLOSE, disc) > 0


def _print_table(title: str, rows: Sequence[Row]) -> None:
    heads = [f"{count} click{'s' * (count > 1)}" for count in ROUNDS] + ["box"]
    print(f"\n{title} (IoU clicked / mean of the others)")
    print("".ljust(18) + "".join(head.rjust(14) for head in heads))
    for row in rows:
        cells = "".join(f"{clicked:.2f} / {others:.2f}".rjust(14) for clicked, others in row.scores)
        print(row.label.ljust(18) + cells + (f"   {row.note}" if row.note else ""), flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
