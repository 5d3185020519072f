# SPDX-License-Identifier: GPL-3.0-or-later
"""The one reconstruction that tests share; everything else makes its own small scene."""

from pathlib import Path

import pytest

from samples.truth import SampleTruth, load_truth
from wildseg3d_blender.pipeline.reconstruct import reconstruct
from wildseg3d_blender.scene_folder import Scene

SAMPLE_VIEWS = ("table_03", "table_04", "table_05", "table_06", "table_07", "table_08")


@pytest.fixture(scope="session")
def sample_truth() -> SampleTruth:
    """Cameras, masks and depth of the sample photos."""
    return load_truth()


@pytest.fixture(scope="session")
def sample_scene(sample_truth: SampleTruth, tmp_path_factory: pytest.TempPathFactory) -> Scene:
    """Six neighbouring sample photos, reconstructed small. Read it, never write into it."""
    photos: list[Path] = [sample_truth.photo(name) for name in SAMPLE_VIEWS]
    return reconstruct(photos, tmp_path_factory.mktemp("sample") / "scene", image_size=320)
