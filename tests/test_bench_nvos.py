# SPDX-License-Identifier: GPL-3.0-or-later
"""The NVOS benchmark with the default engines, on a made-up folder of small sample photos."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from PIL import Image

from benchmarks import nvos
from benchmarks.datasets import nvos_scene
from benchmarks.nvos_parts import paper
from tests.nvos_folder import NAME, REFERENCE, TARGET, reference_mask, write_nvos_folder
from tests.small_photos import IMAGE_SIZE
from wildseg3d_blender.neural import places
from wildseg3d_blender.neural.running import DEVICE_VARIABLE

THING = "book"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The made-up folder, where no models are installed."""
    monkeypatch.setenv(places.FOLDER_VARIABLE, str(tmp_path / "neural"))
    monkeypatch.setenv(places.MODELS_VARIABLE, str(tmp_path / "models"))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setenv(DEVICE_VARIABLE, "auto")  # which the benchmark sets
    return write_nvos_folder(tmp_path / "nvos", THING)


def _run(folder: Path, *more: str) -> int:
    out = str(folder.parent / "out")
    return nvos.main(["--nvos", str(folder), "--image-size", str(IMAGE_SIZE), "--out", out, *more])


def test_the_default_engines_fill_the_whole_table(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(folder, "--only", "flower", NAME, "--alphas", "0", "0.5") == 0
    printed = capsys.readouterr().out
    assert "flower: left out." in printed
    table = (folder.parent / "out" / "table.txt").read_text(encoding="utf-8")
    assert table.strip() in printed
    assert "stereo + graphcut" in table and "FlashSplat" in table and "99.0     30" in table
    (result,) = json.loads((folder.parent / "out" / "results.json").read_text(encoding="utf-8"))
    assert (result["name"], result["photos"], result["placed"]) == (NAME, 4, 4)
    assert result["iou"] > 0.75 and result["accuracy"] > 0.95 and result["others_iou"] > 0.75
    assert set(result["seconds"]) == {"pointmaps", "alignment", "objects", "prompts", "aligning again"}
    assert result["total"] == pytest.approx(sum(result["seconds"].values()))
    lines = table.splitlines()
    row = next(line for line in lines if line.startswith(NAME)).split()
    assert row[1:3] == ["4/4", f"{100 * result['iou']:.1f}"] and row[-1] == "94.2"
    # Two rows for the alphas, ours and the paper's, and both means.
    assert lines[-3].split() == ["the", "paper", "94.2", "94.2", "|", "94.2", "94.0"]
    assert len(result["ablation"]) == 5 and all(score["iou"] > 0.7 for score in result["ablation"])


def test_given_masks_of_the_reference_are_the_truth(folder: Path) -> None:
    masks = folder.parent / "given"
    masks.mkdir()
    Image.fromarray(reference_mask(THING)).save(masks / f"{NAME}.png")
    assert _run(folder, "--only", NAME, "--truth", str(masks), "--without-cache") == 0
    (result,) = json.loads((folder.parent / "out" / "results.json").read_text(encoding="utf-8"))
    assert result["iou"] > 0.75 and "objects" not in result["seconds"] and not result["ablation"]


def test_what_is_missing_is_said(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(folder, "--only", NAME, "--truth", str(folder)) == 1
    said = capsys.readouterr()
    assert f"There is no {folder / NAME}.png" in said.out and "Nothing was measured" in said.err
    assert _run(folder.parent / "nowhere", "--only", NAME) == 1
    assert _run(folder, "--engine", "dust3r", "--only", NAME) == 1
    assert "neural" in capsys.readouterr().err


def test_the_photos_taken_lie_between_reference_and_target(folder: Path) -> None:
    item = nvos_scene(folder, NAME)
    assert [photo.stem for photo in item.spread(2).photos] == [REFERENCE, TARGET]
    assert {REFERENCE, TARGET} < {photo.stem for photo in item.spread(3).photos}
    assert item.spread(9).photos == item.photos


def test_the_papers_means_are_those_of_its_rows() -> None:
    for sweep in (paper.ALPHA_P, paper.ALPHA_N):
        rows = [values for name, values in sweep.items() if name != "mean"]
        assert len(rows) == 8
        for mean, *column in zip(sweep["mean"], *rows, strict=True):
            assert mean == pytest.approx(sum(column) / 8, abs=0.1)
