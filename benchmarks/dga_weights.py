# SPDX-License-Identifier: GPL-3.0-or-later
"""Where Dynamic Global Aligning's weights help and where they do not, over seeds.

    python -m benchmarks.dga_weights [--seeds 10] [--views 5] [--size 128x96] [--cases NAME ...] [--scaling]

Synthetic views of spheres and boxes, exact truth, pair graphs corrupted as a pointmap network's are. Each
case is aligned with several weights, and each is compared with the plain confidence on the same graph: mean
over the seeds of the change, and the spread (standard deviation) of the change.

Lengths are in % of the median depth. ``object`` is the distance of the objects' points from the truth after
the similarity that fits them best (median, mean, 95th percentile), ``outline`` the same within 3 pixels of an
object's outline. ``IoU``: the objects' points of all other views, drawn into a view with the cameras found,
against the true mask there. With ``--scaling`` the variants are ways to let the confidence into the weights.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.alignment_parts.metrics import FIRST_OBJECT, object_zones
from tests.synthetic import (
    Corruption,
    TrueView,
    depth_graph,
    errors,
    orbit,
    pair_graph,
    smooth_noise,
)
from wildseg3d_blender.conventions import project
from wildseg3d_blender.pipeline.alignment import (
    Alignment,
    EdgeState,
    EdgeWeights,
    align,
    confidence_weights,
    dga_weights,
    pointmap,
)
from wildseg3d_blender.pipeline.alignment.dga import published_weights
from wildseg3d_blender.pipeline.alignment.sim3 import fit_sim3_robust
from wildseg3d_blender.pipeline.alignment.weights import PixelWeights
from wildseg3d_blender.pipeline.pair_graph import Edge, PairGraph

Floats = NDArray[np.float32]
SoftMasks = list[Floats]


@dataclass(frozen=True)
class Figures:
    """What is measured of one alignment; see the top of this file."""

    centre: float
    rotation: float
    focal: float
    object_median: float
    object_mean: float
    object_p95: float
    outline_median: float
    outline_mean: float
    iou: float


HEADINGS = ("centre", "rotation", "focal", "object", "mean", "95th", "outline", "mean", "IoU")


@dataclass(frozen=True)
class Variant:
    """One way to weigh.

    Attributes:
        name: for the table.
        weights: the weights function.
        masks: what is made of the true masks; None where none are given.
        rounds: see ``align``.
    """

    name: str
    weights: EdgeWeights
    masks: Callable[[SoftMasks, int], SoftMasks] | None = None
    rounds: int = 1


def log_confidence(
    edge: Edge, state: EdgeState | None, masks: tuple[Floats, Floats] | None
) -> tuple[Floats, Floats]:
    """W = log(1 + C): like DUSt3R's log C, and good for a stereo engine's C below one."""
    return np.log1p(edge.confidence_i), np.log1p(edge.confidence_j)


def as_they_are(masks: SoftMasks, seed: int) -> SoftMasks:
    return masks


def eroded(masks: SoftMasks, seed: int) -> SoftMasks:
    return [cv2.erode(mask, np.ones((5, 5), np.uint8)) for mask in masks]


def dilated(masks: SoftMasks, seed: int) -> SoftMasks:
    return [cv2.dilate(mask, np.ones((5, 5), np.uint8)) for mask in masks]


def one_missing(masks: SoftMasks, seed: int) -> SoftMasks:
    return [np.zeros_like(mask) if v == 1 else mask for v, mask in enumerate(masks)]


def uneven(masks: SoftMasks, seed: int) -> SoftMasks:
    """Outlines off by a pixel or two, differently in each view."""
    rng = np.random.default_rng(seed + 5)
    changed = []
    for mask in masks:
        height, width = mask.shape
        row, column = np.mgrid[:height, :width]
        across, down = (1.5 * smooth_noise(rng, width, height, cell=12) for _ in range(2))
        where = (column + across).astype(np.float32), (row + down).astype(np.float32)
        changed.append(cv2.remap(mask, *where, cv2.INTER_NEAREST, borderMode=cv2.BORDER_REPLICATE))
    return changed


CONFIDENCE = Variant("confidence", confidence_weights)
VARIANTS = (
    CONFIDENCE,
    Variant("log confidence", log_confidence),
    Variant("published, no masks", published_weights()),
    Variant("published, masks", published_weights(), as_they_are),
    Variant("DGA, no masks", dga_weights()),
    Variant("DGA, masks", dga_weights(), as_they_are),
)
# What else may happen, for one case.
MORE = (
    Variant("DGA, masks, 2 rounds", dga_weights(), as_they_are, rounds=2),
    Variant("DGA, masks eroded 2 px", dga_weights(), eroded),
    Variant("DGA, masks dilated 2 px", dga_weights(), dilated),
    Variant("DGA, masks uneven", dga_weights(), uneven),
    Variant("DGA, one mask missing", dga_weights(), one_missing),
)


def entering_as(change: Callable[[Floats], Floats]) -> EdgeWeights:
    """DGA that is told ``change(C)`` instead of the confidence C."""
    inner = dga_weights()

    def weights(
        edge: Edge, state: EdgeState | None, masks: tuple[Floats, Floats] | None
    ) -> tuple[PixelWeights, PixelWeights]:
        told = replace(edge, confidence_i=change(edge.confidence_i), confidence_j=change(edge.confidence_j))
        return inner(told, state, masks)

    return weights


def multiplied_by(factor: Callable[[Floats], Floats]) -> EdgeWeights:
    """DGA's weights times ``factor(C)``."""
    inner = dga_weights()

    def weights(
        edge: Edge, state: EdgeState | None, masks: tuple[Floats, Floats] | None
    ) -> tuple[PixelWeights, PixelWeights]:
        weights_i, weights_j = inner(edge, state, masks)
        return weights_i * factor(edge.confidence_i), weights_j * factor(edge.confidence_j)

    return weights


SCALINGS = (
    CONFIDENCE,
    Variant("A of C", dga_weights(), as_they_are),
    Variant("A of log(1 + C)", entering_as(np.log1p), as_they_are),
    Variant("A of C squared", entering_as(np.square), as_they_are),
    Variant("A of 1", entering_as(np.sign), as_they_are),
    Variant("log(1 + C) A of C", multiplied_by(np.log1p), as_they_are),
    Variant("C A of C", multiplied_by(np.positive), as_they_are),
)


def network(corruption: Corruption) -> Callable[[Sequence[TrueView], int], PairGraph]:
    return lambda views, seed: pair_graph(views, corruption=corruption, seed=seed)


def stereo(views: Sequence[TrueView], seed: int) -> PairGraph:
    """One depth map per view, the same in all its edges, half of it without measurement; true poses."""
    rng = np.random.default_rng(seed)
    depths, confidence = [], []
    for view in views:
        height, width = view.depth.shape
        noise = 0.01 * smooth_noise(rng, width, height) + 0.005 * rng.normal(size=view.depth.shape)
        depths.append(view.depth * (1 + noise))
        known = smooth_noise(rng, width, height, cell=6) > 0
        given = np.where(known, rng.uniform(0.2, 1.0, view.depth.shape), 0.0)
        confidence.append(given.astype(np.float32))
    near = [(i, j) for i in range(len(views)) for j in range(len(views)) if 0 < abs(i - j) <= 2]
    return depth_graph(views, depths, confidence, near)


CASES: dict[str, Callable[[Sequence[TrueView], int], PairGraph]] = {
    "sharp boundaries": network(Corruption()),
    "ragged boundaries": network(Corruption(ragged=1.0)),
    "ragged, far against near": network(Corruption(ragged=1.0, bend=0.05)),
    "ragged, outliers told": network(Corruption(ragged=1.0, outliers=0.1)),
    "ragged, outliers untold": network(Corruption(ragged=1.0, outliers=0.1, outliers_told=False)),
    "ragged, 3 edges wrong": network(Corruption(ragged=1.0, wrong_edges=3)),
    "smeared alike in all edges": network(Corruption(smear=True)),
    "stereo with holes": stereo,
}
# What is smaller (in %, or degrees) is rounding: changes are told as shares of at least this.
SMALLEST = 0.01
WITH_MORE = "ragged boundaries"


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a table per case."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--views", type=int, default=5)
    parser.add_argument("--size", default="128x96", help="WIDTHxHEIGHT of the views")
    parser.add_argument("--cases", nargs="+", choices=tuple(CASES), default=tuple(CASES))
    parser.add_argument("--scaling", action="store_true", help="compare how the confidence enters")
    options = parser.parse_args(arguments)
    width, height = (int(side) for side in options.size.split("x"))
    for case in options.cases:
        variants: tuple[Variant, ...] = SCALINGS if options.scaling else VARIANTS
        if case == WITH_MORE and not options.scaling:
            variants += MORE
        rows: dict[str, list[Figures]] = {variant.name: [] for variant in variants}
        for seed in range(options.seeds):
            views = orbit(options.views, (width, height), seed=seed)
            graph = CASES[case](views, seed)
            for variant in variants:
                rows[variant.name].append(measure(views, graph, variant, seed))
        print(table(case, rows), flush=True)
    return 0


def measure(views: Sequence[TrueView], graph: PairGraph, variant: Variant, seed: int) -> Figures:
    """Align ``graph`` with the weights of ``variant`` and compare with the truth."""
    soft = [(view.labels >= FIRST_OBJECT).astype(np.float32) for view in views]
    masks = variant.masks(soft, seed) if variant.masks else None
    alignment = align(graph, weights=variant.weights, masks=masks, rounds=variant.rounds)
    kept = [views[v] for v in alignment.views]
    depth = float(np.median(np.concatenate([view.depth.ravel() for view in kept])))
    cameras = errors(alignment, views)
    things = np.stack([view.labels >= FIRST_OBJECT for view in kept])
    known = np.stack([confidence > 0 for confidence in alignment.confidence])
    _, outline = object_zones(np.stack([view.labels for view in kept]))
    points = np.stack([pointmap(alignment, v).astype(np.float64) for v in range(len(kept))])
    truth = np.stack([view.points_world for view in kept])
    judged = things & known
    by_objects, _ = fit_sim3_robust(points[judged][::3], truth[judged][::3])
    off = 100 / depth * np.linalg.norm(by_objects.apply(points) - truth, axis=-1)
    return Figures(
        centre=cameras.centre,
        rotation=cameras.rotation_degrees,
        focal=cameras.focal,
        object_median=float(np.median(off[judged])),
        object_mean=float(off[judged].mean()),
        object_p95=float(np.percentile(off[judged], 95)),
        outline_median=float(np.median(off[judged & outline])),
        outline_mean=float(off[judged & outline].mean()),
        iou=float(np.mean([drawn_iou(alignment, points, judged, things, v) for v in range(len(kept))])),
    )


def drawn_iou(
    alignment: Alignment,
    points: NDArray[np.float64],
    judged: NDArray[np.bool_],
    things: NDArray[np.bool_],
    v: int,
) -> float:
    """IoU in % of the objects' points of all views but ``v``, drawn into ``v``, with the true mask there.

    Nothing hides them: only floor and walls are no objects, and those stand behind.
    """
    others = np.arange(len(points)) != v
    pixels, depth = project(points[others][judged[others]], alignment.K[v], alignment.cam_to_world[v])
    height, width = things[v].shape
    seen = (depth > 0) & (pixels >= 0).all(-1) & (pixels < [width, height]).all(-1)
    column, row = pixels[seen].astype(int).T
    drawn = np.zeros((height, width), np.uint8)
    drawn[row, column] = 1
    closed = cv2.morphologyEx(drawn, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8)) > 0
    return float(100 * (closed & things[v]).sum() / (closed | things[v]).sum())


def table(case: str, rows: dict[str, list[Figures]]) -> str:
    """Means of the plain confidence; of the others the change in % (IoU: in points) and its spread."""
    names = [field.name for field in fields(Figures)]
    plain = np.array([[getattr(figures, name) for name in names] for figures in rows[CONFIDENCE.name]])
    lines = [f"\n{case} ({len(plain)} seeds)", " " * 26 + "".join(f"{head:>15s}" for head in HEADINGS)]
    for label, figures in rows.items():
        values = np.array([[getattr(one, name) for name in names] for one in figures])
        if label == CONFIDENCE.name:
            cells = [f"{mean:15.3f}" for mean in values.mean(axis=0)]
        else:
            change = 100 * (values - plain) / np.maximum(plain, SMALLEST)
            change[:, -1] = values[:, -1] - plain[:, -1]
            cells = [
                f"{mean:+8.1f} ±{spread:5.1f}"
                for mean, spread in zip(change.mean(axis=0), change.std(axis=0), strict=True)
            ]
            cells = [f"{cell:>15s}" for cell in cells]
        lines.append(f"{label:26s}" + "".join(cells))
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
