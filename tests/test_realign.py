# SPDX-License-Identifier: GPL-3.0-or-later
"""Aligning a scene again for its objects: they fit better, nothing else is lost, and there is a way back."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.command_line import last_object
from tests.scenes.aligned import BALL, BOX, write_aligned_scene, write_true_object
from tests.synthetic import Corruption, TrueView, all_pairs, orbit, pair_graph
from wildseg3d_blender.cli.main import main
from wildseg3d_blender.errors import AlignmentError, Cancelled, SceneError
from wildseg3d_blender.pipeline.alignment import align
from wildseg3d_blender.pipeline.alignment.sim3 import fit_sim3_robust
from wildseg3d_blender.pipeline.realign import ALL_FOUND, realign, soft_masks
from wildseg3d_blender.pipeline.reconstruct import left_out
from wildseg3d_blender.pipeline.segmentation.lift import lift
from wildseg3d_blender.pipeline.segmentation.mask_cache.building import build_mask_cache
from wildseg3d_blender.pipeline.segmentation.mask_cache.cache import read_mask_cache
from wildseg3d_blender.pipeline.segmentation.proposals import Proposal
from wildseg3d_blender.pipeline.weighting import Weighting
from wildseg3d_blender.progress import Progress
from wildseg3d_blender.scene.folder import PAIRS_FOLDER, Scene, read_scene
from wildseg3d_blender.scene.objects import object_folders, read_object
from wildseg3d_blender.scene.ownership import owned_points
from wildseg3d_blender.worker import protocol
from wildseg3d_blender.worker.messages import Initialize, Realign, Realigned
from wildseg3d_blender.worker.protocol import PROTOCOL_VERSION

ROOT = Path(__file__).absolute().parents[1]
SIZE = (96, 72)
NETWORK = Corruption(smear=True)


@pytest.fixture(scope="module")
def views() -> list[TrueView]:
    return orbit(5, SIZE)


@pytest.fixture(scope="module")
def written(views: list[TrueView], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("network") / "scene"
    scene, _ = write_aligned_scene(folder, pair_graph(views, corruption=NETWORK))
    write_true_object(scene, views, "Ball", BALL)
    write_true_object(scene, views, "Box ü/1", BOX)
    return folder


@pytest.fixture
def scene(written: Path, tmp_path: Path) -> Scene:
    return read_scene(shutil.copytree(written, tmp_path / "scene"))


def _contents(folder: Path) -> dict[str, str]:
    """A digest of every file, so that any change shows."""
    return {
        str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in folder.rglob("*")
        if file.is_file()
    }


def _pointmaps(folder: Path) -> list[np.ndarray]:
    scene = read_scene(folder)
    return [np.array(scene.pointmap(view)) for view in scene.views]


def _objects(scene: Scene) -> dict[str, dict[str, np.ndarray]]:
    items = (read_object(scene, folder) for folder in object_folders(scene))
    return {item.name: {name: np.array(mask) for name, mask in item.points.items()} for item in items}


def _prompts(scene: Scene) -> dict[str, object]:
    items = (read_object(scene, folder) for folder in object_folders(scene))
    return {item.name: item.groups for item in items}


def _error(scene: Scene, views: list[TrueView], label: int) -> float:
    """Mean error of the object's pixels in % of the median depth, in the world that fits all points best."""
    points, truth, wanted = [], [], []
    for view, true in zip(scene.views, views, strict=True):
        known = scene.confidence(view) > 0
        points.append(np.asarray(scene.pointmap(view))[known].astype(np.float64))
        truth.append(true.points_world[known])
        wanted.append((true.labels == label)[known])
    found, true_points, counted = (np.concatenate(parts) for parts in (points, truth, wanted))
    to_truth, _ = fit_sim3_robust(found[::5], true_points[::5])
    off = np.linalg.norm(to_truth.apply(found[counted]) - true_points[counted], axis=-1)
    return float(100 * off.mean() / np.median(np.concatenate([view.depth.ravel() for view in views])))


def test_the_objects_own_points_fit_better(tmp_path: Path) -> None:
    """Every pair has the depth steps somewhere else, as networks do; the masks tell where they are."""
    shares = []
    for seed in range(3):
        views = orbit(5, SIZE, seed=seed)
        graph = pair_graph(views, corruption=Corruption(ragged=3.0), seed=seed)
        scene, _ = write_aligned_scene(tmp_path / str(seed), graph)
        write_true_object(scene, views, "Ball", BALL)
        before = _error(scene, views, BALL)
        realign(scene.folder, ["Ball"])
        shares.append(_error(read_scene(scene.folder), views, BALL) / before)
    # Measured: 0.75, 0.65 and 0.82.
    assert max(shares) < 0.95
    assert np.mean(shares) < 0.87


def test_without_objects_it_is_as_it_was(scene: Scene) -> None:
    first = _pointmaps(scene.folder)
    again = realign(scene.folder)
    assert again.objects == () and again.moved < 1e-3
    there = realign(scene.folder, ["Ball"])
    assert read_scene(scene.folder).settings["aligned_for"] == ["Ball"] and there.moved > 1e-4
    back = realign(scene.folder, [])
    assert read_scene(scene.folder).settings["aligned_for"] == []
    assert back.scene.settings == scene.settings
    for view, one, two in zip(scene.views, first, _pointmaps(scene.folder), strict=True):
        known = scene.confidence(view) > 0
        depth = np.linalg.norm(one - view.cam_to_world[:3, 3], axis=-1)
        off = np.linalg.norm(two - one, axis=-1)[known] / depth[known]
        assert np.median(off) < 1e-3


def test_world_masks_and_pictures_stay_while_all_objects_points_are_taken_anew(scene: Scene) -> None:
    before, prompts = _contents(scene.folder), _prompts(scene)
    result = realign(scene.folder, ["Ball"])
    after, new = _contents(scene.folder), read_scene(scene.folder)
    assert after.keys() == before.keys()
    assert _prompts(new) == prompts
    changed = {name for name in after if after[name] != before[name]}
    for kept in ("images/", "colours/", f"{PAIRS_FOLDER}/points/", f"{PAIRS_FOLDER}/confidence/"):
        assert not [name for name in changed if name.startswith(kept)]
    assert not [name for name in changed if "/masks.npy" in name]
    assert {"scene.json", f"{PAIRS_FOLDER}/alignment.json", "pointmaps/view00.npy"} <= changed
    assert [path.name for path in scene.folder.parent.iterdir()] == ["scene"]

    for old, view in zip(scene.views, new.views, strict=True):
        assert np.linalg.norm(view.cam_to_world[:3, 3] - old.cam_to_world[:3, 3]) < 0.1
        assert (view.name, view.photo, view.size) == (old.name, old.photo, old.size)
    points = _objects(new)
    assert result.points == {
        name: sum(int(mask.sum()) for mask in masks.values()) for name, masks in points.items()
    }
    for name, folder in zip(("Ball", "Box ü/1"), object_folders(new), strict=True):
        item = read_object(new, folder)
        assert item.name == name
        for view, lifted in lift(new, item.masks).items():
            np.testing.assert_array_equal(points[name][view], lifted)


def test_points_that_two_objects_claim_are_counted_once(scene: Scene, views: list[TrueView]) -> None:
    write_true_object(scene, views, "Ball again", BALL)
    result = realign(scene.folder, ["Ball"])
    owned = owned_points(result.scene)
    assert result.points == {
        name: sum(int(mask.sum()) for mask in masks.values()) for name, masks in owned.items()
    }
    assert sorted(result.points[name] > 0 for name in ("Ball", "Ball again")) == [False, True]


def test_points_stay_on_their_pixels(scene: Scene) -> None:
    realign(scene.folder, ["Ball"])
    new = read_scene(scene.folder)
    for view in new.views:
        known = new.confidence(view) > 0
        points_cam = (np.asarray(new.pointmap(view))[known] - view.cam_to_world[:3, 3]) @ view.cam_to_world[
            :3, :3
        ]
        pixels = points_cam[:, :2] / points_cam[:, 2:] * view.K[[0, 1], [0, 1]] + view.K[:2, 2]
        assert np.abs(pixels - (np.argwhere(known)[:, ::-1] + 0.5)).max() < 0.01


def test_soft_masks_join_objects_and_fade_at_their_border(scene: Scene) -> None:
    ball, box = (read_object(scene, folder) for folder in object_folders(scene))
    for view, soft in zip(scene.views, soft_masks(scene, [ball, box]), strict=True):
        hard = np.asarray(ball.masks[view.name]) | np.asarray(box.masks[view.name])
        assert soft.shape == view.size[::-1] and soft.dtype == np.float32
        assert soft.min() >= 0.0 and soft.max() <= 1.0
        assert ((soft > 0.5) == hard).mean() > 0.99
        assert ((soft > 0.05) & (soft < 0.95)).any()


def test_strengths_are_the_scenes_unless_given(scene: Scene, tmp_path: Path) -> None:
    copies = [shutil.copytree(scene.folder, tmp_path / str(n)) for n in range(2)]
    realign(scene.folder, ["Ball"])
    realign(copies[0], ["Ball"], alpha_p=0.5, alpha_n=0.9)
    realign(copies[1], ["Ball"], alpha_p=-0.9, alpha_n=-0.9)
    own, same, other = (_pointmaps(folder) for folder in (scene.folder, *copies))
    assert all(np.array_equal(one, two) for one, two in zip(own, same, strict=True))
    assert not any(np.array_equal(one, two) for one, two in zip(own, other, strict=True))
    with pytest.raises(AlignmentError, match="between -1 and 1"):
        realign(scene.folder, ["Ball"], alpha_p=3.0)


def test_a_scene_reconstructed_without_dga_goes_back_without_it(
    views: list[TrueView], tmp_path: Path
) -> None:
    graph = pair_graph(views, corruption=NETWORK)
    scene, _ = write_aligned_scene(tmp_path / "scene", graph, weighting=Weighting(dga=False))
    first = _pointmaps(scene.folder)
    realign(scene.folder)
    for view, one, two in zip(scene.views, first, _pointmaps(scene.folder), strict=True):
        off = np.linalg.norm(two - one, axis=-1)[scene.confidence(view) > 0]
        assert np.median(off) < 3e-3


@pytest.mark.parametrize("share", [0.0, 0.3, 0.9, 1.0])
def test_cancelled_at_any_time_nothing_is_lost(scene: Scene, share: float) -> None:
    calls: list[str] = []
    spare = shutil.copytree(scene.folder, scene.folder.parent / "spare")
    realign(spare, ["Ball"], progress=lambda stage, fraction, text="": calls.append(stage))
    shutil.rmtree(spare)
    left = round(share * (len(calls) - 1))
    before = _contents(scene.folder)

    def cancel(stage: str, fraction: float, text: str = "") -> None:
        nonlocal left
        left -= 1
        if left < 0:
            raise Cancelled

    with pytest.raises(Cancelled):
        realign(scene.folder, ["Ball"], progress=cancel)
    assert _contents(scene.folder) == before
    assert [path.name for path in scene.folder.parent.iterdir()] == ["scene"]


def test_what_cannot_be_is_said_and_changes_nothing(scene: Scene) -> None:
    before = _contents(scene.folder)
    with pytest.raises(SceneError, match="no object named 'Cup' in this scene; it has Ball, Box ü/1"):
        realign(scene.folder, ["Ball", "Cup"])
    assert _contents(scene.folder) == before
    masks = scene.folder / "objects" / "Ball" / "masks.npy"
    np.save(masks, np.zeros_like(np.load(masks)))
    with pytest.raises(SceneError, match="Ball shows in no photo"):
        realign(scene.folder, ["Ball"])
    shutil.rmtree(scene.folder / "objects")
    with pytest.raises(SceneError, match="it has none yet, segment one first"):
        realign(scene.folder, ["Ball"])
    shutil.rmtree(scene.folder / PAIRS_FOLDER)
    with pytest.raises(SceneError, match=r"older version.* press Reconstruct") as caught:
        realign(scene.folder)
    assert caught.value.fix == "wildseg3d.reconstruct"


def test_half_a_pair_graph_is_damage_and_the_scene_stays(scene: Scene) -> None:
    file = scene.folder / PAIRS_FOLDER / "points" / "view03.npy"
    file.write_bytes(file.read_bytes()[:1000])
    before = _contents(scene.folder)
    with pytest.raises(SceneError, match=r"view03\.npy is missing or damaged"):
        realign(scene.folder, ["Ball"])
    assert _contents(scene.folder) == before


def test_files_are_shared_with_the_old_scene_only_until_they_change(scene: Scene, tmp_path: Path) -> None:
    """A backup made of hard links must not change with the scene."""
    backup = tmp_path / "backup"
    shutil.copytree(scene.folder, backup, copy_function=lambda one, two: Path(two).hardlink_to(one))
    before = _contents(backup)
    realign(scene.folder, ["Ball"])
    assert _contents(backup) == before


def test_the_mask_cache_counts_when_asked_and_is_carried_over(scene: Scene, views: list[TrueView]) -> None:
    with pytest.raises(SceneError, match="find its objects first"):
        realign(scene.folder, cached=True)
    build_mask_cache(scene, _Truth(views))
    found = read_mask_cache(scene, "truth")
    assert found is not None
    masks = [found.masks_of(item) for item in range(len(found))]
    result = realign(scene.folder, ["Ball"], cached=True)
    assert result.objects == ("Ball", ALL_FOUND) and result.moved > 1e-4
    new = read_scene(scene.folder)
    assert new.settings["aligned_for"] == ["Ball", ALL_FOUND]
    carried = read_mask_cache(new, "truth")
    assert carried is not None and len(carried) == len(found) == 2
    for item, before in enumerate(masks):
        now, lifted = carried.masks_of(item), lift(new, before)
        for view in new.views:
            np.testing.assert_array_equal(now[view.name], before[view.name])
            np.testing.assert_array_equal(carried.points_of(item)[view.name], lifted[view.name])


class _Truth:
    """Finds the ball and a box, because it knows."""

    name = "truth"

    def __init__(self, views: list[TrueView]) -> None:
        self._views = views

    def proposals(self, progress: Progress) -> Iterator[Proposal]:
        for label in (BALL, BOX):
            yield Proposal({view.name: view.labels == label for view in self._views}, 1.0)


def test_command_line_and_worker_do_as_the_function(
    scene: Scene, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    by_command, by_worker = (shutil.copytree(scene.folder, tmp_path / name) for name in ("one", "two"))
    result = realign(scene.folder, ["Ball", "Box ü/1"])
    assert main(["realign", str(by_command), "--object", "Ball", "--object", "Box ü/1", "--json"]) == 0
    printed = last_object(capsys.readouterr().out)
    answer = _ask_worker(Realign(str(by_worker), ("Ball", "Box ü/1")))
    for folder, answered in ((by_command, Realigned.from_json(printed)), (by_worker, answer)):
        assert answered.scene == str(folder)
        assert answered.objects == result.objects == ("Ball", "Box ü/1")
        assert answered.points == result.points
        assert answered.moved == pytest.approx(result.moved)
        for one, two in zip(_pointmaps(scene.folder), _pointmaps(folder), strict=True):
            np.testing.assert_array_equal(one, two)

    assert main(["realign", str(by_command)]) == 0
    assert "Aligned for all points alike" in capsys.readouterr().out
    assert main(["realign", str(by_command), "--object", "Cup"]) == 1
    assert "it has Ball, Box" in capsys.readouterr().err.splitlines()[-1]


def _ask_worker(request: Realign) -> Realigned:
    lines = protocol.request(0, "initialize", Initialize(PROTOCOL_VERSION).to_json())
    lines += protocol.request(1, "realign", request.to_json())
    process = subprocess.Popen(
        [sys.executable, "-m", "wildseg3d_blender.worker"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdin is not None and process.stdout is not None
    with process, process.stdin as stdin:
        stdin.write(lines)
        stdin.flush()
        for line in process.stdout:
            message = protocol.decode(line)
            if message.get("id") == 1:
                return Realigned.from_json(message["result"])
    raise AssertionError("the worker ended without an answer")


def test_photos_that_hang_together_with_too_few_are_named(views: list[TrueView]) -> None:
    """Views 0 to 2 are joined, 3 and 4 only with each other."""
    pairs = [(i, j) for i, j in all_pairs(5) if (i < 3) == (j < 3)]
    graph = pair_graph(views, pairs)
    skipped = left_out(graph, align(graph, keep_largest=True))
    assert [item.photo.name for item in skipped] == ["view03.jpg", "view04.jpg"]
    for item in skipped:
        assert "the 3 photos" in item.reason and not item.reason.endswith(".")
        assert item.advice.endswith(".")
