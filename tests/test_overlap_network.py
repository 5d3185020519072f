# SPDX-License-Identifier: GPL-3.0-or-later
"""The overlap network: whole things beat halves and pairs; what it sees, how it is made, bad files."""

from __future__ import annotations

import subprocess
from pathlib import Path

import cv2
import numpy as np
import pytest
from build_extension import source_files
from numpy.typing import NDArray

from samples.truth import TABLE, load_truth
from tests.neural_python import neural_python
from tests.scenes.ball_and_box import BALL, write_object_scene
from training.examples import FIRST_OBJECT
from training.onnx_file import HALF, OnnxGraph, kernels
from wildseg3d_blender.errors import SceneError
from wildseg3d_blender.pipeline.evaluation import first_click
from wildseg3d_blender.pipeline.segmentation.graphcut.hypotheses import Hypothesis, more_like_one_thing
from wildseg3d_blender.pipeline.segmentation.graphcut.overlap_network import WEIGHTS, predicted_overlaps
from wildseg3d_blender.pipeline.segmentation.graphcut.overlap_windows import (
    CHANNELS,
    ROOM,
    SIDE,
    Change,
    Windows,
)
from wildseg3d_blender.pipeline.segmentation.graphcut.view_data import read_view_data
from wildseg3d_blender.pipeline.segmentation.pixel_prompts import PixelClick

ROOT = Path(__file__).absolute().parents[1]
Mask = NDArray[np.bool_]

WRITE = """
import sys
import numpy as np, torch
from training.examples import FIRST_OBJECT
from training.onnx_file import HALF, SINGLE, kernels
from training.overlap_network import OverlapNetwork, onnx_file
from wildseg3d_blender.pipeline.segmentation.graphcut.outline_network import WEIGHTS
folder = sys.argv[1]
torch.manual_seed(5)
windows = torch.from_numpy(np.load(folder + "/windows.npy"))
network = OverlapNetwork()
network.start_from(kernels(WEIGHTS.read_bytes()), windows)
with torch.no_grad():
    for _ in range(3):
        network.train()(windows)  # so that the normalisations have something to fold in
    np.save(folder + "/overlaps.npy", torch.sigmoid(network.eval()(windows))[:, 1, 1].numpy())
for name, kept in (("single", SINGLE), ("half", HALF)):
    open(folder + "/" + name + ".onnx", "wb").write(onnx_file(network, kept))
"""


def scene(height: int = 90, width: int = 120) -> tuple[Windows, Mask]:
    """A striped disc before a plain wall, nearer than it, and where the disc is."""
    y, x = np.mgrid[0:height, 0:width]
    disc = (x - 70) ** 2 + (y - 40) ** 2 < 20**2
    image = np.full((height, width, 3), (196, 190, 180), dtype=np.uint8)
    image[disc & (y // 5 % 2 == 0)] = (165, 70, 60)
    depth = np.where(disc, 1.0, 1.1).astype(np.float32)
    return Windows(image, depth, x > 10), disc


def test_whole_things_are_worth_more_than_halves_and_than_two_together() -> None:
    sample = load_truth(TABLE)
    size = (540, 360)
    won = []
    for name in sample.names[::4]:
        photo = cv2.resize(
            cv2.imread(str(TABLE / "photos" / f"{name}.jpg")), size, interpolation=cv2.INTER_AREA
        )
        nothing = np.zeros(size[::-1], dtype=np.float32)
        picture = Windows(cv2.cvtColor(photo, cv2.COLOR_BGR2RGB), nothing, nothing > 0)
        masks = {}
        for thing in sample.objects:
            truth = cv2.imread(str(TABLE / "truth" / "masks" / thing / f"{name}.png"), cv2.IMREAD_GRAYSCALE)
            masks[thing] = cv2.resize(truth, size, interpolation=cv2.INTER_NEAREST) > 0
        for thing, mask in masks.items():
            others = sorted(set(masks) - {thing}, key=lambda other: _distance(mask, masks[other]))
            x, y = first_click(mask)
            rows = np.flatnonzero(mask.any(axis=1))
            half = mask & (np.arange(size[1]) < rows.mean())[:, None]
            asked = [mask, half, mask | masks[others[0]]]
            whole, *rest = predicted_overlaps([picture.around(each, (int(y), int(x))) for each in asked])
            won += [whole > other for other in rest]
    assert len(won) >= 30
    assert np.mean(won) > 0.8


def _distance(one: Mask, other: Mask) -> float:
    away = cv2.distanceTransform((~one).astype(np.uint8), cv2.DIST_L2, 3)
    return float(away[other].min())


def test_a_window_shows_the_mask_the_click_and_the_depth() -> None:
    picture, disc = scene()
    window = picture.around(disc, (30, 60))
    assert window.shape == (CHANNELS, SIDE, SIDE)
    assert window.dtype == np.float32
    grown = SIDE / (39 * ROOM)
    assert window[3].sum() == pytest.approx(disc.sum() * grown**2, rel=0.02)
    row, column = np.unravel_index(np.argmax(window[4]), window[4].shape)
    assert row == pytest.approx(SIDE / 2 + (30.5 - 40.5) * grown, abs=1)
    assert column == pytest.approx(SIDE / 2 + (60.5 - 70.5) * grown, abs=1)
    assert np.median(window[5][window[3] > 0.9]) == pytest.approx(0.0, abs=1e-3)
    assert np.median(window[5][(window[3] < 0.1) & (window[6] > 0.9)]) == pytest.approx(
        np.log(1.1) / 0.2, abs=1e-3
    )
    # The window ends below the picture's frame neither above nor below, but masks at the frame show it.
    assert window[7].min() > 0.9
    at_frame = picture.around(np.pad(np.ones((30, 30), dtype=bool), ((0, 60), (0, 90))))
    assert at_frame[7, 0].max() == 0.0
    assert at_frame[4].max() == 0.0
    assert at_frame[6][:, : SIDE // 2].min() == 0.0


@pytest.mark.parametrize("size", [20, 200, 1500])
def test_windows_of_all_sizes_show_the_mask_alike(size: int) -> None:
    mask = np.pad(np.ones((size, size), dtype=bool), size)
    image = np.where(mask[..., None], np.uint8(200), np.uint8(30)).repeat(3, axis=2)
    depth = np.where(mask, 1.0, 2.0).astype(np.float32)
    window = Windows(image, depth, np.ones_like(mask)).around(mask)
    assert window[3].sum() == pytest.approx((SIDE / ROOM) ** 2, rel=0.02)
    np.testing.assert_allclose(window[0], 30 / 255 - 0.5 + window[3] * 170 / 255, atol=0.06)


def test_a_mirrored_window_is_the_mirror_image() -> None:
    picture, disc = scene()
    plain = picture.around(disc, (30, 60), Change(degrees=0.0))
    mirrored = picture.around(disc, (30, 60), Change(mirrored=True))
    np.testing.assert_allclose(mirrored, plain[:, :, ::-1], atol=0.02)


def test_opencv_runs_what_was_trained(tmp_path: Path) -> None:
    python, why_not = neural_python()
    if python is None:
        pytest.skip(why_not)
    picture, disc = scene()
    changes = [Change(size=size, degrees=30 * size) for size in (0.7, 1.0, 1.5, 2.0)]
    windows = np.stack([picture.around(disc, (30, 60), change) for change in changes])
    np.save(tmp_path / "windows.npy", windows)
    subprocess.run([python, "-c", WRITE, tmp_path], cwd=ROOT, check=True, timeout=300)
    expected = np.load(tmp_path / "overlaps.npy")
    assert np.ptp(expected) > 1e-3
    np.testing.assert_allclose(predicted_overlaps(windows, tmp_path / "single.onnx"), expected, atol=1e-4)
    np.testing.assert_allclose(predicted_overlaps(windows, tmp_path / "half.onnx"), expected, atol=1e-2)


def test_training_makes_a_network_that_the_program_reads(tmp_path: Path) -> None:
    python, why_not = neural_python()
    if python is None:
        pytest.skip(why_not)
    rng = np.random.default_rng(6)
    (tmp_path / "views" / "7").mkdir(parents=True)
    K = np.array([[150.0, 0.0, 80.0], [0.0, 150.0, 60.0], [0.0, 0.0, 1.0]])
    y, x = np.mgrid[0:120, 0:160]
    for number, shift in enumerate((0, 6)):
        disc = (x - 80 + shift) ** 2 + (y - 60) ** 2 < 30**2
        image = rng.integers(150, 200, (120, 160, 3), dtype=np.uint8)
        image[disc] //= 2
        cv2.imwrite(str(tmp_path / "views" / "7" / f"view_{number}.png"), image)
        cam_to_world = np.eye(4)
        cam_to_world[0, 3] = shift / 150.0
        np.savez_compressed(
            tmp_path / "views" / "7" / f"view_{number}.npz",
            depth=np.where(disc, 1.0, 1.2).astype(np.float32),
            instance=np.where(disc, FIRST_OBJECT, 1).astype(np.uint16),
            part=np.where(disc, 1 + (y > 60), 9).astype(np.uint16),
            K=K,
            cam_to_world=cam_to_world,
        )
    out = tmp_path / "new.onnx"
    command = [python, "-m", "training.overlaps", tmp_path / "views", out, "--minutes", "0.02"]
    subprocess.run(command, cwd=ROOT, check=True, timeout=300)
    assert out.stat().st_size == WEIGHTS.stat().st_size
    picture, disc = scene()
    assert 0.0 < predicted_overlaps([picture.around(disc)], out)[0] < 1.0


def test_training_without_views_says_how_to_make_some(tmp_path: Path) -> None:
    python, why_not = neural_python()
    if python is None:
        pytest.skip(why_not)
    command = [python, "-m", "training.overlaps", tmp_path, tmp_path / "new.onnx"]
    told = subprocess.run(command, cwd=ROOT, check=False, timeout=300, capture_output=True, text=True)
    assert told.returncode == 1
    assert "python -m training.scenes" in told.stdout


def test_kernels_are_read_as_they_were_written() -> None:
    rng = np.random.default_rng(4)
    graph, values, written = OnnxGraph(3, HALF), "image", []
    for inputs, outputs in ((3, 200), (200, 2)):
        weight = rng.standard_normal((outputs, inputs, 3, 3)).astype(np.float32)
        written.append((weight, rng.standard_normal(outputs).astype(np.float32)))
        values = graph.convolved(values, *written[-1])
    for (weight, bias), (read_weight, read_bias) in zip(written, kernels(graph.file(values, 2)), strict=True):
        np.testing.assert_array_equal(read_weight, weight.astype(np.float16))
        np.testing.assert_array_equal(read_bias, bias)


def test_a_missing_or_damaged_file_is_told_in_a_sentence(tmp_path: Path) -> None:
    picture, disc = scene()
    windows = [picture.around(disc)]
    with pytest.raises(SceneError, match="install the extension again"):
        predicted_overlaps(windows, tmp_path / "missing.onnx")
    damaged = tmp_path / "damaged.onnx"
    damaged.write_bytes(WEIGHTS.read_bytes()[:1000])
    with pytest.raises(SceneError, match=r"damaged\.onnx"):
        predicted_overlaps(windows, damaged)


def test_guesses_that_the_clicked_view_does_not_show_gain_nothing(tmp_path: Path) -> None:
    placed, truths = write_object_scene(tmp_path / "scene")
    data = read_view_data(placed, placed.views[0], 0)
    ball = truths[data.view.name].shows == BALL
    covered = np.bincount(data.labels[ball], minlength=data.count)
    whole = np.append(covered > 0.5 * np.bincount(data.labels.ravel()), False)
    elsewhere = np.append(np.zeros(data.count, dtype=bool), True)
    x, y = first_click(ball)
    click = PixelClick(0, int(y), int(x), True)
    guesses = [Hypothesis(whole, 0.3), Hypothesis(elsewhere, 0.3)]
    found = more_like_one_thing(guesses, [data.mask(h.selection) for h in guesses], data, click)
    assert found[0].score > 0.3
    assert found[1].score == 0.3
    assert found[0].selection is whole
    assert more_like_one_thing([], [], data, click) == []


def test_the_extension_brings_the_network() -> None:
    assert WEIGHTS in set(source_files())
    assert WEIGHTS.stat().st_size < 1_000_000
