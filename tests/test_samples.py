# SPDX-License-Identifier: GPL-3.0-or-later
"""The sample photos and the truth beside them agree with each other."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from PIL import Image

from samples.truth import GENERATED, TABLE, SampleTruth, load_truth
from wildseg3d_blender.conventions import pixel_centres, project, transform, unproject


@pytest.fixture(scope="module")
def truth() -> SampleTruth:
    return load_truth()


def test_committed_files_stay_small() -> None:
    total = sum(
        file.stat().st_size
        for file in TABLE.parent.rglob("*")
        if file.is_file() and file.suffix != ".pyc" and GENERATED not in file.parents
    )
    assert total <= 3_000_000


def test_every_photo_has_its_truth(truth: SampleTruth) -> None:
    photos = sorted((TABLE / "photos").iterdir())
    assert [photo.stem for photo in photos] == list(truth.names)
    assert 9 <= len(photos) <= 12
    assert min(truth.size) >= 640
    assert len(truth.objects) >= 5
    for photo in photos:
        with Image.open(photo) as image:
            assert image.size == truth.size
            focal_35mm = image.getexif().get_ifd(0x8769)[0xA405]
        K = truth.cameras[photo.stem].K
        assert K[0, 0] == pytest.approx(focal_35mm / 36 * truth.size[0])
        assert np.isfinite(truth.depth(photo.stem)).all()


def test_masks_are_disjoint_and_mostly_visible(truth: SampleTruth) -> None:
    width, height = truth.size
    seen = dict.fromkeys(truth.objects, 0)
    for name in truth.names:
        masks = np.stack([truth.mask(thing, name) for thing in truth.objects])
        assert masks.shape[1:] == (height, width)
        assert masks.sum(0).max() == 1
        for thing, mask in zip(truth.objects, masks, strict=True):
            seen[thing] += mask.sum() > 0.003 * mask.size
    assert min(seen.values()) >= len(truth.names) - 1


def test_cameras_walk_an_arc_in_small_steps(truth: SampleTruth) -> None:
    poses = np.stack([camera.cam_to_world for camera in truth.cameras.values()])
    rotations = poses[:, :3, :3]
    assert np.allclose(rotations @ np.swapaxes(rotations, 1, 2), np.eye(3), atol=1e-6)
    assert np.allclose(np.linalg.det(rotations), 1.0)
    assert (poses[:, 2, 3] > 0.2).all()

    directions = poses[:, :3, 2]
    steps = [np.degrees(np.arccos(a @ b)) for a, b in pairwise(directions)]
    whole = np.degrees(np.arccos(directions[0] @ directions[-1]))
    assert min(steps) > 4 and max(steps) < 13
    assert 60 < whole < 95


def test_depth_of_one_view_lands_on_the_same_surface_in_the_next(truth: SampleTruth) -> None:
    """Depth, K and pose of one view predict the next view's depth and object wherever it is not hidden."""
    width, height = truth.size
    same_depth, same_object = [], []
    for a, b in pairwise(truth.names):
        depth_a, depth_b = truth.depth(a), truth.depth(b)
        points_world = transform(truth.cameras[a].cam_to_world, unproject(depth_a, truth.depth_intrinsics(a)))
        camera_b = truth.cameras[b]
        pixels, depth = project(points_world, camera_b.K, camera_b.cam_to_world)
        inside = (pixels >= 1).all(-1) & (pixels < np.array([width, height]) - 1).all(-1) & (depth > 0)
        pixels, depth = pixels[inside], depth[inside]

        coarse = depth_b.shape[1] / width
        column, row = np.floor(pixels * coarse).astype(int).T
        expected = depth_b[row, column]
        visible = depth < 1.03 * expected
        agrees = np.abs(depth - expected) < 0.01 * expected
        same_depth.append(agrees[visible].mean())

        photo_pixels = np.floor(pixel_centres(*depth_a.shape[::-1]) * (width / depth_a.shape[1])).astype(int)[
            inside
        ]
        for thing in truth.objects:
            on_object = truth.mask(thing, a)[photo_pixels[:, 1], photo_pixels[:, 0]] & agrees
            x, y = np.floor(pixels[on_object]).astype(int).T
            same_object.append(truth.mask(thing, b)[y, x].mean())
    assert min(same_depth) > 0.90
    assert min(same_object) > 0.90
    assert np.mean(same_object) > 0.96
