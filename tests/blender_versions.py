# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the add-on's tests under every supported Blender that comes as a Python module.

    python tests/blender_versions.py            all versions
    python tests/blender_versions.py 4.2 -k split    one version, the rest goes to pytest

Each version gets an environment of its own, .venv-bpy42 and so on, made when it is missing. Everything in it
comes from vendor/dev.lock by hash, but for Blender's module and what it alone needs, which are pinned here.
Each Blender knows one Python only: python3.11 and python3.13 have to be on the PATH, or PYTHON311 and
PYTHON313 say where they are.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).absolute().parents[1]
NOT_NEEDED = ("bpy", "mypy", "ruff")
"""Locked for development, but not for these tests; or, Blender itself, locked to another version."""


@dataclass(frozen=True)
class Blender:
    """A Blender to test under.

    Attributes:
        module: its module's version.
        python: the Python it knows.
        pins: what replaces the lock's versions.
        ends_badly: its module dies while the process ends, see ``pytest_ending_early``.
    """

    module: str
    python: str = "3.11"
    pins: tuple[str, ...] = ()
    ends_badly: bool = False


VERSIONS = {
    "4.2": Blender("4.2.23", ends_badly=True),
    "4.5": Blender("4.5.15"),
    "5.0": Blender("5.0.1"),
    "5.2": Blender("5.2.3", "3.13", ("numpy==2.4.6", "cattrs==26.2.1", "attrs==26.1.0")),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Test under each version; the exit code is 1 when any failed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("version", nargs="?", choices=[*VERSIONS, "all"], default="all")
    chosen, for_pytest = parser.parse_known_args(arguments)
    failed = []
    for version in VERSIONS if chosen.version == "all" else [chosen.version]:
        python = _environment(version)
        print(f"== Blender {VERSIONS[version].module}", flush=True)
        if _run_tests(python, for_pytest, VERSIONS[version].ends_badly) != 0:
            failed.append(version)
    print(f"Failed: {', '.join(failed)}" if failed else "All passed.")
    return 1 if failed else 0


def _run_tests(python: Path, for_pytest: Sequence[str], ends_badly: bool) -> int:
    tests = sorted(str(file.relative_to(ROOT)) for file in (ROOT / "tests").glob("test_addon*.py"))
    pytest = ["tests/pytest_ending_early.py"] if ends_badly else ["-m", "pytest"]
    command = [str(python), *pytest, "-q", "-m", "not slow", "-p", "no:cacheprovider"]
    return subprocess.run([*command, *tests, *for_pytest], cwd=ROOT, check=False).returncode


def _environment(version: str) -> Path:
    """The Python of the version's environment, which is made when it is missing or was left half made."""
    folder = ROOT / f".venv-bpy{version.replace('.', '')}"
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    ready = folder / ".ready"
    lock = (ROOT / "vendor" / "dev.lock").read_text(encoding="utf-8")
    blender = VERSIONS[version]
    stamp = f"{blender.module} {blender.python} {blender.pins}\n{lock}"
    if ready.is_file() and ready.read_text(encoding="utf-8") == stamp:
        return python
    print(f"== Making {folder.name}", flush=True)
    subprocess.run([_interpreter(blender.python), "-m", "venv", "--clear", str(folder)], check=True)
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    with tempfile.TemporaryDirectory() as temporary:
        requirements = Path(temporary) / "requirements.txt"
        replaced = tuple(pin.partition("==")[0] for pin in blender.pins)
        requirements.write_text("\n".join(_needed(lock, NOT_NEEDED + replaced)), encoding="utf-8")
        subprocess.run(
            [*pip, "--require-hashes", "--only-binary", ":all:", "-r", str(requirements)], check=True
        )
    pinned = [f"bpy=={blender.module}", *blender.pins]
    subprocess.run([*pip, "--only-binary", ":all:", *pinned], check=True)
    ready.write_text(stamp, encoding="utf-8")
    return python


def _interpreter(version: str) -> str:
    """The Python of a version, from PYTHON311 and the like or from the PATH."""
    found = os.environ.get(f"PYTHON{version.replace('.', '')}") or shutil.which(f"python{version}")
    if found is None:
        raise SystemExit(f"Python {version} is needed: set PYTHON{version.replace('.', '')} to where it is.")
    return found


def _needed(lock: str, left_out: Sequence[str]) -> Iterator[str]:
    """The lock's requirements, each with its hashes, without those that are left out."""
    keep = True
    for line in lock.splitlines():
        if line and not line[0].isspace():
            keep = line.partition("==")[0] not in left_out
        if keep:
            yield line


if __name__ == "__main__":
    sys.exit(main())
