# SPDX-License-Identifier: GPL-3.0-or-later
"""A click that contradicts an answer, and how well a change of that answer explains the click."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..pixel_prompts import PixelClick
from .flips import smallness
from .graph import SceneGraph, Selection
from .hypotheses import Hypothesis
from .outline import centredness, outline_score
from .prompt_seeds import Seeds, node_at

OUTLINE_WEIGHT, SLACK = 1.5, 2.0
"""What the outline of the whole counts beside how central the click is, and pixels by which clicks and the
outlines of superpixels are off. With 1 and 0, a click on a shadow six pixels wide between a teddy and a
parcel took half of the teddy's head along: the click was nearly as deep in that as in a single superpixel.
"""

ALIKE, UNLIKE = 8.0, 0.5
"""Lab distance by which a node has to be more like what clicks against this one lie on than like what is
around it, to say so, and the share of a change that may."""

AT_CLICK = 0.5
"""Share of what changes in the clicked view that hangs together with the click."""


@dataclass(frozen=True)
class Contradiction:
    """A click, the answer that it contradicts, and all clicks so far.

    Attributes:
        previous: (n,) bool, the answer's nodes.
        mask: (H, W) bool, its pixels in the click's view.
        meant: the first positive click in that view, if there is one.
        node: what the click lies on.
        inside, outside: nodes of all clicks; where an earlier one said the opposite of the same node, this
            click is about what is wrong now.
        held: (n,) bool, ``previous`` as far as clicks allow: the least that changes.
    """

    graph: SceneGraph
    previous: Selection
    mask: NDArray[np.bool_]
    click: PixelClick
    meant: PixelClick | None
    node: int
    inside: NDArray[np.int64]
    outside: NDArray[np.int64]
    held: Selection

    @classmethod
    def of(
        cls,
        graph: SceneGraph,
        previous: Selection,
        seeds: Seeds,
        click: PixelClick,
        mask: NDArray[np.bool_],
    ) -> Contradiction:
        """See the attributes; ``seeds`` are of all clicks."""
        node, inside, outside = node_at(graph.views, click), seeds.inside, seeds.outside
        if click.positive:
            inside, outside = np.union1d(inside, node), np.setdiff1d(outside, node)
        else:
            inside, outside = np.setdiff1d(inside, node), np.union1d(outside, node)
        held = previous.copy()
        held[inside] = True
        held[outside] = False
        meant = next((c for c in seeds.clicks if c.positive and c.view == click.view), None)
        return cls(graph, previous, mask, click, meant, node, inside, outside, held)

    @property
    def opposite(self) -> NDArray[np.int64]:
        """Nodes of the clicks that say the opposite of this one."""
        return self.outside if self.click.positive else self.inside

    @property
    def wrong(self) -> Selection:
        """Nodes (n,) on the side that the click says is wrong."""
        return self.previous != self.click.positive

    def flipped(self, region: NDArray[np.int64]) -> Selection:
        """``held``, and the nodes (k,) of a region as the click says."""
        selection = self.held.copy()
        selection[region] = self.click.positive
        return selection

    def judged(self, selection: Selection, note: str, outline: float | None = None) -> Hypothesis:
        """A changed answer and how good it is; ``outline`` is its ``outline_score`` where that is known.

        What it changes in the clicked view is what it says was wrong there. People click the middle of what
        is most wrong, so that region should have the click in its middle and no thicker part elsewhere;
        this counts beside the outline of the whole, and keeps a small correction from flipping a large
        region.
        """
        if outline is None:
            outline = outline_score(self.graph, selection)
        score = OUTLINE_WEIGHT * outline + self.centred(selection)
        return Hypothesis(selection, score + smallness(self.graph, selection != self.previous), note)

    def centred(self, selection: Selection) -> float:
        """How central the click is in what a changed answer changes in its view, in [0, 1]."""
        shown = selection[self.graph.views[self.click.view].labels]
        return centredness(self.mask != shown, self.click, SLACK)

    def hangs_together(self, selection: Selection) -> bool:
        """Whether what a changed answer changes in the clicked view is for the most part around the click.

        People click the largest part of what is wrong; what else is may be right or not.
        """
        nodes = self.graph.nodes
        changed = (selection != self.previous) & (nodes.view == self.click.view)
        around = self.graph.connected_to(changed, np.array([self.node]))
        return bool(nodes.area @ around >= AT_CLICK * (nodes.area @ changed))

    def like_the_other_side(self, selection: Selection) -> bool:
        """Whether most of what a changed answer changes has the colour of clicks against this one rather
        than that around it: a click between the legs of a frog says nothing about the legs."""
        graph, area = self.graph, self.graph.nodes.area
        changed = selection != self.previous
        changed[self.node] = False
        at = np.flatnonzero(changed)
        if not len(at) or not len(self.opposite):
            return False
        clicked = np.zeros(len(area), dtype=bool)
        clicked[self.node] = True
        beside = graph.around(clicked, 1) & self.wrong & (graph.nodes.view == self.click.view)
        other = self._distance(at, self.opposite) + ALIKE < self._distance(at, np.flatnonzero(beside))
        return bool(area[at] @ other > UNLIKE * area[at].sum())

    def _distance(self, nodes: NDArray[np.int64], to: NDArray[np.int64]) -> NDArray[np.float64]:
        """Lab distance (k,) of nodes to the nearest of some others."""
        lab = self.graph.nodes.lab
        return np.min([np.linalg.norm(lab[nodes] - lab[other], axis=1) for other in to], axis=0)
