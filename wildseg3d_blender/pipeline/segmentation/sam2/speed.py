# SPDX-License-Identifier: GPL-3.0-or-later
"""How fast a device runs SAM 2.1 tiny at its true size, without its weights.

The larger ones differ in the encoder only (see ``neural.estimate``). Imports torch and sam2.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import torch
from sam2.build_sam import build_sam2

from ...networks import torch_runtime as runtime
from .network import CONFIGS, Memory, Sam2Network

SIDE, ON_CPU, LARGER = 1024, 512, 5.0
"""A CPU is tried at half the side, where encoding was 4.9 and decoding 5.2 times quicker."""

POINTS, OBJECTS, REMEMBERED = 16, 4, 6
"""Decoded together; followed together, and the images that are looked back at."""


def measured_speed(device: torch.device, side: int | None = None) -> dict[str, float]:
    """What the device needs with SAM 2.1 tiny.

    Args:
        side: of the square images; by default what the device can do in a few seconds.

    Returns:
        "photo": seconds to encode a photo; "point": to decode one of many points; and but for a CPU, which
        follows objects by geometry, "follow": to find one object in one more view. All at ``SIDE``.
    """
    on_cpu = device.type == "cpu"
    side = side or (ON_CPU if on_cpu else SIDE)
    larger = LARGER if on_cpu else 1.0
    size = [f"++model.image_size={side}"]
    model = build_sam2(CONFIGS["sam2.1-tiny"], None, device="cpu", hydra_overrides_extra=size)
    network = Sam2Network(model, device, dtype=runtime.safe_half(device))
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (side, side, 3), dtype=np.uint8)
    points, labels = rng.random((POINTS, 1, 2), np.float32), np.ones((POINTS, 1), np.int32)
    features = network.encode(image)
    speed = {
        "photo": larger * _seconds(lambda: network.encode(image), on_cpu),
        "point": larger
        * _seconds(lambda: network.decode(features, points, labels, several=True), on_cpu)
        / POINTS,
    }
    if not on_cpu:
        masks = np.zeros((OBJECTS, side, side), bool)
        masks[:, : side // 2] = True
        key, recent = network.remember(features, masks), list[Memory]()
        for rank in range(1, REMEMBERED + 1):
            recent.insert(0, network.track(features, key, recent, rank, REMEMBERED + 2)[1])
        follow = _seconds(
            lambda: network.track(features, key, recent, REMEMBERED + 1, REMEMBERED + 2), on_cpu
        )
        speed["follow"] = follow / OBJECTS
    return speed


def _seconds(work: Callable[[], object], on_cpu: bool) -> float:
    """Seconds that ``work``, which ends with numbers on the CPU, takes when nothing else runs."""
    if not on_cpu:
        work()  # to warm up
        started = time.perf_counter()
        work()
        return time.perf_counter() - started
    # Other programs' share of the wall time is not ours; matrix products keep all threads busy.
    started = time.process_time()
    work()
    return (time.process_time() - started) / torch.get_num_threads()
