# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects -> a file for other programs, by Blender's own exporters; the ending of its name decides."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import bpy

from ...errors import SceneError
from ...files.places import check_place


def export(items: Sequence[bpy.types.Object], file: Path | str) -> Path:
    """Write Blender objects into one file; returns its path.

    Points are written as Blender shows them, as small squares in the photos' colours, but into .ply and .obj
    as what they are: points.

    Args:
        file: ends with .glb, .gltf, .ply, .usd, .usda, .usdc, .usdz or .obj. Its folder is made.

    Raises:
        SceneError: the ending is not known, there is nothing to write, or it cannot be written.
    """
    file = Path(file).absolute()
    write = _writer(file)
    if not items:
        raise SceneError(f"There is nothing to write into {file.name}: segment an object first.")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with _only_selected(items):
            write(str(file))
    except (OSError, RuntimeError) as error:
        raise SceneError(f"{file} could not be written: {str(error).strip()}") from error
    except AttributeError as error:  # there is no such operator
        raise SceneError(
            f"This Blender cannot write {file.suffix} (its exporter is not enabled, or was left out): "
            "choose another ending."
        ) from error
    if not file.is_file():
        raise SceneError(f"{file} could not be written: check the free space and the permissions there.")
    return file


def check(file: Path | str) -> None:
    """SceneError unless objects can be written into a file of that name. Call it before long work."""
    _writer(Path(file))
    check_place(Path(file))


def _writer(file: Path) -> Callable[[str], None]:
    write = _WRITERS.get(file.suffix.lower())
    if write is None:
        raise SceneError(f"{file.name}: choose a name that ends with one of {', '.join(_WRITERS)}.")
    return write


def _gltf(file: str) -> None:
    kind = "GLB" if file.lower().endswith(".glb") else "GLTF_SEPARATE"
    bpy.ops.export_scene.gltf(
        filepath=file,
        export_format=kind,
        use_selection=True,
        export_apply=True,
        export_vertex_color="ACTIVE",
        export_all_vertex_colors=False,
    )


def _ply(file: str) -> None:
    bpy.ops.wm.ply_export(
        filepath=file, export_selected_objects=True, apply_modifiers=False, export_colors="SRGB"
    )


def _obj(file: str) -> None:
    bpy.ops.wm.obj_export(
        filepath=file, export_selected_objects=True, apply_modifiers=False, export_colors=True
    )


def _usd(file: str) -> None:
    bpy.ops.wm.usd_export(filepath=file, selected_objects_only=True, export_animation=False)


_WRITERS: dict[str, Callable[[str], None]] = {
    ".glb": _gltf,
    ".gltf": _gltf,
    ".ply": _ply,
    ".usd": _usd,
    ".usda": _usd,
    ".usdc": _usd,
    ".usdz": _usd,
    ".obj": _obj,
}


ENDINGS = tuple(_WRITERS)
"""Of the names of files that can be written."""


@contextlib.contextmanager
def _only_selected(items: Sequence[bpy.types.Object]) -> Iterator[None]:
    """``items`` selected, shown and nothing else selected; as it was afterwards."""
    layer = bpy.context.view_layer
    selected, active = [item.name for item in bpy.context.selected_objects], layer.objects.active
    hidden = [item for item in items if item.hide_get()]
    for item in layer.objects:
        item.select_set(False)
    try:
        for item in items:
            item.hide_set(False)
            item.select_set(True)
        layer.objects.active = items[0]
        yield
    finally:
        for item in items:
            item.select_set(False)
        for item in hidden:
            item.hide_set(True)
        for name in selected:
            layer.objects[name].select_set(True)
        layer.objects.active = active
