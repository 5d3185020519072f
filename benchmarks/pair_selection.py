# SPDX-License-Identifier: GPL-3.0-or-later
"""Pair selection: how many of the pairs that overlap are among the pairs kept.

    python -m benchmarks.pair_selection [PHOTO_SETS] [--sets fox fern kermit apple]

Photo sets (a folder each, photos in ``images/``; or the environment variable WILDSEG3D_DATA) are matched
completely: pairs with 30 verified matches or more are the true ones. The last rows take all sets together.
Without photo sets, and before them, rendered circles around a scene, whose true pairs see 30 % of each other
from directions at most 30 degrees apart. Beside the two measures of likeness (small images, and the features
of the stereo engine): the same number of pairs by capture order alone, and by chance.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from tests import synthetic
from wildseg3d_blender.pipeline.engines.stereo.evidence import read_evidence
from wildseg3d_blender.pipeline.engines.stereo.features import build_database
from wildseg3d_blender.pipeline.engines.stereo.matching import coarse_descriptors, match_pairs
from wildseg3d_blender.pipeline.engines.stereo.native import native_workspace
from wildseg3d_blender.pipeline.pair_selection import (
    descriptor_similarity,
    image_similarity,
    in_capture_order,
    select_pairs,
)
from wildseg3d_blender.pipeline.photos.reading import open_photos, read_image
from wildseg3d_blender.progress import silent

SETS = ("fox", "fern", "kermit", "apple")
CIRCLES = (30, 60, 100)
KEPT = (4, 6, 8, 10)
FEWEST_MATCHES = 30
Pairs = set[tuple[int, int]]


@dataclass(frozen=True)
class Case:
    """Small images in capture order, the pairs that truly overlap, and the stereo engine's descriptors."""

    name: str
    images: list[NDArray[np.uint8]]
    true: Pairs
    descriptors: list[NDArray[np.uint8]] | None = None


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("data", nargs="?", type=Path, default=os.environ.get("WILDSEG3D_DATA"))
    parser.add_argument("--sets", nargs="+", default=SETS)
    options = parser.parse_args(arguments)
    for count in CIRCLES:
        report(circle(count))
    if options.data is None:
        return 0
    cases = [photo_set(Path(options.data) / name) for name in options.sets]
    for case in cases:
        report(case)
    if len(cases) > 1:
        report(together(cases))
    return 0


def circle(count: int) -> Case:
    """Views all around the rendered scene."""
    views = synthetic.orbit(count, (400, 300), arc=360.0 * (1 - 1 / count), radius=1.9)
    points = [view.points_world[4::8, 4::8] for view in views]
    seen = np.array([[synthetic.visible(p, view).mean() for view in views] for p in points])
    axes = np.array([view.cam_to_world[:3, 2] for view in views])
    near = (np.minimum(seen, seen.T) > 0.3) & (axes @ axes.T > np.cos(np.deg2rad(30.0)))
    true = {pair for pair in combinations(range(count), 2) if near[pair]}
    return Case(f"circle of {count}", [view.image for view in views], true)


def photo_set(folder: Path) -> Case:
    """Photos with the truth that matching every pair tells; says how long that takes."""
    photos, _ = open_photos([folder / "images"])
    pairs = list(combinations(range(len(photos)), 2))
    with native_workspace() as workspace:
        database = build_database(photos, workspace, silent)
        wall, cpu = time.perf_counter(), time.process_time()
        match_pairs(database, pairs, workspace, silent)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        evidence = read_evidence(database)
        descriptors = coarse_descriptors(database)
    print(f"{folder.name}: all {len(pairs)} pairs matched in {wall:.1f} s, {cpu:.1f} s of processor time")
    true = {pair for pair in pairs if evidence.count(*pair) >= FEWEST_MATCHES}
    return Case(folder.name, [read_image(photo, longer_side=400) for photo in photos], true, descriptors)


def together(cases: Sequence[Case]) -> Case:
    """All photos as one set: no pair across the sets is true."""
    true: Pairs = set()
    images: list[NDArray[np.uint8]] = []
    descriptors: list[NDArray[np.uint8]] = []
    for case in cases:
        true |= {(i + len(images), j + len(images)) for i, j in case.true}
        images += case.images
        descriptors += case.descriptors or []
    return Case("together", images, true, descriptors)


def report(case: Case) -> None:
    """Print the recall of true pairs, and time, for growing numbers of pairs kept."""
    count = len(case.images)
    start = time.process_time()
    looks = image_similarity(case.images)
    seconds = time.process_time() - start
    order = "capture order recognised" if in_capture_order(looks) else "no capture order"
    print(
        f"{case.name}: {count} photos, {len(case.true)} true pairs of {count * (count - 1) // 2}, {order}, "
        f"{1000 * seconds / count:.0f} ms of processor time per photo"
    )
    chance = np.random.default_rng(0).random((count, count))
    apart = np.abs(np.arange(count)[:, None] - np.arange(count))
    for neighbours in KEPT:
        kept = chosen(looks, neighbours)
        row = (
            f"  {neighbours:2d} neighbours: {len(kept):4d} pairs, recall by images {recall(kept, case.true)}"
        )
        if case.descriptors:
            by_features = chosen(descriptor_similarity(case.descriptors), neighbours)
            row += f", by {len(by_features)} pairs of features {recall(by_features, case.true)}"
        nearest = sorted(combinations(range(count), 2), key=lambda pair: (apart[pair], chance[pair]))
        lucky = sorted(combinations(range(count), 2), key=lambda pair: chance[pair])
        row += f"; by order {recall(set(nearest[: len(kept)]), case.true)}"
        print(row + f", by chance {recall(set(lucky[: len(kept)]), case.true)}", flush=True)


def chosen(similarity: NDArray[np.float64], neighbours: int) -> Pairs:
    """Pairs by likeness alone."""
    return set(select_pairs(similarity, neighbours=neighbours, window=0, complete_up_to=0))


def recall(kept: Pairs, true: Pairs) -> str:
    return f"{len(kept & true) / len(true):.2f}"


if __name__ == "__main__":
    sys.exit(main())
