# SPDX-License-Identifier: GPL-3.0-or-later
"""The alignment benchmark's own arithmetic: errors, objective, ratios, what is kept and what is run again."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.alignment import parse, plan
from benchmarks.alignment_parts.cases import growing, write_pair_graph
from benchmarks.alignment_parts.compare import Label, compare, costs
from benchmarks.alignment_parts.files import (
    Placed,
    RunFacts,
    read_graph,
    read_result,
    write_graph,
    write_result,
)
from benchmarks.alignment_parts.memory import PeakMemory
from benchmarks.alignment_parts.metrics import errors, object_zones, objective
from benchmarks.alignment_parts.rows import FIGURES, Ratio, Row, others_in, ratio, read_rows, write_rows
from benchmarks.alignment_parts.runs import Reuse, RunFailed, is_kept, official, ours, result_folder, run
from benchmarks.alignment_parts.table import claims, report
from tests.synthetic import Corruption, TrueView, orbit, pair_graph
from wildseg3d_blender.pipeline.alignment import Sim3
from wildseg3d_blender.pipeline.alignment.sim3 import rotation_exp
from wildseg3d_blender.pipeline.pair_graph import PairGraph

FACTS = RunFacts(90.0, 80.0, 100.0, 400.0, 300, 0.5, 1, {"numpy": "2"})
OTHER_WORLD = Sim3(3.0, rotation_exp(np.array([0.3, -0.2, 0.9])), np.array([5.0, -1.0, 2.0]))


@pytest.fixture(scope="module")
def views() -> list[TrueView]:
    return orbit(4, (64, 48))


@pytest.fixture(scope="module")
def graph(views: list[TrueView]) -> PairGraph:
    return pair_graph(views, corruption=Corruption(0, 0, 0, 0, 0, scale=0.3))


@pytest.fixture(scope="module")
def truth(views: list[TrueView], graph: PairGraph) -> Placed:
    """The true scene in another world: an edge's scale is what its points lost against the first view's."""
    depth = np.stack([view.depth for view in views]).astype(np.float32)
    scales = [
        float(np.median(views[edge.i].depth) / np.median(edge.points_i[..., 2])) for edge in graph.edges
    ]
    edges = [
        OTHER_WORLD @ Sim3(s, views[edge.i].cam_to_world[:3, :3], views[edge.i].cam_to_world[:3, 3])
        for s, edge in zip(scales, graph.edges, strict=True)
    ]
    return Placed(
        cam_to_world=OTHER_WORLD.apply_to_pose(np.stack([view.cam_to_world for view in views])),
        K=np.stack([view.K for view in views]),
        depth=OTHER_WORLD.scale * depth,
        known=np.ones(depth.shape, dtype=bool),
        edge_scale=np.array([edge.scale for edge in edges]),
        edge_rotation=np.stack([edge.rotation for edge in edges]),
        edge_translation=np.stack([edge.translation for edge in edges]),
    )


def test_the_truth_in_another_world_has_no_error(truth: Placed, views: list[TrueView]) -> None:
    off = errors(truth, views, truth.known)
    assert max(off.centre, off.rotation, off.focal, off.p95, off.boundary_mean) < 1e-3


def test_errors_tell_what_is_off(truth: Placed, views: list[TrueView]) -> None:
    median = np.median(np.stack([view.depth for view in views]))
    longer = truth.K.copy()
    longer[:, 0, 0] *= 1.02
    assert errors(replace(truth, K=longer), views, truth.known).focal == pytest.approx(2.0)

    shifted = truth.depth.copy()
    tenth = np.zeros(shifted.shape, dtype=bool)
    tenth[:, :, ::10] = True
    shifted[tenth] *= 1.5
    off = errors(replace(truth, depth=shifted), views, truth.known)
    assert off.median < 0.01
    assert off.p95 > 10
    assert off.mean == pytest.approx(50 * (truth.depth[tenth] / 3).mean() / median * tenth.mean(), rel=0.2)
    assert errors(replace(truth, depth=shifted), views, ~tenth).mean < 0.01

    turned = truth.cam_to_world.copy()
    turned[0, :3, :3] = turned[0, :3, :3] @ rotation_exp(np.array([0, np.deg2rad(4), 0]))
    off = errors(replace(truth, cam_to_world=turned), views, truth.known)
    assert off.rotation == pytest.approx(1.0, rel=0.05)
    assert off.centre < 1e-3


def test_zones_of_an_object() -> None:
    labels = np.ones((1, 60, 60), dtype=np.int64)
    labels[0, 20:40, 20:40] = 10
    inside, boundary = object_zones(labels)
    assert inside.sum() == 14 * 14
    assert inside[0, 23:37, 23:37].all()
    assert boundary[0, 17:20, 30].all()
    assert not boundary[0, 16, 30]
    assert not (inside & boundary).any()


def test_touching_objects_share_a_boundary() -> None:
    labels = np.full((1, 40, 40), 10, dtype=np.int64)
    labels[0, :, 20:] = 11
    inside, boundary = object_zones(labels)
    assert boundary[0, 20, 17:23].all()
    assert not inside[0, 20, 17:23].any()


def test_objective_of_the_truth_is_nothing(truth: Placed, graph: PairGraph, tmp_path: Path) -> None:
    write_pair_graph(tmp_path / "graph", graph)
    arrays = read_graph(tmp_path / "graph")
    assert objective(truth, *arrays, truth.known, np.log) < 1e-3
    unknown = truth.edge_scale.copy()
    unknown[3] = np.nan
    assert objective(replace(truth, edge_scale=unknown), *arrays, truth.known, np.log) < 1e-2


def test_objective_is_a_weighted_mean_in_shares_of_depth(
    truth: Placed, graph: PairGraph, tmp_path: Path
) -> None:
    write_pair_graph(tmp_path / "graph", graph)
    arrays = read_graph(tmp_path / "graph")
    depth = float(np.median(truth.edge_scale * np.median(arrays[1][:, 0, ..., 2], axis=(1, 2))))
    moved = truth.edge_translation.copy()
    moved[2, 0] += 0.06 * depth
    off = replace(truth, edge_translation=moved)
    assert objective(off, *arrays, truth.known, np.ones_like) == pytest.approx(6 / len(graph.edges), rel=1e-3)
    confident = arrays[2]
    share = confident[2].sum(dtype=np.float64) / confident.sum(dtype=np.float64)
    assert objective(off, *arrays, truth.known, np.asarray) == pytest.approx(6 * share, rel=1e-3)


def row(program: str, seed: int, seconds: float, error: float, **other: object) -> Row:
    figures = dict.fromkeys(FIGURES, error) | {"seconds": seconds, "cpu": seconds / 2, "increase": 50.0}
    made = Row("cases", "noise", seed, 6, 30, f"graph {seed}", program, False, 1.0, figures)
    return replace(made, **other)  # type: ignore[arg-type]


def test_ratios_are_by_seed() -> None:
    rows = [row("ours", 0, 1.0, 0.2), row("ours", 1, 2.0, 0.9), row("ours", 2, 1.0, 0.3)]
    rows += [row("official 300", 0, 100.0, 0.4), row("official 300", 1, 100.0, 0.6)]
    rows += [row("official 300", 2, 100.0, 0.3), row("official 300", 3, 1.0, 9.0)]
    assert ratio(rows, "official 300", "centre") == Ratio(1.0, pytest.approx(1.5), 1, 3)
    assert ratio(rows, "official 300", "seconds") == Ratio(0.01, 0.02, 1, 3)
    assert ratio(rows, "official 100", "seconds") is None
    rows[1] = row("ours", 1, 0.0, 0.0, failed="no usable edge", figures={})
    assert ratio(rows, "official 300", "centre") == Ratio(0.75, 1.0, 2, 2)


def test_others_come_by_iterations() -> None:
    rows = [row(name, 0, 1, 1) for name in ("official 300", "ours, W = C", "official 100", "ours")]
    assert others_in(rows) == ["official 100", "official 300"]


def test_claims_are_held_against_the_rows() -> None:
    fast = [row("ours", 0, 0.5, 0.2), row("official 300", 0, 90.0, 0.2)]
    assert [line[:4] for line in claims(fast)] == ["yes ", "yes "]
    slow = [row("ours", 0, 2.0, 0.22), row("official 300", 0, 90.0, 0.2, kept=True)]
    speed, error, *above = claims(slow)
    assert speed.startswith("NO ")
    assert "45 times" in speed
    assert "kept" in speed
    assert error.startswith("NO ")
    assert any("centre: 1.100" in line for line in above)


def test_growth_is_judged_between_10_and_100_views() -> None:
    few = row("ours", 0, 2.0, 0.2, series="growth", views=10, edges=90)
    many = row("ours", 0, 20.0, 0.2, series="growth", views=100, edges=800)
    assert [line[:4] for line in claims([few, many])] == ["yes ", "yes "]
    slower = replace(many, figures={**many.figures, "seconds": 25.0, "increase": 600.0})
    assert [line[:4] for line in claims([few, slower])] == ["NO  ", "NO  "]


def test_report_says_what_failed_and_what_was_kept() -> None:
    failed = row("official 300", 0, 0, 0, failed="out of memory", figures={})
    text = report([row("ours", 0, 1.0, 0.2), failed, row("official 100", 0, 30.0, 0.3, kept=True)])
    assert "official 300, seed 0 failed: out of memory" in text
    assert "official 100 (1 of 1 kept)" in text
    assert "0.667x" in text


def test_rows_come_back_as_written(tmp_path: Path) -> None:
    rows = [row("ours", 0, 1.0, 0.2), row("official 300", 0, 90.0, 0.1, kept=True)]
    write_rows(tmp_path / "results.json", rows, {"threads_each": 1})
    assert read_rows(tmp_path / "results.json") == rows


def test_hash_follows_the_content(tmp_path: Path, graph: PairGraph) -> None:
    first = write_pair_graph(tmp_path / "a", graph)
    assert write_pair_graph(tmp_path / "b", graph) == first
    edges, points, confidence = read_graph(tmp_path / "a")
    changed = np.array(points)
    changed[0, 0, 0, 0, 0] = np.nextafter(changed[0, 0, 0, 0, 0], np.float32(np.inf))
    assert write_graph(tmp_path / "c", edges, changed, confidence) != first
    assert write_graph(tmp_path / "d", edges[::-1].copy(), points, confidence) != first


def test_results_come_back_as_written(tmp_path: Path, truth: Placed) -> None:
    write_result(tmp_path, truth, FACTS)
    placed, facts = read_result(tmp_path)
    assert facts == FACTS
    np.testing.assert_array_equal(placed.depth, truth.depth)
    np.testing.assert_array_equal(placed.edge_rotation, truth.edge_rotation)


def test_kept_results_are_taken_only_when_asked(tmp_path: Path, truth: Placed, graph: PairGraph) -> None:
    """The program here has no torch, so running it fails: that is how one sees whether it was run."""
    graph_hash = write_pair_graph(tmp_path / "graph", graph)
    program = official(Path(sys.executable), 300)
    folder = result_folder(tmp_path, program, graph_hash)
    assert folder != result_folder(tmp_path, official(Path(sys.executable), 100), graph_hash)
    with pytest.raises(RunFailed, match="official 300"):
        run(program, tmp_path / "graph", graph_hash, tmp_path, Reuse.KEPT)
    write_result(folder, truth, FACTS)
    kept = run(program, tmp_path / "graph", graph_hash, tmp_path, Reuse.KEPT)
    assert kept.kept
    assert kept.facts == FACTS
    with pytest.raises(RunFailed):
        run(program, tmp_path / "graph", graph_hash, tmp_path, Reuse.NOTHING)
    assert not is_kept(tmp_path, program, graph_hash)


def test_ours_runs_and_is_judged(tmp_path: Path, views: list[TrueView], graph: PairGraph) -> None:
    shipped = ours()[0]
    missing = official(Path(sys.executable), 300)
    rows = compare(Label("cases", "noise", 0), views, graph, [shipped, missing], tmp_path, Reuse.ONLY_KEPT, 1)
    assert [row.program for row in rows] == ["ours"]
    assert not rows[0].failed
    assert not rows[0].kept
    assert set(rows[0].figures) == set(FIGURES)
    assert rows[0].figures["centre"] < 0.1
    assert rows[0].figures["loss"] < 0.1
    assert rows[0].known > 0.9
    assert not is_kept(tmp_path, shipped, rows[0].graph)


def test_a_program_that_fails_becomes_a_row_that_says_so(
    tmp_path: Path, views: list[TrueView], graph: PairGraph
) -> None:
    missing = official(Path(sys.executable), 300)
    rows = compare(Label("cases", "noise", 0), views, graph, [missing], tmp_path, Reuse.NOTHING, 1)
    assert "torch" in rows[0].failed
    assert rows[0].figures == {}


def test_costs_are_medians() -> None:
    facts = [replace(FACTS, seconds=s, memory_peak_mb=p) for s, p in ((1.0, 300), (9.0, 310), (2.0, 500))]
    assert costs(facts) == {"seconds": 2.0, "cpu": 80.0, "peak": 310, "increase": 210}


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the peak is reset on Linux only")
def test_peak_memory_counts_from_its_start() -> None:
    earlier = np.ones(200 * 2**17)
    del earlier
    memory = PeakMemory()
    assert memory.peak_mb() - memory.before_mb < 100
    now = np.ones(150 * 2**17)
    del now
    assert 140 < memory.peak_mb() - memory.before_mb < 190


def test_growing_graphs_are_connected_and_grow_with_the_views() -> None:
    views, graph = growing(14, 0, (64, 48))
    assert len(graph.views) == len(views) == 14
    assert {edge.i for edge in graph.edges} == set(range(14))
    assert len(graph.edges) < 14 * 13


def test_plan_has_seeds_outermost() -> None:
    options = parse(["--seeds", "2", "--cases", "noise", "3 edges wrong", "--growth", "4", "20"])
    tasks = list(plan(options))
    assert [(task.label.seed, task.label.case) for task in tasks[:4]] == [
        (0, "noise"),
        (0, "3 edges wrong"),
        (1, "noise"),
        (1, "3 edges wrong"),
    ]
    assert [task.views for task in tasks[4:]] == [4, 20]
    assert [others_in_names(task.programs) for task in tasks] == [[100, 300]] * 4 + [[100], []]


def others_in_names(programs: tuple[object, ...]) -> list[int]:
    return [n for n in (getattr(program, "iterations", None) for program in programs) if n is not None]
