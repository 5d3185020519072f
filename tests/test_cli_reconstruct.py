# SPDX-License-Identifier: GPL-3.0-or-later
"""``reconstruct`` on the command line: photos that make a scene, and photos that do not."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.command_line import COMMAND, PLAIN_LINE, ROOT, last_object, run
from tests.small_photos import IMAGE_SIZE, NAMES, write_small_photos
from tests.small_video import frames_along, write_video
from wildseg3d_blender.cli.main import main
from wildseg3d_blender.scene.folder import read_scene


@pytest.fixture(scope="module")
def noise(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Photos that have nothing in common."""
    folder = tmp_path_factory.mktemp("noise")
    random = np.random.default_rng(2)
    for index in range(3):
        small = random.integers(0, 256, (60, 80, 3), dtype=np.uint8)
        Image.fromarray(small).resize((960, 720)).save(folder / f"{index}.jpg", quality=80)
    return folder


def test_reconstruct_reports_what_it_placed(tmp_path: Path) -> None:
    broken = tmp_path / "broken.jpg"
    broken.write_text("not a photo")
    photos = write_small_photos(tmp_path)
    done = run("reconstruct", broken, *photos, "-o", tmp_path / "scene", "--image-size", IMAGE_SIZE, "--json")
    assert done.returncode == 0, done.stderr
    assert all(PLAIN_LINE.fullmatch(line) for line in done.stderr.splitlines()), done.stderr
    result = last_object(done.stdout)
    assert result["scene"] == str(tmp_path / "scene")
    assert result["views"] == list(NAMES)
    assert result["points"] > 0
    assert sum(result["seconds"].values()) > 0
    assert [item["photo"] for item in result["skipped"]] == [str(broken)]
    assert read_scene(tmp_path / "scene").settings == {
        "image_size": IMAGE_SIZE,
        "dga": True,
        "alpha_p": 0.5,
        "alpha_n": 0.9,
        "iterations": 500,
        "min_confidence": 0.0,
        "aligned_for": [],
    }

    # One depth map per photo goes into every pair, so there is nothing that aligning again could move.
    again = run("realign", tmp_path / "scene", "--json")
    assert again.returncode == 0, again.stderr
    assert last_object(again.stdout)["moved"] < 1e-4
    assert main(["reconstruct", *map(str, photos), "-o", str(tmp_path / "other"), "--alpha-p", "7"]) == 1


def test_a_video_is_reconstructed_from_its_key_frames(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    video = write_video(tmp_path / "wall.mp4", frames_along(np.linspace(0.0, 2.0, 60)))
    options = ["--image-size", "96", "--key-frames", "6", "--json"]
    assert main(["reconstruct", str(video), "-o", str(tmp_path / "out" / "scene"), *options]) == 0
    result = last_object(capsys.readouterr().out)
    assert len(result["views"]) >= 4 and all(name.startswith("wall_0000") for name in result["views"])
    frames = sorted((tmp_path / "out" / "wall frames").glob("*.jpg"))
    assert len(frames) == len(result["views"]) + len(result["skipped"]) <= 8


def test_what_was_set_is_kept_in_the_scene(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    photos = [str(path) for path in write_small_photos(tmp_path)[:3]]
    options = ["--image-size", "96", "--without-dga", "--alpha-n", "0.25", "--iterations", "30"]
    options += ["--min-confidence", "1.5"]
    assert main(["reconstruct", *photos, "-o", str(tmp_path / "scene"), *options]) == 0
    scene = read_scene(tmp_path / "scene")
    settings = scene.settings
    assert (settings["dga"], settings["alpha_p"], settings["alpha_n"]) == (False, 0.5, 0.25)
    assert (settings["iterations"], settings["min_confidence"]) == (30, 1.5)
    for view in scene.views:
        confidence = np.asarray(scene.confidence(view))
        assert confidence.any() and confidence[confidence > 0].min() >= 1.5
    assert "3 of 3 photos placed" in capsys.readouterr().out


def test_photos_that_make_no_scene_are_one_sentence_and_nothing_is_left(noise: Path, tmp_path: Path) -> None:
    done = run("reconstruct", noise, "-o", tmp_path / "scene", "--json")
    assert done.returncode == 1
    *lines, sentence = done.stderr.splitlines()
    # Native libraries log a lot when photos do not match; none of that may show.
    assert all(PLAIN_LINE.fullmatch(line) for line in lines), done.stderr
    assert len(done.stdout.splitlines()) == 1
    error = last_object(done.stdout)["error"]
    assert (error["code"], error["message"]) == ("reconstruction", sentence)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("photos", ["nothing", "no photo"])
def test_no_photos_are_one_sentence(photos: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "no photo").mkdir()
    assert main(["reconstruct", str(tmp_path / photos), "-o", str(tmp_path / "scene")]) == 1
    assert capsys.readouterr().err.splitlines()[-1].endswith(".")
    assert not (tmp_path / "scene").exists()


@pytest.mark.skipif(os.name != "posix", reason="sends a POSIX signal")
@pytest.mark.parametrize(("stage", "delay"), [("photos", 0.0), ("photos", 0.2), ("features", 0.05)])
def test_ctrl_c_cancels(noise: Path, tmp_path: Path, stage: str, delay: float) -> None:
    # While photos are read, native libraries are loaded, and native code searches for features.
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    process = subprocess.Popen(
        [*COMMAND, "reconstruct", str(noise), "-o", str(tmp_path / "scene"), "--json"],
        cwd=ROOT,
        env={**os.environ, "TMPDIR": str(temporary)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    assert any(f" {stage}: " in line for line in process.stderr)
    time.sleep(delay)
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=300)
    assert process.returncode == 130, errors
    assert errors.splitlines()[-1] == "Cancelled."
    assert last_object(output)["error"]["code"] == "cancelled"
    assert not (tmp_path / "scene").exists()
    assert not list(temporary.iterdir())
