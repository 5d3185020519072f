# SPDX-License-Identifier: GPL-3.0-or-later
"""Stereo and DUSt3R in one pair graph, the official class at tiny size: what a network that knows nothing
says must not spoil a scene. What true pointmaps give is in ``tests/test_joining.py``."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from benchmarks.neural_parts.truthful import TruthfulEngine
from samples.truth import SampleTruth, load_truth
from tests.neural.test_dust3r_engine import Counting, engine
from tests.neural.tiny_dust3r import tiny_network
from tests.small_photos import IMAGE_SIZE, SIZE, write_small_photos
from wildseg3d_blender.conventions import transform, unproject
from wildseg3d_blender.pipeline.alignment import align, dga_weights, fit_sim3
from wildseg3d_blender.pipeline.alignment.sim3 import rotation_angle
from wildseg3d_blender.pipeline.engines import EngineResult, dust3r
from wildseg3d_blender.pipeline.engines.mixed import MixedEngine
from wildseg3d_blender.pipeline.engines.stereo import StereoEngine
from wildseg3d_blender.pipeline.pair_store import read_pair_graph
from wildseg3d_blender.pipeline.photos.reading import Photo, open_photos
from wildseg3d_blender.pipeline.realign import realign
from wildseg3d_blender.pipeline.reconstruct import reconstruct
from wildseg3d_blender.progress import silent
from wildseg3d_blender.scene.folder import Scene, read_scene

STAGES = {"network", "encoding", "pairs", "joining"}


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> list[Photo]:
    """Four photos of the sample, and one of something else."""
    paths = write_small_photos(tmp_path_factory.mktemp("photos"))
    other = paths[0].with_name("other.png")
    noise = np.random.default_rng(0).integers(0, 256, (36, 54, 3), dtype=np.uint8)
    Image.fromarray(noise).resize((432, 288), Image.Resampling.BICUBIC).save(other)
    return open_photos([*paths, other])[0]


@pytest.fixture(scope="module")
def stereo(photos: list[Photo]) -> EngineResult:
    result = StereoEngine().pair_graph(photos, image_size=IMAGE_SIZE, progress=silent)
    assert [item.photo for item in result.skipped] == [photos[-1].path]
    return result


def test_pairs_of_new_photos_come_on_the_placed_views_grids(
    photos: list[Photo], stereo: EngineResult
) -> None:
    network = Counting()
    placed = stereo.graph.views
    made = engine(network).further_pairs(placed, photos[-1:], image_size=IMAGE_SIZE, progress=silent)
    assert made.graph.views[:-1] == placed and made.graph.views[-1].photo == photos[-1]
    assert sum(network.encoded) == 5 and sum(network.decoded) == 4
    assert [(edge.i, edge.j) for edge in made.graph.edges] == [(4, 0), (4, 1), (4, 2), (4, 3)]
    for edge in made.graph.edges:
        height, width = placed[edge.j].image.shape[:2]
        assert edge.points_j.shape == (height, width, 3) and edge.confidence_j.shape == (height, width)
        assert edge.points_i.shape == made.graph.views[-1].image.shape
        # Of 43 rows 32 are whole patches of 16; what is cut off has no measurement.
        rows = (edge.confidence_j > 0).all(axis=1)
        assert rows[height // 2] and not rows[0] and not rows[-1]
        assert rows.mean() == pytest.approx(32 / 43, abs=0.01) and (edge.confidence_j > 0)[~rows].sum() == 0


def test_a_photo_that_fits_nowhere_leaves_the_scene_as_it_is(
    photos: list[Photo], stereo: EngineResult
) -> None:
    stages: list[tuple[str, float]] = []
    made = MixedEngine(StereoEngine(), engine(Counting())).pair_graph(
        photos,
        image_size=IMAGE_SIZE,
        progress=lambda stage, fraction, text="": stages.append((stage, fraction)),
    )
    assert [view.photo for view in made.graph.views] == [view.photo for view in stereo.graph.views]
    assert len(made.graph.edges) == len(stereo.graph.edges)
    assert [item.photo for item in made.skipped] == [photos[-1].path]
    assert made.skipped[0].reason.endswith("and DUSt3R places it nowhere either")
    assert {"depth", *STAGES} <= {stage for stage, _ in stages}
    first = next(n for n, (stage, _) in enumerate(stages) if stage == "network")
    fractions = [fraction for _, fraction in stages[first:]]
    assert fractions[0] >= max(fraction for _, fraction in stages[:first])
    assert fractions == sorted(fractions)
    assert align(made.graph, weights=dga_weights()).views == (0, 1, 2, 3)


def test_without_left_out_photos_no_network_is_loaded(photos: list[Photo]) -> None:
    def fails(image_size: int) -> Counting:
        raise AssertionError("loaded")

    exact = StereoEngine()
    made = MixedEngine(exact, type(engine(Counting()))(load=fails)).pair_graph(
        photos[:-1], image_size=IMAGE_SIZE, progress=silent
    )
    assert len(made.graph.views) == 4 and not made.skipped


def test_where_stereo_places_nothing_the_network_does_all(photos: list[Photo], tmp_path: Path) -> None:
    for number in range(3):
        shade = np.full((96, 128, 3), 60 * number + 40, np.uint8)
        Image.fromarray(shade).save(tmp_path / f"plain_{number}.png")
    shutil.copy(photos[-1].path, tmp_path / "other.png")
    plain = open_photos(sorted(tmp_path.glob("*.png")))[0]
    made = MixedEngine(StereoEngine(), engine(Counting())).pair_graph(plain, image_size=64, progress=silent)
    assert len(made.graph.views) == 4 and len(made.graph.edges) == 6


def test_a_blurred_photo_gets_its_place_in_the_scene(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, photos: list[Photo]
) -> None:
    """Photos to scene folder and back, with a network that answers as a good one would."""
    truth = load_truth()
    files = [photo.path for photo in photos[:-1]]
    blurred = tmp_path / "table_03.jpg"
    with Image.open(truth.photo("table_03")) as photo:
        photo.resize(SIZE, Image.Resampling.LANCZOS).filter(ImageFilter.GaussianBlur(8)).save(blurred)
    monkeypatch.setattr(TruthfulEngine, "truth", truth, raising=False)
    monkeypatch.setattr(dust3r, "Dust3rEngine", TruthfulEngine)
    monkeypatch.setattr(dust3r.engine, "installed_network", lambda size: tiny_network())
    exact = reconstruct([*files, blurred], tmp_path / "stereo", image_size=IMAGE_SIZE)
    assert [item.photo for item in exact.skipped] == [blurred]
    made = reconstruct([*files, blurred], tmp_path / "mixed", engine="mixed", image_size=IMAGE_SIZE)
    assert [view.name for view in made.views] == [*(path.stem for path in files), "table_03"]
    assert not made.skipped and made.engine == "mixed"
    graph = read_pair_graph(read_scene(made.folder))
    assert len(graph.views) == 5 and {edge.i for edge in graph.edges} == {0, 1, 2, 3, 4}
    assert (made.confidence(made.views[4]) > 0).mean() > 0.5
    check_fifth_camera(made, truth)
    realign(made.folder, alpha_n=0.5)
    check_fifth_camera(read_scene(made.folder), truth)


def check_fifth_camera(scene: Scene, truth: SampleTruth) -> None:
    """Where the other four are right the fifth is, too: off by no more than a network's pairs are."""
    true = np.stack([truth.cameras[view.name].cam_to_world for view in scene.views])
    found = np.stack([view.cam_to_world for view in scene.views])
    to_truth = fit_sim3(found[:4, :3, 3], true[:4, :3, 3])
    away = float(np.linalg.norm(true[4, :3, 3] - np.median(truth_points(truth, "table_03"), axis=0)))
    assert np.linalg.norm(to_truth.apply(found[4:, :3, 3])[0] - true[4, :3, 3]) < 0.05 * away
    turned = to_truth.rotation @ found[4, :3, :3]
    assert np.degrees(rotation_angle(turned.T @ true[4, :3, :3])) < 3.0


def truth_points(truth: SampleTruth, name: str) -> np.ndarray:
    """(n, 3) what a photo shows, in the world."""
    depth = truth.depth(name)
    points = unproject(depth, truth.depth_intrinsics(name))[np.isfinite(depth)]
    return transform(truth.cameras[name].cam_to_world, points)
