# SPDX-License-Identifier: GPL-3.0-or-later
"""Floating-point operations of DUSt3R at true size: ours by preset beside the official symmetrised inference.

    PYTHON -m benchmarks.neural_parts.flops

One encoding, one pair's decoder and heads, and one official forward pass are run at 512 x 384 and counted by
torch; every run is a sum of these, so any number of photos follows exactly. Random weights: counts do not
depend on them.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.neural_parts.dust3r_rows import SIZES, official_image, random_net
from wildseg3d_blender.pipeline.engines.dust3r.network import Dust3rNetwork
from wildseg3d_blender.pipeline.engines.dust3r.pairs import PRESETS, chosen_pairs

SHAPE = {"full": (384, 512), "small": (96, 128)}


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the counts as JSON, in multiples of 10^9."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--size", choices=list(SIZES), default="full")
    parser.add_argument("--photos", type=int, nargs="+", default=[2, 5, 10])
    options = parser.parse_args(arguments)
    encode, decode, forward = per_part(options.size)
    rows = []
    for count in options.photos:
        official = count * (count - 1) * forward
        row = {"photos": count, "official": official / 1e9}
        for name, preset in PRESETS.items():
            # Where a preset leaves pairs out, which ones depends on the photos, how many hardly does.
            pairs = chosen_pairs(like_a_walk(count), preset)
            ours = count * encode + len(pairs) * decode
            row |= {name: ours / 1e9, f"{name}_pairs": len(pairs), f"{name}_fewer": official / ours}
        rows.append(row)
    parts = {"encode": encode / 1e9, "decode": decode / 1e9, "official_pair": forward / 1e9}
    print(json.dumps({"parts": parts, "rows": rows}))
    return 0


def per_part(size: str) -> tuple[int, int, int]:
    """Operations of one encoding, of one pair after it, and of one official forward pass."""
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 256, (*SHAPE[size], 3), dtype=np.uint8) for _ in range(2)]
    net = random_net(SIZES[size][0])
    network = Dust3rNetwork(net, torch.device("cpu"), identity="random")
    width_height = images[0].shape[1::-1]
    with FlopCounterMode(display=False) as encoding:
        (first,) = network.encode(images[:1])
    with FlopCounterMode(display=False) as decoding:
        network.decode([(first, first)], width_height, width_height)
    views = [official_image(image, number) for number, image in enumerate(images)]
    for view in views:
        view |= {"true_shape": torch.from_numpy(view["true_shape"]), "instance": [view["instance"]]}
    with FlopCounterMode(display=False) as whole, torch.no_grad():
        net(*views)
    return encoding.get_total_flops(), decoding.get_total_flops(), whole.get_total_flops()


def like_a_walk(count: int) -> np.ndarray:
    """Similarities of photos taken one after the other."""
    place = np.arange(count)
    return np.exp(-np.abs(place[:, None] - place[None, :]) / 3.0)


if __name__ == "__main__":
    raise SystemExit(main())
