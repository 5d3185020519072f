# SPDX-License-Identifier: GPL-3.0-or-later
"""What the DUSt3R engine does without its network: framing photos, choosing pairs, batches, kept features."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from wildseg3d_blender.photo_warp import PhotoWarp
from wildseg3d_blender.pipeline.engines.dust3r.features import FeatureStore, feature_key
from wildseg3d_blender.pipeline.engines.dust3r.framing import back_on_view, cut_view, frame, framed_image
from wildseg3d_blender.pipeline.engines.dust3r.pairs import (
    PARTNERS,
    PRESETS,
    directed_pairs,
    further_pairs,
)
from wildseg3d_blender.pipeline.networks.adaptive_batches import in_batches
from wildseg3d_blender.pipeline.pair_graph import Edge, PairView
from wildseg3d_blender.pipeline.photos.reading import Photo
from wildseg3d_blender.progress import silent

# (photo size) -> size that DUSt3R's own loading gives it at 512, worked out by hand from its rule.
KNOWN = [
    ((4000, 3000), (512, 384)),
    ((3000, 4000), (384, 512)),
    ((6000, 4000), (512, 336)),
    ((1920, 1080), (512, 288)),
    ((1080, 1920), (288, 512)),
    ((1000, 1000), (512, 384)),
    ((300, 200), (512, 336)),
]


@pytest.mark.parametrize(("photo", "expected"), KNOWN)
def test_frames_are_the_official_sizes(photo: tuple[int, int], expected: tuple[int, int]) -> None:
    assert frame(photo, 512).size == expected


@pytest.mark.parametrize("side", [512, 320, 256, 200, 64])
def test_sides_are_multiples_of_the_patch(side: int) -> None:
    for photo in ((4000, 3000), (3000, 2999), (999, 1000), (700, 700), (5000, 300)):
        cut = frame(photo, side)
        assert cut.size[0] % 16 == cut.size[1] % 16 == 0 and min(cut.size) >= 16
        assert max(cut.size) <= side


def test_the_small_network_sees_the_square_middle() -> None:
    cut = frame((4000, 3000), 224, square=True)
    assert cut.shrunk_size == (299, 224) and cut.size == (224, 224) and cut.corner == (37, 0)


@pytest.mark.parametrize("photo", [(4000, 3000), (1081, 1920), (1000, 1000)])
def test_pixels_and_photo_pixels_map_exactly(photo: tuple[int, int]) -> None:
    cut = frame(photo, 512)
    warp = cut.warp()
    corners = np.array([[0.0, 0.0], cut.size, [0.5, 0.5], [100.25, 17.0]])
    scale = np.array(photo) / np.array(cut.shrunk_size)
    assert np.allclose(warp.to_photo(corners), (corners + cut.corner) * scale, atol=1e-9)
    assert np.allclose(warp.to_view(warp.to_photo(corners)), corners, atol=1e-9)
    rest = np.array(photo) - warp.to_photo(corners[1])
    # What is cut off is the same on both sides, but for the pixel that an odd size leaves over.
    assert np.all(np.abs(rest - warp.to_photo(corners[0])) <= 1.01 * scale)


def test_a_spot_on_the_photo_is_where_the_map_says(tmp_path: Path) -> None:
    width, height = 2000, 1500
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[700:740, 1500:1540] = 255
    Image.fromarray(pixels).save(tmp_path / "spot.png")
    photo = Photo("spot", tmp_path / "spot.png", (width, height))
    cut = frame(photo.size, 512)
    image = framed_image(photo, cut)
    assert image.shape == (384, 512, 3)
    bright = np.argwhere(image[..., 0] > 127).mean(axis=0)[::-1] + 0.5
    assert np.allclose(cut.warp().to_photo(bright), (1520, 720), atol=3)


def test_maps_come_back_where_they_were_cut_out() -> None:
    """Each pixel of the whole view gets the map of the network's pixel that looks at the same place."""
    width, height = 216, 145
    cut = frame((width, height), 128)
    across, down = np.meshgrid(np.arange(cut.size[0]) + 0.5, np.arange(cut.size[1]) + 0.5)
    places = cut.warp().to_photo(np.stack([across, down], axis=-1))
    points = np.concatenate([places, np.ones((*places.shape[:2], 1))], axis=-1).astype(np.float32)
    ones = np.ones(points.shape[:2], np.float32)
    back = back_on_view(cut, Edge(1, 0, points, points, ones, ones))
    assert back.points_j.shape == (height, width, 3) and back.points_i is points
    seen = back.confidence_j > 0
    here = np.stack(np.meshgrid(np.arange(width) + 0.5, np.arange(height) + 0.5), axis=-1)
    scale = np.array((width, height)) / np.array(cut.shrunk_size)
    assert (np.abs(back.points_j[..., :2] - here)[seen] <= 0.501 * scale).all()
    inside = cut.warp().to_view(here)
    assert np.array_equal(seen, ((inside >= 0) & (inside < cut.size)).all(-1))


def test_a_cut_view_still_knows_its_photo() -> None:
    whole_K = np.array([[180.0, 0, 108], [0, 180, 72.5], [0, 0, 1]])
    photo_K = np.array([[1500.0, 0, 900], [0, 1500, 600], [0, 0, 1]])
    image = np.zeros((145, 216, 3), np.uint8)
    view = PairView(Photo("a", Path("a.jpg"), (1800, 1200)), image, PhotoWarp(photo_K, whole_K, -0.05))
    cut = frame(view.size, 128)
    shown = cut_view(view, cut)
    assert shown.size == cut.size
    pixels = np.array([[0.5, 0.5], [64.0, 30.0], [127.5, 79.5]])
    there = view.warp.to_photo(cut.warp().to_photo(pixels))
    assert np.allclose(shown.warp.to_photo(pixels), there, atol=1e-9)


def test_new_photos_are_paired_with_placed_ones_and_both_ways_with_each_other() -> None:
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 256, (48, 64, 3), dtype=np.uint8) for _ in range(6)]
    few = further_pairs(images, 4, PRESETS["balanced"], silent)
    assert few == [(4, 0), (4, 1), (4, 2), (4, 3), (4, 5), (5, 0), (5, 1), (5, 2), (5, 3), (5, 4)]
    many = further_pairs([images[n % 6] for n in range(20)], 17, PRESETS["fast"], silent)
    assert all(i >= 17 for i, _ in many) and {i for i, _ in many} == {17, 18, 19}
    for new in (17, 18, 19):
        assert len([j for i, j in many if i == new and j < 17]) >= PARTNERS


def test_small_photos_are_enlarged(tmp_path: Path) -> None:
    Image.new("RGB", (200, 150), (10, 200, 30)).save(tmp_path / "small.png")
    photo = Photo("small", tmp_path / "small.png", (200, 150))
    image = framed_image(photo, frame(photo.size, 512))
    assert image.shape == (384, 512, 3) and (np.abs(image - np.array([10, 200, 30])) <= 1).all()


@pytest.mark.parametrize("quality", PRESETS)
@pytest.mark.parametrize("count", [2, 3, 5, 9])
def test_every_view_is_first_in_some_pair(quality: str, count: int) -> None:
    rng = np.random.default_rng(count)
    images = [rng.integers(0, 256, (48, 64, 3), dtype=np.uint8) for _ in range(count)]
    pairs = directed_pairs(images, PRESETS[quality], silent)
    assert {i for i, _ in pairs} == set(range(count))
    assert len(set(pairs)) == len(pairs) and all(i != j for i, j in pairs)
    undirected = {frozenset(pair) for pair in pairs}
    everything = count * (count - 1) // 2
    if quality == "fine" or (quality == "balanced" and count <= 5):
        assert len(pairs) == 2 * everything
    elif quality == "balanced":
        assert len(undirected) == len(pairs) == everything
    else:
        assert len(undirected) <= everything


def refused(fitting: int) -> tuple[list[int], list[int]]:
    """The sizes of batches tried on ten items of which at most ``fitting`` fit at once, and the results."""
    tried: list[int] = []

    def work(batch: Sequence[int]) -> list[int]:
        tried.append(len(batch))
        if len(batch) > fitting:
            raise MemoryError
        return [10 * item for item in batch]

    released: list[int] = []
    results = []
    for start, batch in in_batches(
        range(10),
        work,
        size=8,
        out_of_memory=lambda error: isinstance(error, MemoryError),
        release=lambda: released.append(len(tried)),
    ):
        assert start == len(results)
        results += batch
    assert len(released) == sum(size > fitting for size in tried)
    return tried, results


def test_batches_halve_until_they_fit_and_stay_small() -> None:
    assert refused(8) == ([8, 2], [10 * k for k in range(10)])
    assert refused(3) == ([8, 4, 2, 2, 2, 2, 2], [10 * k for k in range(10)])
    with pytest.raises(MemoryError):
        refused(0)


def test_other_errors_are_not_tried_again() -> None:
    tried = []

    def work(batch: Sequence[int]) -> list[int]:
        tried.append(len(batch))
        raise ValueError("wrong")

    with pytest.raises(ValueError, match="wrong"):
        list(
            in_batches(range(4), work, size=4, out_of_memory=lambda e: False, release=lambda: None),
        )
    assert tried == [4]


def test_kept_features_are_bounded_and_keyed_by_what_they_depend_on() -> None:
    store = FeatureStore(most_bytes=100)
    store.put(b"a", "A", 40)
    store.put(b"b", "B", 40)
    assert store.get(b"a") == "A"
    store.put(b"c", "C", 40)
    assert (store.get(b"a"), store.get(b"b"), store.get(b"c")) == ("A", None, "C")
    store.put(b"d", "D", 101)
    assert len(store) == 0
    image = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    keys = {
        feature_key(image, "one"),
        feature_key(image, "two"),
        feature_key(image.reshape(2, 8, 3), "one"),
        feature_key(image + 1, "one"),
    }
    assert len(keys) == 4 and feature_key(image.copy(), "one") in keys
