# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the extension: dist/wildseg3d-<version>-<platform>.zip, ready for Blender's "Install from Disk".

    python tools/build_extension.py [--platform linux-x64]

The zip holds the package, the licence, the guide, the locks of the neural environment, the wheels of
``vendor/wheels.lock`` for that platform and the manifest with those wheels listed; nothing else. The same
sources give the same bytes.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import subprocess
import sys
import tomllib
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from docs_pages import page
from fetch_wheels import PLATFORMS, ROOT, fetch, read_lock, sha256_of, this_platform

DIST = ROOT / "dist"
MANIFEST = ROOT / "blender_manifest.toml"
DOCUMENTS = ("guide", "release-notes", "scripting")
"""What of docs/ comes along, as pages."""

EARLIEST = (1980, 1, 1, 0, 0, 0)
"""The one date every entry gets: the first that a zip can hold."""


def build(platform: str, folder: Path = DIST) -> Path:
    """Build the zip for a platform, fetching its wheels where they are missing; returns its path."""
    wheels = fetch(wheel for wheel in read_lock() if wheel.platform == platform)
    identity = tomllib.loads(MANIFEST.read_text(encoding="utf-8"))
    target = folder / f"{identity['id']}-{identity['version']}-{platform}.zip"
    folder.mkdir(exist_ok=True)
    partial = target.with_suffix(".partial")
    write_zip(partial, platform, wheels)
    partial.replace(target)
    return target


def write_zip(target: Path, platform: str, wheels: Sequence[Path]) -> None:
    """Write the extension with these wheels to ``target``."""
    manifest = manifest_with_wheels(platform, [path.name for path in wheels])
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        _add(archive, MANIFEST.name, manifest.encode("utf-8"))
        for path in sorted(source_files()):
            _add(archive, path.relative_to(ROOT).as_posix(), path.read_bytes())
        for name in DOCUMENTS:
            _add(archive, f"docs/{name}.html", page(ROOT / "docs" / f"{name}.md").encode("utf-8"))
        for path in sorted(wheels):
            _add(archive, f"wheels/{path.name}", path.read_bytes())


def source_files() -> Iterator[Path]:
    """What an installed extension needs of this repository, the manifest aside."""
    yield ROOT / "__init__.py"
    yield ROOT / "LICENSE"
    yield from sorted((ROOT / "vendor" / "neural").glob("*.lock"))
    yield from (ROOT / "vendor" / "neural" / name for name in ("torch.in", "models.toml"))
    yield ROOT / "vendor" / "README.md"  # what sentences refer to for doing it by hand
    yield from sorted((ROOT / "docs" / "pictures").glob("*"))
    for path in (ROOT / "wildseg3d_blender").rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts and not path.name.startswith("."):
            yield path


def manifest_with_wheels(platform: str, wheels: Sequence[str]) -> str:
    """The committed manifest with ``platforms`` and ``wheels``.

    A checkout needs no wheels to work, so they are written only here; before the first table, where TOML
    wants the keys of the manifest itself.
    """
    text = MANIFEST.read_text(encoding="utf-8")
    added = {"platforms": [platform], "wheels": [f"./wheels/{name}" for name in sorted(wheels)]}
    lines = "".join(f"{key} = {json.dumps(value, indent=4)}\n" for key, value in added.items())
    head, table, rest = text.partition("\n[")
    return f"{head}\n{lines}{table}{rest}"


def blender_extension_tool() -> list[str]:
    """The command of Blender's own extension tool, as the bpy module brings it."""
    spec = importlib.util.find_spec("bpy")
    if spec is None or spec.origin is None:
        sys.exit("bpy is not installed here: run `make setup`.")
    tools = sorted(Path(spec.origin).parent.glob("*/scripts/addons_core/bl_pkg/cli/blender_ext.py"))
    return [sys.executable, str(tools[-1])]


def _add(archive: zipfile.ZipFile, name: str, data: bytes) -> None:
    # Stored, not deflated: wheels are compressed already, and zlib's output differs between its versions.
    entry = zipfile.ZipInfo(name, EARLIEST)
    entry.create_system = 3  # Unix on every system, so that the permissions below mean something
    entry.external_attr = 0o100644 << 16
    archive.writestr(entry, data)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--platform", choices=PLATFORMS, default=this_platform())
    target = build(parser.parse_args().platform)
    if subprocess.run([*blender_extension_tool(), "validate", str(target)], check=False).returncode:
        sys.exit(f"{target} was built, but Blender's validation rejects it; see above.")
    print(f"{target.relative_to(ROOT)}  {target.stat().st_size / 1e6:.0f} MB  sha256 {sha256_of(target)}")


if __name__ == "__main__":
    main()
