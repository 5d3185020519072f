# SPDX-License-Identifier: GPL-3.0-or-later
"""The outline network: what it sees, that OpenCV runs it as it was trained, and how a bad file is told."""

from __future__ import annotations

import subprocess
from pathlib import Path

import cv2
import numpy as np
import pytest
from build_extension import source_files
from numpy.typing import NDArray

from tests.neural_python import neural_python
from training.collages import collage
from training.examples import FIRST_OBJECT, IGNORED, Example, pasted, sample, targets
from wildseg3d_blender.errors import SceneError
from wildseg3d_blender.pipeline.segmentation.graphcut.outline_network import (
    SUREST,
    WEIGHTS,
    network_output,
    outline_log_odds,
)

ROOT = Path(__file__).absolute().parents[1]

WRITE = """
import sys
import numpy as np, torch
from training.network import OutlineNetwork, onnx_file
from training.onnx_file import HALF, SINGLE
folder = sys.argv[1]
torch.manual_seed(5)
network = OutlineNetwork()
image = np.load(folder + "/image.npy")
pixels = torch.from_numpy(image).permute(2, 0, 1)[None].float() / 255 - 0.5
with torch.no_grad():
    for _ in range(3):
        network(pixels)  # so that the normalisations have something to fold in
    network.eval()
    np.save(folder + "/logits.npy", network(pixels)[0, 0].numpy())
for name, kept in (("single", SINGLE), ("half", HALF)):
    open(folder + "/" + name + ".onnx", "wb").write(onnx_file(network, kept))
"""


def drawing(height: int, width: int) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """A striped disc before a plain wall, and where the disc is."""
    y, x = np.mgrid[0:height, 0:width]
    disc = (x - width / 2) ** 2 + (y - height / 2) ** 2 < (0.3 * height) ** 2
    image = np.full((height, width, 3), (196, 190, 180), dtype=np.uint8)
    image[disc] = (150, 50, 40)
    image[disc & (y // 12 % 2 == 0)] = (165, 70, 60)
    return cv2.GaussianBlur(image, (0, 0), 0.7), disc


@pytest.mark.parametrize(("height", "width"), [(192, 256), (150, 203), (31, 17)])
def test_outlines_are_seen_at_every_size(height: int, width: int) -> None:
    image, disc = drawing(height, width)
    seen = outline_log_odds(image)
    assert seen.shape == (height, width)
    assert seen.dtype == np.float32
    assert np.abs(seen).max() <= SUREST
    if height > 100:
        thick = np.ones((3, 3), np.uint8)
        edge = cv2.dilate(disc.view(np.uint8), thick) != cv2.erode(disc.view(np.uint8), thick)
        inner = cv2.erode(disc.view(np.uint8), np.ones((9, 9), np.uint8)) > 0
        assert np.median(seen[edge]) > np.quantile(seen[inner], 0.9) + 1.0


def test_opencv_runs_what_was_trained(tmp_path: Path) -> None:
    python, why_not = neural_python()
    if python is None:
        pytest.skip(why_not)
    image = np.random.default_rng(1).integers(0, 256, (96, 128, 3), dtype=np.uint8)
    np.save(tmp_path / "image.npy", image)
    subprocess.run([python, "-c", WRITE, tmp_path], cwd=ROOT, check=True, timeout=300)
    expected = np.load(tmp_path / "logits.npy")
    np.testing.assert_allclose(network_output(image, tmp_path / "single.onnx"), expected, atol=1e-4)
    np.testing.assert_allclose(network_output(image, tmp_path / "half.onnx"), expected, atol=1e-2)


def test_training_makes_a_network_that_the_program_reads(tmp_path: Path) -> None:
    python, why_not = neural_python()
    if python is None:
        pytest.skip(why_not)
    image, disc = drawing(120, 160)
    (tmp_path / "views" / "0").mkdir(parents=True)
    cv2.imwrite(str(tmp_path / "views" / "0" / "view_0.png"), image)
    instance = np.where(disc, FIRST_OBJECT, 1).astype(np.uint16)
    np.savez_compressed(tmp_path / "views" / "0" / "view_0.npz", instance=instance)
    out = tmp_path / "new.onnx"
    command = [python, "-m", "training.outlines", tmp_path / "views", out, "--minutes", "0.02"]
    subprocess.run([*command, "--collages", "2"], cwd=ROOT, check=True, timeout=300)
    assert out.stat().st_size == WEIGHTS.stat().st_size
    assert outline_log_odds(image, out).shape == disc.shape


def test_training_without_views_says_how_to_make_some(tmp_path: Path) -> None:
    python, why_not = neural_python()
    if python is None:
        pytest.skip(why_not)
    command = [python, "-m", "training.outlines", tmp_path, tmp_path / "new.onnx"]
    told = subprocess.run(command, cwd=ROOT, check=False, timeout=300, capture_output=True, text=True)
    assert told.returncode == 1
    assert "python -m training.scenes" in told.stdout


def test_a_missing_or_damaged_file_is_told_in_a_sentence(tmp_path: Path) -> None:
    image = np.zeros((32, 32, 3), dtype=np.uint8)
    with pytest.raises(SceneError, match="install the extension again"):
        outline_log_odds(image, tmp_path / "missing.onnx")
    damaged = tmp_path / "damaged.onnx"
    damaged.write_bytes(WEIGHTS.read_bytes()[:1000])
    with pytest.raises(SceneError, match=r"damaged\.onnx"):
        outline_log_odds(image, damaged)


def test_the_extension_brings_the_network_and_not_what_trained_it() -> None:
    files = set(source_files())
    assert WEIGHTS in files
    assert WEIGHTS.stat().st_size < 1_000_000
    assert not [path for path in files if (ROOT / "training") in path.parents]


def test_outlines_are_asked_for_where_things_end_only() -> None:
    instance = np.ones((12, 20), dtype=np.int32)
    instance[:, 6:] = 2  # a wall beside the floor is no thing
    instance[4:8, 10:14] = FIRST_OBJECT
    instance[4:8, 14:] = FIRST_OBJECT + 1
    instance[0] = IGNORED
    wanted, counts = targets(instance)
    assert wanted[0, 5, 9] == wanted[0, 5, 10] == wanted[0, 5, 13] == wanted[0, 5, 14] == 1
    assert wanted[0, :, :8].sum() == 0
    assert wanted[1].sum() == (instance >= FIRST_OBJECT).sum()
    assert counts[0, 5, 9] == 1
    assert counts[0, 5, 8] == 0
    assert counts[0, 5, 7] == 1
    assert not counts[:, 0].any()


def test_a_pasted_thing_is_a_new_one() -> None:
    rng = np.random.default_rng(2)
    plain = Example(np.full((60, 80, 3), 90, np.uint8), np.ones((60, 80), np.int32))
    source_instance = np.ones((60, 80), np.int32)
    source_instance[20:40, 30:50] = FIRST_OBJECT + 3
    source = Example(np.full((60, 80, 3), 250, np.uint8), source_instance)
    found = [pasted(rng, plain, source) for _ in range(8)]
    assert any((item.instance > FIRST_OBJECT).sum() > 100 for item in found)
    for item in found:
        assert (item.image[item.instance > FIRST_OBJECT] > 110).all()
    np.testing.assert_array_equal(plain.instance, 1)


def test_the_same_seed_gives_the_same_examples() -> None:
    made = []
    for _ in range(2):
        rng = np.random.default_rng(3)
        example = collage(rng, 96, 64)
        made.append(sample(rng, example, [example], 64, 48))
    assert made[0].image.shape == (48, 64, 3)
    np.testing.assert_array_equal(made[0].image, made[1].image)
    np.testing.assert_array_equal(made[0].instance, made[1].instance)
