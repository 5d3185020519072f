# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine around the official class at tiny size: graph, features kept, batches, memory, cancel."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from tests.neural.tiny_dust3r import tiny_net, tiny_network
from tests.small_photos import write_small_photos
from wildseg3d_blender.errors import Cancelled, NeuralError, PhotoError, ReconstructionError
from wildseg3d_blender.pipeline.engines.dust3r import Dust3rEngine
from wildseg3d_blender.pipeline.engines.dust3r.features import FeatureStore
from wildseg3d_blender.pipeline.engines.dust3r.network import Dust3rNetwork, PairMaps
from wildseg3d_blender.pipeline.photos.reading import Photo, open_photos
from wildseg3d_blender.progress import silent


class Counting(Dust3rNetwork):
    """The network, counting what it is asked; more than ``fitting`` at once need memory that is not there."""

    def __init__(self, fitting: int = 99, at_once: int = 1) -> None:
        super().__init__(tiny_net(), torch.device("cpu"), identity="tiny")
        self.fitting = fitting
        self.at_once = at_once
        self.encoded: list[int] = []
        self.decoded: list[int] = []

    def images_at_once(self, size: tuple[int, int]) -> int:
        return self.at_once

    def pairs_at_once(self, size: tuple[int, int]) -> int:
        return self.at_once

    def encode(self, images: Sequence[NDArray[np.uint8]]) -> list[torch.Tensor]:
        self._fill(len(images))
        self.encoded.append(len(images))
        return super().encode(images)

    def decode(self, pairs: Sequence[Any], size_i: Any, size_j: Any) -> list[PairMaps]:
        self._fill(len(pairs))
        self.decoded.append(len(pairs))
        return super().decode(pairs, size_i, size_j)

    def _fill(self, count: int) -> None:
        if count > self.fitting:
            torch.empty(1 << 60)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> list[Photo]:
    return open_photos([Path(p) for p in write_small_photos(tmp_path_factory.mktemp("photos"))])[0]


def engine(network: Dust3rNetwork, quality: str = "fast", kept: FeatureStore | None = None) -> Dust3rEngine:
    kept = FeatureStore() if kept is None else kept
    return Dust3rEngine(quality=quality, load=lambda _: network, kept=kept)


def test_a_pair_graph_of_every_photo(photos: list[Photo]) -> None:
    result = engine(tiny_network()).pair_graph(photos, image_size=512, progress=silent)
    assert [view.photo for view in result.graph.views] == photos
    assert {frozenset((edge.i, edge.j)) for edge in result.graph.edges} == {
        frozenset((i, j)) for i in range(4) for j in range(i)
    }
    assert len(result.graph.edges) == 6
    assert {edge.i for edge in result.graph.edges} == {0, 1, 2, 3}
    for edge in result.graph.edges:
        for points, confidence in ((edge.points_i, edge.confidence_i), (edge.points_j, edge.confidence_j)):
            assert points.shape == (32, 64, 3) and points.dtype == np.float32
            assert confidence.shape == (32, 64) and confidence.dtype == np.float32
    assert set(result.seconds) == {"network", "views", "encoding", "pairs"}


def test_fine_looks_at_both_directions(photos: list[Photo]) -> None:
    result = engine(tiny_network(), "fine").pair_graph(photos, image_size=64, progress=silent)
    assert [(edge.i, edge.j) for edge in result.graph.edges] == [
        (i, j) for i in range(4) for j in range(4) if i != j
    ]


def test_each_photo_is_encoded_once_and_again_only_when_new(photos: list[Photo]) -> None:
    network, kept = Counting(), FeatureStore()
    first = engine(network, kept=kept).pair_graph(photos[:3], image_size=64, progress=silent)
    assert sum(network.encoded) == 3 and sum(network.decoded) == 3
    again = engine(network, kept=kept).pair_graph(photos, image_size=64, progress=silent)
    assert sum(network.encoded) == 4
    same = {(edge.i, edge.j): edge for edge in again.graph.edges}
    for edge in first.graph.edges:
        if (edge.i, edge.j) in same:
            assert np.array_equal(edge.points_j, same[edge.i, edge.j].points_j)


def test_batches_shrink_when_memory_runs_out(photos: list[Photo]) -> None:
    plain = engine(tiny_network()).pair_graph(photos, image_size=64, progress=silent)
    network = Counting(fitting=2, at_once=6)
    result = engine(network).pair_graph(photos, image_size=64, progress=silent)
    assert network.encoded == [2, 2] and max(network.decoded) <= 2 and sum(network.decoded) == 6
    for edge, expected in zip(result.graph.edges, plain.graph.edges, strict=True):
        assert np.allclose(edge.points_i, expected.points_i, rtol=1e-4, atol=1e-5)


def test_one_pair_too_large_is_said_clearly(photos: list[Photo]) -> None:
    with pytest.raises(NeuralError, match="too little free memory for even one image"):
        engine(Counting(fitting=0)).pair_graph(photos, image_size=64, progress=silent)


@pytest.mark.parametrize("stage", ["encoding", "pairs"])
def test_cancel_between_batches(photos: list[Photo], stage: str) -> None:
    network, calls = Counting(), []

    def progress(at: str, fraction: float, text: str = "") -> None:
        calls.append(fraction)
        if at == stage:
            raise Cancelled

    with pytest.raises(Cancelled):
        engine(network).pair_graph(photos, image_size=64, progress=progress)
    assert sum(network.encoded) == (1 if stage == "encoding" else 4)
    assert sum(network.decoded) == (0 if stage == "encoding" else 1)
    assert calls == sorted(calls)


def test_bad_requests(photos: list[Photo]) -> None:
    with pytest.raises(ReconstructionError, match="no quality"):
        Dust3rEngine(quality="best")
    with pytest.raises(PhotoError, match="at least two"):
        engine(tiny_network()).pair_graph(photos[:1], image_size=64, progress=silent)
