# SPDX-License-Identifier: GPL-3.0-or-later
"""The lock of the bundled wheels, and the zip: what is in it, whether Blender takes it and installs it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import build_extension
import fetch_wheels
import pytest

ROOT = Path(__file__).absolute().parents[1]
LOCK = fetch_wheels.read_lock()


def own_wheels(folder: Path, platform: str) -> list[Path]:
    """Small valid wheels under the names that the lock has for a platform."""
    folder.mkdir()
    paths = []
    for wheel in (wheel for wheel in LOCK if wheel.platform == platform):
        name, version = wheel.file.split("-")[:2]
        with zipfile.ZipFile(folder / wheel.file, "w") as archive:
            archive.writestr(f"{name}.py", "answer = 42\n")
            archive.writestr(f"{name}-{version}.dist-info/METADATA", f"Name: {name}\nVersion: {version}\n")
            archive.writestr(f"{name}-{version}.dist-info/WHEEL", "Wheel-Version: 1.0\n")
            archive.writestr(f"{name}-{version}.dist-info/RECORD", f"{name}.py,,\n")
        paths.append(folder / wheel.file)
    return paths


def sources() -> set[str]:
    """The package's files, as git knows them where this is a checkout, whoever it belongs to."""
    if not (ROOT / ".git").exists():
        files = (path for path in (ROOT / "wildseg3d_blender").rglob("*") if path.is_file())
        return {path.relative_to(ROOT).as_posix() for path in files if path.parent.name != "__pycache__"}
    git = ["git", "-c", f"safe.directory={ROOT}"]
    listing = [*git, "ls-files", "--cached", "--others", "--exclude-standard", "wildseg3d_blender"]
    listed = subprocess.run(listing, cwd=ROOT, capture_output=True, text=True, check=True)
    return {name for name in listed.stdout.splitlines() if (ROOT / name).is_file()}


@pytest.mark.parametrize("platform", fetch_wheels.PLATFORMS)
def test_the_lock_has_a_wheel_of_every_library_for_every_python(platform: str) -> None:
    pins = fetch_wheels.bundled_pins()
    assert set(pins) == {"opencv-python-headless", "pycolmap", "pymaxflow", "pillow"}
    locked = {
        (wheel.requirement, wheel.file.split("-")[2], wheel.file.split("-")[3])
        for wheel in LOCK
        if wheel.platform == platform
    }
    for name, version in pins.items():
        requirement = f"{name}=={version}"
        for python in fetch_wheels.PYTHONS:
            exact = (requirement, f"cp{python}", f"cp{python}") in locked
            stable = any(item[0] == requirement and item[2] == "abi3" for item in locked)
            assert exact or stable, f"{requirement} for Python {python} on {platform}"


def test_the_lock_ships_what_is_tested() -> None:
    tested = (ROOT / "vendor" / "dev.lock").read_text(encoding="utf-8")
    hashes = set(re.findall(r"sha256:([0-9a-f]{64})", tested))
    assert {wheel.sha256 for wheel in LOCK} <= hashes


def test_a_wheel_that_is_not_the_locked_one_is_refused(tmp_path: Path) -> None:
    wheels = own_wheels(tmp_path / "mirror", "linux-x64")
    code = (
        "import sys; from pathlib import Path; from fetch_wheels import fetch, read_lock\n"
        "fetch((wheel for wheel in read_lock() if wheel.platform == 'linux-x64'), Path(sys.argv[1]))"
    )
    mirror = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheels[0].parent), "PIP_CONFIG_FILE": os.devnull}
    run = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "fetched")],
        cwd=ROOT / "tools",
        env={**os.environ, **mirror},
        capture_output=True,
        text=True,
    )
    assert run.returncode != 0
    assert "DO NOT MATCH THE HASHES" in run.stderr
    assert not list((tmp_path / "fetched").iterdir())


@pytest.mark.parametrize("platform", fetch_wheels.PLATFORMS)
def test_the_manifest_lists_the_wheels_and_keeps_the_rest(platform: str) -> None:
    committed = tomllib.loads(build_extension.MANIFEST.read_text(encoding="utf-8"))
    assert "wheels" not in committed  # a checkout must work without them
    names = [wheel.file for wheel in LOCK if wheel.platform == platform]
    built = tomllib.loads(build_extension.manifest_with_wheels(platform, names))
    assert built.pop("wheels") == [f"./wheels/{name}" for name in sorted(names)]
    assert built.pop("platforms") == [platform]
    assert built == committed


@pytest.mark.parametrize("platform", fetch_wheels.PLATFORMS)
def test_blender_accepts_the_zip(tmp_path: Path, platform: str) -> None:
    wheels = own_wheels(tmp_path / "wheels", platform)
    target = tmp_path / "extension.zip"
    build_extension.write_zip(target, platform, wheels)
    run = subprocess.run(
        [*build_extension.blender_extension_tool(), "validate", str(target)], capture_output=True, text=True
    )
    assert run.returncode == 0, run.stdout + run.stderr


def test_the_zip_holds_the_extension_and_nothing_else(tmp_path: Path) -> None:
    wheels = own_wheels(tmp_path / "wheels", "linux-x64")
    target, again = tmp_path / "extension.zip", tmp_path / "again.zip"
    build_extension.write_zip(target, "linux-x64", wheels)
    build_extension.write_zip(again, "linux-x64", list(reversed(wheels)))
    assert target.read_bytes() == again.read_bytes()
    with zipfile.ZipFile(target) as archive:
        names = archive.namelist()
        manifest = tomllib.loads(archive.read("blender_manifest.toml").decode("utf-8"))
        assert archive.read(manifest["wheels"][0].removeprefix("./")) == sorted(wheels)[0].read_bytes()
        modes = {entry.external_attr >> 16 for entry in archive.infolist()}
    assert modes == {0o100644}
    assert {name.split("/")[0] for name in names} == {
        "__init__.py",
        "LICENSE",
        "blender_manifest.toml",
        "docs",
        "vendor",
        "wheels",
        "wildseg3d_blender",
    }
    assert {"docs/guide.html", "docs/release-notes.html", "docs/scripting.html"} <= set(names)
    package = {name for name in names if name.startswith("wildseg3d_blender/")}
    assert package == sources()


@pytest.mark.slow
def test_the_built_extension_installs_and_its_worker_runs(tmp_path: Path) -> None:
    """In Blender's module with a fresh profile; fetches the wheels where vendor/wheels lacks them."""
    target = build_extension.build(fetch_wheels.this_platform(), tmp_path / "dist")
    script = tmp_path / "install.py"
    script.write_text(INSTALL, encoding="utf-8")
    profile = {**os.environ, "BLENDER_USER_RESOURCES": str(tmp_path / "profile")}
    run = subprocess.run(
        [sys.executable, str(script), str(target)],
        env=profile,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=500,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    answer = json.loads(next(line for line in run.stdout.splitlines() if line.startswith("{")))
    assert answer["error"] == "photos"
    assert not answer["heavy_in_blender"]
    for library in ("cv2", "pycolmap", "maxflow", "PIL"):
        assert library in answer["installed"]


INSTALL = r"""
import importlib, json, sys
import bpy

installed = bpy.ops.extensions.package_install_files(
    filepath=sys.argv[-1], repo="user_default", enable_on_install=True
)
assert installed == {"FINISHED"}, installed
package = "bl_ext.user_default.wildseg3d.wildseg3d_blender"
client_module = importlib.import_module(package + ".addon.session.worker_client")
errors = importlib.import_module(package + ".errors")
site = importlib.import_module(package + ".addon.session.runtime").wheel_folders()
client = client_module.WorkerClient(extra_paths=site)
request = client.request("reconstruct", {"photos": ["/no/such/photos"], "folder": sys.argv[-1] + ".scene"})
request.wait(300)
try:
    request.result()
except errors.WildSegError as error:
    code = error.code
client.close()
heavy = [name for name in ("cv2", "pycolmap", "maxflow", "PIL") if name in sys.modules]
print("\n" + json.dumps({
    "error": code,
    "heavy_in_blender": heavy,
    "installed": [path.name for path in site[0].iterdir()],
}))
"""
