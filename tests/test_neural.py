# SPDX-License-Identifier: GPL-3.0-or-later
"""The tests in ``tests/neural``, run by the interpreter of a neural environment."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.neural_python import neural_python
from tests.small_photos import IMAGE_SIZE, write_small_photos
from tests.waiting import PATIENCE, ended
from wildseg3d_blender.addon.session.worker_client import WorkerClient
from wildseg3d_blender.errors import NeuralError, WorkerError
from wildseg3d_blender.neural.places import MODELS_VARIABLE
from wildseg3d_blender.prompts import Click, PromptGroup
from wildseg3d_blender.worker.messages import FindObjects, Preview, Reconstruct

ROOT = Path(__file__).resolve().parents[1]


def needed_python() -> Path:
    """The neural environment's interpreter; without one the test fails."""
    python, reason = neural_python()
    if python is None:
        pytest.fail(reason, pytrace=False)
    return python


def run_neural_tests(which: str, limit: float) -> None:
    """Run those that the marker expression ``which`` selects."""
    python = needed_python()
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
    python = needed_python()
    monkeypatch.setenv(MODELS_VARIABLE, str(tmp_path / "models"))
    photos = [str(path) for path in write_small_photos(tmp_path)]
    client = WorkerClient(python=str(python))
    try:
        asked = Reconstruct(tuple(photos), str(tmp_path / "neural"), engine="dust3r", quality="fast")
        request = client.request("reconstruct", asked.to_json())
        assert request.wait(PATIENCE)
        with pytest.raises(NeuralError, match="DUSt3R"):
            request.result()
        asked = Reconstruct(tuple(photos), str(tmp_path / "stereo"), image_size=IMAGE_SIZE)
        request = client.request("reconstruct", asked.to_json())
        assert request.wait(PATIENCE)
        assert len(request.result()["views"]) == len(photos)
    finally:
        client.close()


@pytest.mark.skipif(sys.platform == "win32", reason="wraps the interpreter in a shell script, and kills it")
def test_a_worker_killed_while_it_holds_networks_is_replaced(tmp_path: Path) -> None:
    python = needed_python()
    wrapper = tmp_path / "python"
    wrapper.write_text(f'#!/bin/sh\nexec "{python}" -s -P -X utf8 -m tests.neural.tiny_worker\n')
    wrapper.chmod(0o755)
    photos = tuple(str(path) for path in write_small_photos(tmp_path))
    folder = str(tmp_path / "scene")
    client = WorkerClient(python=str(wrapper))
    try:
        made = client.request(
            "reconstruct", Reconstruct(photos, folder, engine="dust3r", image_size=64).to_json()
        )
        assert made.wait(PATIENCE)
        prompt = (PromptGroup((Click(made.result()["views"][0], 20.0, 20.0),)),)
        asked = Preview(folder, prompt, segmenter="sam2").to_json()
        assert _answered(client, asked)["folder"]
        for busy in (False, True):
            pid = client.pid
            assert pid is not None
            waiting = client.request("find_objects", FindObjects(folder, "sam2").to_json()) if busy else None
            while waiting is not None and waiting.progress is None:
                client.poll(0.05)
            os.kill(pid, signal.SIGKILL)
            if waiting is not None:
                assert waiting.wait(PATIENCE)
                with pytest.raises(WorkerError, match="signal 9"):
                    waiting.result()
            while client.pid == pid:
                client.poll(0.05)
            assert ended(pid)
            assert _answered(client, asked)["folder"] and client.pid != pid
    finally:
        client.close()


def _answered(client: WorkerClient, asked: dict[str, Any]) -> dict[str, Any]:
    request = client.request("preview", asked)
    assert request.wait(PATIENCE)
    return request.result()


@pytest.mark.timeout(1800)
def test_the_neural_parts_at_tiny_size() -> None:
    run_neural_tests("not slow", 1700)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_the_neural_parts_at_full_size() -> None:
    run_neural_tests("slow", 3500)
