# SPDX-License-Identifier: GPL-3.0-or-later
"""What corrections say, carried to the views nobody clicked in.

Whoever clicks looks at one photo, and the answer is good there first. The others see the object from
elsewhere. What the clicked views show is as there (``agreement``); the rest, like the far side of a head, is
cut anew, by the colours and the place of all that is selected, along the boundaries of its own photo and
alike in all views that show it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .agreement import shown_by_clicked
from .cuts import minimum_cut
from .evidence import LIMIT, colour_evidence, place_evidence
from .graph import SceneGraph, Selection
from .settle import Borders

SURE = 0.2
"""Share of a node, less what speaks against it, that clicked views show as on one side: it stays there."""

STAYS, ALIKE, NEAR = 0.5, 0.3, 0.15
"""Nats per pixel for staying as it is, and for a nat of likeness in colour and in place.

In views not clicked, mean IoU after 2, 3, 4 and 5 clicks in three views of each of 14 things, mean of a
table, a garden and the photos of kermit: .853 .884 .899 .908 with it, .852 .882 .897 .903 without; of 34
rendered things in two views each .816 .866 .885 .890 and .815 .865 .881 .887; with outlines drawn by hand, a
fern in two views .37 .41 .52 .58 and .36 .38 .47 .52, a mounted fox in four .58 .61 .63 .64 and .59 .62 .64
.64. It was chosen on these.
"""


def carried(
    graph: SceneGraph,
    borders: Borders,
    selection: Selection,
    inside: NDArray[np.int64],
    outside: NDArray[np.int64],
    clicked: NDArray[np.int64],
) -> Selection:
    """A selection (n,) bool, with what clicked views do not show in the others cut anew.

    Args:
        inside, outside: nodes of the clicks.
        clicked: indices of the views that were clicked, which stay as they are.
    """
    looked_at = np.isin(graph.nodes.view, clicked)
    asked = ~looked_at & (np.abs(shown_by_clicked(graph, selection, looked_at)) <= SURE)
    if not asked.any() or not selection.any():
        return selection
    at, evidence = np.flatnonzero(asked), np.zeros(len(selection))
    likeness = ALIKE * colour_evidence(graph, selection, at) + NEAR * place_evidence(graph, selection, at)
    stays = STAYS * (2.0 * selection[at] - 1.0)
    evidence[at] = graph.nodes.area[at] * (stays + np.clip(likeness, -ALIKE * LIMIT, ALIKE * LIMIT))
    capacity = np.concatenate([borders.capacity, graph.same_surface])
    return minimum_cut((graph.i, graph.j, capacity), evidence, inside, outside, asked, selection)
