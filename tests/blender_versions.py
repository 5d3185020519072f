# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the add-on's tests under every supported Blender that has a module for Python 3.11.

    python tests/blender_versions.py            all versions
    python tests/blender_versions.py 4.2 -k split    one version, the rest goes to pytest

Each version gets an environment of its own, .venv-bpy42 and so on, made when it is missing. Everything in it
comes from vendor/dev.lock by hash, but for Blender's module, which is pinned here.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).absolute().parents[1]
VERSIONS = {"4.2": "4.2.23", "4.5": "4.5.15", "5.0": "5.0.1"}
NOT_NEEDED = ("bpy", "mypy", "ruff")
"""Locked for development, but not for these tests; or, Blender itself, locked to another version."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Test under each version; the exit code is 1 when any failed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("version", nargs="?", choices=[*VERSIONS, "all"], default="all")
    chosen, for_pytest = parser.parse_known_args(arguments)
    failed = []
    for version in VERSIONS if chosen.version == "all" else [chosen.version]:
        python = _environment(version)
        print(f"== Blender {VERSIONS[version]}", flush=True)
        if _run_tests(python, for_pytest) != 0:
            failed.append(version)
    print(f"Failed: {', '.join(failed)}" if failed else "All passed.")
    return 1 if failed else 0


def _run_tests(python: Path, for_pytest: Sequence[str]) -> int:
    tests = sorted(str(file.relative_to(ROOT)) for file in (ROOT / "tests").glob("test_addon*.py"))
    command = [str(python), "-m", "pytest", "-q", "-m", "not slow", "-p", "no:cacheprovider"]
    return subprocess.run([*command, *tests, *for_pytest], cwd=ROOT, check=False).returncode


def _environment(version: str) -> Path:
    """The Python of the version's environment, which is made when it is missing or was left half made."""
    folder = ROOT / f".venv-bpy{version.replace('.', '')}"
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    ready = folder / ".ready"
    lock = (ROOT / "vendor" / "dev.lock").read_text(encoding="utf-8")
    stamp = f"bpy=={VERSIONS[version]}\n{lock}"
    if ready.is_file() and ready.read_text(encoding="utf-8") == stamp:
        return python
    print(f"== Making {folder.name}", flush=True)
    venv.create(folder, clear=True, with_pip=True)
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
    with tempfile.TemporaryDirectory() as temporary:
        requirements = Path(temporary) / "requirements.txt"
        requirements.write_text("\n".join(_needed(lock)), encoding="utf-8")
        subprocess.run(
            [*pip, "--require-hashes", "--only-binary", ":all:", "-r", str(requirements)], check=True
        )
    subprocess.run([*pip, "--only-binary", ":all:", f"bpy=={VERSIONS[version]}"], check=True)
    ready.write_text(stamp, encoding="utf-8")
    return python


def _needed(lock: str) -> Iterator[str]:
    """The lock's requirements, each with its hashes, without those that are ``NOT_NEEDED``."""
    keep = True
    for line in lock.splitlines():
        if line and not line[0].isspace():
            keep = line.partition("==")[0] not in NOT_NEEDED
        if keep:
            yield line


if __name__ == "__main__":
    sys.exit(main())
