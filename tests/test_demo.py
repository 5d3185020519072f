# SPDX-License-Identifier: GPL-3.0-or-later
"""The demo's parts on a scene folder made of the sample's own truth; the whole of it among the slow tests."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from samples.demo_parts import clicks, measure, page
from samples.demo_parts.stage import Label
from samples.truth import SampleTruth, load_truth
from tests.scenes.writing import grid_colours
from wildseg3d_blender.conventions import transform, unproject
from wildseg3d_blender.errors import PromptError, SceneError
from wildseg3d_blender.photo_warp import PhotoWarp
from wildseg3d_blender.prompts import Click, one_group
from wildseg3d_blender.scene.folder import Scene, View, write_scene
from wildseg3d_blender.scene.objects import SceneObject

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def truth() -> SampleTruth:
    return load_truth()


@pytest.fixture(scope="module")
def scene(truth: SampleTruth, tmp_path_factory: pytest.TempPathFactory) -> Scene:
    """What a perfect reconstruction would write, in a world that is turned, moved and 2.5 times as large."""
    other_world = np.diag([2.5, 2.5, 2.5, 1.0])
    other_world[:3, :3] = other_world[:3, :3] @ np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])
    other_world[:3, 3] = [3.0, -1.0, 0.5]
    views, pointmaps, confidence, images = [], {}, {}, {}
    for name in truth.names:
        camera, depth = truth.cameras[name], truth.depth(name)
        K = truth.depth_intrinsics(name)
        pose = other_world @ camera.cam_to_world
        pose[:3, :3] /= 2.5
        size = (depth.shape[1], depth.shape[0])
        views.append(View(name, truth.photo(name), truth.size, size, K, pose, PhotoWarp(camera.K, K)))
        points = transform(other_world @ camera.cam_to_world, unproject(depth, K))
        pointmaps[name] = points.astype(np.float32)
        confidence[name] = np.ones(depth.shape, np.float32)
        images[name] = truth.photo(name).read_bytes()
    scene = Scene(tmp_path_factory.mktemp("demo") / "scene", tuple(views), "truth")
    colours = {view.name: grid_colours(view, images[view.name]) for view in views}
    write_scene(scene, pointmaps=pointmaps, confidence=confidence, colours=colours, images=images)
    return scene


def true_object(scene: Scene, truth: SampleTruth, thing: str) -> SceneObject:
    """An object whose masks are the true ones on the views' coarser grid."""
    masks = {}
    for view in scene.views:
        mask = Image.fromarray(truth.mask(thing, view.name)).resize(view.size, Image.Resampling.NEAREST)
        masks[view.name] = np.asarray(mask)
    return SceneObject(thing.capitalize(), one_group([Click(scene.views[0].name, 1.0, 1.0)]), masks, masks)


def test_true_cameras_have_no_error_in_any_world(scene: Scene, truth: SampleTruth) -> None:
    assert measure.camera_error_percent(scene, truth) < 1e-4


def test_a_moved_camera_is_an_error(scene: Scene, truth: SampleTruth) -> None:
    view = scene.views[3]
    moved = view.cam_to_world.copy()
    moved[:3, 3] += [0.0, 0.0, 0.1]
    views = [*scene.views[:3], View(**{**vars(view), "cam_to_world": moved}), *scene.views[4:]]
    error = measure.camera_error_percent(Scene(scene.folder, tuple(views), "truth"), truth)
    # 0.1 in a world 2.5 times as large is 4 cm, of which the fit takes a part; depth is about a metre.
    assert 2.0 < error < 5.0


def test_one_click_on_every_true_object_lands_on_it(scene: Scene, truth: SampleTruth) -> None:
    chosen = clicks.choose_clicks(scene, truth, None)
    assert sorted(click.name.lower() for click in chosen) == list(truth.objects)
    for click in chosen:
        assert truth.mask(click.name.lower(), click.view)[int(click.y), int(click.x)]


def test_a_wish_beats_the_truth_and_names_the_view_by_its_photo(scene: Scene, truth: SampleTruth) -> None:
    (click,) = clicks.choose_clicks(scene, truth, "table_04.jpg:512,300.5")
    assert (click.view, click.x, click.y) == ("table_04", 512.0, 300.5)


@pytest.mark.parametrize("wish", ["table_04.jpg", "table_04:12", "table_04:a,b", "table_04:1,2,3"])
def test_a_wish_that_is_not_understood_says_how_to_write_it(scene: Scene, wish: str) -> None:
    with pytest.raises(PromptError, match="write view:x,y"):
        clicks.parse_click(scene, wish)


def test_a_wish_for_an_unknown_photo_names_those_there_are(scene: Scene) -> None:
    with pytest.raises(SceneError, match="table_01"):
        clicks.parse_click(scene, "holiday.jpg:10,10")


def test_no_more_clicks_on_a_good_mask_and_one_on_the_error_of_a_bad_one(
    scene: Scene, truth: SampleTruth
) -> None:
    first = next(click for click in clicks.choose_clicks(scene, truth, None) if click.name == "Parcel")
    good = true_object(scene, truth, "parcel")
    assert clicks.refining_click(scene, truth, [first], good) is None

    masks = {name: mask.copy() for name, mask in good.masks.items()}
    masks[first.view][:, : int(first.x * masks[first.view].shape[1] / truth.size[0])] = False
    halved = SceneObject(good.name, good.groups, masks, masks)
    second = clicks.refining_click(scene, truth, [first], halved)
    assert second is not None and second.positive and second.x < first.x
    assert truth.mask("parcel", second.view)[int(second.y), int(second.x)]
    assert clicks.refining_click(scene, truth, [first, second, second], halved) is None


def test_report_keeps_the_clicked_view_out_of_the_mean(scene: Scene, truth: SampleTruth) -> None:
    chosen = {
        click.name: [click]
        for click in clicks.choose_clicks(scene, truth, None)
        if click.name in ("Orange", "Book")
    }
    objects = {name: true_object(scene, truth, name.lower()) for name in chosen}
    view = chosen["Book"][0].view
    masks = {**objects["Book"].masks, view: np.zeros_like(objects["Book"].masks[view])}
    objects["Book"] = SceneObject("Book", objects["Book"].groups, masks, masks)
    first = {name: measure.overlap(scene, truth, mine[0], objects[name]) for name, mine in chosen.items()}
    figures = measure.report(scene, truth, chosen, objects, {"Orange": 5, "Book": 7}, first)
    book = next(row for row in figures["objects"] if row["name"] == "Book")
    assert book["iou"][view] == 0.0
    assert figures["mean_iou_other_views"] > 0.9
    assert figures["photos"] == {"given": 11, "registered": 11}
    json.dumps(figures)


def test_page_tints_masks_and_leaves_the_rest(scene: Scene, truth: SampleTruth) -> None:
    chosen = {click.name: [click] for click in clicks.choose_clicks(scene, truth, None)}
    objects = {name: true_object(scene, truth, name.lower()) for name in chosen}
    render = Image.new("RGBA", (1200, 500), (0, 0, 0, 0))
    labels = [Label("Orange", (600.0, 200.0))]
    heading = page.Heading("Title", "line")
    made = np.asarray(page.compose(scene, render, labels, chosen, objects, heading)).astype(int)
    nothing = SceneObject("x", (), *[{v.name: np.zeros(v.size[::-1], bool) for v in scene.views}] * 2)
    bare = dict.fromkeys(objects, nothing)
    plain = np.asarray(page.compose(scene, render, labels, chosen, bare, heading)).astype(int)
    assert made.shape == plain.shape and made.shape[1] == 1200
    changed = np.abs(made - plain).max(-1) > 12
    strip = page.HEADER + render.height
    assert not changed[:strip].any()
    assert 0.1 < changed[strip:].mean() < 0.5


@pytest.mark.slow
def test_the_whole_demo_on_the_sample(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "samples.demo", "--out", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, timeout=1200)
    figures = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    assert figures["photos"] == {"given": 11, "registered": 11}
    assert figures["camera_error_percent"] <= 0.5
    assert figures["mean_iou_other_views"] >= 0.90
    assert (tmp_path / "scene.blend").stat().st_size > 1_000_000
    with Image.open(tmp_path / "preview.png") as picture:
        assert picture.width >= 1500


def test_a_folder_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "samples.demo",
        "--photos",
        str(tmp_path / "none"),
        "--out",
        str(tmp_path / "o"),
    ]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    assert ended.returncode == 1
    assert "There is no folder" in ended.stderr
    assert "Traceback" not in ended.stderr
