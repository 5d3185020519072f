# SPDX-License-Identifier: GPL-3.0-or-later
"""Clicks that correct answers, at things in rendered scenes: how good is the mask after each of them?

    python -m benchmarks.corrections VIEWS [--first SEED] [--most N]

VIEWS is a folder that ``python -m training.scenes`` filled; its scenes become reconstructions as they do in
``benchmarks.guesses``. Every thing is clicked in each of the two views, in its middle first and then, four
times, in the middle of what is most wrong there, and answered by the segmenter alone. Printed is the mean
intersection over union after each click, in the view that was clicked and in the other one, and how long a
correction takes.

What the outline and overlap networks learned from should stay out: leave out their seeds with ``--first``.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from itertools import islice

import numpy as np
from numpy.typing import NDArray

from benchmarks.guesses import asked_scenes, segmenters, shown_things
from wildseg3d_blender.pipeline.evaluation import iou
from wildseg3d_blender.pipeline.evaluation.clicking import by_segmenter, play
from wildseg3d_blender.pipeline.photos.masks import mask_to_photo
from wildseg3d_blender.pipeline.segmentation.graphcut import GraphCutSegmenter

CLICKS = 5

Played = tuple[NDArray[np.float64], list[float]]
"""Intersection over union, (CLICKS, 2), in the view clicked and elsewhere; seconds of each correction."""


def main(arguments: Sequence[str]) -> int:
    """Print a line for each scene and the means; exit status 1 where there are no scenes."""
    views, seeds = asked_scenes(arguments, __doc__ or "")
    if not seeds:
        return 1
    everything: list[Played] = []
    for seed, segmenter, instance in segmenters(views, seeds):
        things = list(played(segmenter, instance))
        everything += things
        print(f"{seed}: {_means(things)}", flush=True)
    print(f"all: {_means(everything)}")
    return 0


def played(segmenter: GraphCutSegmenter, instance: dict[str, NDArray[np.int64]]) -> Iterator[Played]:
    """Every thing that all views show, clicked in one view after the other."""
    scene = segmenter.scene
    for _, truth in shown_things(instance):
        for clicked in truth:
            rounds = list(islice(play(scene, truth, clicked, by_segmenter(segmenter)), CLICKS))
            overlaps = []
            for one in rounds:
                masks = {view.name: mask_to_photo(view, one.masks[view.name]) for view in scene.views}
                good = {name: iou(masks[name], own) for name, own in truth.items()}
                elsewhere = [value for name, value in good.items() if name != clicked]
                overlaps.append((good[clicked], float(np.mean(elsewhere))))
            yield np.array(overlaps), [one.seconds for one in rounds[1:] if one.seconds > 0.0]


def _means(things: Sequence[Played]) -> str:
    if not things:
        return "nothing to click"
    clicked, other = np.mean([overlaps for overlaps, _ in things], axis=0).T
    seconds = [each for _, spent in things for each in spent]
    took = f", {1000 * np.median(seconds):.0f} ms a correction (median)" if seconds else ""
    return (
        f"{len(things)} things clicked, after 1 to {CLICKS} clicks {_row(clicked)} in the view clicked, "
        f"{_row(other)} in the other{took}"
    )


def _row(values: NDArray[np.float64]) -> str:
    return " ".join(f"{value:.3f}" for value in values)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
