# SPDX-License-Identifier: GPL-3.0-or-later
"""The samples that are rendered on demand: their lens, the scenes without rendering, and one tiny picture."""

from __future__ import annotations

from pathlib import Path

import bpy
import numpy as np
import pytest
from mathutils import Vector
from numpy.typing import NDArray
from PIL import Image

from samples.render_extra import SCENES
from samples.studio import shapes
from samples.studio.camera import Lens, Walk
from samples.studio.nodes import Shader
from samples.studio.shooting import Rendering, Sample, build, shoot
from samples.truth import load_truth
from wildseg3d_blender.conventions import camera_rays, pixel_centres, project
from wildseg3d_blender.photo_warp import PhotoWarp
from wildseg3d_blender.pipeline.evaluation import iou

Boxes = dict[str, NDArray[np.float64]]
BALL_CENTRE, BALL_RADIUS = np.array([0.1, 0.0, 0.2]), 0.2


@pytest.fixture(scope="module")
def boxes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Boxes]:
    """By scene and object: (8, 3) world corners of the box around all of its parts."""
    found: dict[str, Boxes] = {}
    for name, sample in SCENES.items():
        build(sample, sample.lens, tmp_path_factory.mktemp(name))
        bpy.context.view_layer.update()
        found[name] = {}
        for label, thing in enumerate(sample.objects, start=1):
            corners = np.array(
                [
                    part.matrix_world @ Vector(corner)
                    for part in bpy.data.objects
                    if part.pass_index == label
                    for corner in part.bound_box
                ]
            )
            low, high = corners.min(0), corners.max(0)
            found[name][thing] = np.where(np.indices((2, 2, 2)).reshape(3, 8).T == 0, low, high)
    return found


@pytest.mark.parametrize("name", list(SCENES))
def test_every_object_is_in_every_photo(boxes: dict[str, Boxes], name: str) -> None:
    sample = SCENES[name]
    for shot in sample.walk.shots():
        for thing, corners in boxes[name].items():
            pixels, depth = project(corners, sample.lens.intrinsics(), shot.cam_to_world)
            assert (depth > 0.3).all(), (shot.name, thing)
            inside = (pixels > 0).all(-1) & (pixels < sample.lens.photo_size).all(-1)
            assert inside.sum() >= 6, (shot.name, thing)


@pytest.mark.parametrize("one, other", [("jar2", "jar3"), ("atlas2", "atlas3")])
def test_twins_touch(boxes: dict[str, Boxes], one: str, other: str) -> None:
    """They stand side by side: the boxes around them meet, as tall as one another and as far to the front."""
    a, b = boxes["shelf"][one], boxes["shelf"][other]
    assert abs(a[:, 0].max() - b[:, 0].min()) < 0.01
    np.testing.assert_allclose(np.ptp(a, axis=0)[2], np.ptp(b, axis=0)[2], atol=1e-4)
    assert abs(a[:, 1].min() - b[:, 1].min()) < 0.02


def test_objects_stand_on_something(boxes: dict[str, Boxes]) -> None:
    ground = {thing: corners[:, 2].min() for thing, corners in boxes["garden"].items() if thing != "statue"}
    assert all(abs(z) < 0.03 for z in ground.values()), ground
    boards = {0.0, 0.355, 0.094}
    for thing, corners in boxes["shelf"].items():
        assert min(abs(corners[:, 2].min() - z) for z in boards) < 0.002, thing


def test_a_lens_that_distorts_nothing_leaves_pixels_where_they_are() -> None:
    lens = Lens((60, 40), focal=30.0)
    assert lens.canvas_size == lens.photo_size
    np.testing.assert_allclose(lens.on_canvas(60, 40), pixel_centres(60, 40), atol=1e-9)


def test_the_lens_distorts_as_photo_warps_do() -> None:
    lens = Lens((60, 40), focal=30.0, radial=-0.1, margin=0.2)
    assert lens.canvas_size == (72, 48)
    canvas_K = lens.intrinsics().copy()
    canvas_K[:2, 2] = 36, 24
    there = lens.on_canvas(60, 40)
    back = PhotoWarp(lens.intrinsics(), canvas_K, radial=-0.1).to_photo(there)
    np.testing.assert_allclose(back, pixel_centres(60, 40), atol=1e-6)
    # A barrel: the photo's corner shows what a pinhole would show farther out.
    assert there[0, 0, 0] < 0.5 + 6 - 0.5
    assert (there >= 0).all() and (there < (72, 48)).all()


def _ball(scratch: Path) -> None:
    grey = Shader("grey").surface(Base_Color=(0.6, 0.6, 0.6))
    shapes.ellipsoid("ball", tuple(BALL_CENTRE), (BALL_RADIUS,) * 3, grey).pass_index = 1


def test_photos_masks_and_cameras_of_a_tiny_sample(tmp_path: Path) -> None:
    """The mask is the ball's outline through the distorting lens, worked out by hand; the sky is far away."""
    walk = Walk("tiny", 1, 2, 20.0, (0.0, 0.0, 0.2), 0.01, 10.0, (-1.0, 1.0), 1.1, (-0.01, 0.01), nearer=0.2)
    lens = Lens((96, 64), focal=30.0, radial=-0.08, margin=0.12)
    shoot(Sample(("ball",), _ball, lens, walk), tmp_path, Rendering(samples=1))
    truth = load_truth(tmp_path)
    assert truth.names == ("tiny_01", "tiny_02")
    assert (truth.size, truth.objects, truth.radial) == ((96, 64), ("ball",), -0.08)
    for name in truth.names:
        camera = truth.cameras[name]
        straight = PhotoWarp(camera.K, camera.K, truth.radial).to_view(pixel_centres(96, 64))
        rays = camera_rays(camera.K, straight) @ camera.cam_to_world[:3, :3].T
        away = BALL_CENTRE - camera.cam_to_world[:3, 3]
        along = (rays @ away) / np.linalg.norm(rays, axis=-1)
        expected = away @ away - along**2 < BALL_RADIUS**2
        assert expected.sum() > 300
        assert iou(truth.mask("ball", name), expected) > 0.98
        depth = truth.depth(name)
        assert depth.shape == (180, 270)
        assert np.isinf(depth[0, 0])
        assert depth.min() == pytest.approx(np.linalg.norm(away) - BALL_RADIUS, rel=0.02)
        with Image.open(truth.photo(name)) as photo:
            assert photo.size == (96, 64)
            assert photo.getexif().get_ifd(0x8769)[0xA405] == 30


def test_a_part_of_the_photos_is_no_sample_yet(tmp_path: Path) -> None:
    walk = Walk("tiny", 1, 2, 20.0, (0.0, 0.0, 0.2), 0.01, 10.0, (-1.0, 1.0), 1.1, (-0.01, 0.01), nearer=0.2)
    sample = Sample(("ball",), _ball, Lens((48, 32), focal=30.0), walk)
    shoot(sample, tmp_path, Rendering(samples=1, only=("tiny_02",), truth=False))
    assert [photo.name for photo in (tmp_path / "photos").iterdir()] == ["tiny_02.jpg"]
    assert not (tmp_path / "truth").exists()
