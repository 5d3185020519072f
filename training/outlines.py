# SPDX-License-Identifier: GPL-3.0-or-later
"""Train the network that finds outlines, from nothing.

    python -m training.outlines VIEWS OUT.onnx [--minutes 45] [--collages 1200]

VIEWS is a folder of rendered scenes (see ``training.scenes``). Runs in the environment of the networks. Two
runs of the same time differ a little: how many steps fit in depends on the machine.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from training.collages import collage
from training.examples import Example, read_examples, sample, targets
from training.learning import ahead, learned
from training.network import OutlineNetwork, onnx_file

WIDTH, HEIGHT, BATCH = 192, 160, 8
COLLAGE = (288, 224)

RATE = 3e-3
"""Highest learning rate."""

RENDERED, ENOUGH = 0.7, 120
"""Share of rendered views among the examples, and from how many views on; fewer would be learned by heart."""

OUTLINE_WEIGHT, OBJECT_WEIGHT = 4.0, 0.2
"""What a pixel of an outline counts, of which there are few, and what telling objects from surfaces does."""


Batch = tuple[torch.Tensor, torch.Tensor, torch.Tensor]


class Examples:
    """Endless batches: pictures (n, 3, h, w) float32, targets and weights (n, 2, h, w) float32."""

    def __init__(self, rendered: Sequence[Example], collages: Sequence[Example], seed: int) -> None:
        self.rendered, self.collages = rendered, collages
        self.share = RENDERED * min(1.0, len(rendered) / ENOUGH)
        self.rng = np.random.default_rng(seed)

    def batch(self) -> Batch:
        """The next one."""
        images, wanted, counts = zip(*(self._one() for _ in range(BATCH)), strict=True)
        pictures = torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2).float() / 255.0 - 0.5
        return pictures, torch.from_numpy(np.stack(wanted)), torch.from_numpy(np.stack(counts))

    def _one(self) -> tuple[NDArray[np.uint8], NDArray[np.float32], NDArray[np.float32]]:
        rng = self.rng
        pool = self.rendered if rng.random() < self.share else self.collages
        others = self.rendered if rng.random() < self.share else self.collages
        example = sample(rng, pool[int(rng.integers(len(pool)))], others, WIDTH, HEIGHT)
        return (example.image, *targets(example.instance))


def main(arguments: Sequence[str]) -> int:
    """Train for a time and write the network; exit status 1 where there are no views."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("views", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--minutes", type=float, default=45.0)
    parser.add_argument("--collages", type=int, default=1200)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    rendered = read_examples(options.views)
    if not rendered:
        print(f"There are no views in {options.views}: render some with python -m training.scenes.")
        return 1
    rng = np.random.default_rng(options.seed)
    collages = [collage(rng, *COLLAGE) for _ in range(options.collages)]
    print(f"{len(rendered)} views, {len(collages)} collages", flush=True)
    network = trained(Examples(rendered, collages, options.seed), options.minutes, options.seed)
    options.out.write_bytes(onnx_file(network))
    return 0


def trained(examples: Examples, minutes: float, seed: int) -> OutlineNetwork:
    """A new network after so many minutes of steps."""
    torch.manual_seed(seed)
    network = OutlineNetwork().to(memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(network.parameters(), lr=RATE, weight_decay=1e-3)
    return learned(network, optimiser, ahead(examples.batch), _loss, minutes)


def _loss(network: OutlineNetwork, batch: Batch) -> torch.Tensor:
    """Mean cross entropy of outlines, and with little weight of objects."""
    pictures, wanted, counts = batch
    logits = network(pictures.contiguous(memory_format=torch.channels_last))
    rare = torch.tensor([OUTLINE_WEIGHT, 1.0])[:, None, None]
    each = functional.binary_cross_entropy_with_logits(
        logits, wanted, counts, reduction="none", pos_weight=rare
    )
    outline, object_ = each.sum((0, 2, 3)) / counts.sum((0, 2, 3)).clamp(min=1.0)
    return outline + OBJECT_WEIGHT * object_


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
