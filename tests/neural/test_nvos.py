# SPDX-License-Identifier: GPL-3.0-or-later
"""The NVOS benchmark with both networks, tiny and with random weights: that all of it runs, and its form."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import nvos
from tests.neural.tiny_dust3r import tiny_network
from tests.neural.tiny_sam2 import tiny_network as tiny_sam2
from tests.nvos_folder import NAME, write_nvos_folder
from wildseg3d_blender.neural import places
from wildseg3d_blender.neural.running import DEVICE_VARIABLE
from wildseg3d_blender.pipeline.engines.dust3r import engine
from wildseg3d_blender.pipeline.segmentation.sam2 import segmenter


@pytest.mark.parametrize(("truth", "more"), [("published", ["--alphas", "0.5"]), ("sam2", [])])
def test_the_networks_fill_the_whole_table(
    truth: str, more: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(places.MODELS_VARIABLE, str(tmp_path / "models"))
    monkeypatch.setenv(DEVICE_VARIABLE, "cpu")
    monkeypatch.setattr(engine, "installed_network", lambda size: tiny_network())
    monkeypatch.setattr(segmenter, "installed_network", tiny_sam2)
    monkeypatch.setattr(segmenter, "ON_CPU", replace(segmenter.ON_CPU, points=3))
    folder, out = write_nvos_folder(tmp_path / "nvos", "book"), tmp_path / "out"
    asked = ["--nvos", str(folder), "--only", NAME, "--engine", "dust3r", "--segmenter", "sam2"]
    asked += ["--truth", truth, "--image-size", "64", "--device", "cpu", "--out", str(out), *more]
    assert nvos.main(asked) == 0
    table = (out / "table.txt").read_text(encoding="utf-8")
    assert "dust3r + sam2" in table and f"truth: {truth}" in table
    (result,) = json.loads((out / "results.json").read_text(encoding="utf-8"))
    assert result["name"] == NAME and 2 <= result["placed"] <= result["photos"] == 4
    for figure in ("iou", "accuracy", "others_iou", "others_accuracy"):
        assert 0.0 <= result[figure] <= 1.0
    assert set(result["seconds"]) == {"pointmaps", "alignment", "objects", "prompts", "aligning again"}
    # Without DGA, the default, and one alpha on either side.
    assert len(result["ablation"]) == (4 if more else 0)
