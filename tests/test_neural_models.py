# SPDX-License-Identifier: GPL-3.0-or-later
"""Model files: fetched from a server on this machine, broken off, gone on with, verified, put by hand."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from wildseg3d_blender.errors import Cancelled, NeuralError
from wildseg3d_blender.neural import licences, models
from wildseg3d_blender.neural.registry import find_model, read_registry

ROOT = Path(__file__).absolute().parents[1]
WEIGHTS = random.Random(7).randbytes(24_000_000)
"""More than twice what the downloader writes at a time (10 MB)."""


@dataclass
class Site:
    """A web server with one file, and what was asked of it.

    Attributes:
        stop_after: bytes it sends of the next answer before it falls silent, as a dying connection does.
        ranges: the Range header of each request, "" where there was none.
    """

    content: bytes = WEIGHTS
    stop_after: int | None = None
    ranges: list[str] = field(default_factory=list)
    released: threading.Event = field(default_factory=threading.Event)
    url: str = ""


@pytest.fixture
def site() -> Iterator[Site]:
    """The server, on a free port."""
    state = Site()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = self.headers.get("Range", "")
            state.ranges.append(asked)
            start = int(asked.removeprefix("bytes=").split("-")[0]) if asked else 0
            body = state.content[start:]
            self.send_response(206 if asked else 200)
            self.send_header("Content-Length", str(len(body)))
            if asked:
                whole = len(state.content)
                self.send_header("Content-Range", f"bytes {start}-{whole - 1}/{whole}")
            self.end_headers()
            limit, state.stop_after = state.stop_after, None
            self.wfile.write(body[:limit])
            if limit is not None:
                self.wfile.flush()
                state.released.wait()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{server.server_address[1]}/maker/net/resolve/0123abc/model.safetensors"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield state
    state.released.set()
    server.shutdown()
    thread.join()
    server.server_close()


def write_registry(
    folder: Path, url: str, *, sha256: str | None = None, size: int = len(WEIGHTS), restriction: str = ""
) -> Path:
    """A registry of one model named ``net``."""
    sha256 = hashlib.sha256(WEIGHTS).hexdigest() if sha256 is None else sha256
    texts = {
        "name": "net",
        "title": "Net",
        "engine": "dust3r",
        "config": "",
        "page": "",
        "url": url,
        "sha256": sha256,
        "licence": "NC-1.0",
        "licence_page": "https://example.org/nc",
        "restriction": restriction,
        "good_for": "Tests.",
    }
    path = folder / "models.toml"
    lines = [f'{key} = "{value}"' for key, value in texts.items()]
    path.write_text("\n".join(["[[model]]", f"bytes = {size}", *lines]))
    return path


@pytest.fixture(autouse=True)
def no_cache_of_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    for name in ("NO_PROXY", "no_proxy"):  # the server is on this machine
        monkeypatch.setenv(name, "127.0.0.1,localhost")


def fetch(folder: Path, registry: Path, **how: object) -> Path:
    return models.download("net", folder, registry, python=Path(sys.executable), **how)  # type: ignore[arg-type]


def test_downloaded_verified_and_found_again(site: Site, tmp_path: Path) -> None:
    registry, folder = write_registry(tmp_path, site.url), tmp_path / "models"
    seen: list[float] = []

    def progress(stage: str, fraction: float, text: str = "") -> None:
        seen.append(fraction)
        assert text

    path = fetch(folder, registry, progress=progress)
    assert path == folder / "net.safetensors" and path.read_bytes() == WEIGHTS
    assert max(seen) == 1.0
    assert fetch(folder, registry) == path and len(site.ranges) == 1
    assert models.path_of("net", folder, registry) == path
    status = models.statuses(folder, registry)[0]
    assert (status.path, status.partial) == (path, 0)


def test_killed_in_the_middle_it_goes_on_from_there(site: Site, tmp_path: Path) -> None:
    registry, folder = write_registry(tmp_path, site.url), tmp_path / "models"
    site.stop_after = 21_000_000
    script = (
        "import sys; from pathlib import Path; from wildseg3d_blender.neural import models\n"
        "say = lambda stage, fraction, text='': print(fraction, flush=True)\n"
        "models.download('net', Path(sys.argv[1]), Path(sys.argv[2]), python=Path(sys.executable), "
        "progress=say)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, str(folder), str(registry)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        assert any(float(line) > 0.8 for line in process.stdout)
        process.send_signal(signal.SIGKILL)
    kept = models.statuses(folder, registry)[0].partial
    assert 20_000_000 <= kept < len(WEIGHTS)
    site.released.set()

    path = fetch(folder, registry)
    assert path.read_bytes() == WEIGHTS
    start = int(site.ranges[-1].removeprefix("bytes=").rstrip("-"))
    assert start >= kept, site.ranges


def test_cancelled_it_keeps_what_came(site: Site, tmp_path: Path) -> None:
    registry, folder = write_registry(tmp_path, site.url), tmp_path / "models"
    site.stop_after = 15_000_000

    def stop(stage: str, fraction: float, text: str = "") -> None:
        if fraction > 0.4:
            raise Cancelled

    with pytest.raises(Cancelled):
        fetch(folder, registry, progress=stop)
    assert models.statuses(folder, registry)[0].partial == 10_485_760
    site.released.set()
    assert fetch(folder, registry).read_bytes() == WEIGHTS
    assert site.ranges[-1] == "bytes=10485760-"


def test_a_wrong_file_is_refused_and_not_kept(site: Site, tmp_path: Path) -> None:
    registry, folder = write_registry(tmp_path, site.url), tmp_path / "models"
    site.content = WEIGHTS[:-1] + b"!"
    with pytest.raises(NeuralError, match=r"not Net as published \(sha256 .* and was removed"):
        fetch(folder, registry)
    assert models.statuses(folder, registry)[0].path is None
    assert not [path for path in folder.iterdir() if path.stat().st_size]
    site.content = WEIGHTS
    assert fetch(folder, registry).read_bytes() == WEIGHTS


def test_a_server_that_has_nothing_is_named(site: Site, tmp_path: Path) -> None:
    registry = write_registry(tmp_path, site.url.replace("127.0.0.1", "localhost").rsplit(":", 1)[0] + ":9/x")
    with pytest.raises(NeuralError, match=r"Net could not be downloaded .*by hand and put it at"):
        fetch(tmp_path / "models", registry)


def test_offline_nothing_is_fetched(tmp_path: Path) -> None:
    registry = write_registry(tmp_path, "https://example.org/maker/net/resolve/0/model.safetensors")
    with pytest.raises(NeuralError, match="Edit > Preferences > System > Network"):
        fetch(tmp_path / "models", registry, online=False)


def test_too_little_space_is_refused_before_the_download(site: Site, tmp_path: Path) -> None:
    registry = write_registry(tmp_path, site.url, size=10**17)
    with pytest.raises(NeuralError, match=r"Net needs 100000000\.0 GB"):
        fetch(tmp_path / "models", registry)
    assert not site.ranges


def test_a_licence_that_restricts_is_accepted_once(site: Site, tmp_path: Path) -> None:
    registry, folder = write_registry(tmp_path, site.url, restriction="no selling."), tmp_path / "models"
    with pytest.raises(NeuralError, match=r"NC-1\.0: no selling\. Read https://example\.org/nc"):
        fetch(folder, registry)
    with pytest.raises(NeuralError, match="no selling"):
        models.path_of("net", folder, registry)
    assert not site.ranges and not licences.dust3r_wanted(folder, registry)
    licences.accept(find_model("net", registry), folder)
    assert fetch(folder, registry).exists() and licences.dust3r_wanted(folder, registry)
    date = models.statuses(folder, registry)[0].accepted
    assert len(date.split("-")) == 3
    registry.write_text(registry.read_text().replace("NC-1.0", "NC-2.0"))
    with pytest.raises(NeuralError, match=r"NC-2\.0"):
        models.path_of("net", folder, registry)


def test_a_file_put_by_hand_is_verified_too(tmp_path: Path) -> None:
    registry, folder = write_registry(tmp_path, "https://example.org/model.safetensors"), tmp_path / "models"
    with pytest.raises(NeuralError, match=r"put the file of https://example\.org/model\.safetensors at "):
        models.path_of("net", folder, registry)
    folder.mkdir()
    file = folder / "net.safetensors"
    file.write_bytes(b"pickled surprise")
    with pytest.raises(NeuralError, match="is not Net as published"):
        models.path_of("net", folder, registry)
    file.write_bytes(WEIGHTS)
    assert models.path_of("net", folder, registry) == file
    file.write_bytes(WEIGHTS[::-1])
    with pytest.raises(NeuralError, match="is not Net as published"):
        models.path_of("net", folder, registry)


def test_without_a_known_hash_only_a_confirmed_file_is_loaded(site: Site, tmp_path: Path) -> None:
    registry, folder = write_registry(tmp_path, site.url, sha256="", size=0), tmp_path / "models"
    with pytest.raises(NeuralError, match="hash of Net is not known, so it is not downloaded unseen"):
        fetch(folder, registry)
    folder.mkdir()
    file = folder / "net.safetensors"
    with pytest.raises(NeuralError, match="There is no file"):
        models.confirm("net", folder, registry)
    file.write_bytes(b"right")
    with pytest.raises(NeuralError, match="confirm it once"):
        models.path_of("net", folder, registry)
    models.confirm("net", folder, registry)
    assert models.path_of("net", folder, registry) == file
    file.write_bytes(b"wrong!")
    with pytest.raises(NeuralError, match="is not Net as published"):
        models.path_of("net", folder, registry)
    assert not site.ranges


def test_what_other_programs_fetched_is_used_where_it_is(site: Site, tmp_path: Path) -> None:
    registry, folder = write_registry(tmp_path, site.url), tmp_path / "models"
    cached = tmp_path / "hub" / "models--maker--net" / "snapshots" / "0123abc" / "model.safetensors"
    cached.parent.mkdir(parents=True)
    cached.write_bytes(WEIGHTS)
    assert fetch(folder, registry) == cached
    assert not site.ranges


def test_the_registry_is_whole() -> None:
    entries = {model.name: model for model in read_registry()}
    assert list(entries) == [
        *("dust3r-512-dpt", "dust3r-224-linear"),
        *("sam2.1-tiny", "sam2.1-small", "sam2.1-base-plus", "sam2.1-large"),
    ]
    for name, model in entries.items():
        assert model.url.startswith("https://huggingface.co/") and model.url.startswith(model.page)
        assert bool(model.restriction) == (model.engine == "dust3r")
        assert bool(model.config) == (model.engine == "sam2")
        if name == "dust3r-224-linear":
            assert not model.sha256 and not model.bytes
        else:
            assert len(model.sha256) == 64 and model.bytes > 10**8
            assert len(model.url.split("/resolve/")[1].split("/")[0]) == 40  # a revision, not a branch
    with pytest.raises(NeuralError, match=r"There is no model 'sam3': choose one of dust3r-512-dpt"):
        find_model("sam3")
