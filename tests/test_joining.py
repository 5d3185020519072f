# SPDX-License-Identifier: GPL-3.0-or-later
"""Photos that stereo left out, joined by the noisy pointmaps of another engine; exact truth, no network."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from tests.synthetic import Corruption, TrueView, depth_graph, orbit, pair_graph
from wildseg3d_blender.pipeline.alignment import align, dga_weights
from wildseg3d_blender.pipeline.alignment.sim3 import rotation_angle
from wildseg3d_blender.pipeline.engines.joining import join
from wildseg3d_blender.pipeline.pair_graph import PairGraph

PLACED = 5
AWAY = 3.4
"""How far the cameras are from the scene, in its unit."""


@pytest.fixture(scope="module")
def views() -> list[TrueView]:
    return orbit(8, size=(96, 64), arc=120.0)


@pytest.fixture(scope="module")
def known(views: list[TrueView]) -> PairGraph:
    """As stereo gives it: one exact depth map per view, a third of it not measured."""
    placed = views[:PLACED]
    rng = np.random.default_rng(3)
    confidence = [
        np.where(rng.random(view.depth.shape) < 0.67, 2.0, 0.0).astype(np.float32) for view in placed
    ]
    neighbours = [(i, j) for i in range(PLACED) for j in range(PLACED) if 0 < abs(i - j) <= 2]
    return depth_graph(placed, [view.depth for view in placed], confidence, neighbours)


def further(views: Sequence[TrueView], seed: int = 0) -> PairGraph:
    """As a network gives it: each pair at its own scale, with its own errors."""
    new = range(PLACED, len(views))
    pairs = [(n, v) for n in new for v in range(len(views)) if n != v]
    return pair_graph(views, pairs, Corruption(), seed=seed)


def errors(graph: PairGraph, views: Sequence[TrueView]) -> tuple[list[float], list[float]]:
    """Degrees, and shares of the distance to the scene, that the hinted cameras are off."""
    truth = {view.name: view.cam_to_world for view in views}
    turns, shifts = [], []
    for view in graph.views:
        pose, true = np.asarray(view.cam_to_world_hint), truth[view.photo.name]
        turns.append(float(np.degrees(rotation_angle(pose[:3, :3].T @ true[:3, :3]))))
        shifts.append(float(np.linalg.norm(pose[:3, 3] - true[:3, 3])) / AWAY)
    return turns, shifts


def test_left_out_views_get_their_places(views: list[TrueView], known: PairGraph) -> None:
    graph = join(known, further(views))
    assert [view.photo.name for view in graph.views] == [view.name for view in views]
    assert graph.edges[: len(known.edges)] == known.edges
    turns, shifts = errors(graph, views)
    assert max(turns[:PLACED]) < 1e-5 and max(shifts[:PLACED]) < 1e-9
    assert max(turns[PLACED:]) < 3.0 and max(shifts[PLACED:]) < 0.05
    for edge in graph.edges[len(known.edges) :]:
        assert edge.i >= PLACED
        if edge.j < PLACED:
            own = next(e for e in known.edges if e.i == edge.j)
            assert not edge.confidence_j[own.confidence_i == 0].any()


def test_one_alignment_of_both_engines_edges(views: list[TrueView], known: PairGraph) -> None:
    graph = join(known, further(views))
    placed = align(graph, weights=dga_weights(), keep_largest=True)
    assert placed.views == tuple(range(len(views)))
    refined = replace(
        graph,
        views=tuple(
            replace(view, cam_to_world_hint=pose)
            for view, pose in zip(graph.views, placed.cam_to_world, strict=True)
        ),
    )
    turns, shifts = errors(refined, views)
    # What stereo knew stays as good as it was, within a tenth of what the network is off.
    assert max(turns[:PLACED]) < 0.3 and max(shifts[:PLACED]) < 0.005
    assert max(turns[PLACED:]) < 1.5 and max(shifts[PLACED:]) < 0.03
    for v in range(PLACED):
        off = np.abs(placed.depth[v] / views[v].depth - 1.0)[placed.confidence[v] > 0]
        assert np.median(off) < 0.005


def test_a_photo_of_something_else_stays_out(views: list[TrueView], known: PairGraph) -> None:
    """A network answers for it too: every pair puts it somewhere else."""
    more = further(views)
    rng = np.random.default_rng(0)
    edges = []
    for edge in more.edges:
        if edge.i == PLACED:
            turn, _ = np.linalg.qr(rng.normal(size=(3, 3)))
            turn *= np.sign(np.linalg.det(turn))
            moved = edge.points_j @ turn.T + 3.0 * rng.normal(size=3)
            edge = replace(edge, points_j=moved.astype(np.float32))
        edges.append(edge)
    graph = join(known, replace(more, edges=tuple(edges)))
    assert [view.photo.name for view in graph.views] == [v.name for n, v in enumerate(views) if n != PLACED]
    assert {edge.i for edge in graph.edges} == set(range(len(views) - 1))


def test_maps_that_have_nothing_to_do_with_the_scene_stay_out(
    views: list[TrueView], known: PairGraph
) -> None:
    more = further(views)
    rng = np.random.default_rng(1)
    edges = [
        replace(edge, points_j=rng.normal(size=edge.points_j.shape).astype(np.float32)) for edge in more.edges
    ]
    assert join(known, replace(more, edges=tuple(edges))) == known


def test_a_camera_put_onto_its_partner_is_no_agreement(views: list[TrueView]) -> None:
    """Partners side by side would agree on that; they alone are not believed."""
    close = orbit(3, size=(96, 64), arc=4.0)
    close = [
        replace(view, cam_to_world=close[0].cam_to_world @ _shifted(0.02 * n)) for n, view in enumerate(close)
    ]
    ones = [np.ones(view.depth.shape, np.float32) for view in close]
    known = depth_graph(close[:2], [view.depth for view in close[:2]], ones[:2], [(0, 1), (1, 0)])
    own = {edge.i: edge.points_i for edge in known.edges}
    more = pair_graph(close, [(2, 0), (2, 1)])
    edges = [replace(edge, points_j=own[edge.j]) for edge in more.edges]
    assert join(known, replace(more, edges=tuple(edges))) == known


def _shifted(x: float) -> np.ndarray:
    pose = np.eye(4)
    pose[0, 3] = x
    return pose


def test_a_chain_of_new_views_is_followed(views: list[TrueView], known: PairGraph) -> None:
    """The last view has no pair with a placed one: those joined before hold it."""
    more = further(views)
    last = len(views) - 1
    edges = [edge for edge in more.edges if edge.i != last or edge.j >= PLACED]
    graph = join(known, replace(more, edges=tuple(edges)))
    assert graph.views[-1].photo.name == views[last].name and len(graph.views) == len(views)
    turns, shifts = errors(graph, views)
    assert turns[-1] < 4.0 and shifts[-1] < 0.08
