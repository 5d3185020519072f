# SPDX-License-Identifier: GPL-3.0-or-later
"""The worker as a real process, spoken to line by line."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.waiting import PATIENCE
from wildseg3d_blender import __version__
from wildseg3d_blender.errors import SceneError
from wildseg3d_blender.worker import protocol
from wildseg3d_blender.worker.messages import Initialize, Initialized
from wildseg3d_blender.worker.protocol import PROTOCOL_VERSION

ROOT = Path(__file__).absolute().parents[1]


class Peer:
    """A worker process and its two pipes."""

    def __init__(self, temporary: Path, *command: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, *command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=ROOT,
            env={**os.environ, "TMPDIR": str(temporary)},
        )
        assert self.process.stdin is not None and self.process.stdout is not None
        self.stdin, self.stdout = self.process.stdin, self.process.stdout

    def send(self, line: bytes) -> None:
        self.stdin.write(line)
        self.stdin.flush()

    def receive(self) -> dict[str, Any]:
        return protocol.decode(self.stdout.readline())

    def ask(self, id: int, method: str, params: Any) -> dict[str, Any]:
        self.send(protocol.request(id, method, params))
        return self.receive()

    def initialize(self) -> dict[str, Any]:
        return self.ask(0, "initialize", Initialize(PROTOCOL_VERSION).to_json())


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Peer]]:
    peers: list[Peer] = []

    def start(*command: str) -> Peer:
        peers.append(Peer(tmp_path, *(command or ("-m", "wildseg3d_blender.worker"))))
        return peers[-1]

    yield start
    for peer in peers:
        peer.process.kill()
        peer.process.wait()
        for pipe in (peer.process.stdin, peer.process.stdout, peer.process.stderr):
            if pipe is not None:
                pipe.close()


def test_it_introduces_itself(start: Callable[..., Peer]) -> None:
    peer = start()
    answer = Initialized.from_json(peer.initialize()["result"])
    assert answer.version == __version__
    assert answer.pid == peer.process.pid


def test_another_protocol_version_is_explained(start: Callable[..., Peer]) -> None:
    answer = start().ask(1, "initialize", {"protocol_version": PROTOCOL_VERSION + 1})
    assert "restart Blender" in answer["error"]["message"]


def test_nothing_works_before_initialize(start: Callable[..., Peer]) -> None:
    answer = start().ask(1, "segment", {"scene": "a", "object": "b", "groups": []})
    assert answer["error"]["code"] == protocol.NOT_INITIALIZED


def test_nonsense_is_answered_and_does_no_harm(start: Callable[..., Peer]) -> None:
    peer = start()
    peer.initialize()
    for line, id, code in (
        (b"Segmentation fault\n", None, protocol.PARSE_ERROR),
        (b"\xff\xfe\xfd\n", None, protocol.PARSE_ERROR),
        (b"[]\n", None, protocol.INVALID_REQUEST),
        (protocol.encode({"id": "seven", "method": "segment"}), None, protocol.INVALID_REQUEST),
        (protocol.request(1, "paint", {}), 1, protocol.METHOD_NOT_FOUND),
        (protocol.request(2, "reconstruct", {"photos": "all"}), 2, protocol.INVALID_PARAMS),
        (protocol.notification("cancel", {"id": "all"}), None, protocol.INVALID_PARAMS),
    ):
        peer.send(line)
        answer = peer.receive()
        assert (answer["id"], answer["error"]["code"]) == (id, code), line
    peer.send(b"\n")
    peer.send(protocol.notification("cancel", {"id": 99}))
    peer.send(protocol.notification("hello", {}))
    missing = peer.ask(3, "segment", {"scene": "/no/such/scene", "object": "b", "groups": []})
    assert isinstance(protocol.error_from_json(missing["error"]), SceneError)
    assert missing["error"]["data"]["fix"] == "wildseg3d.reconstruct"


def test_shutdown_ends_it(start: Callable[..., Peer], tmp_path: Path) -> None:
    peer = start()
    peer.initialize()
    assert peer.ask(1, "shutdown", {})["result"] is None
    assert peer.process.wait(PATIENCE) == 0
    assert not list(tmp_path.iterdir())


def test_it_ends_with_its_input(start: Callable[..., Peer], tmp_path: Path) -> None:
    # With the time it may take, as any test does: a busy machine wakes a thread late.
    patient = (
        "from wildseg3d_blender.worker import server\n"
        "from wildseg3d_blender.worker.__main__ import main\n"
        f"server.ORPHAN_GRACE = {PATIENCE}\n"
        "main()\n"
    )
    peer = start("-c", patient)
    peer.initialize()
    assert list(tmp_path.iterdir())
    peer.stdin.close()
    assert peer.process.wait(PATIENCE) == 0
    assert not list(tmp_path.iterdir())


@pytest.mark.skipif(os.name != "posix", reason="interrupts are sent with POSIX signals here")
def test_an_interrupt_while_idle_does_not_end_it(start: Callable[..., Peer]) -> None:
    peer = start()
    peer.initialize()
    peer.process.send_signal(signal.SIGINT)
    time.sleep(0.1)
    assert peer.initialize()["result"]["pid"] == peer.process.pid


def test_prints_to_stdout_do_not_reach_the_protocol(start: Callable[..., Peer]) -> None:
    # What a native library does: write to file descriptor 1, from another thread, all the time.
    noisy = (
        "import os, threading\n"
        "from wildseg3d_blender.worker.__main__ import main\n"
        "def noise():\n"
        "    # Once descriptor 0 is the empty device, main has taken the pipes.\n"
        "    while not os.path.samestat(os.fstat(0), os.stat(os.devnull)):\n"
        "        threading.Event().wait(0.002)\n"
        "    while True:\n"
        "        os.write(1, b'native noise ' * 50)\n"
        "        print('python noise', flush=True)\n"
        "        threading.Event().wait(0.002)\n"
        "threading.Thread(target=noise, daemon=True).start()\n"
        "main()\n"
    )
    peer = start("-c", noisy)
    stderr = peer.process.stderr
    assert stderr is not None
    said: list[bytes] = []
    listener = threading.Thread(target=lambda: said.extend(stderr))
    listener.start()
    heard = {b"native noise": False, b"python noise": False}
    for id in itertools.count():
        assert peer.ask(id, "initialize", Initialize(PROTOCOL_VERSION).to_json())["id"] == id
        for line in said:
            heard = {noise: known or noise in line for noise, known in heard.items()}
        if id >= 60 and all(heard.values()):
            break
        time.sleep(0.02)
    peer.stdin.close()
    peer.process.wait(PATIENCE)
    listener.join()
