# SPDX-License-Identifier: GPL-3.0-or-later
"""Clicks and boxes at hundreds of things in rendered scenes: is the guess taken the best one there is?

    python -m benchmarks.guesses VIEWS [--first SEED] [--most N]

VIEWS is a folder that ``python -m training.scenes`` filled. The two views of a scene become one with their
true cameras and with depth as photos would give it: soft at outlines, noisy, with holes where there is
nothing to match. Every thing is clicked twice in each view, in its middle and somewhere near it, and a box is
drawn around it as people draw them, most sides a little too far out. Printed is the mean intersection over
union, by pixels of superpixels in both views, of the guess that is taken, of the answer whose outline has
settled, and of the best guess.

What the outline and overlap networks learned from should stay out: leave out their seeds with ``--first``.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from training.examples import FIRST_OBJECT
from wildseg3d_blender.conventions import camera_rays, pixel_centres
from wildseg3d_blender.photo_warp import PhotoWarp
from wildseg3d_blender.pipeline.evaluation import first_click
from wildseg3d_blender.pipeline.segmentation.graphcut import GraphCutSegmenter
from wildseg3d_blender.pipeline.segmentation.graphcut.graph import Selection
from wildseg3d_blender.pipeline.segmentation.graphcut.hypotheses import area_overlap
from wildseg3d_blender.pipeline.segmentation.graphcut.prompt_seeds import seeds_of
from wildseg3d_blender.progress import silent
from wildseg3d_blender.prompts import Box, Click, Prompt
from wildseg3d_blender.scene.folder import Scene, View, read_scene, write_scene

SMALLEST = 0.003
"""Share of each view that a thing must cover to be clicked."""

NEAR_MIDDLE = 0.45
"""Clicks near the middle have at least this share of its distance to the outline."""

SENSOR_NOISE = 2.0
"""Standard deviation, of 255."""

DEPTH_NOISE, NOISE_GRAIN = 0.004, 4.0
"""Standard deviation as a share of depth, and how far it goes together, in pixels."""

PLAIN, PLAIN_HOLES, HOLES, HOLE_GRAIN = 2.5, 0.4, 0.02, 8.0
"""Contrast below which holes are more frequent; about the shares of pixels in holes there and elsewhere."""

BOX_ERROR, TOO_TIGHT = 0.04, 0.25
"""How far sides of a box are off, as shares of its size, and the share of them that are too far in, by half
as much."""

Thing = tuple[int, Prompt]
"""A thing's number, and a prompt that asks for it."""


@dataclass(frozen=True)
class Answer:
    """Intersection over union with a thing: of the guess taken, of that settled, of the best guess."""

    taken: float
    final: float
    best: float


def main(arguments: Sequence[str]) -> int:
    """Print a line for each scene and the means; exit status 1 where there are no scenes."""
    views, seeds = asked_scenes(arguments, __doc__ or "")
    if not seeds:
        return 1
    clicks: list[Answer] = []
    boxes: list[Answer] = []
    for seed, segmenter, instance in segmenters(views, seeds):
        for kind, things, everything in (
            ("clicks", clicked_things(instance, seed), clicks),
            ("boxes", boxed_things(instance, seed), boxes),
        ):
            answers = list(answered(segmenter, instance, things))
            everything += answers
            print(f"{seed}: {len(answers)} {kind}{_means(answers)}", flush=True)
    print(f"all: {len(clicks)} clicks{_means(clicks)}")
    print(f"all: {len(boxes)} boxes{_means(boxes)}")
    return 0


def asked_scenes(arguments: Sequence[str], what: str) -> tuple[Path, list[int]]:
    """The folder of rendered scenes on a command line and the seeds of those to use; says so where there are
    none. The first line of ``what`` describes the command."""
    parser = argparse.ArgumentParser(description=what.split("\n", 1)[0])
    parser.add_argument("views", type=Path)
    parser.add_argument("--first", type=int, default=0, metavar="SEED")
    parser.add_argument("--most", type=int, default=100, metavar="N", help="scenes")
    options = parser.parse_args(arguments)
    seeds = sorted(int(path.parent.name) for path in options.views.glob("*/view_1.npz"))
    seeds = [seed for seed in seeds if seed >= options.first][: options.most]
    if not seeds:
        print(f"There are no scenes in {options.views}: render some with python -m training.scenes.")
    return options.views, seeds


def segmenters(
    views: Path, seeds: Sequence[int]
) -> Iterator[tuple[int, GraphCutSegmenter, dict[str, NDArray[np.int64]]]]:
    """Each of some rendered scenes as ``noisy_scene`` makes it, with a segmenter; its folder is gone when the
    next one is asked for."""
    for seed in seeds:
        with tempfile.TemporaryDirectory() as folder:
            scene, instance = noisy_scene(views / str(seed), Path(folder) / "scene", seed)
            yield seed, GraphCutSegmenter(scene, silent), instance


def noisy_scene(views: Path, folder: Path, seed: int) -> tuple[Scene, dict[str, NDArray[np.int64]]]:
    """The two views of a rendered scene as a reconstruction in ``folder``, and the true instances (H, W)."""
    rng = np.random.default_rng(seed)
    placed, points, confidence, colours, images, instance = [], {}, {}, {}, {}, {}
    for name in ("view_0", "view_1"):
        photo = views / f"{name}.png"
        image = cv2.cvtColor(cv2.imread(str(photo), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
        image = np.clip(image + rng.normal(0.0, SENSOR_NOISE, image.shape), 0, 255).astype(np.uint8)
        with np.load(views / f"{name}.npz") as truth:
            K, cam_to_world = truth["K"].astype(np.float64), truth["cam_to_world"].astype(np.float64)
            depth, measured = _as_matched(rng, truth["depth"], image)
            instance[name] = truth["instance"].astype(np.int64)
        height, width = depth.shape
        points_cam = camera_rays(K, pixel_centres(width, height)) * depth[..., None]
        points[name] = (points_cam @ cam_to_world[:3, :3].T + cam_to_world[:3, 3]).astype(np.float32)
        confidence[name], colours[name] = measured.astype(np.float32), image
        images[name] = cv2.imencode(".jpg", image[..., ::-1])[1].tobytes()
        placed.append(View(name, photo, (width, height), (width, height), K, cam_to_world, PhotoWarp(K, K)))
    write_scene(
        Scene(folder, tuple(placed), "rendered"),
        pointmaps=points,
        confidence=confidence,
        colours=colours,
        images=images,
    )
    return read_scene(folder), instance


def _as_matched(
    rng: np.random.Generator, depth: NDArray[np.float32], image: NDArray[np.uint8]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Depth (H, W) as comparing photos would find it, and where it would."""

    def smooth_noise(grain: float) -> NDArray[np.float32]:
        noise = cv2.GaussianBlur(rng.standard_normal(depth.shape).astype(np.float32), (0, 0), grain)
        return noise / max(float(noise.std()), 1e-6)

    found = cv2.medianBlur(depth, 5) * (1.0 + DEPTH_NOISE * smooth_noise(NOISE_GRAIN))
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32)
    variance = cv2.blur(grey * grey, (9, 9)) - cv2.blur(grey, (9, 9)) ** 2
    patches = smooth_noise(HOLE_GRAIN)
    where_plain, elsewhere = np.quantile(patches, [1.0 - PLAIN_HOLES, 1.0 - HOLES])
    measured = (depth > 0) & (patches < np.where(variance < PLAIN**2, where_plain, elsewhere))
    return found.astype(np.float32), measured


def shown_things(
    instance: Mapping[str, NDArray[np.int64]],
) -> Iterator[tuple[int, dict[str, NDArray[np.bool_]]]]:
    """The number and the true masks (H, W) of each thing that covers enough of every view."""
    present = np.unique(np.concatenate([np.unique(own) for own in instance.values()]))
    for thing in present[present >= FIRST_OBJECT]:
        masks = {name: own == thing for name, own in instance.items()}
        if min(mask.mean() for mask in masks.values()) >= SMALLEST:
            yield int(thing), masks


def clicked_things(instance: Mapping[str, NDArray[np.int64]], seed: int) -> Iterator[Thing]:
    """Two clicks in each view at each thing that both views show, and the thing's number."""
    rng = np.random.default_rng(seed)
    for thing, masks in shown_things(instance):
        for name, mask in masks.items():
            for x, y in _clicks(rng, mask):
                yield thing, Click(name, x, y, True)


def boxed_things(instance: Mapping[str, NDArray[np.int64]], seed: int) -> Iterator[Thing]:
    """A box in each view around each thing that both views show, and the thing's number."""
    rng = np.random.default_rng(seed)
    for thing, masks in shown_things(instance):
        for name, mask in masks.items():
            yield thing, _box(rng, name, mask)


def answered(
    segmenter: GraphCutSegmenter, instance: Mapping[str, NDArray[np.int64]], things: Iterable[Thing]
) -> Iterator[Answer]:
    """The answer to each prompt."""
    graph = segmenter.graph
    for thing, prompt in things:
        truth: Selection = np.zeros(len(graph.nodes), dtype=bool)
        for data in graph.views:
            own = instance[data.view.name] == thing
            covered = np.bincount(data.labels[own], minlength=len(truth))
            truth |= covered > 0.5 * graph.nodes.area
        seeds = seeds_of(segmenter.scene, graph.views, [prompt])
        found = segmenter.hypotheses(seeds)
        final = segmenter.with_settled_outline(found, seeds)
        overlaps = [area_overlap(graph, guess.selection, truth) for guess in found]
        yield Answer(overlaps[0], area_overlap(graph, final, truth), max(overlaps))


def _clicks(rng: np.random.Generator, mask: NDArray[np.bool_]) -> Iterator[tuple[float, float]]:
    """Pixels (x, y): the deepest inside a mask, and one that is nearly as deep."""
    yield first_click(mask)
    depth = cv2.distanceTransform(np.pad(mask.astype(np.uint8), 1), cv2.DIST_L2, 5)[1:-1, 1:-1]
    rows, columns = np.nonzero(depth > NEAR_MIDDLE * depth.max())
    chosen = int(rng.integers(len(rows)))
    yield float(columns[chosen]) + 0.5, float(rows[chosen]) + 0.5


def _box(rng: np.random.Generator, view: str, mask: NDArray[np.bool_]) -> Box:
    """A box around a mask (H, W) as somebody would draw it."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    x0, y0, x1, y1 = columns[0], rows[0], columns[-1] + 1, rows[-1] + 1
    off = np.abs(rng.normal(0.0, BOX_ERROR, 4)) * np.where(rng.random(4) < TOO_TIGHT, -0.5, 1.0)
    left, right, top, bottom = off * np.repeat([x1 - x0, y1 - y0], 2)
    height, width = mask.shape
    return Box(
        view, max(x0 - left, 0.0), max(y0 - top, 0.0), min(x1 + right, width), min(y1 + bottom, height)
    )


def _means(answers: Sequence[Answer]) -> str:
    if not answers:
        return ""
    taken, final, best = np.mean([(item.taken, item.final, item.best) for item in answers], axis=0)
    return f", taken {taken:.3f}, settled {final:.3f}, best guess {best:.3f}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
