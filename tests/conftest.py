# SPDX-License-Identifier: GPL-3.0-or-later
"""What tests share: the sample reconstruction, and the Blender that the add-on's tests run in."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

# As the worker does, before numpy is imported: sums are the same to the last bit, on whatever machine.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

# Imported where they are used: the in-Blender tests also run where Pillow and the engines are not installed.
if TYPE_CHECKING:
    from samples.truth import SampleTruth
    from tests.scenes.ball_and_box import Truth
    from tests.synthetic import TrueView
    from wildseg3d_blender.scene.folder import Scene

SAMPLE_VIEWS = ("table_03", "table_04", "table_05", "table_06", "table_07", "table_08")


@pytest.fixture(scope="session")
def sample_truth() -> SampleTruth:
    """Cameras, masks and depth of the sample photos."""
    from samples.truth import load_truth

    return load_truth()


@pytest.fixture(scope="session")
def sample_scene(sample_truth: SampleTruth, tmp_path_factory: pytest.TempPathFactory) -> Scene:
    """Six neighbouring sample photos, reconstructed small. Read it, never write into it."""
    from wildseg3d_blender.pipeline.reconstruct import reconstruct

    photos: list[Path] = [sample_truth.photo(name) for name in SAMPLE_VIEWS]
    return reconstruct(photos, tmp_path_factory.mktemp("sample") / "scene", image_size=320)


@pytest.fixture(scope="session")
def cached_scene(tmp_path_factory: pytest.TempPathFactory) -> tuple[Scene, dict[str, Truth]]:
    """The ray-cast scene, whose objects have been found. Read it, never write into it."""
    from tests.scenes.ball_and_box import write_object_scene
    from wildseg3d_blender.pipeline.segment import SceneSession

    scene, truths = write_object_scene(tmp_path_factory.mktemp("cached") / "scene")
    SceneSession(scene.folder).find_objects()
    return scene, truths


@pytest.fixture(scope="session")
def object_scene(tmp_path_factory: pytest.TempPathFactory) -> tuple[Scene, dict[str, Truth]]:
    """The ray-cast scene as it was measured. Copy it with ``copied``, never write into it."""
    from tests.scenes.ball_and_box import write_object_scene

    return write_object_scene(tmp_path_factory.mktemp("objects") / "scene")


@pytest.fixture(scope="session")
def listed_scene(tmp_path_factory: pytest.TempPathFactory) -> tuple[Scene, dict[str, Truth]]:
    """The ray-cast scene with a cache of known objects. Copy it with ``copied``, never write into it."""
    from tests.scenes.listed import write_listed_scene

    return write_listed_scene(tmp_path_factory.mktemp("listed") / "scene")


@pytest.fixture
def listed_copy(
    listed_scene: tuple[Scene, dict[str, Truth]], tmp_path: Path
) -> tuple[Scene, dict[str, Truth]]:
    """A copy of that scene and its cache that a test may write into."""
    from tests.scenes.listed import copied

    return copied(listed_scene, tmp_path / "scene")


@pytest.fixture(scope="session")
def views() -> list[TrueView]:
    """Five rendered views of a ball and a box, 128 x 96."""
    from tests.synthetic import orbit

    return orbit(5, (128, 96))


@pytest.fixture(scope="session")
def aligned_scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    """A scene aligned from pairs, with a ball and a box as objects. Read it, never write into it."""
    from tests.scenes.aligned import BALL, BOX, write_aligned_scene, write_true_object
    from tests.synthetic import Corruption, orbit, pair_graph

    views = orbit(4, (96, 72))
    folder = tmp_path_factory.mktemp("network") / "scene"
    scene, _ = write_aligned_scene(folder, pair_graph(views, corruption=Corruption(smear=True)))
    write_true_object(scene, views, "Ball", BALL)
    write_true_object(scene, views, "Box", BOX)
    return scene


@pytest.fixture
def aligned_copy(aligned_scene: Scene, tmp_path: Path) -> Scene:
    """A copy of that scene that a test may align again."""
    from wildseg3d_blender.scene.folder import read_scene

    return read_scene(shutil.copytree(aligned_scene.folder, tmp_path / "scene"))


@pytest.fixture
def cached_copy(cached_scene: tuple[Scene, dict[str, Truth]], tmp_path: Path) -> Scene:
    """A copy of that scene and its cache that a test may damage."""
    from wildseg3d_blender.scene.folder import read_scene

    shutil.copytree(cached_scene[0].folder, tmp_path / "scene")
    return read_scene(tmp_path / "scene")


@pytest.fixture(scope="session")
def blender_session() -> Iterator[Any]:
    """``bpy`` with the add-on registered, once for all tests."""
    with tempfile.TemporaryDirectory(prefix="wildseg3d-blender-") as folder:
        os.environ["BLENDER_USER_RESOURCES"] = folder
        bpy = pytest.importorskip("bpy", reason="needs Blender's module")
        from wildseg3d_blender import addon

        addon.register()
        yield bpy
        addon.unregister()


@pytest.fixture
def blender(blender_session: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """``bpy`` with an empty file, a clean runtime and no neural engines, whatever this machine has."""
    monkeypatch.setenv("WILDSEG3D_NEURAL", str(tmp_path / "no neural engines"))
    blender_session.ops.wm.read_factory_settings(use_empty=True)
    yield blender_session
    from wildseg3d_blender.addon.session import runtime

    runtime.cancel()
    # Frees what the last test mapped or linked before its folder goes.
    blender_session.ops.wm.read_factory_settings(use_empty=True)


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    """The scene folder that is hard on cameras, see ``awkward``, called "room"."""
    from tests.scenes.awkward import write_awkward_scene

    return write_awkward_scene(tmp_path / "room")


@pytest.fixture
def root(blender: Any, scene: Scene) -> Any:
    """``scene`` in Blender: the root of its reconstruction."""
    from wildseg3d_blender.addon.scene import importing

    made = importing.import_scene(blender.context.scene, scene.folder)
    blender.context.view_layer.update()
    return made
