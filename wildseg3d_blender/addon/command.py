# SPDX-License-Identifier: GPL-3.0-or-later
"""``blender --command wildseg3d``: photos to .blend files and to files of objects, without a window.

Exit codes: 0 done, 1 it could not be done (one sentence on stderr says why), 2 not understood.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import json
import os
import sys
import threading
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import bpy

from ..cli.terminal import terminal_progress
from ..errors import PromptError, SceneError, WildSegError
from ..files.places import check_place
from ..wording import counted
from . import api
from .scene import exporting
from .session import runtime

NAME = "wildseg3d"

EXAMPLES = """\
examples:
  photos to a .blend, and nothing else:
    blender --command wildseg3d reconstruct photos -o table.blend
  two objects cut out by clicks, each in a file of its own:
    blender --command wildseg3d reconstruct photos -o table.blend --object Mug --click IMG_3.jpg:812,430 \\
        --object Book --click IMG_3.jpg:210,655 --exclude IMG_3.jpg:400,600 --export "{name}.glb"
  more objects from a file of clicks, out of what was reconstructed before:
    blender --command wildseg3d segment table.blend --prompts clicks.json --surface --export all.usdz
"""

_handles: list[Any] = []


def run(arguments: Sequence[str]) -> int:
    """Run one command; returns the exit code."""
    try:
        options = _parser().parse_args(arguments)
    except SystemExit as end:  # argparse has said what is wrong, or has shown its help
        return int(end.code or 0)
    try:
        with _progress(), _plain_warnings():
            result = _do(options)
    except WildSegError as error:
        print(error.message, file=sys.stderr)
        if options.json:
            _print({"error": {"code": error.code, "message": error.message, "fix": error.fix}})
        return 1
    if options.json:
        _print(result)
    else:
        print(_words(result))
    return 0


def _do(options: argparse.Namespace) -> dict[str, Any]:
    placed = _prompts(options)
    output = _blend(options.output or options.scene)
    _check_places(options, output)
    if options.command == "reconstruct":
        bpy.ops.wm.read_homefile(use_empty=True)
        folder = options.scene_folder or output.parent / "wildseg3d" / output.stem
        root = api.reconstruct(
            options.photos, folder=folder.absolute(), engine=options.engine, image_size=options.image_size
        )
    else:
        root = _open(options.scene.absolute())
    if options.find_objects:
        api.find_objects(root)
    for prompts in placed:
        api.place_prompts(root, prompts)
    if placed:
        api.segment(root)
    try:
        files = _export(options, root)
    finally:  # an export that cannot be written costs nothing of what was computed
        _save(output)
    return {
        "blend": str(output),
        "objects": {name: len(item.data.vertices) for name, item in api.cut_out(root).items()},
        "files": [str(file) for file in files],
    }


def _check_places(options: argparse.Namespace, output: Path) -> None:
    """SceneError where something that was asked for cannot be written."""
    if options.output is not None or output.parent.is_dir():  # what is to be opened may not be there
        check_place(output)
    for wanted in options.export or ():
        exporting.check(wanted.replace("{name}", "Object"))


def _blend(path: Path) -> Path:
    """The .blend to save: as named, with the ending if that is missing."""
    path = path.absolute()
    return path if path.suffix.lower() == ".blend" else path.with_name(f"{path.name}.blend")


def _open(path: Path) -> bpy.types.Object:
    """The root of a .blend, or of a scene folder in an empty file."""
    if path.suffix.lower() != ".blend":
        bpy.ops.wm.read_homefile(use_empty=True)
        return api.open_scene(path)
    try:
        bpy.ops.wm.open_mainfile(filepath=str(path))
    except RuntimeError as error:
        raise SceneError(f"{path} cannot be opened: {_said(error)}") from error
    return api.active_root()


def _save(file: Path) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        bpy.ops.wm.save_as_mainfile(filepath=str(file))
    except (OSError, RuntimeError) as error:
        raise SceneError(f"{file} cannot be written: {_said(error)}") from error


def _said(error: Exception) -> str:
    return str(error).strip().removeprefix("Error: ")


def _export(options: argparse.Namespace, root: bpy.types.Object) -> list[Path]:
    """Write what was asked for; one file per object where the name holds {name}."""
    if not options.export:
        return []
    items = api.cut_out(root)
    if options.surface:
        items = {name: api.surface(root, name) for name in items}
    files = []
    for wanted in options.export:
        if "{name}" in wanted:
            files += [api.export([item], wanted.replace("{name}", name)) for name, item in items.items()]
        else:
            files.append(api.export(list(items.values()), wanted))
    return files


def _prompts(options: argparse.Namespace) -> list[dict[str, list[dict[str, Any]]]]:
    """Prompts of the command line and of files, as ``api.place_prompts`` takes them."""
    found: list[dict[str, list[dict[str, Any]]]] = []
    for file in options.prompts or ():
        try:
            data = json.loads(file.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise PromptError(f"{file} cannot be read as JSON: {error}") from error
        if not isinstance(data, dict) or not all(isinstance(value, list) for value in data.values()):
            raise PromptError(f"{file} is not understood: it needs an object's name -> a list of prompts.")
        found.append(data)
    name = "Object"
    given: dict[str, list[dict[str, Any]]] = {}
    for kind, text in options.given or ():
        if kind == "object":
            name = text
            continue
        view, _, numbers = text.rpartition(":")
        given.setdefault(name, []).append({"view": view, kind: numbers.split(",")})
    return [*found, given] if given else found


def _print(result: dict[str, Any]) -> None:
    """One JSON object as the last line of stdout."""
    # What Blender's exporters said waits in the C library, and would come after it.
    ctypes.CDLL("ucrtbase" if os.name == "nt" else None).fflush(None)
    print(json.dumps(result, ensure_ascii=False), flush=True)


def _words(result: dict[str, Any]) -> str:
    lines = [f"Saved {result['blend']}"]
    lines += [f"  {name}: {counted(count, 'point')}" for name, count in result["objects"].items()]
    return "\n".join([*lines, *(f"  wrote {file}" for file in result["files"])])


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=f"blender --command {NAME}",
        description="Photos to a 3D scene in a .blend, any object out of it by clicks.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True, dest="command", metavar="COMMAND")
    made = commands.add_parser("reconstruct", help="photos -> a .blend, with objects cut out if asked for")
    made.add_argument("photos", nargs="+", type=Path, help="a folder of photos, or photo files")
    made.add_argument("-o", "--output", required=True, type=Path, metavar="FILE.blend")
    made.add_argument("--scene-folder", type=Path, metavar="DIR", help="where to keep the reconstruction")
    engines = ["stereo", "dust3r", "mixed"]
    made.add_argument("--engine", choices=engines, default="", help="how points are made")
    made.add_argument("--image-size", type=int, default=0, metavar="PIXELS", help="longer side of the maps")
    _object_options(made)
    more = commands.add_parser("segment", help="cut objects out of what was reconstructed before")
    more.add_argument("scene", type=Path, metavar="SCENE", help="a .blend, or a scene folder")
    more.add_argument(
        "-o", "--output", type=Path, metavar="FILE.blend", help="in place when missing, or beside the folder"
    )
    _object_options(more)
    return parser


def _object_options(command: argparse.ArgumentParser) -> None:
    for name, metavar, text in (
        ("--object", "NAME", "what the prompts after it are about"),
        ("--click", "VIEW:X,Y", "on the object, in pixels of the photo"),
        ("--exclude", "VIEW:X,Y", "on what must stay out"),
        ("--box", "VIEW:X,Y,X,Y", "two opposite corners around the object"),
    ):
        command.add_argument(name, action=_Collect, dest="given", metavar=metavar, help=text)
    command.add_argument(
        "--prompts", action="append", type=Path, metavar="FILE", help="prompts of many objects, as JSON"
    )
    command.add_argument("--find-objects", action="store_true", help="find the scene's objects in advance")
    command.add_argument(
        "--export",
        action="append",
        metavar="FILE",
        help="write the objects: .glb .gltf .ply .usd .usdz .obj; {name} in it makes a file for each",
    )
    command.add_argument("--surface", action="store_true", help="export textured surfaces, not points")
    command.add_argument("--json", action="store_true", help="one JSON object on the last line of stdout")


class _Collect(argparse.Action):
    """Collects options whose order means something in one list."""

    def __call__(
        self, parser: Any, namespace: argparse.Namespace, values: Any, option_string: str | None = None
    ) -> None:
        kind = str(option_string).removeprefix("--")
        setattr(namespace, self.dest, [*(getattr(namespace, self.dest) or []), (kind, values)])


@contextlib.contextmanager
def _progress() -> Iterator[None]:
    """Show on stderr how far the worker is, meanwhile."""
    show, ended = terminal_progress(sys.stderr), threading.Event()

    def watch() -> None:
        while not ended.wait(0.5):
            if (job := runtime.current_job()) is not None:
                show(job.title, job.fraction, job.text)

    thread = threading.Thread(target=watch, name="wildseg3d progress")
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


@contextlib.contextmanager
def _plain_warnings() -> Iterator[None]:
    """Show on stderr what ``api`` warns of, a sentence each, without Python's own words around it."""
    with warnings.catch_warnings():
        warnings.simplefilter("always", UserWarning)
        warnings.showwarning = lambda message, *_: print(message, file=sys.stderr)
        yield


def register() -> None:
    """Called by the add-on."""
    _handles.append(bpy.utils.register_cli_command(NAME, run))


def unregister() -> None:
    """Called by the add-on."""
    while _handles:
        bpy.utils.unregister_cli_command(_handles.pop())
