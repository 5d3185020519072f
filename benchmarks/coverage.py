# SPDX-License-Identifier: GPL-3.0-or-later
"""Things in rendered scenes and the objects that are found in advance: how many things are among them?

    python -m benchmarks.coverage VIEWS [--first SEED] [--most N]

VIEWS is a folder that ``python -m training.scenes`` filled; its scenes become reconstructions as they do in
``benchmarks.guesses``. A thing that both views show is covered when the mask of some object found has an
intersection over union with it above ``GOOD``, mean of the two views. Printed beside it is the same for the
candidates from which objects are chosen, their outlines still those of superpixels, and for the thing itself
drawn with superpixels, which nothing made of them can exceed by much; so it shows which step loses things.

What the outline network learned from should stay out: leave out its seeds with ``--first``.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.guesses import asked_scenes, segmenters, shown_things
from wildseg3d_blender.pipeline.evaluation import iou
from wildseg3d_blender.pipeline.segmentation.graphcut.candidates import candidates
from wildseg3d_blender.pipeline.segmentation.graphcut.contract import contract
from wildseg3d_blender.pipeline.segmentation.graphcut.graph import SceneGraph, Selection
from wildseg3d_blender.pipeline.segmentation.graphcut.segmenter import MERGED, MOST_NODES
from wildseg3d_blender.progress import silent

GOOD = 0.8

Masks = Mapping[str, NDArray[np.bool_]]


@dataclass(frozen=True)
class Found:
    """Intersection over union with a thing: of the best object, the best candidate, and of the thing drawn
    with superpixels."""

    proposed: float
    candidate: float
    drawn: float


def main(arguments: Sequence[str]) -> int:
    """Print a line for each scene and the means; exit status 1 where there are no scenes."""
    views, seeds = asked_scenes(arguments, __doc__ or "")
    if not seeds:
        return 1
    everything: list[Found] = []
    counts, spent = [], []
    for seed, segmenter, instance in segmenters(views, seeds):
        started = time.process_time()
        proposed = [proposal.masks for proposal in segmenter.proposals(silent)]
        spent.append(time.process_time() - started)
        counts.append(len(proposed))
        found = list(covered(segmenter.graph, proposed, instance))
        everything += found
        print(f"{seed}: {len(proposed)} objects in {spent[-1]:.1f} s, {_means(found)}", flush=True)
    print(f"all: {np.mean(counts):.0f} objects in {np.mean(spent):.2f} s of CPU time, {_means(everything)}")
    return 0


def covered(
    graph: SceneGraph, proposed: Sequence[Masks], instance: Mapping[str, NDArray[np.int64]]
) -> Iterator[Found]:
    """How well the masks proposed, and the candidates for them, cover each thing that all views show.

    Args:
        instance: view name -> (H, W) numbers of the things.
    """
    area = graph.nodes.area
    small = contract(graph, min(len(graph.nodes) // MERGED, MOST_NODES), learned=True)
    drawn_up = candidates(small.graph, silent)[0]
    for _, truth in shown_things(instance):
        own = _drawn(graph, truth)
        # The areas of the merged nodes are those of what they are made of.
        inside = np.bincount(small.of_node, area * own, len(small.graph.nodes))
        common = drawn_up @ inside
        overlap = common / (drawn_up @ small.graph.nodes.area + inside.sum() - common)
        best = small.up(drawn_up[int(overlap.argmax())])
        yield Found(
            max((_overlap(masks, truth) for masks in proposed), default=0.0),
            _overlap(_masks(graph, best), truth),
            _overlap(_masks(graph, own), truth),
        )


def _drawn(graph: SceneGraph, truth: Masks) -> Selection:
    """The superpixels that lie in a thing for the most part."""
    own: Selection = np.zeros(len(graph.nodes), dtype=bool)
    for data in graph.views:
        own |= np.bincount(data.labels[truth[data.view.name]], minlength=len(own)) > 0.5 * graph.nodes.area
    return own


def _masks(graph: SceneGraph, selection: Selection) -> Masks:
    return {data.view.name: data.mask(selection) for data in graph.views}


def _overlap(masks: Masks, truth: Masks) -> float:
    return float(np.mean([iou(masks[name], own) for name, own in truth.items()]))


def _means(found: Sequence[Found]) -> str:
    if not found:
        return "no things"
    values = np.array([(item.proposed, item.candidate, item.drawn) for item in found])
    (proposed, candidate, drawn), good = values.mean(0), (values > GOOD).mean(0)
    return (
        f"{len(found)} things, found {proposed:.3f} ({100 * good[0]:.0f} % covered), best candidate "
        f"{candidate:.3f} ({100 * good[1]:.0f} %), drawn with superpixels {drawn:.3f} ({100 * good[2]:.0f} %)"
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
