# SPDX-License-Identifier: GPL-3.0-or-later
"""Blender's end of the worker, with real worker processes doing real work."""

from __future__ import annotations

import gc
import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.scenes.tiny import write_tiny_scene
from tests.small_photos import IMAGE_SIZE, write_small_photos
from tests.waiting import PATIENCE, ended, wait_until
from wildseg3d_blender.addon.session.worker_client import Request, WorkerClient
from wildseg3d_blender.addon.session.worker_process import STDERR_TAIL, last_words
from wildseg3d_blender.errors import Cancelled, PhotoError, SceneError, WorkerError
from wildseg3d_blender.pipeline.reconstruct import reconstruct
from wildseg3d_blender.pipeline.segment import SceneSession
from wildseg3d_blender.prompts import Click, one_group
from wildseg3d_blender.scene.folder import Scene, read_scene
from wildseg3d_blender.scene.objects import read_object
from wildseg3d_blender.worker import protocol
from wildseg3d_blender.worker.messages import ProgressReport, Reconstruct, Reconstructed, Segment, Segmented

ROOT = Path(__file__).absolute().parents[1]
CLICK = Click("middle", 80.0, 58.0)

posix_only = pytest.mark.skipif(os.name != "posix", reason="uses POSIX signals")


@pytest.fixture
def client() -> Iterator[WorkerClient]:
    client = WorkerClient()
    yield client
    client.close()


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Scene:
    return write_tiny_scene(tmp_path_factory.mktemp("tiny") / "scene")


@pytest.fixture(scope="module")
def long_work(tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """Parameters of a reconstruction that keeps native code busy for many seconds."""
    folder = tmp_path_factory.mktemp("noise")
    random = np.random.default_rng(1)
    for index in range(8):
        noise = random.integers(0, 256, (300, 400, 3), dtype=np.uint8)
        Image.fromarray(noise).resize((1600, 1200)).save(folder / f"{index}.jpg", quality=80)
    return Reconstruct((str(folder),), str(folder / "scene")).to_json()


def wait_for_progress(request: Request, stage: str = "") -> None:
    """Until there is progress, in this stage if one is named."""
    deadline = time.monotonic() + PATIENCE
    while request.progress is None or stage not in ("", request.progress.stage):
        assert not request.done and time.monotonic() < deadline, f"no progress came {stage}"
        request.wait(0.02)


def busy(client: WorkerClient, long_work: dict[str, object]) -> tuple[Request, int]:
    """A request at which the worker is at work, and the worker's process."""
    request = client.request("reconstruct", long_work)
    wait_for_progress(request)
    assert client.pid is not None
    return request, client.pid


def test_segment_gives_what_the_call_in_this_process_gives(client: WorkerClient, scene: Scene) -> None:
    reports: list[ProgressReport] = []
    params = Segment(str(scene.folder), "Ball", one_group([CLICK]))
    request = client.request("segment", params.to_json(), reports.append)
    assert request.wait(PATIENCE)
    answer = Segmented.from_json(request.result())
    item = read_object(scene, Path(answer.folder))

    masks = SceneSession(scene.folder).masks([CLICK])
    assert masks.keys() == item.masks.keys()
    for view, mask in masks.items():
        np.testing.assert_array_equal(item.masks[view], mask)
        assert answer.masks[view] == int(mask.sum())
    assert answer.points == sum(int(points.sum()) for points in item.points.values())
    assert reports
    assert [report.fraction for report in reports] == sorted(report.fraction for report in reports)
    assert request.progress == reports[-1]
    assert {report.id for report in reports} == {request.id}


def test_reconstruct_gives_what_the_call_in_this_process_gives(client: WorkerClient, tmp_path: Path) -> None:
    photos = write_small_photos(tmp_path)
    broken = tmp_path / "broken.jpg"
    broken.write_text("not a photo")
    params = Reconstruct(tuple(map(str, [broken, *photos])), str(tmp_path / "worker"), image_size=IMAGE_SIZE)
    reports: list[ProgressReport] = []
    request = client.request("reconstruct", params.to_json(), reports.append)
    assert request.wait(PATIENCE)
    answer = Reconstructed.from_json(request.result())
    assert [Path(item.photo).name for item in answer.skipped] == ["broken.jpg"]
    assert {"photos", "features", "matching", "writing"} <= {report.stage for report in reports}

    theirs = read_scene(answer.scene)
    ours = reconstruct(photos, tmp_path / "here", image_size=IMAGE_SIZE)
    assert (
        answer.views == tuple(view.name for view in theirs.views) == tuple(view.name for view in ours.views)
    )
    assert answer.points == sum(int((theirs.confidence(view) > 0).sum()) for view in theirs.views) > 0
    for view, other in zip(ours.views, theirs.views, strict=True):
        np.testing.assert_allclose(other.K, view.K)
        np.testing.assert_allclose(other.cam_to_world, view.cam_to_world)
        np.testing.assert_array_equal(theirs.pointmap(other), ours.pointmap(view))


def test_errors_come_as_themselves(client: WorkerClient, tmp_path: Path, scene: Scene) -> None:
    none_there = Reconstruct((str(tmp_path / "nowhere"),), str(tmp_path / "scene"))
    photos = client.request("reconstruct", none_there.to_json())
    missing = client.request("segment", Segment(str(tmp_path / "nope"), "A", one_group([CLICK])).to_json())
    assert photos.wait(PATIENCE) and missing.wait(PATIENCE)
    with pytest.raises(PhotoError, match="nowhere"):
        photos.result()
    with pytest.raises(SceneError, match="nope"):
        missing.result()


def test_polling_never_waits(client: WorkerClient, long_work: dict[str, object]) -> None:
    request = client.request("reconstruct", long_work)
    with pytest.raises(RuntimeError, match="still running"):
        request.result()
    wait_for_progress(request)
    for _ in range(20):
        client.poll()
    # Had one of them waited for an answer, the work would be over.
    assert not request.done


@pytest.mark.parametrize(
    ("stage", "delay"), [("photos", 0.0), ("photos", 0.15), ("photos", 0.3), ("features", 0.2)]
)
def test_cancel_ends_a_request_midway_and_work_goes_on_after(
    client: WorkerClient, long_work: dict[str, object], stage: str, delay: float
) -> None:
    # While photos are read, native libraries are loaded, and native code searches for features.
    request = client.request("reconstruct", long_work)
    wait_for_progress(request, stage)
    time.sleep(delay)
    request.cancel()
    assert request.wait(PATIENCE)
    with pytest.raises(Cancelled):
        request.result()
    assert not Path(str(long_work["folder"])).exists()

    again = client.request("reconstruct", long_work)
    wait_for_progress(again, "features")


@posix_only
def test_a_worker_that_does_not_listen_is_killed(client: WorkerClient, long_work: dict[str, object]) -> None:
    request, pid = busy(client, long_work)
    os.kill(pid, signal.SIGSTOP)
    request.cancel()
    assert request.wait(PATIENCE)
    with pytest.raises(Cancelled):
        request.result()
    assert ended(pid)


@posix_only
def test_what_is_asked_while_a_worker_is_being_ended_goes_to_another(
    client: WorkerClient, long_work: dict[str, object], scene: Scene
) -> None:
    request, pid = busy(client, long_work)
    os.kill(pid, signal.SIGSTOP)
    request.cancel()
    time.sleep(protocol.TERMINATE_AFTER)
    client.poll()
    again = client.request("segment", Segment(str(scene.folder), "Ball", one_group([CLICK])).to_json())
    assert request.done and ended(pid)
    assert again.wait(PATIENCE)
    assert again.result()["object"] == "Ball"


def test_a_waiting_request_can_be_cancelled(client: WorkerClient, long_work: dict[str, object]) -> None:
    running = client.request("reconstruct", long_work)
    waiting = client.request("reconstruct", long_work)
    wait_for_progress(running)
    waiting.cancel()
    assert waiting.wait(PATIENCE)
    with pytest.raises(Cancelled):
        waiting.result()
    assert not running.done


@posix_only
def test_death_is_explained_and_the_next_request_starts_a_new_worker(
    client: WorkerClient, long_work: dict[str, object], scene: Scene
) -> None:
    request, pid = busy(client, long_work)
    os.kill(pid, signal.SIGSEGV)
    assert request.wait(PATIENCE)
    with pytest.raises(WorkerError, match=r"signal 11") as caught:
        request.result()
    # The worker's last words: where its threads were, from faulthandler.
    assert "Segmentation fault" in caught.value.message
    again = client.request("segment", Segment(str(scene.folder), "Ball", one_group([CLICK])).to_json())
    assert again.wait(PATIENCE)
    assert again.result()["object"] == "Ball"
    assert client.pid != pid


def test_last_words_are_the_end_of_a_log_or_the_beginning_of_a_crash() -> None:
    log = b"INFO worker: begun\n" * 1000 + b"ERROR worker: the disk is full\n"
    assert last_words(io.BytesIO(log)).endswith("the disk is full")
    assert len(last_words(io.BytesIO(log))) <= STDERR_TAIL
    # Killed while libraries are imported there is a line for each of a hundred frames.
    crash = b"Fatal Python error: Segmentation fault\n" + b'  File "library.py", line 7 in load\n' * 500
    assert last_words(io.BytesIO(log + crash)).startswith("Fatal Python error: Segmentation fault\n  File")
    assert last_words(io.BytesIO(b"")) == ""


@posix_only
def test_a_worker_killed_outright_is_reported(client: WorkerClient, long_work: dict[str, object]) -> None:
    request, pid = busy(client, long_work)
    os.kill(pid, signal.SIGKILL)
    assert request.wait(PATIENCE)
    with pytest.raises(WorkerError, match="signal 9, perhaps out of memory"):
        request.result()
    assert client.pid is None


def test_a_worker_of_another_version_is_explained(
    client: WorkerClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The extension was updated while Blender ran: old code here, new code in the worker's process.
    monkeypatch.setattr(protocol, "PROTOCOL_VERSION", protocol.PROTOCOL_VERSION + 1)
    request = client.request("segment", {"scene": "a", "object": "b", "prompts": []})
    assert request.wait(PATIENCE)
    with pytest.raises(WorkerError, match="restart Blender"):
        request.result()
    assert client.pid is None


def test_an_exit_code_is_reported(tmp_path: Path) -> None:
    # A Python that cannot find the package ends at once with 1.
    client = WorkerClient(python=sys.executable)
    client._environment["PYTHONPATH"] = str(tmp_path)
    request = client.request("segment", {})
    assert request.wait(PATIENCE)
    with pytest.raises(WorkerError, match=r"exit code 1.*\n.*wildseg3d_blender"):
        request.result()
    client.close()


def test_no_python_is_explained(tmp_path: Path) -> None:
    client = WorkerClient(python=str(tmp_path / "python"))
    with pytest.raises(WorkerError, match="could not be started"):
        client.request("segment", {})
    client.close()


@posix_only
def test_the_worker_ends_when_its_parent_is_killed(long_work: dict[str, object]) -> None:
    parent_code = (
        "import sys, json, time\n"
        "from wildseg3d_blender.addon.session.worker_client import WorkerClient\n"
        "client = WorkerClient()\n"
        "request = client.request('reconstruct', json.loads(sys.argv[1]))\n"
        "while request.progress is None:\n"
        "    request.wait(0.05)\n"
        "print(client.pid, client._worker.scratch, flush=True)\n"
        "time.sleep(600)\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", parent_code, json.dumps(long_work)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert parent.stdout is not None
    with parent.stdout as stdout:
        pid, scratch = stdout.readline().split()
    assert Path(scratch).is_dir()
    time.sleep(0.5)
    parent.kill()
    parent.wait()
    wait_until(lambda: ended(int(pid)))
    assert not Path(scratch).exists()


@posix_only
def test_an_ordinary_exit_leaves_no_worker() -> None:
    parent_code = (
        "from wildseg3d_blender.addon.session.worker_client import WorkerClient\n"
        "client = WorkerClient()\n"
        "client.request('segment', {'scene': '/no', 'object': 'A', 'prompts': []}).wait()\n"
        "print(client.pid)\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", parent_code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=PATIENCE,
    )
    assert ended(int(run.stdout))


@posix_only
def test_workers_leave_no_threads_descriptors_zombies_or_files(tmp_path: Path) -> None:
    def open_descriptors() -> set[Path]:
        # What an earlier test left to the collector may close at any moment; only what is new counts.
        gc.collect()
        links = Path("/proc/self/fd").glob("*")
        return {link.readlink() for link in links if link.is_symlink()}

    threads, descriptors = set(threading.enumerate()), open_descriptors()
    left = []
    for kill in (True, False, True):
        client = WorkerClient()
        request = client.request("segment", {"scene": str(tmp_path), "object": "A", "prompts": []})
        assert request.wait(PATIENCE)
        assert client.pid is not None and client._worker is not None
        assert client._worker.scratch is not None and client._worker.scratch.is_dir()
        left.append(client._worker.scratch)
        if kill:
            pid = client.pid
            os.kill(pid, signal.SIGKILL)
            deadline = time.monotonic() + PATIENCE
            while client.pid is not None and time.monotonic() < deadline:
                client.poll(block=0.02)
            with pytest.raises(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
        client.close()
    wait_until(lambda: not set(threading.enumerate()) - threads)
    wait_until(lambda: not open_descriptors() - descriptors)
    assert not [folder for folder in left if folder.exists()]


def test_closing_ends_what_runs(long_work: dict[str, object]) -> None:
    client = WorkerClient()
    request, pid = busy(client, long_work)
    client.close()
    with pytest.raises(Cancelled):
        request.result()
    assert ended(pid)
