# SPDX-License-Identifier: GPL-3.0-or-later
"""The segmentation benchmark's parts: what is measured, the plain way beside it, tables and pages."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from benchmarks.segmentation_parts import pages, table, tiles
from benchmarks.segmentation_parts.grabcut import GrabCutTransfer
from benchmarks.segmentation_parts.measured import held_out_figures, measure_object
from benchmarks.segmentation_parts.places import chosen, places
from samples.truth import TABLE
from tests.scenes.ball_and_box import BALL, BOX, Truth, write_object_scene, write_photo_masks
from tests.scenes.cached import Known
from wildseg3d_blender.pipeline.evaluation import by_session, iou
from wildseg3d_blender.pipeline.segment import SceneSession
from wildseg3d_blender.pipeline.segmentation.mask_cache.building import build_mask_cache
from wildseg3d_blender.pipeline.segmentation.mask_cache.cache import read_mask_cache
from wildseg3d_blender.prompts import Box, Click
from wildseg3d_blender.scene.folder import Scene

Made = tuple[Scene, dict[str, Truth], Path]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """The ray-cast scene, with the true ball in its cache and the true masks of ball and box."""
    root = tmp_path_factory.mktemp("bench")
    scene, truths = write_object_scene(root / "scene")
    build_mask_cache(scene, Known(truths))
    for name, thing in (("ball", BALL), ("box", BOX)):
        write_photo_masks(scene, root / name, thing)
    return scene, truths, root


def test_masks_tint_and_clicks_are_dots(made: Made) -> None:
    scene, truths, _ = made
    view = scene.view("v2")
    mask = truths["v2"].shows == BALL
    rows, columns = np.nonzero(mask)
    middle = (float(columns.mean()), float(rows.mean()))
    clicks = [Click("v2", *middle), Click("v2", 12.5, 12.5, False), Click("v1", 200.5, 20.5)]
    picture = tiles.tinted(scene, view, [(mask, (0, 0, 255))], clicks)
    assert picture.shape == (view.size[1] * tiles.FINER, view.size[0] * tiles.FINER, 3)

    def at(x: float, y: float) -> tuple[int, ...]:
        return tuple(int(value) for value in picture[int(y * tiles.FINER), int(x * tiles.FINER)])

    assert at(*middle) == tiles.POSITIVE
    assert at(12.5, 12.5) == tiles.NEGATIVE
    assert at(200.5, 20.5) not in (tiles.POSITIVE, tiles.NEGATIVE)
    inside = picture[:: tiles.FINER, :: tiles.FINER][mask].astype(float).mean(0)
    outside = picture[:: tiles.FINER, :: tiles.FINER][~mask].astype(float).mean(0)
    assert inside[2] > inside[0] + 20
    assert np.ptp(outside) < 40
    edge = picture[int(middle[1] * tiles.FINER)]
    assert (edge == 255).all(-1).sum() >= 2


def test_stored_objects_that_overlap_are_shown_once(made: Made) -> None:
    """The ball; not the smaller ball within it, and not the ball with the box, which is half ball."""
    cache = read_mask_cache(made[0], "graphcut")
    assert cache is not None and len(cache) == 3
    assert pages.distinct_objects(cache) == [0]


def test_colours_of_neighbours_differ() -> None:
    colours = np.array(pages.palette(12), dtype=float)
    apart = np.abs(colours[:, None] - colours[None]).sum(-1) + 999 * np.eye(12)
    assert apart.min() > 40
    assert pages.palette(0) == []


def test_a_page_is_written(made: Made, tmp_path: Path) -> None:
    scene, truths, root = made
    cache = read_mask_cache(scene, "graphcut")
    assert cache is not None
    ask = by_session(SceneSession(scene.folder))
    file = tmp_path / "page.png"
    refined = pages.write_page(scene, cache, {"ball": root / "ball"}, "v2", ask, file)
    assert refined == "ball"
    with Image.open(file) as opened:
        page = np.asarray(opened.convert("RGB")).astype(int)
    tall = round(180 * pages.WIDTH / 240)
    assert page.shape[1] == pages.SHOWN * (pages.WIDTH + pages.GAP) + pages.GAP

    def tile(row: int, column: int) -> np.ndarray:
        top = 2 * pages.HEAD + row * (tall + pages.HEAD + pages.GAP) + pages.HEAD
        left = pages.GAP + column * (pages.WIDTH + pages.GAP)
        return page[top : top + tall, left : left + pages.WIDTH]

    names = ["v2", "v0", "v4"]
    colour = np.array(pages.palette(1)[0])
    for column, name in enumerate(names):
        shows = np.asarray(Image.fromarray(truths[name].shows == BALL).resize((pages.WIDTH, tall)))
        stored, first = tile(0, column), tile(1, column)
        for picture, tint in ((stored, colour), (first, np.array(tiles.TINT))):
            towards = np.abs(picture - tint).sum(-1)
            assert np.median(towards[shows]) < np.median(towards[~shows])
    green = (np.abs(tile(1, 0) - np.array(tiles.POSITIVE)).sum(-1) < 30).sum()
    assert green > 20
    assert (np.abs(tile(1, 1) - np.array(tiles.POSITIVE)).sum(-1) < 30).sum() == 0


def test_grabcut_is_carried_over_by_points(made: Made) -> None:
    scene, truths, _ = made
    plain = GrabCutTransfer(scene)
    rows, columns = np.nonzero(truths["v2"].shows == BALL)
    box = Box("v2", float(columns.min()), float(rows.min()), float(columns.max() + 1), float(rows.max() + 1))
    masks, cached = plain([box], None)
    assert not cached and len(plain.seconds) == 1
    assert iou(masks["v2"], truths["v2"].shows == BALL) > 0.8
    assert iou(masks["v1"], truths["v1"].shows == BALL) > 0.6


def test_figures_of_an_object_and_their_table(made: Made) -> None:
    scene, _, root = made
    ways = {"ours": by_session(SceneSession(scene.folder))}
    found = measure_object(scene, root / "ball", "v2", ways, all_views=True)
    assert found["ours"]["every_view"]["count"] == 5
    assert found["ours"]["box"]["mean_iou_others"] > 0.9
    assert held_out_figures(scene, scene, root / "ball", "v2", ways["ours"]) is None
    found["held_out"] = None
    json.dumps(found)
    lines = table.object_lines("ball", found, ["ours"])
    first = found["ours"]["rounds"][0]
    assert f"{first['iou_clicked']:.2f} / {first['mean_iou_others']:.2f}" in lines[2]
    assert "mean of 5 views" in lines[3]


def test_means_of_a_scene_by_hand() -> None:
    def item(score: float, count: int | None) -> dict[str, Any]:
        entry = {"iou_clicked": 1.0, "mean_iou_others": score, "mean_accuracy_others": 0.9}
        way = {"rounds": [entry] * 3, "box": entry, "clicks_to": {"0.85": count}, "most": 10}
        unseen = [{"clicks": k, "iou": score / 2, "accuracy": 0.8} for k in (1, 3, 5)]
        return {"view": "a", "ours": {**way, "every_view": way}, "held_out": {"rounds": unseen}}

    means = table.scene_means({"x": item(0.6, 2), "y": item(0.8, None)}, ["ours"], every_view=False)
    assert means["ours"]["rounds"][1]["iou"] == pytest.approx(0.7)
    assert means["ours"]["box"]["accuracy"] == pytest.approx(0.9)
    assert means["ours"]["clicks_to"]["0.85"] == pytest.approx(6.0)
    assert means["held_out"][0]["iou"] == pytest.approx(0.35)
    given_up = {"x": item(0.6, None)}
    given_up["x"]["ours"]["most"] = 5
    assert table.scene_means(given_up, ["ours"], every_view=False)["ours"]["clicks_to"] == {"0.85": None}
    rows = table.means_table({"s": {"means": means}}, ["ours"])
    assert rows[-2].startswith("| s | ours | 0.700 (0.900) |")
    assert "0.350 (0.800)" in rows[-1]


def test_places_say_how_to_get_what_is_missing(tmp_path: Path) -> None:
    known, missing = places(tmp_path, {"table": TABLE, "garden": tmp_path / "garden"})
    assert [place.name for place in known] == ["table"]
    assert known[0].view == "table_06" and len(known[0].objects) == 6
    assert any("make samples-extra SCENE=garden" in sentence for sentence in missing)
    assert sum("--data" in sentence for sentence in missing) == 2
    (some,) = chosen(known, ["mug", "tin"])
    assert list(some.objects) == ["mug", "tin"]
    assert chosen(known, ["table"])[0].objects == known[0].objects
    with pytest.raises(ValueError, match="'spoon'"):
        chosen(known, ["spoon"])


def test_real_photo_sets_are_found(tmp_path: Path) -> None:
    (tmp_path / "apple" / "images").mkdir(parents=True)
    known, _ = places(tmp_path, {})
    assert [(place.name, list(place.objects), place.real) for place in known] == [("apple", ["apple"], True)]
    shutil.rmtree(tmp_path / "apple")
    assert places(tmp_path, {})[0] == []
