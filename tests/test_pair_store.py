# SPDX-License-Identifier: GPL-3.0-or-later
"""The pair graph in the scene folder: what is written comes back, small, and damage is said."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.scenes.aligned import write_aligned_scene
from tests.synthetic import (
    Corruption,
    TrueView,
    all_pairs,
    depth_graph,
    orbit,
    pair_graph,
    with_edges,
    with_spoilt,
)
from wildseg3d_blender.errors import SceneError
from wildseg3d_blender.pipeline.alignment import Alignment, Sim3, align
from wildseg3d_blender.pipeline.alignment.sim3 import rotation_exp
from wildseg3d_blender.pipeline.pair_graph import PairGraph
from wildseg3d_blender.pipeline.pair_maps import MapPool, find_motion
from wildseg3d_blender.pipeline.pair_store import kept_part, read_alignment, read_pair_graph
from wildseg3d_blender.scene.folder import PAIRS_FOLDER, Scene, read_scene

SIZE = (64, 48)
ARRAYS = ("points_i", "points_j", "confidence_i", "confidence_j")


@pytest.fixture(scope="module")
def views() -> list[TrueView]:
    return orbit(4, SIZE)


@pytest.fixture(scope="module")
def network(views: list[TrueView]) -> PairGraph:
    """Every pair anew, and here and there what networks put where they see nothing."""

    def spoil(points: np.ndarray) -> None:
        points[3, 4:6], points[9, 9] = np.nan, np.inf

    return with_spoilt(pair_graph(views, corruption=Corruption()), spoil)


@pytest.fixture(scope="module")
def stereo(views: list[TrueView]) -> PairGraph:
    rng = np.random.default_rng(1)
    depths = [view.depth * (1 + 0.01 * rng.normal(size=view.depth.shape)) for view in views]
    confidence = [rng.uniform(0, 1, SIZE[::-1]).astype(np.float32) for _ in views]
    return depth_graph(views, depths, confidence, all_pairs(4))


@pytest.fixture(scope="module")
def written(network: PairGraph, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Alignment]:
    """The network's scene, to be copied or only read."""
    scene, alignment = write_aligned_scene(tmp_path_factory.mktemp("network") / "scene", network)
    return scene.folder, alignment


@pytest.fixture
def scene(written: tuple[Path, Alignment], tmp_path: Path) -> Scene:
    """A copy of it to spoil."""
    return read_scene(shutil.copytree(written[0], tmp_path / "scene"))


def _bytes(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def _map_bytes(graph: PairGraph) -> int:
    return sum(getattr(edge, name).nbytes for edge in graph.edges for name in ARRAYS)


def test_a_network_graph_comes_back_bit_for_bit_and_mapped(network: PairGraph, scene: Scene) -> None:
    again = read_pair_graph(scene)
    assert [(edge.i, edge.j) for edge in again.edges] == [(edge.i, edge.j) for edge in network.edges]
    for edge, before in zip(again.edges, network.edges, strict=True):
        for name in ARRAYS:
            values = getattr(edge, name)
            np.testing.assert_array_equal(values, getattr(before, name))
            assert isinstance(values, np.memmap) and not values.flags.writeable
    for view, before in zip(again.views, network.views, strict=True):
        assert (view.photo, view.size) == (before.photo, before.size)
        assert view.K_hint is None and view.cam_to_world_hint is None
        np.testing.assert_array_equal(view.image, before.image)


def test_maps_that_only_move_are_stored_once(stereo: PairGraph, tmp_path: Path) -> None:
    scene, _ = write_aligned_scene(tmp_path / "scene", stereo)
    width, height = SIZE
    for view in scene.views:
        for name, channels in (("points", (3,)), ("confidence", ())):
            stored = np.load(scene.folder / PAIRS_FOLDER / name / f"{view.name}.npy")
            assert stored.shape == (1, height, width, *channels)
    assert _bytes(scene.folder / PAIRS_FOLDER) < _map_bytes(stereo) / 4
    for edge, before in zip(read_pair_graph(scene).edges, stereo.edges, strict=True):
        for name in ARRAYS:
            error = np.linalg.norm(np.atleast_3d(getattr(edge, name) - getattr(before, name)), axis=-1)
            size = np.linalg.norm(np.atleast_3d(getattr(before, name)), axis=-1)
            assert (error <= 1e-5 * size).all()
    for view, before in zip(read_pair_graph(scene).views, stereo.views, strict=True):
        np.testing.assert_array_equal(view.K_hint, before.K_hint)
        np.testing.assert_array_equal(view.cam_to_world_hint, before.cam_to_world_hint)


def test_a_stored_graph_aligns_as_the_first_did(
    network: PairGraph, stereo: PairGraph, tmp_path: Path
) -> None:
    for name, graph, exact in (("network", network, 0.0), ("stereo", stereo, 1e-5)):
        scene, _ = write_aligned_scene(tmp_path / name, graph)
        one, two = align(graph), align(read_pair_graph(scene))
        np.testing.assert_allclose(two.cam_to_world, one.cam_to_world, atol=exact)
        for v in range(4):
            np.testing.assert_allclose(two.depth[v], one.depth[v], rtol=100 * exact)


def test_the_last_alignment_comes_back(written: tuple[Path, Alignment]) -> None:
    scene, shown = read_scene(written[0]), written[1]
    again = read_alignment(scene)
    np.testing.assert_array_equal(again.cam_to_world, shown.cam_to_world)
    np.testing.assert_array_equal(again.K, shown.K)
    assert (again.views, again.iterations, again.losses) == (shown.views, shown.iterations, shown.losses)
    for one, two in zip(again.edge_to_world, shown.edge_to_world, strict=True):
        assert one is not None and two is not None and one.scale == two.scale
        np.testing.assert_array_equal(one.rotation, two.rotation)
        np.testing.assert_array_equal(one.translation, two.translation)
    for v in range(4):
        np.testing.assert_allclose(again.depth[v], shown.depth[v], rtol=1e-5)
        np.testing.assert_array_equal(again.confidence[v], shown.confidence[v])


def test_views_that_were_not_placed_are_not_kept(network: PairGraph) -> None:
    """View 1 has no edge, and one edge of the others was not used."""
    edges = [edge for edge in network.edges if 1 not in (edge.i, edge.j)]
    graph = with_edges(network, [*edges, *(edge for edge in network.edges if (edge.i, edge.j) == (1, 2))])
    sims = [Sim3(1.0 + e, np.eye(3), np.zeros(3)) for e in range(len(edges))]
    one = align(with_edges(network, edges), keep_largest=True)
    alignment = replace(one, edge_to_world=(None, *sims[1:], None))
    kept, part = kept_part(graph, alignment)
    assert [view.photo.name for view in kept.views] == ["view00", "view02", "view03"]
    assert part.views == (0, 1, 2)
    assert part.edge_to_world == (None, *sims[1:])
    for edge, before in zip(kept.edges, edges, strict=True):
        assert kept.views[edge.i].photo == network.views[before.i].photo
        assert kept.views[edge.j].photo == network.views[before.j].photo
        assert edge.points_i is before.points_i


def test_motions_are_found_only_where_every_point_follows() -> None:
    rng = np.random.default_rng(0)
    points = (rng.normal(size=(40, 50, 3)) * np.geomspace(1e-2, 1e3, 50)[:, None]).astype(np.float32)
    turn = Sim3(1.7, rotation_exp(np.array([0.5, 1.0, -2.0])), np.array([3.0, -1.0, 0.2]))
    moved = turn.apply(points.astype(np.float64)).astype(np.float32)
    motion = find_motion(points, moved)
    assert motion is not None
    np.testing.assert_allclose(motion[:3, :3], turn.scale * turn.rotation, atol=1e-5)

    one_off = moved.copy()
    one_off[17, 3] *= np.float32(1.0001)  # a near point, whose error the far ones would hide in any sum
    assert find_motion(points, one_off) is None
    lost = moved.copy()
    lost[5, 5] = np.nan
    assert find_motion(points, lost) is None
    also_lost = points.copy()
    also_lost[5, 5] = np.nan
    assert find_motion(also_lost, lost) is not None
    assert find_motion(points, moved * np.array([1, 1, -1], np.float32)) is None  # a mirror is no motion
    assert find_motion(np.zeros_like(points), np.zeros_like(points)) is None


def test_equal_maps_share_a_number_without_a_motion() -> None:
    values = np.random.default_rng(0).normal(size=(6, 8, 3)).astype(np.float32)
    pool = MapPool()
    refs = [pool.add_points(values), pool.add_points(values.copy()), pool.add_points(values[:, ::-1])]
    assert [(ref.index, ref.motion is None) for ref in refs] == [(0, True), (0, True), (1, True)]
    assert len(pool.maps) == 2


def _truncate(pairs: Path) -> None:
    file = pairs / "points" / "view02.npy"
    file.write_bytes(file.read_bytes()[:5000])


def _edit(pairs: Path, change: Callable[[dict], None]) -> None:
    file = pairs / "graph.json"
    data = json.loads(file.read_text())
    change(data)
    file.write_text(json.dumps(data))


@pytest.mark.parametrize(
    ("damage", "file"),
    [
        (lambda pairs: (pairs / "graph.json").unlink(), r"graph\.json"),
        (lambda pairs: (pairs / "graph.json").write_text('{"views": ['), r"graph\.json"),
        (lambda pairs: (pairs / "graph.json").write_text("{}"), r"graph\.json"),
        (lambda pairs: (pairs / "confidence" / "view01.npy").unlink(), r"view01\.npy"),
        (_truncate, r"view02\.npy"),
        (lambda pairs: _edit(pairs, lambda data: data["edges"][0].update(i=99)), "names a view"),
        (lambda pairs: _edit(pairs, lambda data: data["edges"][0].update(confidence=[0, 99])), "map 99"),
        (lambda pairs: _edit(pairs, lambda data: data["views"].pop()), "3 views, not 4"),
    ],
)
def test_damage_is_said_in_a_sentence(scene: Scene, damage: Callable[[Path], None], file: str) -> None:
    damage(scene.folder / PAIRS_FOLDER)
    with pytest.raises(SceneError, match=file) as caught:
        read_pair_graph(scene)
    assert "press Reconstruct" in caught.value.message and caught.value.fix == "wildseg3d.reconstruct"


def test_half_an_alignment_is_damage(scene: Scene) -> None:
    file = scene.folder / PAIRS_FOLDER / "alignment.json"
    text = file.read_text()
    for broken in (text[: len(text) // 2], text.replace('"scale": ', '"scale": -'), "[]"):
        file.write_text(broken)
        with pytest.raises(SceneError, match=r"alignment\.json is missing or damaged"):
            read_alignment(scene)


def test_scenes_of_before_open_and_say_why_they_cannot_be_aligned_again(scene: Scene) -> None:
    shutil.rmtree(scene.folder / PAIRS_FOLDER)
    file = scene.folder / "scene.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "format": 1}))
    opened = read_scene(scene.folder)
    assert len(opened.views) == 4 and not opened.has_pairs
    for read in (read_pair_graph, read_alignment):
        with pytest.raises(SceneError, match=r"older version.* press Reconstruct"):
            read(opened)


def test_the_graph_moves_with_its_folder(network: PairGraph, scene: Scene, tmp_path: Path) -> None:
    shutil.move(scene.folder, tmp_path / "elsewhere")
    edge = read_pair_graph(read_scene(tmp_path / "elsewhere")).edges[0]
    np.testing.assert_array_equal(edge.points_i, network.edges[0].points_i)
