# SPDX-License-Identifier: GPL-3.0-or-later
"""Superpixels to pixels: outlines snap to what the photo shows beside them, and to nothing else."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from wildseg3d_blender.pipeline.evaluation import iou
from wildseg3d_blender.pipeline.segmentation.graphcut.guide import make_guide
from wildseg3d_blender.pipeline.segmentation.graphcut.refine import obeying, snapped
from wildseg3d_blender.pipeline.segmentation.graphcut.superpixels import regions, superpixels
from wildseg3d_blender.pipeline.segmentation.pixel_prompts import PixelClick

HEIGHT, WIDTH = 151, 202
TEAL, RUST, CREAM, WOOD = (60, 140, 130), (170, 90, 60), (225, 215, 200), (150, 110, 70)

Mask = NDArray[np.bool_]
Lab = NDArray[np.float32]


def photo_of(image: NDArray[np.uint8], seed: int = 0) -> NDArray[np.uint8]:
    """A photo of the picture: a little out of focus, with grain."""
    rng = np.random.default_rng(seed)
    blurred = cv2.GaussianBlur(image.astype(np.float32), (0, 0), 0.7)
    return np.clip(blurred + rng.normal(0, 3.0, image.shape), 0, 255).astype(np.uint8)


def as_lab(photo: NDArray[np.uint8]) -> Lab:
    return cv2.cvtColor(photo.astype(np.float32) / 255.0, cv2.COLOR_RGB2LAB)


def sharp(mask: Mask, photo: NDArray[np.uint8]) -> Mask:
    lab = as_lab(photo)
    return snapped(mask, photo, lab, make_guide(lab))


def ellipse(x: float, y: float, a: float, b: float) -> Mask:
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH]
    return ((columns - x) / a) ** 2 + ((rows - y) / b) ** 2 < 1


def mug() -> tuple[NDArray[np.uint8], Mask]:
    """A teal body with a rust rim and a handle with a hole; teal and rust are all over the ground as well."""
    image = np.empty((HEIGHT, WIDTH, 3), dtype=np.uint8)
    image[:] = CREAM
    image[:45] = WOOD
    image[:18] = image[50:, :25] = TEAL
    image[:, 185:] = RUST
    body = ellipse(90, 85, 45, 50)
    handle = ellipse(140, 85, 28, 30) & ~ellipse(140, 85, 19, 21)
    image[handle] = TEAL
    image[body] = TEAL
    image[body & ~ellipse(90, 89, 47, 47)] = RUST
    return image, body | handle


def covered(labels: NDArray[np.int32], truth: Mask) -> Mask:
    """The truth as these superpixels can say it."""
    count = int(labels.max()) + 1
    share = np.bincount(labels.ravel(), truth.ravel(), count) / np.bincount(labels.ravel(), minlength=count)
    return (share > 0.5)[labels]


def test_colours_found_elsewhere_do_not_pull_the_outline_away() -> None:
    image, truth = mug()
    photo = photo_of(image)
    # Superpixels that ask little of colours are wrong by half their width all along the outline.
    rough = covered(superpixels(as_lab(photo), truth.size // 90, compactness=80.0), truth)
    found = sharp(rough, photo)
    assert iou(rough, truth) < 0.95
    assert iou(found, truth) > 0.99


@pytest.mark.parametrize("off", [(2, 0), (-2, 1), (0, -3)])
def test_an_outline_that_is_off_moves_back_to_the_edge(off: tuple[int, int]) -> None:
    image, truth = mug()
    photo = photo_of(image)
    rough = np.roll(truth, off, axis=(0, 1))
    found = sharp(rough, photo)
    assert 1 - iou(found, truth) < 0.4 * (1 - iou(rough, truth))


@pytest.mark.parametrize("seed", range(6))
def test_right_labels_stay_right(seed: int) -> None:
    """Whatever colours lie side by side, even where object and ground share one."""
    rng = np.random.default_rng(seed)
    truth = ellipse(70, 70, *rng.uniform(25, 60, 2)) | ellipse(120, 90, *rng.uniform(20, 50, 2))
    palette = rng.integers(0, 256, (4, 3))
    patches = cv2.resize(rng.integers(0, 4, (8, 10)).astype(np.uint8), (WIDTH, HEIGHT), interpolation=0)
    image = palette[patches].astype(np.uint8)
    image[truth] = palette[(patches[truth] + 1) % 4]
    photo = photo_of(image, seed)
    assert iou(sharp(truth, photo), truth) > 0.95


def test_without_colours_the_outline_stays() -> None:
    photo = photo_of(np.full((HEIGHT, WIDTH, 3), 128, dtype=np.uint8))
    truth = ellipse(100, 75, 50, 40)
    assert iou(sharp(truth, photo), truth) > 0.96


def test_a_seam_parts_what_looks_alike() -> None:
    """Two books of one colour side by side, with a dark gap of two pixels between them."""
    image = np.full((HEIGHT, WIDTH, 3), RUST, dtype=np.uint8)
    image[:, 100:102] = (90, 50, 40)
    image[:30] = image[120:] = image[:, :40] = CREAM
    truth = np.zeros((HEIGHT, WIDTH), dtype=bool)
    truth[30:120, 40:101] = True
    ragged = truth.copy()
    for row in range(30, 120):
        ragged[row, 95:107] = np.arange(95, 107) < 101 + round(2 * np.sin(row / 1.5))
    assert 1 - iou(sharp(ragged, photo_of(image)), truth) < 0.2 * (1 - iou(ragged, truth))


def test_a_thin_thing_that_hardly_stands_out_is_not_melted() -> None:
    image = np.full((HEIGHT, WIDTH, 3), CREAM, dtype=np.uint8)
    candle = np.zeros((HEIGHT, WIDTH), dtype=bool)
    candle[30:120, 80:87] = True
    image[candle] = (235, 228, 215)
    assert iou(sharp(candle, photo_of(image)), candle) > 0.85


def test_a_wrong_superpixel_on_the_outline_is_undone() -> None:
    image, truth = mug()
    photo = photo_of(image)
    rough = truth & ~ellipse(48, 100, 6, 6) | ellipse(62, 38, 5, 5)
    found = sharp(rough, photo)
    assert iou(found, truth) > 0.985 > iou(rough, truth)


def test_what_reaches_the_frame_is_not_cut_short() -> None:
    image, _ = mug()
    truth = np.zeros((HEIGHT, WIDTH), dtype=bool)
    truth[90:, 130:] = True
    image[truth] = (40, 40, 160)
    photo = photo_of(image)
    found = sharp(truth, photo)
    assert found[-1, 140:].all()
    assert found[100:, -1].all()
    assert iou(found, truth) > 0.985


def test_a_thing_too_thin_for_its_colours_is_kept() -> None:
    photo = photo_of(np.full((HEIGHT, WIDTH, 3), 128, dtype=np.uint8))
    wire = np.zeros((HEIGHT, WIDTH), dtype=bool)
    wire[70:72, 20:180] = True
    np.testing.assert_array_equal(sharp(wire, photo), wire)


def test_nothing_and_everything_stay() -> None:
    photo = photo_of(mug()[0])
    for mask in (np.zeros((HEIGHT, WIDTH), dtype=bool), np.ones((HEIGHT, WIDTH), dtype=bool)):
        before = mask.copy()
        np.testing.assert_array_equal(sharp(mask, photo), before)
        np.testing.assert_array_equal(mask, before)


def test_clicks_hold_even_at_the_frame() -> None:
    mask = obeying(
        np.zeros((20, 30), dtype=bool),
        [PixelClick(0, 0, 29, True), PixelClick(0, 10, 5, True), PixelClick(0, 15, 20, False)],
    )
    assert mask[0, 29] and mask[10, 5] and not mask[15, 20]
    assert mask.sum() == 4 + 9


@pytest.mark.parametrize(("size", "count"), [((151, 202), 300), ((5, 7), 300), ((1, 40), 8), ((64, 33), 1)])
def test_superpixels_of_any_size_are_connected(size: tuple[int, int], count: int) -> None:
    lab = np.random.default_rng(0).normal(50, 20, (*size, 3)).astype(np.float32)
    labels = superpixels(lab, count)
    assert labels.shape == size
    assert set(np.unique(labels)) == set(range(int(labels.max()) + 1))
    assert int(regions(labels).max()) == int(labels.max())


def test_superpixels_follow_a_curved_edge() -> None:
    image, truth = mug()
    labels = superpixels(as_lab(photo_of(image)), truth.size // 90)
    assert 0.8 < (int(labels.max()) + 1) / (truth.size / 90) < 1.2
    assert iou(covered(labels, truth), truth) > 0.985
