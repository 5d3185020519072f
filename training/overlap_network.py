# SPDX-License-Identifier: GPL-3.0-or-later
"""The network that judges masks: the outline network's way down, which the mask joins at a quarter."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from wildseg3d_blender.pipeline.segmentation.graphcut.overlap_windows import CHANNELS

from .network import WIDTHS, Block, as_array, folded
from .onnx_file import HALF, OnnxGraph

COLOURS = 3
"""Channels that the outline network knows as well."""

FIRST_WIDTH = 24
"""Channels made of the others, at half the resolution of a window."""

FROZEN = 2
"""Levels that stay as the outline network has them: learning them as well takes twice the time."""


class OverlapNetwork(nn.Module):
    """(n, 8, 96, 96) windows, see ``overlap_windows`` -> (n, 3, 3) logits of the intersection over union.

    The middle one counts; it sees all of the window.
    """

    def __init__(self) -> None:
        super().__init__()
        before = (COLOURS, *WIDTHS[:-1])
        self.seen = nn.ModuleList(
            nn.ModuleList([Block(a, b, 2), Block(b, b), *([Block(b, b)] if level > 1 else [])])
            for level, (a, b) in enumerate(zip(before, WIDTHS, strict=True))
        )
        widths = (CHANNELS - COLOURS, FIRST_WIDTH, *WIDTHS[1:3])
        self.known = nn.ModuleList(Block(a, b, 2) for a, b in pairwise(widths))
        self.dropout = nn.Dropout(0.2)
        self.last = nn.Conv2d(WIDTHS[-1], 1, 3, padding=1)

    def forward(self, windows: torch.Tensor) -> torch.Tensor:
        known = self.known[1](self.known[0](windows[:, COLOURS:]))
        with torch.no_grad():
            seen = windows[:, :COLOURS]
            for block in self._blocks(self.seen[:FROZEN]):
                seen = block(seen)
        seen = self.seen[FROZEN][0](seen + known) + self.known[2](known)
        for block in self._blocks(self.seen[FROZEN:])[1:]:
            seen = block(seen)
        logits: torch.Tensor = self.last(self.dropout(seen))[:, 0]
        return logits

    def train(self, mode: bool = True) -> OverlapNetwork:
        """As usual, but the frozen levels' normalisations stay as they are."""
        super().train(mode)
        self.seen[:FROZEN].eval()
        return self

    @staticmethod
    def _blocks(levels: nn.ModuleList) -> list[Block]:
        return [block for level in levels for block in level]

    @torch.no_grad()
    def start_from(
        self, kernels: list[tuple[NDArray[np.float32], NDArray[np.float32]]], windows: torch.Tensor
    ) -> None:
        """See as the outline network does. Its ``kernels`` hold the normalisations, which are taken out again
        as they would be for some ``windows``."""
        seen = windows[:, :COLOURS]
        for block, (weight, bias) in zip(self._blocks(self.seen), kernels, strict=False):
            block.convolution.weight.copy_(torch.from_numpy(weight))
            found, norm = block.convolution(seen), block.norm
            assert norm.running_mean is not None
            assert norm.running_var is not None
            norm.running_mean.copy_(found.mean((0, 2, 3)))
            norm.running_var.copy_(found.var((0, 2, 3), correction=0))
            norm.weight.copy_(torch.sqrt(norm.running_var + norm.eps))
            norm.bias.copy_(norm.running_mean + torch.from_numpy(bias))
            seen = functional.relu(found + torch.from_numpy(bias)[:, None, None])


def onnx_file(network: OverlapNetwork, kept: int = HALF) -> bytes:
    """The trained network as an ONNX file, (1, 8, 96, 96) -> (1, 1, 3, 3).

    The first kernels of both ways have zeros for each other's channels, as all come in together; ``kept`` is
    the kernels' element type.
    """
    graph = OnnxGraph(CHANNELS, kept)

    def block(values: str, of: Block, channels: slice = slice(None)) -> str:
        weight, bias = folded(of)
        if channels != slice(None):
            wide = np.zeros((len(weight), CHANNELS, *weight.shape[2:]), dtype=np.float32)
            wide[:, channels] = weight
            weight = wide
        return graph.rectified(graph.convolved(values, weight, bias, of.convolution.stride[0]))

    known = block("image", network.known[0], slice(COLOURS, None))
    known = block(known, network.known[1])
    first, *frozen = network._blocks(network.seen[:FROZEN])
    seen = block("image", first, slice(COLOURS))
    for of in frozen:
        seen = block(seen, of)
    joining, *others = network._blocks(network.seen[FROZEN:])
    seen = graph.added(block(graph.added(seen, known), joining), block(known, network.known[2]))
    for of in others:
        seen = block(seen, of)
    assert network.last.bias is not None
    last = graph.convolved(seen, as_array(network.last.weight), as_array(network.last.bias))
    return graph.file(last, 1)
