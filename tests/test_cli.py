# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands on a scene that is there, in photo pixels, with exact truth."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.command_line import COMMAND, PLAIN_LINE, ROOT, last_object, run
from tests.scenes.tiny import BALL, PHOTO_SIZE, RADIUS, true_photo_mask, write_tiny_scene
from wildseg3d_blender.cli.main import main
from wildseg3d_blender.cli.prompt_options import photo_groups
from wildseg3d_blender.errors import PromptError
from wildseg3d_blender.pipeline.evaluation import iou
from wildseg3d_blender.prompts import Click
from wildseg3d_blender.scene.folder import Scene
from wildseg3d_blender.scene.objects import object_folders, read_object


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    return write_tiny_scene(tmp_path_factory.mktemp("tiny scene ü") / "scene")


def read_ply(file: Path) -> tuple[np.ndarray, np.ndarray]:
    header, body = file.read_bytes().split(b"end_header\n", 1)
    lines = header.decode("ascii").splitlines()
    assert lines[:2] == ["ply", "format binary_little_endian 1.0"]
    count = next(int(line.split()[-1]) for line in lines if line.startswith("element vertex"))
    kinds = {"float": "<f4", "uchar": "u1"}
    fields = [line.split()[1:] for line in lines if line.startswith("property")]
    vertices = np.frombuffer(body, dtype=[(name, kinds[kind]) for kind, name in fields])
    assert len(vertices) == count
    return (
        np.stack([vertices[name] for name in "xyz"], axis=1),
        np.stack([vertices[name] for name in ("red", "green", "blue")], axis=1),
    )


def test_segment_writes_masks_and_points(scene: Scene, tmp_path: Path) -> None:
    done = run(
        "segment", scene.folder, "--view", "middle.jpg", "--click", 320, 232, "--name", "Ball ü",
        "--masks-to", tmp_path / "masks", "--ply", tmp_path / "out" / "ball.ply", "--json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    result = last_object(done.stdout)
    assert result["object"] == "Ball ü"
    assert all(PLAIN_LINE.fullmatch(line) for line in done.stderr.splitlines()), done.stderr

    assert result["masks"].keys() == {"left", "middle", "right"}
    for view in scene.views:
        with Image.open(tmp_path / "masks" / f"{view.name}.png") as image:
            assert (image.mode, image.size) == ("L", PHOTO_SIZE)
            mask = np.asarray(image)
        assert set(np.unique(mask)) == {0, 255}
        assert iou(mask == 255, true_photo_mask(view)) > 0.95

    points, colours = read_ply(tmp_path / "out" / "ball.ply")
    assert len(points) == result["points"] > 1000
    on_ball = np.abs(np.linalg.norm(points - BALL, axis=1) - RADIUS) < 0.01
    assert on_ball.mean() > 0.98
    red, green, blue = colours.astype(float).mean(axis=0)
    assert red > green > blue

    item = read_object(scene, Path(result["folder"]))
    assert [type(prompt) for prompt in item.prompts] == [Click]


def test_prompts_keep_their_order_and_their_view(scene: Scene) -> None:
    left, right = scene.view("left"), scene.view("right")
    given = [
        ("view", ("left",)),
        ("click", (320.0, 240.0, 300.0, 200.0)),
        ("view", ("right.jpg",)),
        ("exclude", (10.0, 20.0)),
        ("box", (400.0, 300.0, 200.0, 100.0)),
    ]
    first, second, out, box = photo_groups(scene, given)[0].prompts
    assert (first.view, second.view, out.view, box.view) == ("left", "left", "right", "right")
    assert isinstance(out, Click) and not out.positive and isinstance(second, Click)
    np.testing.assert_allclose(left.warp.to_photo(np.array([second.x, second.y])), [300.0, 200.0], atol=1e-9)
    np.testing.assert_allclose(right.warp.to_photo(np.array([out.x, out.y])), [10.0, 20.0], atol=1e-9)
    # The lens bends the box's edges, so the straight box around it reaches a little further.
    np.testing.assert_allclose([box.x0, box.y0, box.x1, box.y1], [50.0, 25.0, 100.0, 75.0], atol=0.6)  # type: ignore[union-attr]


def test_a_single_view_may_come_last(scene: Scene) -> None:
    assert photo_groups(scene, [("click", (320.0, 240.0)), ("view", ("left",))])[0].prompts[0].view == "left"


def test_prompts_before_one_of_several_views_are_refused(scene: Scene) -> None:
    given = [("click", (320.0, 240.0)), ("view", ("left",)), ("view", ("right",))]
    with pytest.raises(PromptError, match="--view"):
        photo_groups(scene, given)


def test_clicks_at_the_corners_of_the_photo_count(scene: Scene) -> None:
    width, height = PHOTO_SIZE
    corners = (0.0, 0.0, float(width), 0.0, 0.0, float(height), float(width), float(height))
    (group,) = photo_groups(scene, [("view", ("left",)), ("exclude", corners)])
    for click in group.prompts:
        assert isinstance(click, Click)
        assert 0 < click.x < 160
        assert 0 < click.y < 120


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--view", "middle", "--click", "700", "10"], "prompt", "outside middle.jpg, which is 640x480"),
        (["--view", "middle", "--click", "-1", "10"], "prompt", "outside"),
        (["--view", "middle", "--click", "nan", "10"], "prompt", "outside"),
        (["--view", "middle", "--box", "10", "10", "10.5", "300"], "prompt", "empty"),
        (["--view", "middle", "--box", "10", "10", "10", "10"], "prompt", "empty"),
        (["--view", "middle", "--exclude", "10", "10"], "prompt", "excludes"),
        (["--view", "middle", "--click", "320", "240", "--name", " "], "prompt", "needs a name"),
        (["--view", "middle"], "prompt", "--click"),
        (["--click", "10", "10"], "prompt", "--view"),
        (["--view", "nobody.jpg", "--click", "10", "10"], "scene", "it has left, middle, right"),
    ],
)
def test_prompts_that_cannot_be_are_one_sentence(
    scene: Scene, capsys: pytest.CaptureFixture[str], arguments: list[str], code: str, words: str
) -> None:
    before = object_folders(scene)
    assert main(["segment", str(scene.folder), *arguments, "--json"]) == 1
    output = capsys.readouterr()
    sentence = output.err.splitlines()[-1]
    assert words in sentence
    assert last_object(output.out) == {"error": {"code": code, "message": sentence, "fix": None}}
    assert object_folders(scene) == before


def test_a_python_without_the_modules_names_the_one_that_has_them() -> None:
    bare = [sys.executable, "-S", "-m", "wildseg3d_blender", "find-objects", "scene"]
    done = subprocess.run(bare, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr.startswith("This Python lacks the module ") and "make setup" in done.stderr


def test_no_scene_names_the_fix(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["segment", str(tmp_path / "none"), "--view", "a", "--click", "1", "1", "--json"]) == 1
    error = last_object(capsys.readouterr().out)["error"]
    assert (error["code"], error["fix"]) == ("scene", "wildseg3d.reconstruct")


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["paint"],
        ["reconstruct", "photos"],
        ["reconstruct", "photos", "-o", "scene", "--image-size", "0"],
        ["segment", "scene", "--view", "a", "--click", "1"],
        ["segment", "scene", "--view", "a", "--click", "1", "2", "3"],
        ["segment", "scene", "--view", "a", "--click", "one", "two"],
        ["evaluate", "scene", "--view", "a"],
        ["realign"],
        ["realign", "scene", "--alpha-p", "much"],
    ],
)
def test_what_is_not_understood_ends_with_2(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2


def test_evaluate_measures_every_view_with_truth(
    scene: Scene, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for view in scene.views[:2]:
        Image.fromarray(true_photo_mask(view)).convert("L").save(tmp_path / f"{view.name}.png")
    base = ["evaluate", str(scene.folder), "--masks", str(tmp_path), "--view", "middle", "--clicks", "1", "3"]
    assert main([*base, "--json"]) == 0
    result = last_object(capsys.readouterr().out)
    assert [item["clicks"] for item in result["rounds"]] == [1, 3]
    for item in result["rounds"]:
        assert item["iou_clicked"] > 0.95
        assert item["iou_others"].keys() == {"left"}
        assert item["mean_iou_others"] == item["iou_others"]["left"] > 0.95
    assert main(base) == 0
    table = capsys.readouterr().out
    assert f"{result['rounds'][1]['mean_iou_others']:.3f}" in table


def test_evaluate_writes_its_figures(
    scene: Scene, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for view in scene.views[:2]:
        Image.fromarray(true_photo_mask(view)).convert("L").save(tmp_path / f"{view.name}.png")
    base = ["evaluate", str(scene.folder), "--masks", str(tmp_path), "--view", "middle", "--clicks", "1"]
    file = tmp_path / "figures.json"
    assert main([*base, "--every-view", "-o", str(file)]) == 0
    assert str(file) in capsys.readouterr().out
    figures = json.loads(file.read_text(encoding="utf-8"))
    assert figures["every_view"]["count"] == 2
    assert figures["clicks_to"]["0.85"] == 1
    assert main([*base, "-o", str(file / "figures.json")]) == 1
    assert capsys.readouterr().err.startswith("Cannot write ")  # before anything was measured
    assert main([*base, "--whole", str(scene.folder)]) == 1
    assert "once without one" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("option", "place"), [("--ply", "file/a.ply"), ("--masks-to", "file/masks"), ("--masks-to", "file")]
)
def test_nothing_is_cut_out_for_files_that_cannot_be_written(
    scene: Scene, tmp_path: Path, capsys: pytest.CaptureFixture[str], option: str, place: str
) -> None:
    (tmp_path / "file").write_text("in the way")
    before = sorted((scene.folder / "objects").rglob("*"))
    base = ["segment", str(scene.folder), "--view", "middle", "--click", "100", "100", "--name", "New"]
    assert main([*base, option, str(tmp_path / place)]) == 1
    assert capsys.readouterr().err.startswith("Cannot write ")
    assert sorted((scene.folder / "objects").rglob("*")) == before


@pytest.mark.skipif(os.name != "posix", reason="needs a pseudo-terminal")
def test_a_terminal_gets_a_bar(scene: Scene) -> None:
    import pty

    ours, theirs = pty.openpty()
    done = subprocess.Popen(
        [*COMMAND, "segment", str(scene.folder), "--view", "middle", "--click", "324", "236"],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=theirs,
    )
    os.close(theirs)
    seen = b""
    while chunk := _read_terminal(ours):
        seen += chunk
    os.close(ours)
    assert done.wait(300) == 0
    frames = [frame for frame in seen.decode().split("\r") if frame.startswith("[")]
    assert len(frames) >= 2
    assert "100%" in frames[-1]
    assert seen.endswith(b"\n")


def _read_terminal(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 4096)
    except OSError:  # Linux's way to say that the other end is closed
        return b""


def test_without_json_people_get_sentences(scene: Scene, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["segment", str(scene.folder), "--view", "left", "--box", "240", "130", "400", "310"]
    assert main([*arguments, "--name", "Boxed"]) == 0
    assert re.fullmatch(
        r"Boxed: [\d,]+ points in .*Boxed\n(  other points now: .+\n)?(  Boxed took .+\n)?",
        capsys.readouterr().out,
    )
