# SPDX-License-Identifier: GPL-3.0-or-later
"""Minimum cuts (Boykov and Kolmogorov, 2004) over a part of a graph, the rest held as it is."""

from __future__ import annotations

import maxflow
import numpy as np
from numpy.typing import NDArray


def minimum_cut(
    edges: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]],
    evidence: NDArray[np.float64],
    inside: NDArray[np.int64],
    outside: NDArray[np.int64],
    active: NDArray[np.bool_],
    kept: NDArray[np.bool_],
) -> NDArray[np.bool_]:
    """Which of n nodes belong to the object, (n,) bool.

    Args:
        edges: both ends (m,) and the capacity (m,) of undirected edges.
        evidence: (n,) > 0 speaks for the object.
        inside, outside: nodes that are and are not the object, whatever else is said.
        active: (n,) nodes that may change. The others stay as ``kept`` (n,) says, which makes the cut as
            much faster as they are many.
    """
    i, j, capacity = edges
    count = len(evidence)
    active = active.copy()
    active[inside] = True
    active[outside] = False
    selection = kept & ~active
    selection[outside] = False
    if not active.any():
        return selection
    number = np.cumsum(active) - 1
    source, sink = np.maximum(evidence, 0.0), np.maximum(-evidence, 0.0)
    source[inside], sink[inside] = 1e7, 0.0
    one, other = active[i], active[j]
    for leaving, end, beyond in ((one & ~other, i, j), (other & ~one, j, i)):
        to_object = selection[beyond[leaving]]
        for pull, chosen in ((source, to_object), (sink, ~to_object)):
            pull += np.bincount(end[leaving], capacity[leaving] * chosen, count)
    both = one & other
    size = int(active.sum())
    graph = maxflow.GraphFloat(size, int(both.sum()))
    ids = graph.add_grid_nodes(size)
    graph.add_edges(number[i[both]], number[j[both]], capacity[both], capacity[both])
    graph.add_grid_tedges(ids, source[active], sink[active])
    graph.maxflow()
    selection[active] = ~graph.get_grid_segments(ids)
    return selection
