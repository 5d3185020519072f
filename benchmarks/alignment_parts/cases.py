# SPDX-License-Identifier: GPL-3.0-or-later
"""The pair graphs of the alignment benchmark: exact synthetic views, pointmaps corrupted as real ones are."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from benchmarks.alignment_parts.files import write_graph
from tests.synthetic import Corruption, TrueView, orbit, pair_graph
from wildseg3d_blender.pipeline.pair_graph import PairGraph
from wildseg3d_blender.pipeline.pair_selection import both_directions, select_pairs

SIZE = (256, 192)
# Results of the other program are kept by a hash of these graphs: change a corruption here, or what
# tests/synthetic.py makes of it, and ten seeds have to be run again.
CASES: dict[str, Corruption] = {
    "noise": Corruption(),
    "outliers, low confidence": Corruption(outliers=0.1),
    "outliers, high confidence": Corruption(outliers=0.1, outliers_told=False),
    "boundaries smeared": Corruption(smear=True),
    "3 edges wrong": Corruption(wrong_edges=3),
}


def write_pair_graph(folder: Path, graph: PairGraph) -> str:
    """Write the edges of ``graph`` as plain arrays; returns their hash."""
    return write_graph(
        folder,
        np.array([(edge.i, edge.j) for edge in graph.edges], dtype=np.int64),
        np.stack([np.stack([edge.points_i, edge.points_j]) for edge in graph.edges]),
        np.stack([np.stack([edge.confidence_i, edge.confidence_j]) for edge in graph.edges]),
    )


def six_views(case: str, seed: int) -> tuple[list[TrueView], PairGraph]:
    """Six views of 256x192 on an arc with all 30 directed edges, corrupted as ``case`` says."""
    views = orbit(6, SIZE, seed=seed)
    return views, pair_graph(views, corruption=CASES[case], seed=seed)


def growing(count: int, seed: int, size: tuple[int, int] = SIZE) -> tuple[list[TrueView], PairGraph]:
    """``count`` views on the same arc, both directions of the pairs selected, corrupted by noise."""
    views = orbit(count, size, seed=seed)
    looking = np.stack([view.cam_to_world[:3, 2] for view in views])
    pairs = both_directions(select_pairs((1 + looking @ looking.T) / 2))
    return views, pair_graph(views, pairs, CASES["noise"], seed=seed)
