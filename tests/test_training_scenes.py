# SPDX-License-Identifier: GPL-3.0-or-later
"""A training scene rendered small: always the same, and its photos, depths and numbers belong together."""

import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
SEED, WIDTH, HEIGHT = 6, 96, 72


def _render(out: Path) -> Path:
    command = [sys.executable, "-m", "training.scenes", str(out), "--count", "1", "--first", str(SEED)]
    command += ["--samples", "1", "--size", str(WIDTH), str(HEIGHT)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return out / str(SEED)


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _render(tmp_path_factory.mktemp("scenes"))


def _truth(folder: Path, view: int) -> dict[str, np.ndarray]:
    with np.load(folder / f"view_{view}.npz", allow_pickle=False) as data:
        return {name: data[name] for name in data.files}


def _points_world(truth: dict[str, np.ndarray]) -> np.ndarray:
    """(H, W, 3) of the pixels' centres; metres."""
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH] + 0.5
    rays_cam = np.stack([columns, rows, np.ones_like(rows)], axis=-1) @ np.linalg.inv(truth["K"]).T
    points_cam = rays_cam * truth["depth"][..., None]
    return points_cam @ truth["cam_to_world"][:3, :3].T + truth["cam_to_world"][:3, 3]


def test_a_view_shows_surfaces_and_things(scene: Path) -> None:
    for view in range(2):
        with Image.open(scene / f"view_{view}.png") as photo:
            assert photo.size == (WIDTH, HEIGHT) and photo.mode == "RGB"
            assert np.asarray(photo).std() > 10
        truth = _truth(scene, view)
        assert truth["depth"].dtype == np.float32 and truth["depth"].shape == (HEIGHT, WIDTH)
        assert truth["instance"].dtype == truth["part"].dtype == np.uint16
        sky = truth["instance"] == 0
        assert np.array_equal(sky, truth["depth"] == 0)
        assert np.array_equal(sky, truth["part"] == 0)
        assert (np.unique(truth["instance"]) >= 100).sum() >= 3
        assert ((truth["instance"] > 0) & (truth["instance"] < 100)).any()


def test_a_part_belongs_to_one_thing(scene: Path) -> None:
    truths = [_truth(scene, view) for view in range(2)]
    pairs = np.unique(
        np.concatenate([np.column_stack([t["part"].ravel(), t["instance"].ravel()]) for t in truths]), axis=0
    )
    assert len(np.unique(pairs[:, 0])) == len(pairs)
    assert len(np.unique(pairs[:, 1])) < len(pairs)


def test_views_agree_about_what_is_where(scene: Path) -> None:
    first, second = _truth(scene, 0), _truth(scene, 1)
    points = _points_world(first).reshape(-1, 3)
    world_to_cam = np.linalg.inv(second["cam_to_world"])
    points_cam = points @ world_to_cam[:3, :3].T + world_to_cam[:3, 3]
    pixel = points_cam @ second["K"].T
    column, row = (np.floor(pixel[:, k] / pixel[:, 2]).astype(int) for k in range(2))
    seen = (first["depth"].ravel() > 0) & (points_cam[:, 2] > 0)
    seen &= (column >= 0) & (column < WIDTH) & (row >= 0) & (row < HEIGHT)
    there = second["depth"][row[seen], column[seen]]
    same_place = np.abs(there - points_cam[seen, 2]) < 0.01 * there
    assert same_place.mean() > 0.5
    agree = second["instance"][row[seen], column[seen]] == first["instance"].ravel()[seen]
    assert agree[same_place].mean() > 0.95


def test_a_seed_is_a_scene_and_what_is_there_stays(scene: Path, tmp_path: Path) -> None:
    again = _render(tmp_path)
    for view in range(2):
        assert (again / f"view_{view}.png").read_bytes() == (scene / f"view_{view}.png").read_bytes()
        before, after = _truth(scene, view), _truth(again, view)
        assert all(np.array_equal(before[name], after[name]) for name in before)
    written = (again / "view_0.npz").stat().st_mtime_ns
    _render(tmp_path)
    assert (again / "view_0.npz").stat().st_mtime_ns == written


def test_things_are_clicked_and_guessed(scene: Path) -> None:
    command = [sys.executable, "-m", "benchmarks.guesses", str(scene.parent)]
    told = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout.splitlines()
    assert [line.partition(":")[0] for line in told] == [str(SEED), str(SEED), "all", "all"]
    clicks, boxes = ([float(number) for number in re.findall(r"\d+\.\d+|\d+", line)] for line in told[-2:])
    assert clicks[0] == 2 * boxes[0] >= 8 and boxes[0] % 2 == 0
    for _, taken, settled, best in (clicks, boxes):
        assert 0.4 < taken <= best <= 1.0
        assert 0.4 < settled <= 1.0


def test_without_scenes_it_says_how_to_make_some(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "benchmarks.guesses", str(tmp_path)]
    told = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True)
    assert told.returncode == 1
    assert "python -m training.scenes" in told.stdout
