# SPDX-License-Identifier: GPL-3.0-or-later
"""The ablation: its columns, its arithmetic, and the whole of it on a tiny made-up set."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from benchmarks.datasets import Scribbles, TruthScene
from benchmarks.dga_parts.columns import ALPHAS, DEFAULT, FORMS, WITHOUT, Column, all_columns, sweeps
from benchmarks.dga_parts.corrupted import FIRST_LABEL, corrupted_case, true_view
from benchmarks.dga_parts.measure import Case, Score, aligned_objects, measure, score
from benchmarks.dga_parts.pictures import HEADS, PANEL, write_sheets
from benchmarks.dga_parts.reconstructed import clicked_object
from benchmarks.dga_parts.table import as_json, cell, gain, table, text
from samples.truth import SampleTruth
from wildseg3d_blender.conventions import project, transform, unproject
from wildseg3d_blender.errors import SceneError
from wildseg3d_blender.pipeline.alignment import confidence_weights
from wildseg3d_blender.pipeline.segmentation import create_segmenter
from wildseg3d_blender.progress import silent
from wildseg3d_blender.scene.folder import Scene

PHOTOS = ("table_04", "table_05", "table_06", "table_07")
DGA = Column("ours", *DEFAULT)


def given(value: float, column: Column = DGA, **other: object) -> Score:
    return replace(Score("group", "case", "thing", "view", 0, column, value), **other)


def test_columns() -> None:
    first, second = sweeps("ours")
    assert [column.alpha_p for column in first] == list(ALPHAS)
    assert all(column.alpha_n == 0 for column in first)
    assert [column.alpha_n for column in second] == list(ALPHAS)
    assert WITHOUT.weights is confidence_weights
    assert len(all_columns(("ours",))) == 11
    assert len(all_columns(tuple(FORMS))) == 1 + 10 * len(FORMS)
    assert all_columns(("ours",), ()) == [WITHOUT, DGA]


def test_a_cell_averages_views_then_objects_then_seeds() -> None:
    scores = [
        given(0.8, view="a"),
        given(0.6, view="b"),
        given(0.5, object="other", view="a"),
        given(0.9, seed=1, view="a"),
    ]
    found = cell(scores)
    # Seed 0: the mean of 0.7 and 0.5; seed 1: 0.9.
    assert found.mean == pytest.approx(75.0)
    assert found.spread == pytest.approx(np.std([60.0, 90.0], ddof=1))
    assert found.seeds == 2
    assert cell(scores[:2]).spread == 0


def test_a_table_has_a_row_per_scene_and_the_mean_last() -> None:
    """Objects of a reconstruction are rows, those of a corruption are one."""
    scores = [
        given(0.9, case="kermit", object="frog", seed=None),
        given(0.7, case="kermit", object="book", seed=None),
        given(0.2, case="noise", object="mug"),
        given(0.4, case="noise", object="tin"),
    ]
    rows = table(scores, [DGA])
    assert {name: round(row[DGA].mean) for name, row in rows.items()} == {
        "kermit frog": 90,
        "kermit book": 70,
        "noise": 30,
        "mean": round((90 + 70 + 30) / 3),
    }
    assert list(rows)[-1] == "mean"


def test_the_gain_is_paired_by_seed() -> None:
    scores = [given(0.6 + 0.1 * n, WITHOUT, seed=n) for n in range(3)]
    scores += [given(0.65 + 0.1 * n, seed=n) for n in range(3)]
    found = gain(scores, DGA)["case"]
    assert (found.mean, found.seeds) == (pytest.approx(5.0), 3)
    assert found.spread == pytest.approx(0.0, abs=1e-9)


def test_the_text_shows_both_sweeps_and_the_gain() -> None:
    scores = [given(0.5, WITHOUT)]
    scores += [given(0.5 + 0.1 * c.alpha_p + 0.01 * c.alpha_n, c) for c in all_columns(("ours",)) if c.form]
    line = next(line for line in text(scores, "ours").splitlines() if line.startswith("case"))
    numbers = [float(value) for value in line.replace("|", " ").split()[1:]]
    assert numbers[:5] == [41.0, 45.0, 50.0, 55.0, 59.0]
    assert numbers[5:10] == [49.1, 49.5, 50.0, 50.5, 50.9]
    assert numbers[10:] == [55.9, 50.0, 5.9]
    assert json.loads(json.dumps(as_json(scores)))[0]["iou"] == 0.5


@pytest.mark.parametrize("shrink", [1, 2, 3])
def test_true_views_agree_with_each_other(sample_truth: SampleTruth, shrink: int) -> None:
    """A point of one view, projected into the other, has the depth that is stored there."""
    first, second = (true_view(sample_truth, name, shrink) for name in PHOTOS[:2])
    points_world = transform(first.cam_to_world, unproject(first.depth, first.K))
    pixels, depth = project(points_world, second.K, second.cam_to_world)
    inside = ((pixels > 0) & (pixels < second.size)).all(-1)
    column, row = pixels[inside].astype(int).T
    off = np.abs(second.depth[row, column] / depth[inside] - 1)
    assert np.median(off) < 0.005
    assert (np.unique(first.labels) == [0, *range(FIRST_LABEL, FIRST_LABEL + 6)]).all()


@pytest.fixture(scope="module")
def small(sample_truth: SampleTruth) -> Case:
    """Four views of 90x60 with noise; two objects."""
    case = corrupted_case(sample_truth, PHOTOS, "table_05", "noise", 0, shrink=3)
    return replace(case, objects=tuple(item for item in case.objects if item.name in ("book", "parcel")))


def test_measuring_a_case(small: Case) -> None:
    scores = measure(small, DGA)
    assert {(s.object, s.view) for s in scores} == {
        (thing, view) for thing in ("book", "parcel") for view in PHOTOS if view != "table_05"
    }
    assert min(s.iou for s in scores) > 0.4
    assert np.mean([s.iou for s in scores]) > 0.7


def test_masks_of_the_target_do_not_reach_its_score(small: Case) -> None:
    """An object whose mask is everything in the target itself: the projection does not see it."""
    view = "table_07"
    book = small.objects[0]
    everything = {**book.masks, view: np.ones_like(book.masks[view])}
    truth = {view: book.truth[view]}
    honest, cheated = (
        measure(replace(small, objects=(replace(book, masks=masks, truth=truth),)), WITHOUT)[0].iou
        for masks in (book.masks, everything)
    )
    # Other views' points are voted on by this mask too, but it cannot add any.
    assert abs(honest - cheated) < 0.1


def test_scores_at_the_size_of_the_truth(small: Case) -> None:
    view = small.scene.views[0]
    mask = small.objects[0].masks[view.name]
    rows, columns = np.nonzero(mask)
    box = np.zeros_like(mask)
    box[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1] = True
    assert score(view, box, box) == 1
    for multiple in (2, 6):
        larger = np.kron(box, np.ones((multiple, multiple), dtype=bool))
        assert score(view, box, larger) > 0.95


def test_a_view_that_was_not_placed_scores_nothing(small: Case) -> None:
    lost = 3
    graph = replace(small.graph, edges=tuple(e for e in small.graph.edges if lost not in (e.i, e.j)))
    scores = measure(replace(small, graph=graph), WITHOUT)
    assert all((s.iou == 0) == (s.view == PHOTOS[lost]) for s in scores)
    scene, _ = aligned_objects(replace(small, graph=graph), WITHOUT)
    assert [view.name for view in scene.views] == list(PHOTOS[:lost])


def test_clicks_along_scribbles(sample_truth: SampleTruth, sample_scene: Scene, tmp_path: Path) -> None:
    """As NVOS gives an object: strokes on a small copy of the reference, one target with a smaller mask."""
    reference, target = (sample_truth.photo(name) for name in ("table_05", "table_06"))
    book = sample_truth.mask("book", "table_05")
    for name, place in (("pos.png", book), ("neg.png", ~book)):
        rows, columns = np.nonzero(cv2.erode(place.astype(np.uint8), np.ones((41, 41), np.uint8)))
        stroke = np.zeros(book.shape, dtype=np.uint8)
        row = int(np.median(rows))
        stroke[row : row + 8, columns[(rows >= row) & (rows < row + 8)]] = 255
        Image.fromarray(stroke).resize((270, 180)).save(tmp_path / name)
    small = Image.fromarray(sample_truth.mask("book", "table_06")).convert("L").resize((540, 360))
    small.save(tmp_path / "mask.png")
    item = TruthScene(
        "book",
        (reference, target),
        reference,
        None,
        Scribbles(tmp_path / "pos.png", tmp_path / "neg.png"),
        {target: tmp_path / "mask.png"},
    )
    segmenter = create_segmenter("graphcut", sample_scene, silent)
    found = clicked_object(sample_scene, segmenter, item)
    assert list(found.truth) == ["table_06"]
    view = sample_scene.view("table_06")
    assert score(view, found.masks["table_06"], found.truth["table_06"]) > 0.5
    with pytest.raises(SceneError, match=r"reference photo table_01\.jpg was not placed"):
        clicked_object(sample_scene, segmenter, replace(item, reference=sample_truth.photo("table_01")))


def test_pictures(small: Case, tmp_path: Path) -> None:
    (file,) = write_sheets(small, ("ours",), tmp_path)
    with Image.open(file) as sheet:
        pixels = np.asarray(sheet.convert("RGB"))
    assert pixels.shape[1] > len(HEADS) * PANEL
    assert pixels.shape[0] > 4 * PANEL
    assert len(np.unique(pixels.reshape(-1, 3), axis=0)) > 1000


def test_the_whole_on_a_tiny_set(
    sample_truth: SampleTruth, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A photo set with masks, an NVOS folder without its photos, and a corruption; two weightings' worth."""
    from benchmarks import dga_ablation

    kermit = tmp_path / "data" / "kermit"
    for folder in ("images", "masks", "masks_book"):
        (kermit / folder).mkdir(parents=True)
    for number, name in enumerate(PHOTOS):
        stem = f"kermit00{number}"
        with Image.open(sample_truth.photo(name)) as photo:
            photo.resize((540, 360)).save(kermit / "images" / f"{stem}.jpg", quality=92)
        for thing, folder in (("teddy", "masks"), ("book", "masks_book")):
            mask = Image.fromarray(sample_truth.mask(thing, name)).convert("L").resize((540, 360))
            mask.save(kermit / folder / f"{stem}.png")
    for part in ("masks", "reference_image", "scribbles"):
        (tmp_path / "nvos" / part).mkdir(parents=True)
    data = tmp_path / "nvos" / ".." / "data"
    arguments = ["--data", str(data), "--nvos", str(tmp_path / "nvos"), "--out", str(tmp_path)]
    arguments += ["--only", "kermit", "--forms", "ours", "--alphas", "0.5", "--image-size", "192"]
    assert dga_ablation.main([*arguments, "--seeds", "0"]) == 0
    told = capsys.readouterr().out
    assert "NVOS fern: left out." in told
    assert "apple: left out." in told
    rows = [line[:28].strip() for line in (tmp_path / "table.txt").read_text().splitlines()]
    assert rows[-3:] == ["kermit frog", "kermit book", "mean"]
    scores = json.loads((tmp_path / "scores.json").read_text())
    assert {(s["object"], s["view"]) for s in scores} == {
        (thing, f"kermit00{n}") for thing in ("frog", "book") for n in (0, 1, 3)
    }
    assert len(scores) == 4 * 6
    assert np.mean([s["iou"] for s in scores if s["object"] == "book"]) > 0.5
    assert (tmp_path / "kermit - ours.png").is_file()


def test_nothing_to_measure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from benchmarks import dga_ablation

    assert dga_ablation.main(["--only", "nothing of that name", "--out", str(tmp_path)]) == 1
    assert "Nothing was measured" in capsys.readouterr().err
