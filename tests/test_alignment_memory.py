# SPDX-License-Identifier: GPL-3.0-or-later
"""Memory: pointmaps stay where they are mapped, and few full-resolution weights are alive at a time."""

import tracemalloc
import weakref
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.synthetic import all_pairs, depth_graph, orbit, with_edges
from wildseg3d_blender.pipeline.alignment import EdgeState, align
from wildseg3d_blender.pipeline.pair_graph import Edge, PairGraph

SIZE = (256, 192)
COUNT = 12


@pytest.fixture(scope="module")
def graph() -> PairGraph:
    """A row of views, each joined to the next two on either side."""
    views = orbit(COUNT, SIZE)
    pairs = [(i, j) for i, j in all_pairs(COUNT) if abs(i - j) <= 2]
    confidence = [np.full(view.depth.shape, 2.0, np.float32) for view in views]
    return depth_graph(views, [view.depth for view in views], confidence, pairs, hints=False)


def mapped(graph: PairGraph, folder: Path) -> PairGraph:
    """The same graph with every array in a file of its own, mapped for reading."""
    edges = []
    for e, edge in enumerate(graph.edges):
        arrays = {}
        for name in ("points_i", "points_j", "confidence_i", "confidence_j"):
            path = folder / f"{e}_{name}.npy"
            np.save(path, getattr(edge, name))
            arrays[name] = np.load(path, mmap_mode="r", allow_pickle=False)
        edges.append(replace(edge, **arrays))
    return with_edges(graph, edges)


def size_of(edge: Edge) -> int:
    arrays = (edge.points_i, edge.points_j, edge.confidence_i, edge.confidence_j)
    return sum(array.nbytes for array in arrays)


def test_mapped_pointmaps_are_not_copied(graph: PairGraph, tmp_path: Path) -> None:
    on_disk = mapped(graph, tmp_path)
    tracemalloc.start()
    alignment = align(on_disk)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 0.4 * sum(size_of(edge) for edge in graph.edges)
    in_memory = align(graph)
    np.testing.assert_array_equal(alignment.cam_to_world, in_memory.cam_to_world)
    for a, b in zip(alignment.depth, in_memory.depth, strict=True):
        np.testing.assert_array_equal(a, b)


def test_weights_that_make_no_difference_are_not_asked_for(graph: PairGraph) -> None:
    """All edges have the same depth of a view; only pixels left out for good make full weights needed."""
    asked = 0

    def weights(edge: Edge, state: EdgeState | None, masks: object) -> tuple[np.ndarray, np.ndarray]:
        nonlocal asked
        asked += edge.confidence_i.shape == SIZE[::-1]
        left_out = edge.confidence_j.copy()
        if leave_out:
            left_out[: left_out.shape[0] // 2] = 0.0
        return 3.0 * edge.confidence_i, left_out

    leave_out = False
    agreed = align(graph, weights=weights)
    assert asked == 0
    plain = align(graph)
    for depth, expected in zip(agreed.depth, plain.depth, strict=True):
        np.testing.assert_allclose(depth, expected, rtol=1e-3)
    leave_out = True
    align(graph, weights=weights)
    assert asked > 0


def test_few_full_weights_are_alive_at_a_time(graph: PairGraph) -> None:
    alive: weakref.WeakValueDictionary[int, np.ndarray] = weakref.WeakValueDictionary()
    most, full = 0, 0

    def weights(edge: Edge, state: EdgeState | None, masks: object) -> tuple[np.ndarray, np.ndarray]:
        nonlocal most, full
        made = edge.confidence_i.copy(), edge.confidence_j.copy()
        if edge.confidence_i.shape == SIZE[::-1]:
            for array in made:
                full += 1
                alive[full] = array
            most = max(most, len(alive))
        return made

    bend = np.linspace(0.0, 0.01, SIZE[0], dtype=np.float32)[:, None]
    differing = [
        replace(edge, points_j=edge.points_j * (1 + (1 + e % 3) * bend)) for e, edge in enumerate(graph.edges)
    ]
    align(with_edges(graph, differing), weights=weights)
    assert full == 2 * len(graph.edges)
    # A view's own eight, and what waits for the other ends of the edges across: two views' worth.
    assert most <= 24 < full / 3
