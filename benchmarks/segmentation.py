# SPDX-License-Identifier: GPL-3.0-or-later
"""Segmentation on photos with true masks: after 1, 3 and 5 clicks and after a box, the mask cache, times.

    python -m benchmarks.segmentation [--data DIR] [--scenes DIR] [--all-views] [--cache-only] [NAME ...]

Three ways in the same run: what ships (the mask cache where it is certain, solved where not), the segmenter
alone, and what a user would get without either: GrabCut in the clicked view, moved to the others by its 3D
points. Measured on the rendered samples (`make samples-extra` renders two of the three) and on the photos in
WILDSEG3D_DATA or ``../shared/data``. Reconstructions are kept in ``--scenes`` and used again, caches are
built anew. Figures, a table and a page of pictures per scene go into benchmarks/out/segmentation.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.segmentation_parts.grabcut import GrabCutTransfer
from benchmarks.segmentation_parts.mask_cache import lookup_seconds, print_cache_figures
from benchmarks.segmentation_parts.measured import held_out_figures, measure_object
from benchmarks.segmentation_parts.pages import write_page
from benchmarks.segmentation_parts.places import Place, chosen, places, reconstruction
from benchmarks.segmentation_parts.table import means_table, object_lines, scene_means, summary
from benchmarks.segmentation_parts.times import answer_times
from wildseg3d_blender.pipeline.evaluation import Ask, by_segmenter, by_session, read_truth
from wildseg3d_blender.pipeline.segment import SceneSession
from wildseg3d_blender.pipeline.segmentation.graphcut import GraphCutSegmenter
from wildseg3d_blender.progress import silent
from wildseg3d_blender.scene.folder import Scene

GOOD = 0.8
"""IoU above which a cached object covers a true one."""

SHIPPED, ALONE = "cache, else graph", "graph"
WAYS = (SHIPPED, ALONE, GrabCutTransfer.name)
ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "benchmarks" / "out" / "segmentation"


def main(arguments: Sequence[str]) -> int:
    """Print one table per object; exit status 1 when there is nothing to measure."""
    options = _options(arguments)
    known, missing = places(options.data)
    for sentence in missing:
        print(sentence)
    try:
        todo = chosen(known, options.names)
    except ValueError as error:
        print(error)
        return 1
    if not todo:
        return 1
    options.out.mkdir(parents=True, exist_ok=True)
    covered: list[float] = []
    results: dict[str, Any] = {}
    for place in todo:
        scene, segmenter, seconds = _prepare(place, options.scenes)
        covered += print_cache_figures(scene, segmenter, place.objects)
        if options.cache_only:
            continue
        results[place.name] = _measure(place, scene, segmenter, seconds, options)
        # After every scene: what is broken off has left what it measured.
        (options.out / "figures.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
        page = summary(results, WAYS, pictures=not options.no_pictures)
        (options.out / "figures.md").write_text(page, encoding="utf-8")
    good = sum(best > GOOD for best in covered)
    print(f"\nCached objects cover {good} of {len(covered)} true objects at IoU > {GOOD}.")
    if results:
        print("\n" + "\n".join(means_table(results, WAYS)))
        print(f"All of it: {options.out / 'figures.md'}, figures.json")
    return 0


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, default=_default_data())
    parser.add_argument("--scenes", type=Path, default=Path(tempfile.gettempdir()) / "wildseg3d-real")
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--all-views", action="store_true", help="click in every view that has truth")
    parser.add_argument("--cache-only", action="store_true", help="no clicks and boxes: the mask cache only")
    parser.add_argument("--no-held-out", action="store_true", help="no reconstructions without a photo")
    parser.add_argument("--no-pictures", action="store_true")
    parser.add_argument("--repeats", type=int, default=3, help="of every answer that is timed")
    parser.add_argument("names", nargs="*", metavar="NAME", help="scenes or objects; without, all")
    return parser.parse_args(arguments)


def _default_data() -> Path:
    folder = os.environ.get("WILDSEG3D_DATA")
    return Path(folder) if folder else ROOT.parent / "shared" / "data"


def _prepare(place: Place, scenes: Path) -> tuple[Scene, GraphCutSegmenter, float]:
    scene = reconstruction(place, scenes)
    wall, cpu = time.perf_counter(), time.process_time()
    segmenter = GraphCutSegmenter(scene, silent)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(
        f"{scene.folder.name}: {len(scene.views)} views, prepared in {wall:.1f} s ({cpu:.1f} s of CPU time)"
    )
    return scene, segmenter, cpu


def _measure(
    place: Place, scene: Scene, segmenter: GraphCutSegmenter, seconds: float, options: argparse.Namespace
) -> dict[str, Any]:
    session = SceneSession(scene.folder)
    grabcut = GrabCutTransfer(scene)
    ways: dict[str, Ask] = {
        SHIPPED: by_session(session),
        ALONE: by_segmenter(segmenter),
        GrabCutTransfer.name: grabcut,
    }
    objects = {}
    without = None if options.no_held_out else _without_a_photo(place, scene, options.scenes)
    for name, masks in place.objects.items():
        objects[name] = measure_object(scene, masks, place.view, ways, all_views=options.all_views)
        if without is not None:
            objects[name]["held_out"] = held_out_figures(without[0], scene, masks, place.view, without[1])
        print("\n".join(object_lines(name, objects[name], WAYS)), flush=True)
    cache = session.cache
    assert cache is not None
    times: dict[str, Any] = answer_times(scene, segmenter, place.objects, place.view, options.repeats)
    times["prepare"] = seconds
    times["lookup"] = statistics.median(lookup_seconds(scene, cache))
    times["grabcut"] = statistics.median(grabcut.seconds)
    if not options.no_pictures:
        write_page(
            scene, cache, place.objects, place.view, by_session(session), options.out / f"{place.name}.png"
        )
    means = scene_means(objects, WAYS, every_view=options.all_views)
    return {"views": len(scene.views), "objects": objects, "means": means, "seconds": times}


def _without_a_photo(place: Place, scene: Scene, scenes: Path) -> tuple[Scene, Ask]:
    """A reconstruction without one of the photos that have truth, and the segmenter alone in it.

    The photo is the middle one of those that are not clicked.
    """
    known = {name for masks in place.objects.values() for name in read_truth(scene, masks)}
    left = [view.name for view in scene.views if view.name in known and view.name != place.view]
    without = reconstruction(place, scenes, left[len(left) // 2])
    return without, by_segmenter(GraphCutSegmenter(without, silent))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
