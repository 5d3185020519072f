# SPDX-License-Identifier: GPL-3.0-or-later
"""What Dynamic Global Aligning does to segmented objects, for many alphas, in the form of the paper's table.

    python -m benchmarks.dga_ablation [--data DIR] [--nvos DIR] [--spin DIR] [--llff DIR] [--seeds N]

For every scene: a pair graph once; the object's masks in all views, the same for every weighting; then per
weighting: align with the masks as S, lift, project the object's points into each view that was not clicked
(from the points of all other views), compare with the true mask there. mIoU, a row per scene, the mean last.

Two kinds of rows. Photo sets go through the default engine and the default segmenter with one click in the
reference photo (NVOS: clicks along its scribbles): the sample, the sets in ``--data`` that have truth, NVOS
and SPIn-NeRF where given. The default engine's pair graph agrees with itself by construction, so there are
also rows with pair graphs as networks make them: synthetic corruptions of the sample's true depth, with true
masks, over several seeds. All is written to ``--out``: table.txt, scores.json and pictures.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import partial
from multiprocessing import get_context
from pathlib import Path

from benchmarks.datasets import (
    NVOS_SCENES,
    TruthScene,
    mask_folder_scene,
    nvos_scene,
    spin_nerf_names,
    spin_nerf_scene,
)
from benchmarks.dga_parts.columns import ALPHAS, FORMS, all_columns
from benchmarks.dga_parts.corrupted import CORRUPTIONS, corrupted_case
from benchmarks.dga_parts.measure import Case, Score, measure
from benchmarks.dga_parts.pictures import write_sheets
from benchmarks.dga_parts.reconstructed import reconstructed_case
from benchmarks.dga_parts.table import as_json, text
from samples.truth import load_truth
from wildseg3d_blender.errors import WildSegError

ROOT = Path(__file__).resolve().parents[1]
SAMPLE_PHOTOS = tuple(f"table_{n:02d}" for n in range(3, 9))
SAMPLE_REFERENCE = "table_05"
REAL_SETS = (
    ("kermit", "frog", "masks", "kermit002"),
    ("kermit", "book", "masks_book", "kermit002"),
    ("apple", "apple", "masks", "frame000043"),
)
"""Set, object, folder of masks, photo clicked."""

Maker = Callable[[], Case]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the ablation; exit status 1 when no scene could be measured."""
    options = _options(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    scores: list[Score] = []
    with tempfile.TemporaryDirectory() as scratch:
        makers = [
            (name, make)
            for name, make in (*photo_cases(options, Path(scratch)), *corrupted_cases(options.seeds))
            if not options.only or any(word in name for word in options.only)
        ]
        with ProcessPoolExecutor(options.processes, mp_context=get_context("spawn")) as pool:
            measured = partial(run, forms=options.forms, alphas=options.alphas, out=options.out)
            running = {pool.submit(measured, make): name for name, make in makers}
            for done in as_completed(running):
                try:
                    found, seconds = done.result()
                except WildSegError as error:
                    print(f"{running[done]}: left out. {error.message}", flush=True)
                    continue
                scores = _ordered([*scores, *found], [name for name, _ in makers])
                write_results(scores, options)
                print(f"{running[done]}: {seconds:.0f} s", flush=True)
    if not scores:
        print("Nothing was measured.", file=sys.stderr)
        return 1
    print((options.out / "table.txt").read_text(encoding="utf-8"))
    print(f"Table, scores and pictures: {options.out}")
    return 0


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, help="photo sets: kermit, apple")
    parser.add_argument("--nvos", type=Path, help="NVOS's annotations")
    parser.add_argument("--spin", type=Path, help="SPIn-NeRF's multi-view masks")
    parser.add_argument("--llff", type=Path, help="photos of the scenes of both, if not inside them")
    parser.add_argument("--only", nargs="+", help="words; only cases whose name has one of them")
    parser.add_argument("--forms", nargs="+", choices=sorted(FORMS), default=sorted(FORMS))
    parser.add_argument(
        "--alphas", nargs="*", type=float, default=ALPHAS, help="of both sweeps; none: only the default"
    )
    parser.add_argument("--seeds", type=int, default=3, help="of each corruption")
    parser.add_argument("--views", type=int, default=6, help="photos taken of an NVOS or SPIn-NeRF scene")
    parser.add_argument("--image-size", type=int, default=320)
    parser.add_argument("--processes", type=int, default=min(2, os.cpu_count() or 1))
    parser.add_argument("--out", type=Path, default=ROOT / "benchmarks" / "out" / "dga_ablation")
    return parser.parse_args(arguments)


def write_results(scores: Sequence[Score], options: argparse.Namespace) -> None:
    """Table and scores so far: a run that is stopped leaves what it has."""
    report = "\n".join(text(scores, form, options.alphas) for form in options.forms)
    (options.out / "table.txt").write_text(report + "\n", encoding="utf-8")
    (options.out / "scores.json").write_text(json.dumps(as_json(scores), indent=1), encoding="utf-8")


def _ordered(scores: Sequence[Score], cases: Sequence[str]) -> list[Score]:
    """Scores in the order of the cases, whichever was done first."""
    place = {name: n for n, name in enumerate(cases)}
    return sorted(scores, key=lambda score: place[_case_name(score)])


def run(make: Maker, forms: Sequence[str], alphas: Sequence[float], out: Path) -> tuple[list[Score], float]:
    """One case under every weighting, and its pictures. In a process of its own."""
    started = time.perf_counter()
    case = make()
    scores = [score for column in all_columns(forms, alphas) for score in measure(case, column)]
    if not case.seed:
        write_sheets(case, forms, out)
    return scores, time.perf_counter() - started


def _case_name(score: Score) -> str:
    return score.case if score.seed is None else f"{score.case}, seed {score.seed}"


def corrupted_cases(seeds: int) -> Iterator[tuple[str, Maker]]:
    """The sample's true depth, corrupted in every way, with every seed."""
    truth = load_truth()
    for seed in range(seeds):
        for name in CORRUPTIONS:
            yield (
                f"{name}, seed {seed}",
                partial(corrupted_case, truth, SAMPLE_PHOTOS, SAMPLE_REFERENCE, name, seed),
            )


def photo_cases(options: argparse.Namespace, scratch: Path) -> Iterator[tuple[str, Maker]]:
    """Every photo set there is. What is missing of one is told, and it is left out."""
    truth = load_truth()
    photos = truth.folder / "photos"
    sample = [
        mask_folder_scene(thing, photos, truth.folder / "truth" / "masks" / thing, SAMPLE_REFERENCE)
        for thing in truth.objects
    ]
    yield _of_photos("sample", [scene.only(SAMPLE_PHOTOS) for scene in sample], options, scratch)
    wanted: list[tuple[str, Callable[[], TruthScene]]] = []
    if options.data is not None:
        for folder, thing, masks, reference in REAL_SETS:
            place = options.data / folder
            wanted.append(
                (folder, partial(mask_folder_scene, thing, place / "images", place / masks, reference))
            )
    if options.nvos is not None:
        wanted += [
            (f"NVOS {name}", partial(nvos_scene, options.nvos, name, options.llff)) for name in NVOS_SCENES
        ]
    if options.spin is not None:
        wanted += [
            (f"SPIn-NeRF {name}", partial(spin_nerf_scene, options.spin, name, options.llff))
            for name in spin_nerf_names(options.spin)
        ]
    sets: dict[str, list[TruthScene]] = {}
    for name, load in wanted:
        try:
            scene = load()
        except WildSegError as error:
            print(f"{name}: left out. {error.message}", flush=True)
            continue
        published = name.startswith(("NVOS", "SPIn"))
        sets.setdefault(name, []).append(scene.nearest(options.views) if published else scene)
    for name, scenes in sets.items():
        yield _of_photos(name, scenes, options, scratch)


def _of_photos(
    name: str, sets: Sequence[TruthScene], options: argparse.Namespace, scratch: Path
) -> tuple[str, Maker]:
    folder = scratch / name.replace("/", "_")
    return name, partial(reconstructed_case, name, tuple(sets), folder, options.image_size)


if __name__ == "__main__":
    sys.exit(main())
