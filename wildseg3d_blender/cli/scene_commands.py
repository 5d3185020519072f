# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands that make scenes and objects, and measure them, with their options. Photo pixels throughout."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..errors import PromptError, SceneError
from ..files.places import check_place
from ..progress import Progress
from ..reconstruct_settings import (
    ALPHA_N,
    ALPHA_P,
    IMAGE_SIZE,
    ITERATIONS,
    KEY_FRAMES,
    MIN_CONFIDENCE,
    Setting,
)
from ..scene.folder import read_scene
from ..scene.objects import read_object
from ..scene.ownership import owned_points
from ..wording import counted, found_objects
from ..worker.jobs import Jobs
from ..worker.messages import FindObjects, Realign, Reconstruct, Segment
from .prompt_options import EXAMPLES, add_prompt_options, photo_groups

Result = tuple[dict[str, Any], str]
"""For --json, and for people."""


def reconstruct(options: argparse.Namespace, progress: Progress) -> Result:
    """Photos -> a scene folder."""
    params = Reconstruct(
        photos=tuple(str(path) for path in options.photos),
        folder=str(options.output.absolute()),
        engine=options.engine,
        quality=options.quality,
        image_size=options.image_size,
        dga=not options.without_dga,
        alpha_p=options.alpha_p,
        alpha_n=options.alpha_n,
        iterations=options.iterations,
        min_confidence=options.min_confidence,
        key_frames=options.key_frames,
    )
    result = Jobs().reconstruct(params, progress)
    placed, given = len(result.views), len(result.views) + len(result.skipped)
    lines = [f"{placed} of {given} photos placed, {result.points:,} points: {result.scene}"]
    lines += [f"  left out: {Path(item.photo).name} {item.reason}. {item.advice}" for item in result.skipped]
    return result.to_json(), "\n".join(lines)


def segment(options: argparse.Namespace, progress: Progress) -> Result:
    """Prompts -> an object in the scene folder, its masks and its points."""
    scene = read_scene(options.scene)
    groups = photo_groups(scene, options.prompts or [])
    if not options.name.strip():
        raise PromptError("An object needs a name: give one after --name, or leave --name out.")
    for place in filter(None, (options.masks_to and options.masks_to / "mask.png", options.ply)):
        check_place(place)
    params = Segment(str(scene.folder), options.name, groups, options.shared, options.segmenter)
    with closing(Jobs()) as jobs:
        result = jobs.segment(params, progress)
    data, lines = result.to_json(), [f"{result.object}: {counted(result.points, 'point')} in {result.folder}"]
    if result.changed:
        lines.append(f"  other points now: {', '.join(result.changed)}")
    lines += [f"  {warning}" for warning in result.warnings]
    if options.masks_to or options.ply:
        from ..pipeline.export import write_masks, write_ply

        item = read_object(scene, Path(result.folder))
        if options.masks_to:
            files = write_masks(scene, item, options.masks_to)
            data["mask_files"] = [str(file) for file in files]
            lines.append(f"  {counted(len(files), 'mask')} in {options.masks_to}")
        if options.ply:
            write_ply(scene, replace(item, points=owned_points(scene)[item.name]), options.ply)
            data["ply"] = str(options.ply)
            lines.append(f"  points in {options.ply}")
    return data, "\n".join(lines)


def find_objects(options: argparse.Namespace, progress: Progress) -> Result:
    """The objects of a scene, found once and kept in its folder, so that prompts only look them up."""
    folder = str(options.scene.absolute())
    with closing(Jobs()) as jobs:
        result = jobs.find_objects(FindObjects(folder, options.segmenter), progress)
    text = f"In the scene's mask cache: {found_objects(result.count, result.parts)}"
    return {"scene": folder, "objects": result.count, "parts": result.parts}, text


def realign(options: argparse.Namespace, progress: Progress) -> Result:
    """A scene, aligned again for objects of it."""
    scene = read_scene(options.scene)
    params = Realign(
        str(scene.folder), tuple(options.objects or ()), options.all_found, options.alpha_p, options.alpha_n
    )
    result = Jobs().realign(params, progress)
    whom = " and ".join(result.objects) or "all points alike"
    moved = f"points moved by {result.moved:.3%} of their depth"
    lines = [f"Aligned for {whom} in {result.seconds:.1f} s: {moved}"]
    lines += [f"  {name}: {counted(count, 'point')}" for name, count in result.points.items()]
    return result.to_json(), "\n".join(lines)


def evaluate(options: argparse.Namespace, progress: Progress) -> Result:
    """Simulated clicks in one view -> IoU in every view that has a true mask."""
    from ..pipeline.evaluation import evaluate as measure
    from ..pipeline.evaluation import words

    if options.output is not None:
        check_place(options.output)
    result = measure(
        read_scene(options.scene),
        options.masks,
        options.view,
        clicks=options.clicks,
        segmenter=options.segmenter,
        every_view=options.every_view,
        whole=None if options.whole is None else read_scene(options.whole),
        progress=progress,
    )
    lines = words.lines(result)
    if options.output is not None:
        try:
            options.output.write_text(json.dumps(result, indent=1, ensure_ascii=False) + "\n", "utf-8")
        except OSError as error:
            raise SceneError(f"{options.output} cannot be written ({error}): name another file.") from error
        lines.append(f"figures in {options.output}")
    return result, "\n".join(lines)


def add_commands(commands: Any, add: Callable[..., argparse.ArgumentParser]) -> None:
    """Add them to the command line; ``add`` makes one command."""
    _reconstruct_options(add(commands, "reconstruct", reconstruct, "photos -> a scene folder"))
    _segment_options(
        add(commands, "segment", segment, "clicks and boxes -> an object; pixels of the photo", EXAMPLES)
    )
    find = add(
        commands,
        "find-objects",
        find_objects,
        "find a scene's objects before they are asked for",
        "Once that is done, segment looks up what it can, which takes milliseconds, and --size can choose\n"
        "larger and smaller things. A scene is searched once; asked again, it says what is there.\n",
    )
    _scene(find)
    _segmenter(find)
    _realign_options(add(commands, "realign", realign, "align a scene again, so that objects of it fit best"))
    _evaluate_options(add(commands, "evaluate", evaluate, "simulated clicks against true masks -> IoU"))


def _reconstruct_options(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "photos",
        nargs="+",
        type=Path,
        help="photo files, folders of them, or videos, whose key frames are kept beside the scene",
    )
    command.add_argument("-o", "--output", required=True, type=Path, metavar="SCENE", help="folder to write")
    command.add_argument(
        "--engine",
        choices=["stereo", "dust3r", "mixed"],
        default="stereo",
        help="how pointmaps are made; mixed: by stereo, and by dust3r for photos that stereo cannot place",
    )
    command.add_argument(
        "--quality",
        choices=["fast", "balanced", "fine"],
        default="balanced",
        help="how many pairs of photos dust3r looks at",
    )
    _device(command)
    for name, setting, unit, what in (
        ("--image-size", IMAGE_SIZE, "PIXELS", "longer side of the point grid"),
        ("--key-frames", KEY_FRAMES, "N", "about how many frames a video gives"),
        ("--iterations", ITERATIONS, "N", "of the alignment at most"),
        ("--min-confidence", MIN_CONFIDENCE, "C", "pixels measured with less get no point"),
    ):
        command.add_argument(
            name,
            type=_within(setting),
            default=setting.default,
            metavar=unit,
            help=f"{what}, {setting.default}",
        )
    command.add_argument(
        "--without-dga", action="store_true", help="align by confidence alone, without matching and masks"
    )
    _alphas(command, ALPHA_P.default, ALPHA_N.default)


def _segment_options(command: argparse.ArgumentParser) -> None:
    _scene(command)
    add_prompt_options(command)
    command.add_argument("--name", default="Object", metavar="OBJ", help="what to call it")
    command.add_argument(
        "--shared",
        choices=["take", "leave"],
        default="take",
        help="points that other objects claim too: take them (the default) or leave them to the others",
    )
    command.add_argument("--masks-to", type=Path, metavar="DIR", help="write a mask per photo there, as PNG")
    command.add_argument("--ply", type=Path, metavar="FILE", help="write its points there, with colours")
    _segmenter(command)


def _realign_options(command: argparse.ArgumentParser) -> None:
    _scene(command)
    command.add_argument(
        "--object",
        action="append",
        dest="objects",
        metavar="NAME",
        help="object that is to fit best, may be repeated; without any, align as when reconstructed",
    )
    command.add_argument(
        "--all-found",
        action="store_true",
        help="the objects that the scene's cache holds count too",
    )
    _alphas(command, None, None)


def _evaluate_options(command: argparse.ArgumentParser) -> None:
    _scene(command)
    command.add_argument(
        "--masks", required=True, type=Path, metavar="DIR", help="true masks: photo stem + .png"
    )
    command.add_argument("--view", required=True, metavar="NAME", help="photo to click in")
    command.add_argument("--clicks", nargs="+", type=int, default=[1, 3, 5], metavar="N", help="1 3 5")
    command.add_argument(
        "--every-view", action="store_true", help="click in every other view that shows it too, for the means"
    )
    command.add_argument(
        "--whole",
        type=Path,
        metavar="SCENE",
        help="a reconstruction of more photos: in those that the first lacks, its 3D object is measured",
    )
    command.add_argument("-o", "--output", type=Path, metavar="FILE", help="write the figures there, as JSON")
    _segmenter(command)


def _scene(command: argparse.ArgumentParser) -> None:
    command.add_argument("scene", type=Path, metavar="SCENE", help="scene folder")


def _alphas(command: argparse.ArgumentParser, alpha_p: float | None, alpha_n: float | None) -> None:
    stands = "as reconstructed" if alpha_p is None else f"{alpha_p} and {alpha_n}"
    for name, default, what in (("--alpha-p", alpha_p, "matching"), ("--alpha-n", alpha_n, "other")):
        command.add_argument(
            name,
            type=float,
            default=default,
            metavar="X",
            help=f"strength of DGA on {what} pixels, -1 to 1 (both: {stands})",
        )


def _within(setting: Setting[Any]) -> Callable[[str], int | float]:
    """A number of the setting's kind inside its range."""

    def number(text: str) -> int | float:
        value: int | float = type(setting.default)(text)
        if not setting.lowest <= value <= setting.highest:
            raise argparse.ArgumentTypeError(f"{value} is not between {setting.lowest} and {setting.highest}")
        return value

    return number


def _segmenter(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--segmenter", choices=["graphcut", "sam2"], default="graphcut", help="how masks are made"
    )
    _device(command)


def _device(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--device", choices=["auto", "cpu", "cuda", "mps"], default="auto", help="where networks run"
    )
