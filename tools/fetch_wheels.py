# SPDX-License-Identifier: GPL-3.0-or-later
"""The wheels that the extension bundles: pinned by name and sha256 in ``vendor/wheels.lock``.

    python tools/fetch_wheels.py --platform linux-x64    fetch and check what the lock names
    python tools/fetch_wheels.py --lock                  write the lock anew, for all platforms

The lock's lines are sha256sum's: a hash and a file name. Versions come from ``vendor/dev.lock``, so that
what is tested is what is shipped. numpy is not bundled: Blender brings it.
"""

from __future__ import annotations

import argparse
import hashlib
import platform
import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).absolute().parents[1]
WHEELS = ROOT / "vendor" / "wheels"
WHEELS_LOCK = ROOT / "vendor" / "wheels.lock"
DEV_LOCK = ROOT / "vendor" / "dev.lock"

PYTHONS = ("311", "313")
"""Pythons inside the supported Blenders: 3.11 up to 5.0, 3.13 from 5.1 on and in some distributions."""

PLATFORMS: dict[str, tuple[str, ...]] = {
    "linux-x64": tuple(
        f"{tag}_x86_64" for tag in ("manylinux_2_28", "manylinux_2_27", "manylinux_2_17", "manylinux2014")
    ),
    "windows-x64": ("win_amd64",),
    "macos-arm64": tuple(f"macosx_{major}_0_arm64" for major in (14, 13, 12, 11)),
}
"""Blender's name of a platform -> the wheel tags that run on every machine of it, newest first."""


@dataclass(frozen=True)
class Wheel:
    """One line of the lock."""

    file: str
    sha256: str

    @property
    def requirement(self) -> str:
        """``name==version``."""
        name, version = self.file.split("-")[:2]
        return f"{normalised(name)}=={version}"

    @property
    def platform(self) -> str:
        """Blender's name of the platform the wheel is for."""
        tags = set(self.file.removesuffix(".whl").split("-")[-1].split("."))
        return next(name for name, known in PLATFORMS.items() if tags & set(known))


def normalised(name: str) -> str:
    """A package name as registries compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def this_platform() -> str:
    """Blender's name of the platform this runs on."""
    system = {"Darwin": "macos", "Windows": "windows"}.get(platform.system(), platform.system().lower())
    machine = {"x86_64": "x64", "AMD64": "x64", "aarch64": "arm64"}.get(
        platform.machine(), platform.machine()
    )
    return f"{system}-{machine}"


def read_lock() -> list[Wheel]:
    """All wheels of the lock, in file name order."""
    lines = WHEELS_LOCK.read_text(encoding="utf-8").splitlines()
    return [Wheel(file, sha256) for sha256, file in (line.split() for line in lines)]


def bundled_pins() -> dict[str, str]:
    """Package name -> version, for what pyproject.toml asks for at run time, numpy left out."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = {normalised(re.split(r"[^A-Za-z0-9._-]", item)[0]) for item in project["dependencies"]}
    pins = re.findall(r"^([A-Za-z0-9._-]+)==(\S+)", DEV_LOCK.read_text(encoding="utf-8"), re.MULTILINE)
    return {normalised(name): version for name, version in pins if normalised(name) in wanted - {"numpy"}}


def fetch(wheels: Iterable[Wheel], folder: Path = WHEELS) -> list[Path]:
    """Bring the wheels into ``folder`` and return their paths; a file that is there and right is kept.

    Raises:
        SystemExit: a wheel cannot be had, or its hash is not the lock's.
    """
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for wheel in wheels:
        path = folder / wheel.file
        if not path.is_file() or sha256_of(path) != wheel.sha256:
            path.unlink(missing_ok=True)
            print(f"fetching {wheel.file}")
            _download(wheel, folder)
        paths.append(path)
    return paths


def sha256_of(path: Path) -> str:
    """Hex digest of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _download(wheel: Wheel, folder: Path) -> None:
    python, abi, platforms = wheel.file.removesuffix(".whl").split("-")[-3:]
    with tempfile.TemporaryDirectory() as scratch:
        wanted = Path(scratch) / "wanted.txt"
        wanted.write_text(f"{wheel.requirement} --hash=sha256:{wheel.sha256}\n", encoding="utf-8")
        _pip_download(
            ["--require-hashes", "--requirement", str(wanted)],
            python.removeprefix("cp"),
            abi,
            platforms.split("."),
            folder,
        )
    if not (folder / wheel.file).is_file():
        sys.exit(f"{wheel.requirement} came under another name than {wheel.file}: renew the lock (--lock).")


def _pip_download(what: list[str], python: str, abi: str, platforms: Sequence[str], folder: Path) -> None:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    command += ["--no-deps", "--only-binary", ":all:", "--implementation", "cp", "--python-version", python]
    command += [word for tag in platforms for word in ("--platform", tag)]
    command += ["--abi", abi, "--dest", str(folder), *what]
    if subprocess.run(command, check=False).returncode:
        sys.exit("pip could not fetch it; see above.")


def _write_lock() -> None:
    wanted = [f"{name}=={version}" for name, version in sorted(bundled_pins().items())]
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        for name, tags in PLATFORMS.items():
            for python in PYTHONS:
                print(f"resolving {name}, Python {python}")
                for requirement in wanted:
                    _pip_download(
                        [requirement, "--abi", "abi3", "--abi", "none"], python, f"cp{python}", tags, folder
                    )
        lines = [f"{sha256_of(path)}  {path.name}\n" for path in sorted(folder.glob("*.whl"))]
    WHEELS_LOCK.write_text("".join(lines), encoding="utf-8")
    print(f"{WHEELS_LOCK}: {len(lines)} wheels")


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--platform", choices=PLATFORMS, default=this_platform())
    parser.add_argument("--lock", action="store_true", help="write vendor/wheels.lock anew")
    arguments = parser.parse_args()
    if arguments.lock:
        _write_lock()
    else:
        fetch(wheel for wheel in read_lock() if wheel.platform == arguments.platform)


if __name__ == "__main__":
    main()
