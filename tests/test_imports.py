# SPDX-License-Identifier: GPL-3.0-or-later
"""Who may import whom: addon -> worker -> pipeline -> ground; heavy libraries only where they are used."""

from __future__ import annotations

import ast
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import pytest

import wildseg3d_blender

ROOT = Path(__file__).absolute().parents[1]
PACKAGE = ROOT / "wildseg3d_blender"
FILES = sorted(PACKAGE.rglob("*.py"))
BLENDER = {"bpy", "bmesh", "mathutils", "gpu", "gpu_extras", "bpy_extras", "blf", "bl_ext", "addon_utils"}
TORCH = {"torch", "torchvision", "mini_dust3r", "dust3r", "sam2", "safetensors"}
HEAVY = {"cv2", "pycolmap", "PIL", "maxflow"}
LIGHT_WORKER = {"worker/protocol", "worker/params", "worker/messages"}
COMMAND_LINE = {"cli/main", "cli/scene_commands", "__main__"}
INSIDE = {"neural/inside/check", "neural/inside/fetch"}
"""Run by the neural environment's own interpreter, imported by nothing."""


def module_of(file: Path) -> str:
    """Path inside the package without .py, slashes between; a package's own file is its folder's name."""
    path = PurePosixPath(file.relative_to(PACKAGE).as_posix()).with_suffix("")
    return str(path.parent) if path.name == "__init__" and path.parent != PurePosixPath(".") else str(path)


def imports_of(file: Path) -> Iterator[tuple[str, bool, int]]:
    """(module, whether it is ours, line) of every import, also those inside functions; ours as in module_of.

    ``from .package import name`` counts as ``package/name`` where that is a module of ours.
    """
    folder = file.parent
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, False, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.module or "", False, node.lineno
        elif isinstance(node, ast.ImportFrom):
            base = folder
            for _ in range(node.level - 1):
                base = base.parent
            base = base.joinpath(*(node.module or "").split("."))
            relative = PurePosixPath(base.relative_to(PACKAGE).as_posix())
            for alias in node.names:
                inner = base / alias.name
                is_module = inner.is_dir() or inner.with_suffix(".py").is_file()
                yield str(relative / alias.name if is_module else relative), True, node.lineno


def area(module: str) -> str:
    """The first folder of a module of ours; "ground" for those beside the folders."""
    head = module.split("/")[0]
    return head if head in ("addon", "worker", "pipeline") else "ground"


ALL = [(module_of(file), name, ours, line) for file in FILES for name, ours, line in imports_of(file)]
OURS = [(module, name, line) for module, name, ours, line in ALL if ours]
THEIRS = [(module, name.split(".")[0], line) for module, name, ours, line in ALL if not ours]


def test_there_is_something_to_check() -> None:
    assert ("worker/server", "worker/jobs") in {(module, name) for module, name, _ in OURS}
    assert ("pipeline/export", "numpy") in {(module, name) for module, name, _ in THEIRS}


def test_imports_run_one_way() -> None:
    allowed = {
        "addon": {"addon", "worker", "ground"},
        "worker": {"worker", "pipeline", "ground"},
        "pipeline": {"pipeline", "ground"},
        "ground": {"ground"},
    }
    wrong = [
        f"{module}:{line} imports {name}"
        for module, name, line in OURS
        if module not in COMMAND_LINE | INSIDE and area(name) not in allowed[area(module)]
    ]
    assert not wrong


def test_the_addon_takes_only_the_protocol_from_the_worker() -> None:
    wrong = [
        f"{module}:{line} imports {name}"
        for module, name, line in OURS
        if area(module) == "addon" and area(name) == "worker" and name not in {*LIGHT_WORKER, "worker"}
    ]
    assert not wrong


def test_ground_and_protocol_need_only_numpy() -> None:
    light = {module for module, _, _ in OURS + THEIRS if area(module) == "ground"} - COMMAND_LINE - INSIDE
    light |= LIGHT_WORKER
    wrong = [
        f"{module}:{line} imports {name}"
        for module, name, line in THEIRS
        if module in light and name not in {*sys.stdlib_module_names, "numpy"}
    ]
    wrong += [
        f"{module}:{line} imports {name}"
        for module, name, line in OURS
        if module in light and area(name) != "ground" and not {module, name} <= LIGHT_WORKER
    ]
    assert not wrong


@pytest.mark.parametrize(
    ("libraries", "allowed"),
    [
        (BLENDER, "addon/"),
        (
            TORCH,
            (
                "pipeline/engines/dust3r",
                "pipeline/segmentation/sam2",
                "pipeline/networks",
                "neural/inside",
            ),
        ),
        (HEAVY, ("pipeline/", "neural/inside")),
        ({"huggingface_hub"}, "neural/inside/fetch"),
        ({"pycolmap"}, "pipeline/engines/stereo"),
        ({"maxflow"}, "pipeline/segmentation/graphcut"),
    ],
    ids=["blender", "torch", "heavy", "downloads", "pycolmap", "maxflow"],
)
def test_libraries_stay_where_they_belong(libraries: set[str], allowed: str | tuple[str, ...]) -> None:
    wrong = [
        f"{module}:{line} imports {name}"
        for module, name, line in THEIRS
        if name in libraries and not module.startswith(allowed)
    ]
    assert not wrong


def test_we_import_each_other_relatively() -> None:
    # Installed, the package is bl_ext.<repository>.wildseg3d.wildseg3d_blender.
    assert not [f"{module}:{line}" for module, name, line in THEIRS if name == "wildseg3d_blender"]


def test_nothing_but_the_declared_libraries_is_used() -> None:
    known = {*sys.stdlib_module_names, "numpy", *HEAVY, *BLENDER, *TORCH, "huggingface_hub"}
    assert not [f"{module}:{line} imports {name}" for module, name, line in THEIRS if name not in known]


@pytest.mark.parametrize(
    "module", ["addon.session.worker_client", "worker.protocol", "worker.server", "scene.folder"]
)
def test_light_modules_load_no_heavy_library(module: str) -> None:
    code = f"import sys, wildseg3d_blender.{module}; print(*sys.modules)"
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True, timeout=300
    )
    loaded = set(run.stdout.split())
    assert f"wildseg3d_blender.{module}" in loaded
    assert not loaded & (HEAVY | TORCH | {"bpy"})


def test_one_version() -> None:
    manifest = tomllib.loads((ROOT / "blender_manifest.toml").read_text(encoding="utf-8"))
    assert manifest["version"] == wildseg3d_blender.__version__


def test_no_function_calls_what_its_own_variable_hides() -> None:
    """Where Blender alone calls a function, as it does when it draws, nobody else would notice."""
    found = []
    for file in FILES:
        tree = ast.parse(file.read_text(encoding="utf-8"))
        of_module = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef)}
        for node in tree.body:
            if isinstance(node, ast.Import | ast.ImportFrom):
                of_module |= {alias.asname or alias.name for alias in node.names}
        for function in ast.walk(tree):
            if not isinstance(function, ast.FunctionDef):
                continue
            nodes = list(ast.walk(function))
            written = {
                node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
            }
            called = [node.func for node in nodes if isinstance(node, ast.Call)]
            found += [
                f"{module_of(file)}:{name.lineno} {name.id}"
                for name in called
                if isinstance(name, ast.Name) and name.id in written & of_module
            ]
    assert not found
