# SPDX-License-Identifier: GPL-3.0-or-later
"""How fast a device runs DUSt3R at its true size, without its weights.

Time does not depend on what the weights are, so all blocks of a kind share one block's: a tenth of the
memory, and nothing to download.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch

from ...networks import torch_runtime as runtime
from .network import CONFIGS, AsymmetricCroCo3DStereo, Dust3rNetwork

SIZE = (512, 384)
"""(width, height) of the images."""

ON_CPU, LARGER = (256, 192), 4.5
"""A CPU is tried at half that size, which is quicker by so much: 4.4 times fewer operations, and attention,
which grows with the square, takes more than its share of time."""

AT_ONCE = 4
"""Images, and pairs, in one go on a GPU, if they fit: one alone would not keep it busy."""


def measured_speed(
    device: torch.device, config: Mapping[str, Any] = CONFIGS["dust3r-512-dpt"]
) -> dict[str, float]:
    """What the device needs for the network with these arguments.

    Returns:
        "encode" and "pair": seconds for one image's encoder, and for one pair's decoder and heads, at
        ``SIZE``.
        "memory": bytes that the device has; absent where it shares the computer's.
    """
    network = Dust3rNetwork(
        _shared_net(device, config), device, identity="speed", dtype=runtime.fine_half(device)
    )
    size, larger = (ON_CPU, LARGER) if device.type == "cpu" else (SIZE, 1.0)
    image = np.random.default_rng(0).integers(0, 256, (*size[::-1], 3), dtype=np.uint8)
    images = min(network.images_at_once(size), AT_ONCE)
    pairs = min(network.pairs_at_once(size), AT_ONCE)
    tokens = network.encode([image])[0]
    encoding = _seconds(lambda: network.encode([image] * images), device)
    decoding = _seconds(lambda: network.decode([(tokens, tokens)] * pairs, size, size), device)
    speed = {"encode": larger * encoding / images, "pair": larger * decoding / pairs}
    if device.type == "cuda":
        speed["memory"] = float(torch.cuda.get_device_properties(device).total_memory)
    return speed


def _shared_net(device: torch.device, config: Mapping[str, Any]) -> AsymmetricCroCo3DStereo:
    """The network with random weights, those of each kind of block once."""
    with torch.device("meta"):
        net = AsymmetricCroCo3DStereo(**config)
    for blocks in (net.enc_blocks, net.dec_blocks, net.dec_blocks2):
        for place in range(1, len(blocks)):
            blocks[place] = blocks[0]
    net.to_empty(device=device)
    with torch.no_grad():
        for values in net.parameters():
            values.normal_(0.0, 0.02)
    return net


def _seconds(work: Callable[[], Sequence[Any]], device: torch.device) -> float:
    """Seconds that ``work``, which ends with numbers on the CPU, takes when nothing else runs."""
    if device.type == "cpu":
        # Other programs' share of the wall time is not ours; matrix products keep all threads busy.
        started = time.process_time()
        work()
        return (time.process_time() - started) / torch.get_num_threads()
    work()  # to warm up
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
