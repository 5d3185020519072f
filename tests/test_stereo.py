# SPDX-License-Identifier: GPL-3.0-or-later
"""The stereo engine on rendered photos whose cameras and depth are known exactly."""

from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from tests.scenes.room import OTHER_ROOM, Board, Shot, arc, depth_at, look_at, take
from tests.waiting import wait_until
from wildseg3d_blender.conventions import invert_rigid, pixel_centres, project, transform
from wildseg3d_blender.errors import Cancelled, ReconstructionError
from wildseg3d_blender.pipeline.engines import EngineResult, create_engine
from wildseg3d_blender.pipeline.engines.stereo.placement import Placement, place_photos
from wildseg3d_blender.pipeline.engines.stereo.views import undistorted_view
from wildseg3d_blender.pipeline.photos.reading import Photo, open_photos
from wildseg3d_blender.progress import silent

IMAGE_SIZE = 320
RADIAL = -0.06


@dataclass(frozen=True)
class Truth:
    """An engine's result with the shots behind its views, and the scale from its world to theirs."""

    result: EngineResult
    shots: list[Shot]
    scale: float
    progress: list[tuple[str, float, str]] = field(default_factory=list)

    def error(self, i: int) -> tuple[np.ndarray, np.ndarray]:
        """Relative depth error and confidence of view i, (H, W) each."""
        view, shot = self.result.graph.views[i], self.shots[i]
        edge = next(edge for edge in self.result.graph.edges if edge.i == i)
        true = depth_at(shot, view.warp.to_photo(pixel_centres(*view.size)))
        return np.abs(edge.points_i[..., 2] * self.scale - true) / true, edge.confidence_i


def photos_of(shots: list[Shot], folder: Path) -> list[Photo]:
    for shot in shots:
        take(shot, folder / shot.name)
    return open_photos([folder])[0]


def with_truth(result: EngineResult, shots: list[Shot]) -> Truth:
    by_name = {shot.name: shot for shot in shots}
    ordered = [by_name[view.photo.path.name] for view in result.graph.views]
    found = centres([view.cam_to_world_hint for view in result.graph.views])
    true = centres([shot.cam_to_world for shot in ordered])
    return Truth(result, ordered, float(distances(true).sum() / distances(found).sum()))


def centres(poses: list[np.ndarray]) -> np.ndarray:
    return np.array([pose[:3, 3] for pose in poses])


def distances(points: np.ndarray) -> np.ndarray:
    return np.linalg.norm(points[:, None] - points[None], axis=-1)


def degrees_between(a: np.ndarray, b: np.ndarray) -> float:
    cosine = (np.trace(a[:3, :3] @ b[:3, :3].T) - 1) / 2
    return float(np.degrees(np.arccos(np.clip(cosine, -1, 1))))


@pytest.fixture(scope="session")
def room(tmp_path_factory: pytest.TempPathFactory) -> Truth:
    """Five photos with lens distortion, one of them stored on its side, reconstructed."""
    shots = [
        Shot(f"shot {n}.jpg", pose, radial=RADIAL, orientation=6 if n == 2 else 1)
        for n, pose in enumerate(arc(5))
    ]
    photos = photos_of(shots, tmp_path_factory.mktemp("room"))
    calls: list[tuple[str, float, str]] = []

    def watch(stage: str, fraction: float, text: str = "") -> None:
        calls.append((stage, fraction, text))

    result = create_engine("stereo").pair_graph(photos, image_size=IMAGE_SIZE, progress=watch)
    return replace(with_truth(result, shots), progress=calls)


def test_all_photos_are_placed(room: Truth) -> None:
    assert len(room.result.graph.views) == 5
    assert not room.result.skipped
    assert {"features", "matching", "cameras", "depth"} <= set(room.result.seconds)


def test_cameras_are_where_they_were(room: Truth) -> None:
    views = room.result.graph.views
    first_found, first_true = views[0].cam_to_world_hint, room.shots[0].cam_to_world
    for view, shot in zip(views, room.shots, strict=True):
        found = invert_rigid(first_found) @ view.cam_to_world_hint
        true = invert_rigid(first_true) @ shot.cam_to_world
        assert degrees_between(found, true) < 0.2
        # The scene is about five units deep.
        assert np.linalg.norm(found[:3, 3] * room.scale - true[:3, 3]) < 0.02


def test_lens_is_found(room: Truth) -> None:
    for view, shot in zip(room.result.graph.views, room.shots, strict=True):
        assert view.warp.photo_K[0, 0] == pytest.approx(shot.focal, rel=0.01)
        assert view.warp.photo_K[:2, 2] == pytest.approx(np.array(shot.size) / 2)
        assert view.warp.radial == pytest.approx(RADIAL, abs=0.015)


def test_views_are_pinhole_grids_of_the_size_asked_for(room: Truth) -> None:
    for view in room.result.graph.views:
        assert view.size == (320, 240)
        assert view.image.shape == (240, 320, 3)
        assert view.image.dtype == np.uint8
        np.testing.assert_array_equal(view.K_hint, view.warp.view_K)
        assert view.K_hint[0, 0] == view.K_hint[1, 1]
        assert view.K_hint[:2, 2].tolist() == [160.0, 120.0]


def test_depth_is_right_where_there_is_confidence(room: Truth) -> None:
    for i in range(5):
        error, confidence = room.error(i)
        measured = confidence > 0.3
        assert measured.mean() > 0.6
        assert np.median(error[measured]) < 0.003
        assert np.mean(error[measured] > 0.02) < 0.05


def test_more_confidence_means_less_error(room: Truth) -> None:
    error, confidence = (np.concatenate(x) for x in zip(*(room.error(i) for i in range(5)), strict=True))
    sure = error[confidence > np.quantile(confidence[confidence > 0], 0.7)]
    unsure = error[(confidence > 0) & (confidence < np.quantile(confidence[confidence > 0], 0.3))]
    assert np.quantile(sure, 0.9) < 0.5 * np.quantile(unsure, 0.9)


def test_pointmaps_are_finite_and_typed(room: Truth) -> None:
    for edge in room.result.graph.edges:
        for points, confidence in ((edge.points_i, edge.confidence_i), (edge.points_j, edge.confidence_j)):
            assert points.dtype == np.float32
            assert confidence.dtype == np.float32
            assert points.shape == (*confidence.shape, 3)
            assert np.isfinite(points).all()
            assert (confidence >= 0).all()
        assert (edge.points_i[..., 2] > 0).all()


def test_graph_joins_all_views_both_ways(room: Truth) -> None:
    pairs = {(edge.i, edge.j) for edge in room.result.graph.edges}
    assert pairs == {(j, i) for i, j in pairs}
    assert {i for i, _ in pairs} == set(range(5))
    reached = {0}
    for _ in range(5):
        reached |= {j for i, j in pairs if i in reached}
    assert reached == set(range(5))


def test_edges_share_arrays_and_one_world(room: Truth) -> None:
    views = room.result.graph.views
    own = {edge.i: edge.points_i for edge in room.result.graph.edges}
    for edge in room.result.graph.edges:
        assert edge.points_i is own[edge.i]
        poses = [views[k].cam_to_world_hint for k in (edge.i, edge.j)]
        np.testing.assert_allclose(
            transform(poses[0], edge.points_j.astype(float)),
            transform(poses[1], own[edge.j].astype(float)),
            rtol=1e-4,
            atol=1e-4,
        )


def test_a_point_lands_on_its_own_picture(room: Truth) -> None:
    """Half-pixel conventions: a picture carried to another view by depth matches it best unshifted."""
    views = room.result.graph.views
    edge = next(edge for edge in room.result.graph.edges if edge.i == 1)
    sure = edge.confidence_i > 2.0
    points_world = transform(views[1].cam_to_world_hint, edge.points_i[sure].astype(float))
    pixels, _ = project(points_world, views[2].K_hint, views[2].cam_to_world_hint)
    here = views[1].image.astype(float).mean(-1)[sure]
    there = views[2].image.astype(float).mean(-1)

    def mismatch(dx: float, dy: float) -> float:
        x, y = pixels[:, 0] - 0.5 + dx, pixels[:, 1] - 0.5 + dy
        inside = (x >= 0) & (y >= 0) & (x < there.shape[1] - 1) & (y < there.shape[0] - 1)
        x, y = x[inside], y[inside]
        column, row = np.floor(x).astype(int), np.floor(y).astype(int)
        u, v = x - column, y - row
        looks = (1 - v) * ((1 - u) * there[row, column] + u * there[row, column + 1])
        looks += v * ((1 - u) * there[row + 1, column] + u * there[row + 1, column + 1])
        return float(np.abs(looks - here[inside]).mean())

    best = mismatch(0, 0)
    assert best < min(mismatch(dx, dy) for dx, dy in ((0.5, 0), (-0.5, 0), (0, 0.5), (0, -0.5)))


@pytest.fixture(scope="session")
def trio(tmp_path_factory: pytest.TempPathFactory) -> list[Photo]:
    """Three photos, as few as are placed without knowing the lens."""
    return photos_of(
        [Shot(f"{n}.jpg", pose) for n, pose in enumerate(arc(3))], tmp_path_factory.mktemp("trio")
    )


def test_repeating_gives_the_same_cameras(trio: list[Photo]) -> None:
    first, second = (place_photos(trio, silent).model for _ in range(2))
    assert len(first.photos) == 3
    for a, b in zip(first.photos, second.photos, strict=True):
        np.testing.assert_allclose(a.cam_to_world, b.cam_to_world, atol=1e-6)
        np.testing.assert_allclose(a.K, b.K, rtol=1e-6)


@pytest.fixture(scope="session")
def mixed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Placement, list[Shot], list[Photo]]:
    """Two cameras of different size and lens, a stray photo and an empty one."""
    shots = []
    for n, pose in enumerate(arc(5)):
        if n % 2:
            shots.append(Shot(f"b{n}.png", pose, size=(480, 320), focal=380.0, film_focal=29))
        else:
            shots.append(Shot(f"a{n}.png", pose))
    plain = Board((-50.0, -50.0, 6.0), (100.0, 0.0, 0.0), (0.0, 100.0, 0.0), 9)
    shots.append(Shot("stray.png", arc(3)[1], boards=OTHER_ROOM))
    shots.append(Shot("plain.png", arc(3)[1], boards=(plain,), focal=40000.0))
    photos = photos_of(shots, tmp_path_factory.mktemp("mixed"))
    return place_photos(photos, silent), shots, photos


def test_mixed_cameras_are_told_apart(mixed: tuple[Placement, list[Shot], list[Photo]]) -> None:
    placement, shots, _ = mixed
    by_name = {shot.name: shot for shot in shots}
    assert len(placement.model.photos) == 5
    for placed in placement.model.photos:
        shot = by_name[placed.photo.path.name]
        assert placed.photo.size == shot.size
        assert placed.K[0, 0] == pytest.approx(shot.focal, rel=0.02)


def test_points_lie_where_their_photos_show_them(mixed: tuple[Placement, list[Shot], list[Photo]]) -> None:
    model = mixed[0].model
    for placed in model.photos:
        pixels, depth = project(model.points_world[placed.seen], placed.K, placed.cam_to_world)
        assert (depth > 0).all()
        assert np.median(np.linalg.norm(pixels - placed.keypoints, axis=-1)) < 0.7


def test_points_lie_where_their_views_show_them(mixed: tuple[Placement, list[Shot], list[Photo]]) -> None:
    """The path of a photo's keypoint through the warp ends where the view's own camera sees the point."""
    model = mixed[0].model
    for placed in model.photos:
        view = undistorted_view(placed, 200)
        pixels, _ = project(model.points_world[placed.seen], view.K, view.cam_to_world)
        apart = pixels - view.warp.to_view(placed.keypoints)
        assert np.median(np.linalg.norm(apart, axis=-1)) < 0.35
        assert np.abs(np.median(apart, axis=0)).max() < 0.05


def test_photos_left_out_are_named_with_a_reason(mixed: tuple[Placement, list[Shot], list[Photo]]) -> None:
    skipped = {item.photo.name: item for item in mixed[0].skipped}
    assert set(skipped) == {"stray.png", "plain.png"}
    assert "shares too few points with any other photo" in skipped["stray.png"].reason
    assert "Add photos in between" in skipped["stray.png"].advice
    assert "too little texture" in skipped["plain.png"].reason


def test_two_photos_with_a_known_lens_are_enough(tmp_path: Path) -> None:
    poses = [arc(5)[1], arc(5)[3]]
    # 36 mm on film is the shots' focal length: 420 pixels of a diagonal of 500.
    shots = [Shot(f"{n}.jpg", pose, film_focal=36) for n, pose in enumerate(poses)]
    result = create_engine("stereo").pair_graph(photos_of(shots, tmp_path), image_size=160, progress=silent)
    truth = with_truth(result, shots)
    assert len(result.graph.edges) == 2
    error, confidence = truth.error(0)
    assert (confidence > 0.1).mean() > 0.5
    assert np.median(error[confidence > 0.1]) < 0.03


def test_photos_that_do_not_overlap(tmp_path: Path) -> None:
    rooms = [Shot("0.jpg", arc(3)[1]), Shot("1.jpg", arc(3)[1], boards=OTHER_ROOM)]
    with pytest.raises(ReconstructionError, match=r"enough of the same surface.*Add photos in between"):
        place_photos(photos_of(rooms, tmp_path), silent)


def test_photos_from_one_spot(tmp_path: Path) -> None:
    poses = [look_at((0.0, 0.0, 0.0), (x, 0.0, 4.5)) for x in (-0.5, 0.0, 0.5)]
    shots = [Shot(f"{n}.jpg", pose) for n, pose in enumerate(poses)]
    with pytest.raises(ReconstructionError, match=r"from one spot.*Step sideways"):
        place_photos(photos_of(shots, tmp_path), silent)


def test_photos_without_texture(tmp_path: Path) -> None:
    plain = Board((-50.0, -50.0, 6.0), (100.0, 0.0, 0.0), (0.0, 100.0, 0.0), 9)
    shots = [Shot(f"{n}.jpg", p, boards=(plain,), focal=9000.0 + n) for n, p in enumerate(arc(3))]
    with pytest.raises(ReconstructionError, match="too little texture or are blurred"):
        place_photos(photos_of(shots, tmp_path), silent)


@pytest.mark.parametrize("stage", ["features", "matching", "cameras", "depth", "consistency"])
def test_cancel_is_obeyed_in_every_stage(
    trio: list[Photo], stage: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    stages: list[str] = []

    def cancel(name: str, fraction: float, text: str = "") -> None:
        stages.append(name)
        if name == stage and fraction > 0.0:
            raise Cancelled

    with pytest.raises(Cancelled):
        create_engine("stereo").pair_graph(trio, image_size=IMAGE_SIZE, progress=cancel)
    assert stages[-1] == stage
    wait_until(lambda: not any(tmp_path.iterdir()))


def test_progress_goes_through_all_stages(room: Truth) -> None:
    stages = list(dict.fromkeys(stage for stage, _, _ in room.progress))
    assert stages == ["features", "matching", "cameras", "depth", "consistency"]
    fractions = [fraction for _, fraction, _ in room.progress]
    assert all(0.0 <= fraction <= 1.0 for fraction in fractions)
    # A second attempt at the cameras may take its stage back to where it began, nothing else goes back.
    assert all(later >= earlier - 0.05 for earlier, later in pairwise(fractions))
    assert fractions[-1] > 0.95
    assert all(text for _, _, text in room.progress)
