# SPDX-License-Identifier: GPL-3.0-or-later
"""Learning for a time: the steps and the rate that all networks share."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numpy as np
import torch
from torch import nn

WARM, STEADY = 100, 0.3
"""Steps until the learning rate is reached, and the share of the time after which it falls."""

Batch = TypeVar("Batch")
Network = TypeVar("Network", bound=nn.Module)


def ahead(batch: Callable[[], Batch]) -> Iterator[Batch]:
    """Batches without end; the next one is made while the network learns from the one before."""
    with ThreadPoolExecutor(1) as aside:
        following = aside.submit(batch)
        while True:
            ready, following = following.result(), aside.submit(batch)
            yield ready


def learned(
    network: Network,
    optimiser: torch.optim.Optimizer,
    batches: Iterable[Batch],
    loss_of: Callable[[Network, Batch], torch.Tensor],
    minutes: float,
) -> Network:
    """The network after so many minutes of steps, ready to be used.

    The rates that the optimiser comes with are the highest ones; every hundredth step tells how it goes.
    """
    highest = [group["lr"] for group in optimiser.param_groups]
    begun, mean = time.monotonic(), 0.0
    for step, batch in enumerate(batches):
        done = (time.monotonic() - begun) / (60.0 * minutes)
        if done >= 1.0:
            break
        for group, rate in zip(optimiser.param_groups, highest, strict=True):
            group["lr"] = rate * min(1.0, (step + 1) / WARM) * _falling(done)
        loss = loss_of(network, batch)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        optimiser.step()
        mean += max(0.02, 1.0 / (step + 1)) * (loss.item() - mean)
        if step % 100 == 0:
            print(f"step {step}, {100 * done:.0f} %, loss {mean:.4f}", flush=True)
    return network.eval()


def _falling(done: float) -> float:
    """The rate's share of the highest after a share of the time: even until ``STEADY``, then half a cosine to
    0."""
    return 0.5 * (1.0 + float(np.cos(np.pi * max(done - STEADY, 0.0) / (1.0 - STEADY))))
