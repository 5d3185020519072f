# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole workflow with both networks, photos to an object, seconds by stage; prints JSON.

    PYTHON -m benchmarks.neural_parts.workflow --photos 10 --size full

Random weights, so this is timing only. What the networks say is exchanged for something that the rest can
work on: DUSt3R's pointmaps for the sample's truth (see ``truthful``), SAM 2's automatic masks for strips of a
key view. Wall seconds, because that is what one waits for.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import torch
from sam2.build_sam import build_sam2

from benchmarks.alignment_parts.memory import PeakMemory
from benchmarks.neural_parts.dust3r_rows import SIZES, peak_mb, random_net
from benchmarks.neural_parts.truthful import TruthfulEngine
from samples.truth import load_truth
from wildseg3d_blender.neural.running import DEVICE_VARIABLE
from wildseg3d_blender.pipeline.engines import dust3r
from wildseg3d_blender.pipeline.engines.dust3r.network import Dust3rNetwork
from wildseg3d_blender.pipeline.networks import torch_runtime
from wildseg3d_blender.pipeline.reconstruct import reconstruct
from wildseg3d_blender.pipeline.segment import SceneSession
from wildseg3d_blender.pipeline.segmentation.sam2 import automatic, proposing, segmenter
from wildseg3d_blender.pipeline.segmentation.sam2.network import CONFIGS, Features, Sam2Network
from wildseg3d_blender.progress import Progress
from wildseg3d_blender.prompts import Click

OBJECTS, ON_EACH = 30, 10
"""Objects that are found in all, and on each key view: about what a table or a room has."""

PROMPTS = 20


def main(arguments: Sequence[str] | None = None) -> int:
    """Run once."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--photos", type=int, default=10)
    parser.add_argument("--size", choices=list(SIZES), default="small")
    parser.add_argument("--quality", default="balanced")
    parser.add_argument("--model", choices=list(CONFIGS), default="sam2.1-large")
    parser.add_argument("--device", default="auto")
    options = parser.parse_args(arguments)
    os.environ[DEVICE_VARIABLE] = options.device
    device = torch_runtime.pick_device()
    memory = PeakMemory()
    use_random_networks(options, device)
    with tempfile.TemporaryDirectory() as folder:
        facts = run(Path(folder) / "scene", options)
    facts |= {"memory_mb": peak_mb(memory, device), "device": device_name(device), "model": options.model}
    print(json.dumps({"photos": options.photos, **facts}))
    return 0


def run(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Seconds by stage, and the number of objects found."""
    truth = load_truth()
    photos = [truth.photo(name) for name in truth.names[: options.photos]]
    started = time.perf_counter()
    side = SIZES[options.size][1]
    scene = reconstruct(photos, folder, engine="dust3r", quality=options.quality, image_size=side)
    seconds = {f"photos: {stage}": wall for stage, wall in scene.seconds.items()}
    seconds["photos: reading"] = time.perf_counter() - started - sum(seconds.values())
    view = scene.views[len(scene.views) // 2]
    width, height = view.size
    # Nowhere twice: what was answered is remembered.
    places = [(n + 0.5) / (PROMPTS + 2) * width for n in range(PROMPTS + 2)]
    clicks = [Click(view.name, place, 0.5 * height) for place in places]
    session = SceneSession(folder, segmenter="sam2")
    first = timed(lambda: session.masks((clicks[0],)))
    solved = timed(lambda: session.masks((clicks[1],)))
    seconds["objects: loading SAM 2, encoding photos"] = first - solved
    seconds["objects: finding them"] = timed(session.find_objects)
    seconds["a click, solved"] = solved
    seconds["a click, after objects were found"] = (
        timed(lambda: [session.masks((click,)) for click in clicks[2:]]) / PROMPTS
    )
    return {"seconds": seconds, "objects": len(session.find_objects())}


def timed(work: Callable[[], object]) -> float:
    """Wall seconds."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def use_random_networks(options: argparse.Namespace, device: torch.device) -> None:
    """From now on this process takes these for the installed networks."""
    config, _ = SIZES[options.size]
    TruthfulEngine.truth = load_truth()

    def pointmaps(size: int) -> Dust3rNetwork:
        return Dust3rNetwork(
            random_net(config), device, identity="random", dtype=torch_runtime.fine_half(device)
        )

    def masks() -> Sam2Network:
        side = [] if options.size == "full" else ["++model.image_size=256"]
        torch.manual_seed(0)
        model = build_sam2(CONFIGS[options.model], None, device="cpu", hydra_overrides_extra=side)
        return Sam2Network(model, device, dtype=torch_runtime.safe_half(device))

    exchanged: tuple[tuple[ModuleType, str, object], ...] = (
        (dust3r, "Dust3rEngine", TruthfulEngine),
        (dust3r.engine, "installed_network", pointmaps),
        (segmenter, "installed_network", masks),
        (proposing, "automatic_masks", strips),
        (proposing, "MOST_OBJECTS", OBJECTS),
    )
    for module, name, instead in exchanged:
        setattr(module, name, instead)


def strips(
    network: Sam2Network, features: Features, search: automatic.Search, progress: Progress
) -> list[automatic.Found]:
    """What the search costs, and ``ON_EACH`` upright strips of the image as what it found."""
    automatic.automatic_masks(network, features, search, progress)
    side = network.mask_side
    strip = np.minimum(np.arange(side) * ON_EACH // side, ON_EACH - 1)
    return [
        automatic.Found(np.where(strip == n, np.float32(10), np.float32(-10))[None].repeat(side, 0), 0.9)
        for n in range(ON_EACH)
    ]


def device_name(device: torch.device) -> str:
    """For people."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else device.type


if __name__ == "__main__":
    raise SystemExit(main())
