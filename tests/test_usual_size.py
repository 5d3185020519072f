# SPDX-License-Identifier: GPL-3.0-or-later
"""The one expectation of how large things are, and who goes by it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.scenes.ball_and_box import write_object_scene
from wildseg3d_blender.pipeline.segmentation.graphcut import outline
from wildseg3d_blender.pipeline.segmentation.graphcut.graph import build_graph
from wildseg3d_blender.pipeline.segmentation.usual_size import SPREAD, USUAL_SIZE, unusual_size
from wildseg3d_blender.progress import silent


def test_the_usual_size_costs_nothing_and_factors_cost_alike() -> None:
    assert unusual_size(USUAL_SIZE) == 0.0
    larger, smaller = unusual_size(np.array([3.0, 1 / 3]) * USUAL_SIZE)
    assert larger == pytest.approx(smaller) and larger > 0
    assert unusual_size(np.e**SPREAD * USUAL_SIZE) == pytest.approx(0.5)


def test_an_outline_is_worth_less_the_more_unusual_its_size(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene, _ = write_object_scene(tmp_path / "scene")
    graph = build_graph(scene, silent)
    area = float(graph.nodes.area.sum())
    order = np.argsort(graph.nodes.point_world[:, 0], kind="stable")
    found = outline.prefix_scores(graph, order)
    monkeypatch.setattr(outline, "SIZE_WEIGHT", 0.0)
    sizeless = outline.prefix_scores(graph, order)
    share = np.cumsum(graph.nodes.area[order]) / area
    np.testing.assert_allclose(sizeless - found, 0.05 * unusual_size(share), atol=1e-12)
