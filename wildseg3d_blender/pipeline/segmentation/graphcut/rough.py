# SPDX-License-Identifier: GPL-3.0-or-later
"""A first answer to clicks in a tenth of a second: the search for the object on a contracted graph.

The same walks and cuts as on the full graph, where they take half a second and more; outlines are as coarse
as the merged superpixels, and now and then another object is taken for the one that is meant.
"""

from __future__ import annotations

import numpy as np

from ....progress import Progress
from .contract import Contracted, contract
from .graph import SceneGraph, Selection
from .hypotheses import from_clicks, more_like_one_thing, nearer_to_middle, ranked
from .prompt_seeds import Seeds

MERGED = 6
"""How many nodes become one.

Mean and median intersection over union with the final answer, over the 46 solved ones of 60 clicks anywhere
in the sample's photos: with 3 .77 / .92, with 4 .81 / .93, with 6 .75 / .90, with 12 .65 / .78; CPU time
grows from 70 ms (12) over 95 (6) and 200 (4) to 350 (3).
On 45 other clicks, solved ones or not, it is .72 / .75 with 6 since final answers go by what is seen of
outlines as well, and was .80 / .91 before; ranking rough guesses with or without that hardly matters.
On the 27 solved ones of 40 clicks (``benchmarks/interaction.py``) it is .66 / .81 since the overlap network
has a say in both, for 30 ms more, and .56 / .75 where it has one in final answers only.
"""


def contracted(graph: SceneGraph, progress: Progress) -> Contracted:
    """The graph on which first answers are looked for."""

    def contracting(stage: str, fraction: float, text: str = "") -> None:
        progress("segmenter", fraction, "Merging superpixels")

    return contract(graph, len(graph.nodes) // MERGED, contracting)


def rough_selection(graph: SceneGraph, small: Contracted, seeds: Seeds) -> Selection | None:
    """The nodes (n,) bool of ``graph`` that clicks mean, roughly; None where nothing is found.

    Args:
        small: what ``contracted`` made of the graph.
        seeds: clicks alone, at least one of them positive.
    """
    inside = np.unique(small.of_node[seeds.inside])
    outside = np.setdiff1d(np.unique(small.of_node[seeds.outside]), inside)
    found = from_clicks(small.graph, inside, outside)
    first = next((click for click in seeds.clicks if click.positive), None)
    if first is not None:
        data = graph.views[first.view]
        labels = small.of_node[data.labels]
        found = nearer_to_middle(found, labels, first)
        masks = [data.mask(small.up(h.selection)) for h in found]
        found = ranked(small.graph, more_like_one_thing(found, masks, data, first))
    if not found:
        return None
    selection = small.up(found[0].selection)
    selection[seeds.inside] = True
    selection[seeds.outside] = False
    return selection
