# SPDX-License-Identifier: GPL-3.0-or-later
"""One run of DUSt3R on some photos, ours or the official inference, in a process of its own; prints JSON.

    PYTHON -m benchmarks.neural_parts.dust3r_rows ours --photos 5 --size small

Random weights, the same for both: this measures parity, time and memory, and says nothing of what pretrained
weights would find. The official inference is symmetrised, as DUSt3R's own demo runs it.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mini_dust3r.model import AsymmetricCroCo3DStereo
from numpy.typing import NDArray

from benchmarks.alignment_parts.memory import PeakMemory
from tests.neural.official_torchvision import allow_torchvision
from wildseg3d_blender.pipeline.engines.dust3r import Dust3rEngine
from wildseg3d_blender.pipeline.engines.dust3r.features import FeatureStore
from wildseg3d_blender.pipeline.engines.dust3r.framing import frame, framed_image
from wildseg3d_blender.pipeline.engines.dust3r.network import COMMON, CONFIGS, Dust3rNetwork
from wildseg3d_blender.pipeline.networks import torch_runtime
from wildseg3d_blender.pipeline.photos.reading import Photo, open_photos
from wildseg3d_blender.progress import silent

PHOTOS = Path(__file__).absolute().parents[2] / "samples" / "table" / "photos"
SMALL: Mapping[str, Any] = {
    **COMMON,
    "img_size": (512, 512),
    "head_type": "dpt",
    "enc_embed_dim": 192,
    "enc_depth": 6,
    "enc_num_heads": 3,
    "dec_embed_dim": 192,
    "dec_depth": 12,
    "dec_num_heads": 3,
}
"""The published structure, narrower: a run takes seconds on a CPU."""
SIZES: Mapping[str, tuple[Mapping[str, Any], int]] = {
    "small": (SMALL, 128),
    "full": (CONFIGS["dust3r-512-dpt"], 512),
}
"""Network and image size."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run once."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("method", choices=["ours", "official"])
    parser.add_argument("--photos", type=int, required=True)
    parser.add_argument("--size", choices=list(SIZES), default="small")
    parser.add_argument("--quality", default="fine")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--keep", type=Path, help="write the pointmaps there, to compare")
    options = parser.parse_args(arguments)
    device = torch_runtime.pick_device(options.device)
    photos, side = some_photos(options.photos), SIZES[options.size][1]
    net = random_net(SIZES[options.size][0]).to(device)
    memory = PeakMemory()
    cpu, wall = time.process_time(), time.perf_counter()
    if options.method == "ours":
        edges = ours(net, device, photos, side, options.quality)
    else:
        edges = official(net, device, photos, side)
    facts = {
        "pairs": len(edges),
        "seconds": time.perf_counter() - wall,
        "cpu_seconds": time.process_time() - cpu,
        "memory_mb": peak_mb(memory, device),
        "device": str(device),
    }
    if options.keep:
        np.savez(
            options.keep, **{f"{i}_{j}_{k}": a for (i, j), maps in edges.items() for k, a in enumerate(maps)}
        )
    print(json.dumps(facts))
    return 0


Maps = tuple[NDArray[np.float32], ...]
"""points_i, points_j, confidence_i, confidence_j."""


def random_net(config: Mapping[str, Any]) -> AsymmetricCroCo3DStereo:
    """The official class, seeded."""
    torch.manual_seed(0)
    return AsymmetricCroCo3DStereo(**config).eval()


def some_photos(count: int) -> list[Photo]:
    """The first photos of the sample."""
    return open_photos(sorted(PHOTOS.iterdir())[:count])[0]


def ours(
    net: AsymmetricCroCo3DStereo, device: torch.device, photos: Sequence[Photo], side: int, quality: str
) -> dict[tuple[int, int], Maps]:
    """Our engine, in float32, everything encoded anew."""
    network = Dust3rNetwork(net, device, identity="random")
    engine = Dust3rEngine(quality=quality, load=lambda _: network, kept=FeatureStore())
    graph = engine.pair_graph(photos, image_size=side, progress=silent).graph
    return {(e.i, e.j): (e.points_i, e.points_j, e.confidence_i, e.confidence_j) for e in graph.edges}


def official(
    net: AsymmetricCroCo3DStereo, device: torch.device, photos: Sequence[Photo], side: int
) -> dict[tuple[int, int], Maps]:
    """mini_dust3r's pairs and inference on the same pixels."""
    allow_torchvision()
    from mini_dust3r.image_pairs import make_pairs
    from mini_dust3r.inference import inference

    shown = [official_image(framed_image(p, frame(p.size, side)), n) for n, p in enumerate(photos)]
    pairs = make_pairs(shown, scene_graph="complete", symmetrize=True)
    said = inference(pairs, net, str(device), batch_size=1, verbose=False)
    fields = (
        said["pred1"]["pts3d"],
        said["pred2"]["pts3d_in_other_view"],
        said["pred1"]["conf"],
        said["pred2"]["conf"],
    )
    where = zip(said["view1"]["idx"], said["view2"]["idx"], strict=True)
    return {
        (int(i), int(j)): tuple(field[row].numpy() for field in fields) for row, (i, j) in enumerate(where)
    }


def official_image(image: NDArray[np.uint8], number: int) -> dict[str, Any]:
    """An image as DUSt3R's own loading hands it on."""
    scaled = torch.from_numpy(image.copy()).permute(2, 0, 1)[None].float() / 255.0
    return {
        "img": (scaled - 0.5) / 0.5,
        "true_shape": np.array([image.shape[:2]], dtype=np.int32),
        "idx": number,
        "instance": str(number),
    }


def peak_mb(memory: PeakMemory, device: torch.device) -> float:
    """Memory taken at most: of the GPU, weights included, or of the process since ``memory`` was made."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**20
    return memory.peak_mb() - memory.before_mb


if __name__ == "__main__":
    raise SystemExit(main())
