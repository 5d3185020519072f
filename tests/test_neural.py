# SPDX-License-Identifier: GPL-3.0-or-later
"""The tests in ``tests/neural``, run by the interpreter of a neural environment where there is one."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.neural_python import neural_python
from tests.small_photos import IMAGE_SIZE, write_small_photos
from wildseg3d_blender.addon.worker_client import WorkerClient
from wildseg3d_blender.errors import NeuralError
from wildseg3d_blender.neural.places import MODELS_VARIABLE
from wildseg3d_blender.worker.protocol import Reconstruct

ROOT = Path(__file__).resolve().parents[1]


def run_neural_tests(which: str, limit: float) -> None:
    """Run those that the marker expression ``which`` selects."""
    python, reason = neural_python()
    if python is None:
        pytest.skip(reason)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [str(python), "-m", "pytest", "-q", "-m", which, "-p", "no:cacheprovider", "tests/neural"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=limit,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert " passed" in done.stdout


def test_a_worker_in_the_environment_runs_every_engine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As Blender starts it: with that interpreter and this package. The weights are what is missing here."""
    python, reason = neural_python()
    if python is None:
        pytest.skip(reason)
    monkeypatch.setenv(MODELS_VARIABLE, str(tmp_path / "models"))
    photos = [str(path) for path in write_small_photos(tmp_path)]
    client = WorkerClient(python=str(python))
    try:
        asked = Reconstruct(tuple(photos), str(tmp_path / "neural"), engine="dust3r", quality="fast")
        request = client.request("reconstruct", asked.to_json())
        assert request.wait(120)
        with pytest.raises(NeuralError, match="DUSt3R"):
            request.result()
        asked = Reconstruct(tuple(photos), str(tmp_path / "stereo"), image_size=IMAGE_SIZE)
        request = client.request("reconstruct", asked.to_json())
        assert request.wait(300)
        assert len(request.result()["views"]) == len(photos)
    finally:
        client.close()


def test_the_neural_parts_at_tiny_size() -> None:
    run_neural_tests("not slow", 570)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_the_neural_parts_at_full_size() -> None:
    run_neural_tests("slow", 3500)
