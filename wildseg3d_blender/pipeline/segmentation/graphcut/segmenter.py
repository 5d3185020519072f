# SPDX-License-Identifier: GPL-3.0-or-later
"""The segmenter itself: prompts to nodes, nodes to an object, the object to sharp masks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray

from ....errors import PromptError
from ....progress import Progress, span
from ....prompts import Box, Prompt
from ....scene.folder import Scene
from .. import Masks
from ..pixel_prompts import PixelClick
from ..proposals import Proposal
from .agreement import agreed, ties_of
from .box_search import as_bounded, barred_by, from_boxes
from .carrying import carried
from .contract import contract
from .contradiction import Contradiction
from .correction import correct
from .graph import SceneGraph, Selection, build_graph
from .hypotheses import Hypothesis, from_clicks, like_one_thing, votes
from .prompt_seeds import Seeds, node_at, seeds_of
from .proposals import propose, settle
from .refine import obeying, refine
from .rough import contracted, rough_selection
from .settle import SPOILED, borders_of, settled

MERGED, MOST_NODES = 6, 1700
"""How many nodes become one in the graph on which proposals are looked for, and how many it has at most."""

SPOILED_IN_BOX = 0.1
"""As ``settle.SPOILED``, for what is found in a box, by all that guesses are ranked by there: without clicks
nothing holds an outline of a small thing. Of 206 boxes in rendered scenes (``benchmarks/guesses.py``) the
mean is .752 with this and .702 without; it was chosen on these."""

HAIR = 1.5
"""Pixels: clicks nearer to an answer's outline than that say that it is a little off there, and change no
superpixel. Of the corrections that ``benchmarks/corrections.py`` asked for in 23 rendered scenes, those
within 1.5 pixels of the outline made masks worse by .018 in the view clicked and .011 in the other.

Means after 2, 3, 4 and 5 clicks are .805 .833 .857 .864 in the view clicked and .765 .791 .808 .812 in the
other with this, and were .799 .825 .849 .856 and .764 .785 .803 .809 without; in the other view .765 .793
.810 .812 with 2 pixels, .756 .783 .799 .802 with 3, and it was chosen on these. On the five other scenes 1.5
is a little better than 2.
"""


class GraphCutSegmenter:
    """Masks of one object in all views from clicks and boxes; see ``Segmenter``.

    Making one reads every view of the scene and takes about half a second per view. It keeps no state
    between calls: a correction starts from the ``previous`` masks that it is given.
    """

    name = "graphcut"

    def __init__(self, scene: Scene, progress: Progress) -> None:
        self.scene = scene
        self.graph = build_graph(scene, span(progress, 0.0, 0.9))
        self.borders = borders_of(self.graph)
        self.ties = ties_of(self.graph, self.borders)
        self._small = contracted(self.graph, span(progress, 0.9, 1.0))

    def segment(
        self,
        prompts: Sequence[Prompt],
        *,
        previous: Mapping[str, NDArray[np.bool_]] | None = None,
        progress: Progress,
    ) -> Masks:
        """Masks of the object in every view, as ``Segmenter.segment`` describes.

        Raises:
            PromptError: see ``prompt_seeds.seeds_of``; or ``previous`` does not fit the scene.
        """
        seeds = seeds_of(self.scene, self.graph.views, prompts)
        progress("segment", 0.1, "Finding the object")
        started = previous is not None and any(np.any(mask) for mask in previous.values())
        if previous is not None and started and not isinstance(prompts[-1], Box):
            before = self._selection_of(previous)
            selection = self._corrected(seeds, previous, before)
            progress("segment", 0.7, "Sharpening outlines")
            return self._masks(selection, seeds, before, previous)
        found = self.hypotheses(seeds)
        selection = self.with_settled_outline(found, seeds)
        progress("segment", 0.7, "Sharpening outlines")
        return self._masks(selection, seeds)

    def first_answer(self, prompts: Sequence[Prompt]) -> Masks | None:
        """Roughly what ``segment`` will find without ``previous``, see ``FirstAnswers``; clicks only.

        Raises:
            PromptError: see ``prompt_seeds.seeds_of``.
        """
        seeds = seeds_of(self.scene, self.graph.views, prompts)
        selection = None if seeds.boxes else rough_selection(self.graph, self._small, seeds)
        if selection is None:
            return None
        clicked = {click.view for click in seeds.clicks}
        masks = {}
        for number, data in enumerate(self.graph.views):
            # Only the photos that the artist clicked in are worth the time of a sharp outline.
            coarse = data.mask(selection)
            clicks = [click for click in seeds.clicks if click.view == number]
            masks[data.view.name] = refine(data, coarse, clicks) if number in clicked else coarse
        return masks

    def proposals(self, progress: Progress) -> Iterator[Proposal]:
        """Objects of the scene, as ``Proposer.proposals`` describes."""
        nodes = min(len(self.graph.nodes) // MERGED, MOST_NODES)
        small = contract(self.graph, nodes, progress, learned=True)
        rough = propose(self.graph, small, span(progress, 0.0, 0.3))
        found = settle(self.graph, self.borders, rough, span(progress, 0.3, 0.6))
        # One after the other: in threads, steps as small as these take turns at Python's lock, which costs
        # more than a second processor gives.
        for number, item in enumerate(found):
            progress("proposals", 0.6 + 0.4 * number / len(found), "Sharpening outlines")
            masks = {data.view.name: refine(data, data.mask(item.selection)) for data in self.graph.views}
            yield Proposal(masks, item.score)

    def hypotheses(self, seeds: Seeds) -> list[Hypothesis]:
        """Guesses at the object, best first; made anew, without a previous result."""
        if seeds.boxes:
            found = from_boxes(self.graph, seeds.boxes, seeds.inside, seeds.outside)
        else:
            found = from_clicks(self.graph, seeds.inside, seeds.outside, seeds.clicks)
        if found:
            return found
        selection = np.zeros(len(self.graph.nodes), dtype=bool)
        selection[seeds.inside] = True
        return [Hypothesis(selection, -1.0, "seeds only")]

    def with_settled_outline(self, found: Sequence[Hypothesis], seeds: Seeds) -> Selection:
        """The best one of ``hypotheses``, its outline where it fits; as it is where that spoils it."""
        if seeds.boxes:
            return self._settled_in_boxes(found, seeds)
        guess = found[0].selection
        selection = settled(self.graph, self.borders, guess, seeds.inside, seeds.outside, voted=votes(found))
        first = next((click for click in seeds.clicks if click.positive), None)
        if first is None:
            return selection
        data = self.graph.views[first.view]
        before, after = like_one_thing([data.mask(guess), data.mask(selection)], data, first)
        return guess if before > after + SPOILED else selection

    def _settled_in_boxes(self, found: Sequence[Hypothesis], seeds: Seeds) -> Selection:
        """The same within boxes: nothing that they rule out joins."""
        guess = found[0].selection
        barred = barred_by(self.graph, seeds.boxes, seeds.inside, seeds.outside) & ~guess
        outside = np.flatnonzero(barred)
        selection = settled(self.graph, self.borders, guess, seeds.inside, outside, voted=votes(found))
        both = [found[0], replace(found[0], selection=selection)]
        before, after = as_bounded(self.graph, seeds.boxes, both)
        return guess if before.score > after.score + SPOILED_IN_BOX else selection

    def _corrected(
        self, seeds: Seeds, previous: Mapping[str, NDArray[np.bool_]], before: Selection
    ) -> Selection:
        """``previous``, whose nodes are ``before``, as the clicks that contradict it say.

        Clicks right beside its outline are about pixels, then and later: their nodes stay as they are.
        """
        wrong = self._contradicting(seeds, previous)
        seeds = _about_nodes(seeds, self.graph, before, wrong)
        selection = before.copy()
        for click in wrong:
            mask = np.asarray(previous[self.graph.views[click.view].view.name])
            asked = Contradiction.of(self.graph, selection, seeds, click, mask)
            selection = correct(asked, self._small)[0].selection
        selection[seeds.inside] = True
        selection[seeds.outside] = False
        changed = selection != before
        if not wrong and not changed.any():
            return selection
        clicked = np.unique([click.view for click in seeds.clicks])
        sides = seeds.inside, seeds.outside
        selection = agreed(self.graph, self.borders, self.ties, selection, changed, *sides, clicked)
        return carried(self.graph, self.borders, selection, *sides, clicked)

    def _contradicting(self, seeds: Seeds, previous: Mapping[str, NDArray[np.bool_]]) -> list[PixelClick]:
        """The clicks that a mask contradicts by more than a hair."""
        found = []
        for click in seeds.clicks:
            mask = np.asarray(previous[self.graph.views[click.view].view.name])
            if mask[click.row, click.column] != click.positive and from_outline(mask, click) > HAIR:
                found.append(click)
        return found

    def _selection_of(self, masks: Mapping[str, NDArray[np.bool_]]) -> Selection:
        """Nodes that the masks cover by more than half."""
        selection = np.zeros(len(self.graph.nodes), dtype=bool)
        for data in self.graph.views:
            mask = masks.get(data.view.name)
            if mask is None or mask.shape != data.labels.shape:
                raise PromptError(
                    f"The previous masks do not fit {data.view.name}: remove the object and click anew."
                )
            nodes = slice(data.first, data.first + data.count)
            covered = np.bincount(data.labels[np.asarray(mask)] - data.first, minlength=data.count)
            selection[nodes] = covered > 0.5 * self.graph.nodes.area[nodes]
        return selection

    def _masks(
        self,
        selection: Selection,
        seeds: Seeds,
        before: Selection | None = None,
        previous: Mapping[str, NDArray[np.bool_]] | None = None,
    ) -> Masks:
        """Sharp masks; where a view's nodes are as ``before``, its mask stays the ``previous`` one."""

        def sharp(number: int) -> NDArray[np.bool_]:
            data = self.graph.views[number]
            nodes = slice(data.first, data.first + data.count)
            clicks = [click for click in seeds.clicks if click.view == number]
            if before is not None and previous is not None and (before[nodes] == selection[nodes]).all():
                return obeying(np.array(previous[data.view.name], dtype=bool), clicks)
            return refine(data, data.mask(selection), clicks)

        return {data.view.name: sharp(number) for number, data in enumerate(self.graph.views)}


def _about_nodes(seeds: Seeds, graph: SceneGraph, before: Selection, wrong: Sequence[PixelClick]) -> Seeds:
    """The seeds without nodes that an answer, ``before``, has on the other side, unless clicks that it gets
    ``wrong`` are on them: an earlier click there, or one right beside the outline, is about pixels."""
    asked = np.unique([node_at(graph.views, click) for click in wrong]).astype(np.int64)
    inside, outside = (
        nodes[(before[nodes] == side) | np.isin(nodes, asked)]
        for nodes, side in ((seeds.inside, True), (seeds.outside, False))
    )
    return replace(seeds, inside=inside, outside=outside)


def from_outline(mask: NDArray[np.bool_], click: PixelClick) -> float:
    """How far a click is from the outline of a mask (H, W), in pixels; the photo's frame is none."""
    side = (mask == mask[click.row, click.column]).astype(np.uint8)
    if side.all():
        return float("inf")
    framed = np.pad(side, 1, mode="edge")
    return float(cv2.distanceTransform(framed, cv2.DIST_L2, cv2.DIST_MASK_5)[click.row + 1, click.column + 1])
