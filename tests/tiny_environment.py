# SPDX-License-Identifier: GPL-3.0-or-later
"""A neural environment in miniature: its own locks, and a folder of wheels that serves as the index.

Instead of torch there is ``tiny_net``, a wheel built here; its ``tiny_check`` stands where the real check
does and is run the same way. uv's wheel is put together again from the one installed for development.
"""

from __future__ import annotations

import hashlib
import zipfile
from importlib import metadata
from pathlib import Path

from wildseg3d_blender.neural.recipe import Recipe, Source

CHECK = """
import json, tiny_extra
from importlib.metadata import version
print("loading")
print(json.dumps({"versions": {"torch": version("tiny-net")}, "device": "CPU", "dust3r": False}))
"""
ROOM = {"cpu": 100_000_000}


class TinyWorld:
    """Locks and wheels below ``folder``."""

    def __init__(self, folder: Path) -> None:
        self.wheels = folder / "wheels"
        self.locks = folder / "locks"
        self.wheels.mkdir(parents=True)
        self.locks.mkdir()
        self.extra = write_wheel(self.wheels, "tiny_extra", {"tiny_extra.py": "answer = 42\n"})
        write_wheel(self.wheels, "tiny_net", {"tiny_net.py": "", "tiny_check.py": CHECK})
        self._lock("requirements.lock", "tiny-extra", self.extra)
        self._lock("uv.lock", "uv", repack_uv(self.wheels))
        (self.locks / "dust3r.lock").write_text("")
        (self.locks / "torch.in").write_text("tiny-net==1.0\n")
        self.recipe = Recipe(self.locks, "tiny_check", ROOM)
        self.source = Source(torch_backend="none", find_links=(str(self.wheels),), online=False)

    def _lock(self, file: str, name: str, wheel: Path) -> None:
        version, sha256 = wheel.name.split("-")[1], hashlib.sha256(wheel.read_bytes()).hexdigest()
        (self.locks / file).write_text(f"{name}=={version} --hash=sha256:{sha256}\n")


def write_wheel(folder: Path, name: str, files: dict[str, str]) -> Path:
    """A pure wheel of version 1.0 with these modules."""
    path = folder / f"{name}-1.0-py3-none-any.whl"
    info = f"{name}-1.0.dist-info"
    files = {
        **files,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name.replace('_', '-')}\nVersion: 1.0\n",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = "".join(f"{inner},,\n" for inner in files) + f"{info}/RECORD,,\n"
    with zipfile.ZipFile(path, "w") as archive:
        for inner, text in {**files, f"{info}/RECORD": record}.items():
            archive.writestr(inner, text)
    return path


def repack_uv(folder: Path) -> Path:
    """The wheel of the uv that is installed here."""
    installed = metadata.distribution("uv")
    tag = next(line for line in (installed.read_text("WHEEL") or "").splitlines() if line.startswith("Tag: "))
    stem = f"uv-{installed.version}"
    path = folder / f"{stem}-{tag.removeprefix('Tag: ')}.whl"
    names = []
    with zipfile.ZipFile(path, "w") as archive:
        for file in installed.files or ():
            if file.suffix == ".pyc" or file.name in ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json"):
                continue
            inner = f"{stem}.data/scripts/{file.name}" if ".." in file.parts else file.as_posix()
            archive.write(str(file.locate()), inner)
            names.append(inner)
        record = "".join(f"{name},,\n" for name in [*names, f"{stem}.dist-info/RECORD"])
        archive.writestr(f"{stem}.dist-info/RECORD", record)
    return path
