# SPDX-License-Identifier: GPL-3.0-or-later
"""What an environment is made of, and where the packages come from.

Which build of torch fits is known on the user's machine only, and PyTorch's own index has some twenty of
each version; a lock made elsewhere cannot hold their hashes. So there are two locks. ``requirements.lock``
and ``dust3r.lock`` are ours: every version and hash of everything but torch. ``torch.in`` pins torch's
version; on the machine, before the first large download, uv picks the build for its graphics card
(``--torch-backend=auto``) and writes that build's hashes and those of what it needs, as the index states
them, into ``torch.lock`` beside the environment. Both are then installed with ``--require-hashes``: nothing
comes in that was not named before, and starting again fetches the very same files.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

ROOT = Path(__file__).absolute().parents[2]
LOCKS = ROOT / "vendor" / "neural"

PYTHONS = ((3, 11), (3, 13))
"""The oldest and the newest Python that the locks hold files for."""

NEEDED_BYTES = {"cpu": 2_000_000_000, "cu": 9_000_000_000, "rocm": 24_000_000_000, "xpu": 8_000_000_000}
"""Room an environment takes by kind of torch build, while it is made. The CPU's was measured (1.3 GB) and
rounded up; CUDA's is three times its downloads (2.9 GB); the other two are estimates, on the safe side."""

CHECK = "wildseg3d_blender.neural.inside.check"


@dataclass(frozen=True)
class Recipe:
    """The locks to install from, and the module that proves the result: run with ``-m`` by the new
    interpreter, it prints one JSON object as its last line. ``needed_bytes`` is the room it takes."""

    locks: Path = LOCKS
    check: str = CHECK
    needed_bytes: Mapping[str, int] = field(default_factory=lambda: NEEDED_BYTES)

    def requirements(self, dust3r: bool) -> list[Path]:
        """The locks of ours to install."""
        names = ["requirements.lock", *(["dust3r.lock"] if dust3r else [])]
        return [self.locks / name for name in names]

    @property
    def torch(self) -> Path:
        """torch's pinned version."""
        return self.locks / "torch.in"

    @property
    def installer(self) -> Path:
        """The lock of uv."""
        return self.locks / "uv.lock"

    def digest(self) -> str:
        """Changes whenever an environment made before is out of date."""
        files = [*sorted(self.locks.glob("*.lock")), self.torch]
        return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:16]


@dataclass(frozen=True)
class Source:
    """Where packages come from.

    Attributes:
        torch_backend: uv's name of the torch build: "auto", "cpu", "cu130", "rocm7.2" ..., or "none" to take
            torch from the index like everything else, as a mirror or a folder of wheels needs.
        index: an index to use instead of PyPI.
        find_links: folders or pages with wheels, looked at first.
        online: whether the internet may be used.
    """

    torch_backend: str = "auto"
    index: str = ""
    find_links: tuple[str, ...] = ()
    online: bool = True

    @property
    def is_local(self) -> bool:
        """Whether everything comes from this machine's own disks."""
        places = [*self.find_links, *([self.index] if self.index else [])]
        return bool(places) and all(urlsplit(place).scheme not in ("http", "https") for place in places)

    def uv_options(self) -> list[str]:
        """For ``uv pip``."""
        return self._options("--default-index")

    def pip_options(self) -> list[str]:
        """For pip."""
        return self._options("--index-url")

    def _options(self, index: str) -> list[str]:
        options = [word for place in self.find_links for word in ("--find-links", place)]
        if self.index:
            return [*options, index, self.index]
        return options if self.online else ["--no-index", *options]


def kind_of_build(torch_lock: str) -> str:
    """The key of ``NEEDED_BYTES`` for a torch lock: by the build's name, or by what torch brings along."""
    pins = [line for line in torch_lock.splitlines() if "==" in line]
    version = next((line.split()[0].split("==")[1] for line in pins if line.startswith("torch==")), "")
    build = version.partition("+")[2]
    for kind in ("cu", "rocm", "xpu"):
        if build.startswith(kind):
            return kind
    return "cu" if not build and any(line.startswith("nvidia-") for line in pins) else "cpu"
