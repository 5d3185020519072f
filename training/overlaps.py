# SPDX-License-Identifier: GPL-3.0-or-later
"""Train the network that judges masks, starting from the kernels of the outline network.

    python -m training.overlaps VIEWS OUT.onnx [--minutes 30]

VIEWS is a folder of rendered scenes (see ``training.scenes``). Runs in the environment of the networks. The
clicks and guesses in all scenes are found first, two seconds a scene. Two runs of the same time differ a
little: how many steps fit in depends on the machine.
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

from training.examples import developed
from training.guessed import Clicked, SeenView, masks_for, read_clicked
from training.learning import ahead, learned
from training.onnx_file import kernels
from training.overlap_network import OverlapNetwork, onnx_file
from wildseg3d_blender.pipeline.segmentation.graphcut.outline_network import WEIGHTS as OUTLINE_WEIGHTS
from wildseg3d_blender.pipeline.segmentation.graphcut.overlap_windows import Change, Windows

CLICKS, MASKS = 6, 8
"""Clicks in a batch, and masks for each."""

RATE, SEEN_SHARE = 2e-3, 0.5
"""Highest learning rate, and what the outline network's kernels have of it."""

RANKING, SPREAD = 0.25, 0.1
"""What it counts to tell which mask for a click is best, and by how much overlaps differ to matter."""

NO_DEPTH, NO_CLICK, AS_IT_IS = 0.3, 0.1, 0.15
"""Shares of clicks without depth, without the click's place, and of pictures as they are."""

KEPT, RENEWED = 3, 0.02
"""Developed pictures kept of each view, and how often one is developed anew when it is used."""

Batch = tuple[torch.Tensor, torch.Tensor]


class Examples:
    """Endless batches: windows (n * m, 8, 96, 96) float32 and the intersections over union (n, m) float32."""

    def __init__(self, clicked: Sequence[Clicked], seed: int) -> None:
        self.clicked = clicked
        self.rng = np.random.default_rng(seed)
        self._developed: dict[tuple[int, int], Windows] = {}

    def batch(self) -> Batch:
        """The next one."""
        chosen = [self.clicked[int(k)] for k in self.rng.integers(len(self.clicked), size=CLICKS)]
        windows, overlaps = zip(*(self._one(clicked) for clicked in chosen), strict=True)
        return torch.from_numpy(np.concatenate(windows)), torch.from_numpy(np.stack(overlaps))

    def _one(self, clicked: Clicked) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        rng, true = self.rng, clicked.view.instance == clicked.thing
        picture = self._picture(clicked.view)
        masks = masks_for(rng, clicked, MASKS)
        click = clicked.pixel if rng.random() > NO_CLICK else None
        windows = np.stack([picture.around(mask, click, _change(rng)) for mask in masks])
        if rng.random() < NO_DEPTH:
            windows[:, 5:7] = 0.0
        both = np.array([np.count_nonzero(mask & true) for mask in masks])
        either = np.array([np.count_nonzero(mask | true) for mask in masks])
        return windows, (both / either).astype(np.float32)

    def _picture(self, view: SeenView) -> Windows:
        key = (id(view), int(self.rng.integers(KEPT)))
        if key not in self._developed or self.rng.random() < RENEWED:
            image = view.image if self.rng.random() < AS_IT_IS else developed(self.rng, view.image)
            self._developed[key] = Windows(image, view.depth, view.measured)
        return self._developed[key]


def _change(rng: np.random.Generator) -> Change:
    size, stretch = np.exp(rng.normal(0.0, [0.12, 0.06]))
    right, down = rng.normal(0.0, 0.05, 2)
    return Change(size, stretch, right, down, float(rng.normal(0.0, 8.0)), bool(rng.random() < 0.5))


def main(arguments: Sequence[str]) -> int:
    """Train for a time and write the network; exit status 1 where there is nothing to click."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("views", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    seeds = sorted(int(path.parent.name) for path in options.views.glob("*/view_1.npz"))
    clicked = [item for seed in seeds for item in read_clicked(options.views, seed)]
    if not clicked:
        print(f"There is nothing to click in {options.views}: render some with python -m training.scenes.")
        return 1
    print(f"{len(seeds)} scenes, {len(clicked)} clicks", flush=True)
    network = trained(Examples(clicked, options.seed), options.minutes, options.seed)
    options.out.write_bytes(onnx_file(network))
    return 0


def trained(examples: Examples, minutes: float, seed: int) -> OverlapNetwork:
    """A new network after so many minutes of steps."""
    torch.manual_seed(seed)
    network = OverlapNetwork()
    network.start_from(kernels(OUTLINE_WEIGHTS.read_bytes()), examples.batch()[0])
    network = network.to(memory_format=torch.channels_last).train()
    rest = [*network.known.parameters(), *network.last.parameters()]
    optimiser = torch.optim.AdamW(
        [{"params": network.seen.parameters(), "lr": RATE * SEEN_SHARE}, {"params": rest, "lr": RATE}],
        weight_decay=0.02,
    )
    return learned(network, optimiser, ahead(examples.batch), _loss, minutes)


def _loss(network: OverlapNetwork, batch: Batch) -> torch.Tensor:
    """Cross entropy of each overlap, and of which of the masks for a click is the best."""
    windows, overlaps = batch
    logits = network(windows.contiguous(memory_format=torch.channels_last))[:, 1, 1].view(overlaps.shape)
    each = functional.binary_cross_entropy_with_logits(logits, overlaps)
    best = torch.softmax(overlaps / SPREAD, 1)
    ranking = functional.cross_entropy(torch.sigmoid(logits) / SPREAD, best)
    return each + RANKING * ranking


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
