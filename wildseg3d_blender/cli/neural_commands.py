# SPDX-License-Identifier: GPL-3.0-or-later
"""``neural ...`` on the command line: the environment of the neural engines, and their models."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..neural import licences, models
from ..neural.environment import PARTS, find_environment, uninstall, use_existing
from ..neural.install import install
from ..neural.places import COMMAND, default_folder, models_folder
from ..neural.recipe import Source
from ..neural.registry import find_model
from ..neural.space import bytes_of, readable
from ..progress import Progress

Result = tuple[dict[str, Any], str]


def status(options: argparse.Namespace, progress: Progress) -> Result:
    """What is installed, and how much room it takes."""
    folder = _folder(options)
    found = find_environment(folder)
    if found is None:
        left = bytes_of(*(folder / name for name in PARTS))
        text = f"Not installed ({folder}); {COMMAND} install makes it."
        if left:
            text += f" {readable(left)} of an unfinished installation are there and will be used."
        return {"installed": False, "folder": str(folder), "unfinished_bytes": left}, text
    versions = ", ".join(f"{name} {version}" for name, version in found.versions.items())
    lines = [f"{found.python}, on {found.device}", f"  {versions}"]
    if not found.own:
        lines.append(f"  {readable(found.bytes)} in {folder}")
    if found.outdated():
        lines.append(f"  made for another version of WildSeg3D: {COMMAND} install brings it up to date")
    if licences.dust3r_wanted() and not found.dust3r:
        lines.append(f"  without DUSt3R, whose licence was accepted since: {COMMAND} install adds it")
    return {"installed": True, "folder": str(folder), **asdict(found)}, "\n".join(lines)


def make(options: argparse.Namespace, progress: Progress) -> Result:
    """Make the environment, finish one that was broken off, or use one that is there."""
    folder = _folder(options)
    if options.existing:
        found = use_existing(options.existing, folder, progress=progress)
        return asdict(found), f"Using {found.python}, on {found.device}"
    source = Source(
        torch_backend=options.torch_backend,
        index=options.index,
        find_links=tuple(options.find_links or ()),
        online=not options.offline,
    )
    made = install(
        folder,
        source=source,
        base_python=options.python,
        dust3r=licences.dust3r_wanted(),
        progress=progress,
    )
    text = f"Installed: torch {made.versions['torch']} on {made.device}, {readable(made.bytes)} in {folder}"
    if not made.dust3r:
        text += (
            f"\nWithout DUSt3R, whose licence is not accepted: {COMMAND} accept dust3r-512-dpt, then install"
        )
    return asdict(made), text


def remove(options: argparse.Namespace, progress: Progress) -> Result:
    """Remove the environment; a chosen one of the user's own is only forgotten."""
    freed = uninstall(_folder(options))
    there = [item.path for item in models.statuses() if item.path]
    kept = bytes_of(*(path for path in there if path.is_relative_to(models_folder())))
    text = f"Removed: {readable(freed)} free again."
    if kept:
        text += f" {readable(kept)} of models stay in {models_folder()}."
    return {"freed_bytes": freed, "model_bytes": kept}, text


def list_models(options: argparse.Namespace, progress: Progress) -> Result:
    """All models: which are there, what they are good for, under which licence."""
    lines, entries = [], []
    for item in models.statuses():
        model = item.model
        there = "there" if item.path else f"{readable(item.partial)} of it" if item.partial else "-"
        size = readable(model.bytes) if model.bytes else "unknown size"
        terms = model.licence
        if model.restriction:
            terms += f", accepted {item.accepted}" if item.accepted else ", not accepted"
        lines += [f"{model.name:18} {there:12} {size:12} {terms}", f"{'':18} {model.good_for}"]
        path = str(item.path) if item.path else None
        entries.append({**asdict(model), "path": path, "accepted": item.accepted, "partial": item.partial})
    return {"folder": str(models_folder()), "models": entries}, "\n".join(lines)


def accept(options: argparse.Namespace, progress: Progress) -> Result:
    """Accept the licence of a model that restricts its use."""
    model = find_model(options.name)
    if not model.restriction:
        return {"name": model.name}, f"{model.title} ({model.licence}) asks for no acceptance."
    licences.accept(model)
    text = f"Accepted for {model.title}: {model.licence}, {model.licence_page}\n  {model.restriction}"
    return {"name": model.name, "accepted": licences.accepted(model)}, text


def download(options: argparse.Namespace, progress: Progress) -> Result:
    """Download models and verify them."""
    python = find_environment(_folder(options))
    interpreter = None if python is None else Path(python.python)
    paths = {
        name: str(models.download(name, online=not options.offline, python=interpreter, progress=progress))
        for name in options.names
    }
    return {"paths": paths}, "\n".join(f"{name}: {path}" for name, path in paths.items())


def confirm(options: argparse.Namespace, progress: Progress) -> Result:
    """Say that a file put there by hand, whose hash is not known, is the right one."""
    path = models.confirm(options.name)
    return {"path": str(path)}, f"{path} is used as {options.name} from now on."


def add_commands(commands: Any, add: Callable[..., argparse.ArgumentParser]) -> None:
    """Add ``neural`` and what it can do to the command line; ``add`` makes one command."""
    text = "the environment and the models of the neural engines"
    inner = commands.add_parser("neural", help=text, description=text).add_subparsers(
        required=True, metavar="ACTION"
    )
    _folder_option(add(inner, "status", status, "what is installed"))
    _install_options(add(inner, "install", make, "make the environment, or finish or renew it"))
    _folder_option(add(inner, "uninstall", remove, "remove the environment"))
    add(inner, "models", list_models, "which models there are, and what for")
    _name(add(inner, "accept", accept, "accept the licence of a model that restricts its use"))
    command = add(inner, "download", download, "download models and verify them")
    command.add_argument("names", nargs="+", metavar="NAME", help="as `neural models` lists them")
    _offline(command)
    _folder_option(command)
    _name(add(inner, "confirm", confirm, "a model file put there by hand is the right one"))


def _install_options(command: argparse.ArgumentParser) -> None:
    _folder_option(command)
    _offline(command)
    command.add_argument(
        "--existing", type=Path, metavar="DIR", help="use this environment of yours instead; it is checked"
    )
    command.add_argument(
        "--python", type=Path, metavar="FILE", help="the Python to make it from; this one by default"
    )
    command.add_argument(
        "--torch-backend",
        default="auto",
        metavar="NAME",
        help="torch's build, by uv's names: auto, cpu, cu130, rocm7.2 ...; none takes it from the index",
    )
    command.add_argument("--index", default="", metavar="URL", help="package index to use instead of PyPI")
    command.add_argument(
        "--find-links", action="append", metavar="DIR", help="folder or page with wheels; may be repeated"
    )


def _folder_option(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--folder", type=Path, metavar="DIR", help=f"where the environment is ({default_folder()})"
    )


def _offline(command: argparse.ArgumentParser) -> None:
    command.add_argument("--offline", action="store_true", help="use no internet, only what is on the disk")


def _name(command: argparse.ArgumentParser) -> None:
    command.add_argument("name", metavar="NAME", help="as `neural models` lists them")


def _folder(options: argparse.Namespace) -> Path:
    return Path(options.folder).absolute() if options.folder else default_folder()
