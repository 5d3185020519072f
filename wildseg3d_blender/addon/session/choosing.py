# SPDX-License-Identifier: GPL-3.0-or-later
"""Which engine and segmenter a scene's panel asks for, and what a worker needs to run them."""

from __future__ import annotations

import functools
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy

from ...errors import NeuralError, PhotoError
from ...files.photos import READABLE_SUFFIXES
from ...neural import environment, estimate, models
from ...neural.running import DEVICE_VARIABLE, NEURAL
from .. import neural_task, photo_list
from ..scene import lookup

PREFERENCES = "Edit > Preferences > Add-ons > WildSeg3D, under Neural Engines"

TITLES = {"stereo": "stereo", "dust3r": "DUSt3R", "graphcut": "graph cuts", "sam2": "SAM 2"}

WEIGHTS = {
    "dust3r": ("dust3r-512-dpt",),
    "sam2": ("sam2.1-tiny", "sam2.1-small", "sam2.1-base-plus", "sam2.1-large"),
}
"""Models that a network runs with at the panel's settings; one of them is enough."""


@dataclass(frozen=True)
class Setup:
    """How a worker is started.

    Attributes:
        python: its interpreter.
        paths: folders to find libraries in, before the interpreter's own.
        device: where networks run: auto, cpu, cuda or mps; "" for a worker that runs none.
        card: whether that is a graphics card, whose memory other programs want too.
    """

    python: str
    paths: tuple[Path, ...] = ()
    device: str = ""
    card: bool = False

    @property
    def variables(self) -> dict[str, str]:
        """What the worker finds in its environment."""
        return {DEVICE_VARIABLE: self.device} if self.device else {}


def engine(scene: bpy.types.Scene) -> str:
    """The pointmap engine that Reconstruct uses: "stereo" or "dust3r".

    Raises:
        NeuralError: the panel says Neural, and something is missing for that.
    """
    return _chosen(scene, "dust3r", "stereo")


def segmenter(scene: bpy.types.Scene) -> str:
    """The segmenter that previews, Segment and Find Objects use: "graphcut" or "sam2".

    Raises:
        NeuralError: as ``engine``.
    """
    return _chosen(scene, "sam2", "graphcut")


def lacking(network: str) -> NeuralError | None:
    """What is missing to run "dust3r" or "sam2", or None. Looks at small files only."""
    found = environment.find_environment(neural_task.neural_folder(bpy.context))
    if found is None:
        return NeuralError(
            f"The neural engines are not installed: install them in {PREFERENCES}, or choose another engine.",
            fix="wildseg3d.neural_install",
        )
    title = TITLES[network]
    there = [status for status in models.statuses() if status.model.name in WEIGHTS[network] and status.path]
    if not there:
        return NeuralError(
            f"No model of {title} is there: download one in {PREFERENCES}, or choose another engine.",
            fix="wildseg3d.neural_download",
        )
    if not any(status.accepted or not status.model.restriction for status in there):
        return NeuralError(
            f"The licence of {title} is not accepted: read it in {PREFERENCES}, or choose another engine.",
            fix="wildseg3d.neural_accept",
        )
    if network == "dust3r" and not found.dust3r:
        return NeuralError(
            f"The neural environment is without {title}: add it in {PREFERENCES}, or choose another engine.",
            fix="wildseg3d.neural_install",
        )
    return None


def estimate_text(scene: bpy.types.Scene) -> str:
    """What Reconstruct will take with the panel's choices, and a warning where memory will not do.

    "" where nothing is known: no photos are chosen, or how fast DUSt3R is here was never measured. Looks at
    small files only, so it may be asked at every redraw.
    """
    count = _photo_count(scene)
    if count < 2:
        return ""
    try:
        chosen = engine(scene)
    except NeuralError:
        return ""
    size = scene.wildseg3d.image_size
    if chosen == "stereo":
        return f"{count} photos: about {_said(estimate.stereo_estimate(count, os.cpu_count() or 1, size))}"
    found = environment.find_environment(neural_task.neural_folder(bpy.context))
    device = _device_of(scene, found)
    if found is None or "pair" not in found.speeds.get(device, {}):
        return ""
    asked = estimate.Asked(count, scene.wildseg3d.quality.lower(), size)
    return _dust3r_text(asked, device, found)


def offers_dust3r(root: bpy.types.Object) -> bool:
    """Whether stereo left out photos of a reconstruction that DUSt3R, which is there, might place."""
    if all(item.placed for item in root.wildseg3d.photos) or lacking("dust3r") is not None:
        return False
    file = lookup.scene_folder(root) / "scene.json"
    try:
        return _made_by(file, file.stat().st_mtime_ns) == "stereo"
    except OSError:
        return False


def adding_text(scene: bpy.types.Scene, root: bpy.types.Object) -> str:
    """What DUSt3R takes to add the photos that stereo left out; "" where that is not known.

    Looks at small files only.
    """
    found = environment.find_environment(neural_task.neural_folder(bpy.context))
    device = _device_of(scene, found)
    if found is None or "pair" not in found.speeds.get(device, {}):
        return ""
    settings, photos = scene.wildseg3d, root.wildseg3d.photos
    placed = sum(item.placed for item in photos)
    asked = estimate.Asked(len(photos), settings.quality.lower(), settings.image_size, placed)
    return _dust3r_text(asked, device, found)


def finding_text(scene: bpy.types.Scene, views: int = 0) -> str:
    """What finding objects by SAM 2 will take; "" where the default segmenter does it, or nothing is known.

    Looks at small files only.

    Args:
        views: of the scene; by default as many as photos are chosen.
    """
    count = views or _photo_count(scene)
    try:
        if count < 2 or segmenter(scene) != "sam2":
            return ""
    except NeuralError:
        return ""
    found = environment.find_environment(neural_task.neural_folder(bpy.context))
    device = _device_of(scene, found)
    if found is None or "photo" not in found.speeds.get(device, {}):
        return ""
    there = {status.model.name for status in models.statuses() if status.path}
    # As the segmenter chooses: the smallest for a CPU, else the best.
    name = next(name for name in WEIGHTS["sam2"][:: 1 if device == "cpu" else -1] if name in there)
    expected = estimate.sam2_estimate(count, device, found.speeds[device], name)
    return f"about {_said(expected)}"


def setup_for(params: Mapping[str, Any], paths: tuple[Path, ...]) -> Setup | None:
    """The worker that a request needs; None when any will do.

    Args:
        params: the request's. It needs the neural environment when it names a network, or when it names
            engines at all and the panel's choice comes to a network.
        paths: where Blender's own Python finds the extension's libraries.

    Raises:
        NeuralError: there is no neural environment.
    """
    named = [params[key] for key in ("engine", "segmenter") if key in params]
    if not named:
        return None
    # No scene, for a moment, while Blender opens a file.
    scene = bpy.context.scene
    # The neural environment has the default engines' libraries too: one worker for both sets, so that
    # Reconstruct by stereo does not cost SAM 2 what it has prepared.
    if not any(name in NEURAL for name in named) and (scene is None or not _uses_networks(scene)):
        return Setup(sys.executable, paths)
    python = environment.python(neural_task.neural_folder(bpy.context))
    device = "auto" if scene is None else scene.wildseg3d.device.lower()
    return Setup(str(python), device=device, card=device != "cpu" and _gpu_found())


@functools.lru_cache(maxsize=4)
def _counted(folder: Path, changed: int) -> int:
    return sum(entry.suffix.lower() in READABLE_SUFFIXES and entry.is_file() for entry in folder.iterdir())


@functools.lru_cache(maxsize=4)
def _made_by(file: Path, changed: int) -> str:
    """The engine of the scene in that file; "" where it is damaged, which is told elsewhere."""
    try:
        record = json.loads(file.read_text(encoding="utf-8"))
    except ValueError:
        return ""
    return str(record.get("engine", "")) if isinstance(record, dict) else ""


def _photo_count(scene: bpy.types.Scene) -> int:
    """How many photos Reconstruct would get; 0 where none are chosen."""
    try:
        paths = photo_list.source(scene).paths
        return sum(_counted(path, path.stat().st_mtime_ns) if path.is_dir() else 1 for path in paths)
    except (PhotoError, OSError):
        return 0


def _dust3r_text(asked: estimate.Asked, device: str, found: environment.Environment) -> str:
    speed = found.speeds[device]
    expected = estimate.dust3r_estimate(asked, device, speed)
    on = "the CPU" if device == "cpu" else found.device
    text = f"{_photos(asked)}: about {_said(expected)} on {on}"
    if "memory" in speed and expected.card > speed["memory"]:
        return (
            f"{text}, which has only {estimate.amount(speed['memory'])}: set Device to CPU, or Engine to "
            "Default."
        )
    room = estimate.installed_memory()
    if room is None or expected.memory <= room:
        return text
    preset = estimate.smaller_preset(asked, device, speed, room)
    advice = f"choose the quality {preset.capitalize()}" if preset else "choose fewer photos"
    return (
        f"{text}. It needs {estimate.amount(expected.memory)} of memory, and this computer has "
        f"{estimate.amount(room)}: {advice}."
    )


def _photos(asked: estimate.Asked) -> str:
    if not asked.placed:
        return f"{asked.photos} photos"
    new = asked.photos - asked.placed
    return "1 more photo" if new == 1 else f"{new} more photos"


def _said(expected: estimate.Estimate) -> str:
    memory = estimate.amount(expected.card or expected.memory)
    return f"{estimate.duration(expected.seconds)}, {memory} of memory"


def _device_of(scene: bpy.types.Scene, found: environment.Environment | None) -> str:
    """Where networks run with the panel's choice: "cpu", "cuda" or "mps"; "" where that is not known."""
    if scene.wildseg3d.device != "AUTO":
        return str(scene.wildseg3d.device.lower())
    if found is None:
        return ""
    return "cpu" if found.device == "CPU" else next((name for name in found.speeds if name != "cpu"), "")


def _chosen(scene: bpy.types.Scene, network: str, default: str) -> str:
    settings = scene.wildseg3d
    if settings.engines == "NEURAL":
        if (error := lacking(network)) is not None:
            raise error
        return network
    if settings.engines == "AUTO" and settings.device != "CPU" and _gpu_found() and lacking(network) is None:
        return network
    return default


def _uses_networks(scene: bpy.types.Scene) -> bool:
    """Whether the panel's choice comes to a network, for photos or for objects."""
    for choose in (engine, segmenter):
        try:
            if choose(scene) in NEURAL:
                return True
        except NeuralError:
            continue
    return False


def _gpu_found() -> bool:
    found = environment.find_environment(neural_task.neural_folder(bpy.context))
    return found is not None and found.device != "CPU"
